#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viper/export.h"
#include "viper/result.h"
#include "viper/value.h"

namespace viper {

/// What one engine was measured to do with one set of vectors. What was not measured is absent.
struct MeasuredRun {
  /// Who was measured, with its version, such as "hnswlib 0.8.0, M 16".
  std::string name = {};
  /// Tells this run from others of the same, such as a date and a revision.
  std::string run = {};
  /// What it was measured with, such as "sift-photos-1m": only runs over the same data compare.
  std::string data = {};
  /// Share of the true nearest that searches found, 0 to 1.
  std::optional<double> recall = {};
  /// The most memory that it held, mapped files included.
  std::optional<double> peak_memory_bytes = {};
  std::optional<double> queries_per_s = {};
  /// On disk.
  std::optional<double> stored_bytes = {};
  /// From raw vectors to the first right answer.
  std::optional<double> build_s = {};

  friend bool operator==(const MeasuredRun&, const MeasuredRun&) = default;
};

/// How one recorded run compares with a named other, the baseline. There is no number that was not
/// measured in both.
struct PerformanceMetrics {
  /// MeasuredRun::name and ::run of both.
  std::string name;
  std::string run;
  std::string baseline;
  std::string baseline_run;
  std::string data;
  /// 1 - memory / memory of the baseline: 0.6 = 60 % less. Only at equal recall (kRecallSlack).
  std::optional<double> memory_efficiency;
  /// Queries a second / those of the baseline - 1: 0.4 = 40 % more. Only at equal recall.
  std::optional<double> search_performance;
  /// Stored bytes of the baseline / stored bytes - 1: 0.25 = a ratio that is 25 % better.
  std::optional<double> compression_ratio;
  /// Seconds of the baseline / seconds: 5 = five times as fast. Only at equal recall.
  std::optional<double> build_performance;

  /// Recalls that differ by no more than this are equal.
  static constexpr double kRecallSlack = 0.005;
};

/// Compare two runs. InvalidArgument if they were measured with other data, if a run has no name,
/// or a number that can be none (not finite, not above 0, a recall beyond 1).
VIPER_EXPORT Result<PerformanceMetrics> ComparePerformance(const MeasuredRun& run,
                                                           const MeasuredRun& baseline);

/// A run as a JSON object whose keys are the members' names; what is absent has no key.
VIPER_EXPORT Value ToValue(const MeasuredRun& run);
/// Read runs from JSON Lines as ToValue writes them. InvalidArgument names the line.
VIPER_EXPORT Result<std::vector<MeasuredRun>> ParseMeasuredRuns(std::string_view json_lines);

}  // namespace viper
