#include "viper/performance_stats.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "platform/mutex.h"
#include "storage/directory_creation.h"
#include "storage/file_names.h"
#include "utilities/config_checks.h"
#include "utilities/frame_log.h"
#include "utilities/rollup.h"
#include "utilities/trend.h"

namespace viper {
namespace {

using utilities::FrameLog;
using utilities::HistoryEntry;
using utilities::Rollup;
using utilities::SeriesKey;
using utilities::TrendPoint;

constexpr std::string_view kHistoryKind = "VPSTAT01";
constexpr size_t kDetailedOperationsMax = 100'000;
/// The file is written anew when it has so many times the bytes that it had then, and these.
constexpr uint64_t kHistoryGrowth = 4;
constexpr uint64_t kHistorySlackBytes = uint64_t{1} << 20;
/// Names of operations and collections that are told apart; what comes after is refused.
constexpr size_t kSeriesMax = 10'000;
/// Sums of all series at most: beyond it a tenth, the oldest, is forgotten before its time.
constexpr size_t kStretchesMax = 500'000;
/// Of a name. With it an entry is far below what the file takes as one record.
constexpr size_t kNameBytesMax = 1024;
/// To make room for new series all of them are looked through: not more often than this.
constexpr int64_t kMakeRoomMicros = 1'000'000;
constexpr double kTrendConfidenceMin = 0.95;
constexpr double kMicrosInHour = 3.6e9;

LatencyCounts CountsOf(const OperationSummary& summary) {
  LatencyCounts counts;
  for (const LatencyBucket& bucket : summary.buckets) {
    counts.AddBucket(LatencyBuckets::Of(bucket.low_nanoseconds), bucket.count);
  }
  counts.AddTotals(summary.total_nanoseconds, summary.max_nanoseconds);
  return counts;
}

uint64_t Grown(uint64_t now, uint64_t before) { return now - std::min(now, before); }

Status CheckName(std::string_view member, const std::string& name) {
  if (name.size() <= kNameBytesMax) return {};
  return Status::InvalidArgument(fmt::format("{} is too long: actual={} allowed={} bytes", member,
                                             name.size(), kNameBytesMax));
}

/// Nothing may get into the history that cannot be written to it, or makes sums useless.
Status CheckMetrics(const OperationMetrics& metrics) {
  if (metrics.operation.empty()) {
    return Status::InvalidArgument("an operation that is recorded must have a name");
  }
  VIPER_RETURN_IF_ERROR(CheckName("OperationMetrics::operation", metrics.operation));
  VIPER_RETURN_IF_ERROR(CheckName("OperationMetrics::collection", metrics.collection));
  const auto ratio = metrics.compression_ratio;
  if (!ratio || (std::isfinite(*ratio) && *ratio > 0)) return {};
  return Status::InvalidArgument(
      fmt::format("operation '{}': OperationMetrics::compression_ratio must be above 0, and "
                  "finite: actual={}",
                  metrics.operation, *ratio));
}

void KeepFirst(Status& first, const Status& status) {
  if (first.ok()) first = status;
}

}  // namespace

std::string_view OperationSourceName(OperationSource source) {
  return source == OperationSource::kRecorded ? "recorded" : "engine";
}

Status StatsConfig::Validate() const {
  if (detailed_operations_max < 1 || detailed_operations_max > kDetailedOperationsMax) {
    return Status::InvalidArgument(
        fmt::format("StatsConfig::detailed_operations_max is out of range: min=1 max={} actual={}",
                    kDetailedOperationsMax, detailed_operations_max));
  }
  VIPER_RETURN_IF_ERROR(
      utilities::CheckMilliseconds("StatsConfig::collection_interval_ms", collection_interval_ms));
  VIPER_RETURN_IF_ERROR(utilities::CheckMilliseconds("StatsConfig::rollup_ms", rollup_ms, 1000));
  return utilities::CheckMilliseconds("StatsConfig::retention_ms", retention_ms, rollup_ms);
}

class PerformanceStatsCollector::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)) {
    if (options_.file_system == nullptr) options_.file_system = &FileSystem::Local();
    if (options_.clock == nullptr) options_.clock = &Clock::System();
  }

  Status Open() VIPER_EXCLUDES(mutex_) {
    if (options_.directory.empty()) return {};
    FileSystem& files = *options_.file_system;
    VIPER_RETURN_IF_ERROR(storage::CreateDurableDirectories(files, options_.directory, 1));
    VIPER_ASSIGN_OR_RETURN(lock_, files.Lock(storage::JoinPath(options_.directory, "LOCK")));
    VIPER_ASSIGN_OR_RETURN(
        auto opened,
        FrameLog::Open(files, storage::JoinPath(options_.directory, "history"), kHistoryKind));
    MutexLock lock(mutex_);
    for (const auto& payload : opened.payloads) {
      const auto entry = utilities::DecodeEntry(payload);
      if (entry) {
        MergeLocked(*entry);
      } else {
        lost_bytes_ += payload.size();
      }
    }
    lost_bytes_ += opened.lost_bytes;
    log_ = std::move(opened.log);
    Forget();
    return RewriteLocked();
  }

  Status Record(const OperationMetrics& metrics) VIPER_EXCLUDES(mutex_) {
    VIPER_RETURN_IF_ERROR(CheckMetrics(metrics));
    Rollup rollup;
    rollup.Add(metrics);
    MutexLock lock(mutex_);
    VIPER_RETURN_IF_ERROR(AddLocked(
        {{OperationSource::kRecorded, metrics.collection, metrics.operation}, Begin(), rollup}));
    if (options_.config.enable_detailed_tracking) {
      recent_.push_back(metrics);
      if (recent_.size() > options_.config.detailed_operations_max) recent_.pop_front();
    }
    return Persist();
  }

  Status Take(std::span<const CollectionOperations> counted, bool from_zero)
      VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    // One series that cannot be taken keeps none of the others out of the history.
    Status status;
    for (const CollectionOperations& collection : counted) {
      const bool is_known = taken_.contains(collection.epoch);
      auto& taken = taken_[collection.epoch];
      for (const OperationSummary& summary : collection.operations) {
        Taken now{CountsOf(summary), summary.failures, summary.records};
        Taken& before = taken[summary.name];
        if (is_known || from_zero) {
          KeepFirst(status,
                    TakeLocked(collection.collection, summary.name, std::move(now), before));
        } else {
          before = std::move(now);
        }
      }
    }
    KeepFirst(status, Persist());
    return status;
  }

  Status Sync() VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    Forget();
    if (log_ == nullptr) return {};
    if (is_behind_) return RewriteLocked();
    Status synced = log_->Sync();
    is_behind_ = !synced.ok();
    return synced;
  }

  Result<PerformanceReport> Report(const std::optional<std::string>& collection) const
      VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    PerformanceReport report;
    report.collection = collection.value_or("");
    report.made_at = options_.clock->Now();
    Rollup totals[2];
    std::map<std::string, std::pair<Rollup, Rollup>> of_collections;
    const int64_t oldest = Oldest();
    for (const auto& [key, stretches] : history_) {
      if (collection && key.collection != *collection) continue;
      Rollup sum;
      for (const auto& [begin, rollup] : stretches) {
        if (begin >= oldest) sum.Merge(rollup);
      }
      totals[static_cast<size_t>(key.source)].Merge(sum);
      auto& [recorded, engine] = of_collections[key.collection];
      (key.source == OperationSource::kRecorded ? recorded : engine).Merge(sum);
      report.operations.push_back({key.source, key.collection, key.operation, sum.Totals()});
      AddTrends(key, stretches, report.trends);
    }
    if (collection && of_collections.empty()) {
      return Status::NotFound(
          fmt::format("nothing was ever counted of a collection '{}'", *collection));
    }
    report.global_stats = totals[0].Totals();
    report.engine_stats = totals[1].Totals();
    for (const auto& [name, sums] : of_collections) {
      report.collection_stats.push_back({name, sums.first.Totals(), sums.second.Totals()});
    }
    for (auto metrics = recent_.rbegin(); metrics != recent_.rend(); ++metrics) {
      if (!collection || metrics->collection == *collection) {
        report.recent_operations.push_back(*metrics);
      }
    }
    return report;
  }

  uint64_t lost_bytes() const VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return lost_bytes_;
  }

 private:
  using Stretches = std::map<int64_t, Rollup>;
  /// What was taken over of an engine's counter.
  struct Taken {
    LatencyCounts latency;
    uint64_t failures = 0;
    uint64_t records = 0;
  };

  int64_t RollupMicros() const { return static_cast<int64_t>(options_.config.rollup_ms) * 1000; }
  /// When the stretch of now began. Times before 1970 are as good as any.
  int64_t Begin() const {
    const int64_t now = options_.clock->Now().micros;
    const int64_t rest = now % RollupMicros();
    return now - (rest < 0 ? rest + RollupMicros() : rest);
  }
  int64_t Oldest() const {
    return options_.clock->Now().micros - static_cast<int64_t>(options_.config.retention_ms) * 1000;
  }

  /// `before` becomes `now` when what is between them is in the history.
  Status TakeLocked(const std::string& collection, const std::string& operation, Taken now,
                    Taken& before) VIPER_REQUIRES(mutex_) {
    Rollup rollup;
    rollup.latency = now.latency.Since(before.latency);
    rollup.failures = Grown(now.failures, before.failures);
    rollup.records = Grown(now.records, before.records);
    // The engine's counters are not read all at one moment: of an operation that is being counted
    // the time or the records may be there, and it may not. All of it is taken with it.
    if (rollup.latency.count() == 0) return {};
    VIPER_RETURN_IF_ERROR(
        AddLocked({{OperationSource::kEngine, collection, operation}, Begin(), rollup}));
    before = std::move(now);
    return {};
  }

  Status AddLocked(HistoryEntry entry) VIPER_REQUIRES(mutex_) {
    if (!history_.contains(entry.key) && !HasRoom()) {
      return Status::ResourceExhausted(
          fmt::format("there are {} different operations in the history already: '{}' of '{}' is "
                      "not counted",
                      kSeriesMax, entry.key.operation, entry.key.collection));
    }
    MergeLocked(entry);
    if (log_ != nullptr) unwritten_.push_back(std::move(entry));
    return {};
  }

  void MergeLocked(const HistoryEntry& entry) VIPER_REQUIRES(mutex_) {
    const auto [stretch, is_new] = history_[entry.key].try_emplace(entry.begin);
    stretch->second.Merge(entry.rollup);
    if (is_new && ++stretch_count_ > kStretchesMax) ForgetTenth();
  }

  /// For one more series.
  bool HasRoom() VIPER_REQUIRES(mutex_) {
    if (history_.size() >= kSeriesMax && Oldest() >= forgotten_until_ + kMakeRoomMicros) Forget();
    return history_.size() < kSeriesMax;
  }

  /// Append what was added. What could not be appended is in what is written anew by the next call,
  /// or by the next Sync.
  Status Persist() VIPER_REQUIRES(mutex_) {
    const auto entries = std::exchange(unwritten_, {});
    if (entries.empty()) return {};
    if (is_behind_) return RewriteLocked();
    for (const HistoryEntry& entry : entries) {
      std::vector<std::byte> payload;
      utilities::EncodeEntry(entry, payload);
      const Status appended = log_->Append(payload);
      is_behind_ = !appended.ok();
      VIPER_RETURN_IF_ERROR(appended);
    }
    if (log_->bytes() <= kHistoryGrowth * rewritten_bytes_ + kHistorySlackBytes) return {};
    Forget();
    return RewriteLocked();
  }

  Status RewriteLocked() VIPER_REQUIRES(mutex_) {
    // Unless it succeeds the file cannot be appended to any more.
    is_behind_ = true;
    std::vector<std::vector<std::byte>> payloads;
    for (const auto& [key, stretches] : history_) {
      for (const auto& [begin, rollup] : stretches) {
        utilities::EncodeEntry({key, begin, rollup}, payloads.emplace_back());
      }
    }
    VIPER_RETURN_IF_ERROR(log_->Rewrite(payloads));
    is_behind_ = false;
    rewritten_bytes_ = log_->bytes();
    return {};
  }

  void Forget() VIPER_REQUIRES(mutex_) { ForgetBefore(Oldest()); }

  void ForgetBefore(int64_t oldest) VIPER_REQUIRES(mutex_) {
    stretch_count_ = 0;
    for (auto series = history_.begin(); series != history_.end();) {
      Stretches& stretches = series->second;
      stretches.erase(stretches.begin(), stretches.lower_bound(oldest));
      stretch_count_ += stretches.size();
      series = stretches.empty() ? history_.erase(series) : std::next(series);
    }
    forgotten_until_ = oldest;
  }

  void ForgetTenth() VIPER_REQUIRES(mutex_) {
    std::vector<int64_t> begins;
    begins.reserve(stretch_count_);
    for (const auto& [key, stretches] : history_) {
      for (const auto& [begin, rollup] : stretches) begins.push_back(begin);
    }
    const auto tenth = begins.begin() + static_cast<std::ptrdiff_t>(begins.size() / 10);
    std::nth_element(begins.begin(), tenth, begins.end());
    ForgetBefore(*tenth + 1);
  }

  void AddTrends(const SeriesKey& key, const Stretches& stretches, std::vector<Trend>& trends) const
      VIPER_REQUIRES(mutex_) {
    // The last stretch is not over: its times are whole, its number of operations is not.
    const int64_t oldest = Oldest();
    const int64_t current = Begin();
    std::vector<TrendPoint> latency;
    std::vector<TrendPoint> operations;
    std::vector<TrendPoint> ratio;
    for (const auto& [begin, rollup] : stretches) {
      if (begin < oldest) continue;
      const auto at = static_cast<double>(begin);
      latency.push_back({at, *rollup.latency.mean() / 1e6});
      if (begin < current) operations.push_back({at, static_cast<double>(rollup.latency.count())});
      if (const auto value = rollup.CompressionRatio()) ratio.push_back({at, *value});
    }
    AddTrend(key, "latency_ms", latency, trends);
    AddTrend(key, "operations", operations, trends);
    AddTrend(key, "compression_ratio", ratio, trends);
  }

  static void AddTrend(const SeriesKey& key, std::string measure,
                       std::span<const TrendPoint> points, std::vector<Trend>& trends) {
    const auto line = utilities::FindTrend(points);
    if (!line) return;
    Trend trend{.source = key.source, .collection = key.collection, .operation = key.operation};
    trend.measure = std::move(measure);
    trend.slope_per_hour = line->slope * kMicrosInHour;
    if (line->first > 0) trend.change_share = line->last / line->first - 1;
    trend.confidence = line->confidence;
    if (line->confidence >= kTrendConfidenceMin) {
      trend.direction = line->slope > 0 ? 1 : (line->slope < 0 ? -1 : 0);
    }
    trend.points = points.size();
    trend.first = {static_cast<int64_t>(points.front().at)};
    trend.last = {static_cast<int64_t>(points.back().at)};
    trends.push_back(std::move(trend));
  }

  Options options_;
  std::unique_ptr<FileLock> lock_;

  mutable Mutex mutex_;
  std::map<SeriesKey, Stretches> history_ VIPER_GUARDED_BY(mutex_);
  size_t stretch_count_ VIPER_GUARDED_BY(mutex_) = 0;
  /// What is older is not in it: as of the last Forget.
  int64_t forgotten_until_ VIPER_GUARDED_BY(mutex_) = std::numeric_limits<int64_t>::min();
  /// By epoch, then operation.
  std::map<uint64_t, std::map<std::string, Taken>> taken_ VIPER_GUARDED_BY(mutex_);
  std::deque<OperationMetrics> recent_ VIPER_GUARDED_BY(mutex_);
  /// Null: the history is in memory only.
  std::unique_ptr<FrameLog> log_ VIPER_GUARDED_BY(mutex_);
  std::vector<HistoryEntry> unwritten_ VIPER_GUARDED_BY(mutex_);
  /// The file lacks something that is in memory.
  bool is_behind_ VIPER_GUARDED_BY(mutex_) = false;
  uint64_t rewritten_bytes_ VIPER_GUARDED_BY(mutex_) = 0;
  uint64_t lost_bytes_ VIPER_GUARDED_BY(mutex_) = 0;
};

PerformanceStatsCollector::PerformanceStatsCollector(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

PerformanceStatsCollector::~PerformanceStatsCollector() { (void)impl_->Sync().ok(); }

Result<std::unique_ptr<PerformanceStatsCollector>> PerformanceStatsCollector::Make(
    Options options) {
  VIPER_RETURN_IF_ERROR(options.config.Validate());
  auto impl = std::make_unique<Impl>(std::move(options));
  VIPER_RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<PerformanceStatsCollector>(new PerformanceStatsCollector(std::move(impl)));
}

Status PerformanceStatsCollector::Record(const OperationMetrics& metrics) {
  return impl_->Record(metrics);
}
Status PerformanceStatsCollector::Take(std::span<const CollectionOperations> counted,
                                       bool from_zero) {
  return impl_->Take(counted, from_zero);
}
Status PerformanceStatsCollector::Sync() { return impl_->Sync(); }
Result<PerformanceReport> PerformanceStatsCollector::Report(
    const std::optional<std::string>& collection) const {
  return impl_->Report(collection);
}
uint64_t PerformanceStatsCollector::lost_bytes() const { return impl_->lost_bytes(); }

}  // namespace viper
