#include "measurement.h"

#include <fmt/core.h>
#include <time.h>

#include <algorithm>
#include <utility>

#include "viper/clock.h"

namespace viper::bench {

double MonotonicSeconds() {
  // steady_clock is CLOCK_MONOTONIC on Linux, which all processes share.
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double ThreadSeconds() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double Rounds::Median() const {
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

Value::Object Rounds::Summary() const {
  Value::Object summary;
  if (!values_.empty()) {
    auto [smallest, largest] = std::minmax_element(values_.begin(), values_.end());
    summary["median"] = Median();
    summary["min"] = *smallest;
    summary["max"] = *largest;
  }
  summary["rounds"] = static_cast<int64_t>(values_.size());
  return summary;
}

void Report::Add(const std::string& benchmark, const std::string& label, const std::string& data,
                 Value::Object results) {
  Value::Object line = environment_;
  line["benchmark"] = benchmark;
  line["case"] = label;
  line["data"] = data;
  line["date"] = Clock::System().Now();
  line["results"] = std::move(results);
  fmt::print(file_, "{}\n", Value(std::move(line)).ToJson());
  std::fflush(file_);
}

}  // namespace viper::bench
