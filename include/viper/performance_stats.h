#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viper/clock.h"
#include "viper/export.h"
#include "viper/file_system.h"
#include "viper/operation_metrics.h"
#include "viper/operation_summary.h"
#include "viper/optimization.h"
#include "viper/resources.h"
#include "viper/result.h"
#include "viper/value.h"

namespace viper {

/// What is measured and kept.
struct VIPER_EXPORT StatsConfig {
  /// Keep the last operations that were recorded, each with its phases
  /// (PerformanceReport::recent_operations). Off: sums only.
  bool enable_detailed_tracking = true;
  /// So many of them. 1 to 100,000.
  size_t detailed_operations_max = 1000;
  /// A report counts what the engine has done until that moment. Off: until the last
  /// `collection_interval_ms`.
  bool enable_realtime_metrics = true;
  /// Collectors take the processor's time too (Utilities::MakeCollector).
  bool enable_profiling = true;
  /// How often the engine's counters are taken over and the history is synced. 1 ms or more.
  uint64_t collection_interval_ms = 60'000;
  /// What is older is forgotten. `rollup_ms` or more.
  uint64_t retention_ms = uint64_t{168} * 3600 * 1000;
  /// The history has one sum for each so long stretch of time. 1 s or more. Of all operations there
  /// are 500,000 sums at most: of more the oldest are forgotten before their time.
  uint64_t rollup_ms = 300'000;

  /// OK, or InvalidArgument naming the member that is wrong and its value.
  Status Validate() const;
};

/// Who counted.
enum class OperationSource : uint8_t {
  /// Callers, with OperationStatsCollector.
  kRecorded = 0,
  /// The engine itself.
  kEngine = 1,
};

/// Return "recorded" or "engine".
VIPER_EXPORT std::string_view OperationSourceName(OperationSource source);

/// What operations came to within the retention period. Times are in milliseconds, absent where
/// there was none; means are true means, percentiles within a 64th.
struct OperationTotals {
  uint64_t total_operations = 0;
  uint64_t failures = 0;
  uint64_t records = 0;
  uint64_t bytes_written = 0;
  std::optional<double> avg_latency_ms = {};
  std::optional<double> p50_latency_ms = {};
  std::optional<double> p95_latency_ms = {};
  std::optional<double> p99_latency_ms = {};
  std::optional<double> max_latency_ms = {};
  /// Records a second of the time that operations took.
  std::optional<double> records_per_second = {};
  /// Logical over stored bytes, of the operations that told a ratio: each weighs by the bytes that
  /// it wrote. If none of them told its bytes it is the plain mean.
  std::optional<double> avg_compression_ratio = {};
};

/// Of one operation of one collection.
struct OperationStatistics {
  OperationSource source = OperationSource::kRecorded;
  std::string collection = {};
  std::string operation = {};
  OperationTotals totals = {};
};

/// Of the operations of one collection.
struct CollectionPerformance {
  std::string collection = {};
  /// As PerformanceReport has them for all.
  OperationTotals recorded = {};
  OperationTotals engine = {};
};

/// How a number went over the history.
struct Trend {
  OperationSource source = OperationSource::kRecorded;
  std::string collection = {};
  std::string operation = {};
  /// "latency_ms", "operations" or "compression_ratio".
  std::string measure = {};
  /// 1 rising, -1 falling, 0 where `confidence` is below 0.95.
  int direction = 0;
  /// Of the Theil-Sen line (the median of the slopes of all pairs), an hour, and from the first
  /// stretch of time to the last as a share of where the line begins; absent if that is not above
  /// 0.
  double slope_per_hour = 0;
  std::optional<double> change_share = {};
  /// 1 - p of the Mann-Kendall test (two sides, corrected for ties): how sure it is that it went in
  /// one direction.
  double confidence = 0;
  /// Stretches of time that it was found from, 8 or more, and when the first and the last began.
  uint64_t points = 0;
  Timestamp first = {};
  Timestamp last = {};
};

/// What there is to know about how operations went (Utilities::GetPerformanceStats).
struct PerformanceReport {
  /// All are of this collection only; empty = of all.
  std::string collection = {};
  Timestamp made_at = {};
  /// What callers recorded.
  OperationTotals global_stats = {};
  /// What the engine counted of its own calls. The two are apart: who records an insert has made it
  /// through the engine.
  OperationTotals engine_stats = {};
  std::vector<CollectionPerformance> collection_stats = {};
  std::vector<OperationStatistics> operations = {};
  /// The newest first.
  std::vector<OperationMetrics> recent_operations = {};
  std::vector<Trend> trends = {};
  /// Filled in by Utilities: what the process and the open collections take, and what was
  /// recommended and is not done yet, or failed.
  std::optional<ResourceReport> resources = {};
  std::vector<Recommendation> recommendations = {};
};

/// The central account of operations: sums for stretches of time, kept for a retention period, also
/// over restarts. Every operation is counted once. Thread-safe.
class VIPER_EXPORT PerformanceStatsCollector {
 public:
  struct Options {
    StatsConfig config = {};
    /// Where the history is kept: one process at a time. Empty = in memory only.
    std::string directory = {};
    /// Not owned; null = FileSystem::Local() and Clock::System().
    FileSystem* file_system = nullptr;
    const Clock* clock = nullptr;
  };
  /// Read the history, if there is one. A torn end, which a crash leaves, is cut. InvalidArgument;
  /// Busy if another process has it.
  static Result<std::unique_ptr<PerformanceStatsCollector>> Make(Options options);
  /// Syncs the history.
  ~PerformanceStatsCollector();
  PerformanceStatsCollector(const PerformanceStatsCollector&) = delete;
  PerformanceStatsCollector& operator=(const PerformanceStatsCollector&) = delete;

  /// Count an operation. It survives kill -9 when this returns OK, and power loss after the next
  /// Sync. InvalidArgument: no name of the operation, a name above 1 KiB, or a compression ratio
  /// that cannot be. ResourceExhausted: there are 10,000 operations of collections in the history,
  /// and this is another one. If the history cannot be written, IoError, and the operation is
  /// counted in memory; the next one that can be written takes it along.
  Status Record(const OperationMetrics& metrics);
  /// Take over what an engine has counted since the last call. What it had counted before the first
  /// call for an epoch is taken over if `from_zero`. Fails as Record does, with the first error;
  /// what can be taken over is, and the rest may be the next time.
  Status Take(std::span<const CollectionOperations> counted, bool from_zero = true);
  /// Forget what is older than the retention period, and make the rest durable.
  Status Sync();
  /// NotFound if a collection is named of which nothing was ever counted.
  Result<PerformanceReport> Report(const std::optional<std::string>& collection = {}) const;
  /// Bytes of the history that opening found torn or damaged, and left out.
  uint64_t lost_bytes() const;

 private:
  class Impl;
  explicit PerformanceStatsCollector(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// As JSON objects, for programs; keys are those of the members.
VIPER_EXPORT Value ToValue(const OperationMetrics& metrics);
VIPER_EXPORT Value ToValue(const PerformanceReport& report);

}  // namespace viper
