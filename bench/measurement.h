#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "viper/result.h"
#include "viper/value.h"

namespace viper::bench {

/// Seconds since some fixed moment, the same for all processes of the machine.
double MonotonicSeconds();

/// Processor time that the calling thread has used so far, in seconds.
double ThreadSeconds();

struct Elapsed {
  double wall = 0;
  /// Processor time of the calling thread: what work of one thread costs, whoever else is running.
  double processor = 0;
};

/// Call `work` (a function returning Status) and return the time it took, or its failure.
template <typename Work>
Result<Elapsed> TimeOnce(Work&& work) {
  const double wall = MonotonicSeconds();
  const double processor = ThreadSeconds();
  Status status = work();
  Elapsed elapsed{.wall = MonotonicSeconds() - wall, .processor = ThreadSeconds() - processor};
  if (!status.ok()) return status;
  return elapsed;
}

/// The values of several rounds of one measurement.
class Rounds {
 public:
  void Add(double value) { values_.push_back(value); }
  size_t count() const { return values_.size(); }
  double Median() const;
  /// {"median", "min", "max", "rounds"}.
  Value::Object Summary() const;

 private:
  std::vector<double> values_;
};

/// Writes one JSON object a line, each with the machine, the build and the time it was measured.
class Report {
 public:
  /// `file` is not owned. `machine` is put into every line.
  Report(std::FILE* file, Value::Object environment)
      : file_(file), environment_(std::move(environment)) {}

  /// `data` names where the vectors came from, `results` holds what was measured.
  void Add(const std::string& benchmark, const std::string& label, const std::string& data,
           Value::Object results);

 private:
  std::FILE* file_;
  Value::Object environment_;
};

}  // namespace viper::bench
