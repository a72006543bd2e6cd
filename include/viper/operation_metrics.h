#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viper/clock.h"
#include "viper/export.h"
#include "viper/result.h"
#include "viper/value.h"

namespace viper {

/// What one phase of an operation took. While phases lie inside each other, time counts for the
/// one that began last: so the phases of an operation never sum to more than its total.
struct PhaseMetrics {
  std::string name = {};
  /// How often it began.
  uint64_t count = 0;
  /// By a steady clock, over all times that it ran.
  uint64_t nanoseconds = 0;
  /// Of the processor, spent by the thread that begins and ends the phases; absent unless asked for
  /// (OperationStatsOptions::profile).
  std::optional<uint64_t> cpu_nanoseconds = {};
  /// It had begun, and not ended, when the operation did: its time is that until then.
  bool is_unclosed = false;

  friend bool operator==(const PhaseMetrics&, const PhaseMetrics&) = default;
};

/// What one operation did and took.
struct OperationMetrics {
  std::string operation = {};
  std::string collection = {};
  Timestamp started_at = {};
  /// By a steady clock.
  uint64_t total_nanoseconds = 0;
  /// As PhaseMetrics::cpu_nanoseconds, of the whole.
  std::optional<uint64_t> cpu_nanoseconds = {};
  /// In the order in which they began first.
  std::vector<PhaseMetrics> phases = {};
  uint64_t records = 0;
  uint64_t bytes_written = 0;
  /// Logical bytes over stored bytes: above 1 the data shrank. Absent if nobody said.
  std::optional<double> compression_ratio = {};
  bool is_failed = false;
  /// Calls that made no sense and were passed over, such as the end of a phase that had not begun.
  std::vector<std::string> problems = {};

  double total_ms() const { return static_cast<double>(total_nanoseconds) / 1e6; }
  /// Absent for an operation that took no time at all.
  std::optional<double> records_per_second() const {
    if (total_nanoseconds == 0) return std::nullopt;
    return static_cast<double>(records) * 1e9 / static_cast<double>(total_nanoseconds);
  }
  /// Stored bytes over logical bytes: 0.7 where three tenths were saved.
  std::optional<double> stored_fraction() const {
    if (!compression_ratio) return std::nullopt;
    return 1 / *compression_ratio;
  }

  friend bool operator==(const OperationMetrics&, const OperationMetrics&) = default;
};

struct OperationStatsOptions {
  /// Take the processor's time too: one more call of the system at each begin and end of a phase.
  bool profile = false;
  /// Says when the operation began. Not owned; null = Clock::System().
  const Clock* clock = nullptr;
  /// Nanoseconds that never go back, and those that this thread spent on the processor; null = the
  /// machine's own.
  std::function<uint64_t()> steady_nanoseconds = nullptr;
  std::function<uint64_t()> cpu_nanoseconds = nullptr;
};

/// Measures one operation of the caller's: StartOperation, then phases and numbers in any order,
/// then Finalize. Calls that make no sense change nothing and are told in
/// OperationMetrics::problems. Not thread-safe; all calls come from the thread that does the work.
class VIPER_EXPORT OperationStatsCollector {
 public:
  OperationStatsCollector(std::string operation, std::string collection,
                          OperationStatsOptions options = {});

  /// Start the clock. Called again it begins anew: all that was collected is dropped.
  void StartOperation();
  /// Begin a phase, of any name. Names that come again are one phase, whose times add up.
  void StartPhase(std::string_view name);
  void EndPhase(std::string_view name);
  void SetRecordsProcessed(uint64_t count);
  void SetBytesWritten(uint64_t bytes);
  /// Logical bytes over stored bytes. Below 1 is accepted: the data grew. InvalidArgument, and no
  /// change: 0, negative, or not finite.
  Status SetCompressionRatio(double ratio);
  /// The operation did not do what it was to.
  void SetFailed();
  /// Stop the clock and return what was measured. Called again it returns the same; what is set in
  /// between is passed over.
  const OperationMetrics& Finalize();

 private:
  struct Moment {
    uint64_t steady = 0;
    uint64_t cpu = 0;
  };
  Moment Now() const;
  /// Count the time since the last call for the phase that began last.
  void Advance();
  void NoteProblem(std::string problem);

  const OperationStatsOptions options_ = {};
  OperationMetrics metrics_ = {};
  bool is_running_ = false;
  bool is_final_ = false;
  Moment begin_ = {};
  Moment last_ = {};
  /// Indexes of the phases that have begun and not ended, the last one last.
  std::vector<size_t> open_ = {};
};

}  // namespace viper
