#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"
#include "platform/mutex.h"
#include "platform/periodic_service.h"
#include "utilities/config_checks.h"
#include "viper/compression_advice.h"
#include "viper/engine.h"

namespace viper {
namespace {

/// Of ways that are about as small, this share apart, the one that is read fastest is taken.
constexpr double kAboutAsSmall = 0.02;
constexpr double kMegabyte = 1e6;

StorageWay WayOf(const EngineOptions& options) {
  return {.policy = options.storage_policy,
          .adaptive = options.adaptive_compression,
          .compression = options.adaptive_compression ? Compression{} : options.compression};
}

StorageWay FixedWay(const Compression& compression) {
  return {.policy = StoragePolicy::kSpeed, .adaptive = false, .compression = compression};
}

/// The current one first; then those that promise most, as the time may not suffice for all.
std::vector<StorageWay> WaysToTry(const StorageWay& current,
                                  const CompressionAdviceConfig& config) {
  std::vector<StorageWay> ways = {current};
  const auto add = [&](const StorageWay& way) {
    if (std::find(ways.begin(), ways.end(), way) == ways.end()) ways.push_back(way);
  };
  add({.policy = StoragePolicy::kSize});
  add({.policy = StoragePolicy::kSpeed});
  add(FixedWay({.codec = Codec::kNone}));
  add(FixedWay({.codec = Codec::kZstd, .level = config.level_min}));
  add(FixedWay({.codec = Codec::kLz4}));
  add(FixedWay({.codec = Codec::kZstd, .level = (config.level_min + config.level_max) / 2}));
  add(FixedWay({.codec = Codec::kZstd, .level = config.level_max}));
  return ways;
}

/// The codec in such as "byte_stream_split zstd:1".
Compression CodecIn(std::string_view chosen) {
  const size_t space = chosen.rfind(' ');
  const auto parsed =
      ParseCompression(space == std::string_view::npos ? chosen : chosen.substr(space + 1));
  return parsed.ok() ? *parsed : Compression{.codec = Codec::kNone};
}

/// Of the column that takes the most bytes.
Compression MainCodec(const StorageTrial& trial) {
  const StorageTrialColumn* largest = nullptr;
  for (const StorageTrialColumn& column : trial.columns) {
    if (largest == nullptr || column.bytes > largest->bytes) largest = &column;
  }
  return largest == nullptr ? trial.way.compression : CodecIn(largest->chosen);
}

CompressionPerformance PerformanceOf(const StorageTrialReport& report, const StorageTrial& trial) {
  const auto logical = static_cast<double>(report.logical_bytes);
  CompressionPerformance performance;
  if (trial.bytes > 0) performance.compression_ratio = logical / static_cast<double>(trial.bytes);
  if (trial.write_seconds > 0) {
    performance.compression_speed_mb_sec = logical / kMegabyte / trial.write_seconds;
  }
  if (trial.read_seconds > 0) {
    performance.decompression_speed_mb_sec = logical / kMegabyte / trial.read_seconds;
  }
  return performance;
}

std::optional<double> Minus(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a || !b) return std::nullopt;
  return *a - *b;
}

/// `told` is how a file tells that it was written (PartInspection::compression).
bool IsWrittenAs(std::string_view told, const StorageWay& way) {
  if (way.adaptive) {
    return told == fmt::format("policy {}, adaptive", StoragePolicyName(way.policy));
  }
  // With one codec for all columns the policy has no say.
  return told.ends_with(fmt::format(", all columns {}", CompressionName(way.compression))) &&
         told.find("adaptive") == std::string_view::npos;
}

bool IsAboutAsSmall(const StorageTrial& trial, uint64_t smallest) {
  return static_cast<double>(trial.bytes) <= static_cast<double>(smallest) * (1 + kAboutAsSmall);
}

uint64_t SmallestOf(const std::vector<StorageTrial>& trials) {
  uint64_t smallest = trials.front().bytes;
  for (const StorageTrial& trial : trials) smallest = std::min(smallest, trial.bytes);
  return smallest;
}

const StorageTrial& Winner(const std::vector<StorageTrial>& trials) {
  const uint64_t smallest = SmallestOf(trials);
  const StorageTrial* winner = nullptr;
  for (const StorageTrial& trial : trials) {
    if (!IsAboutAsSmall(trial, smallest)) continue;
    if (winner == nullptr || trial.read_seconds < winner->read_seconds) winner = &trial;
  }
  return *winner;
}

void AddColumnAdvice(const StorageTrial& current, const StorageTrial& recommended,
                     CompressionRecommendation& advice) {
  std::map<std::string, CompressionColumnAdvice> columns;
  for (const StorageTrialColumn& column : current.columns) {
    CompressionColumnAdvice& told = columns[column.path];
    told.current = column.chosen;
    told.current_bytes = column.bytes;
  }
  for (const StorageTrialColumn& column : recommended.columns) {
    CompressionColumnAdvice& told = columns[column.path];
    told.recommended = column.chosen;
    told.recommended_bytes = column.bytes;
  }
  for (auto& [path, told] : columns) {
    told.column = path;
    advice.columns.push_back(std::move(told));
  }
}

}  // namespace

std::string_view AdviceSourceName(AdviceSource source) {
  switch (source) {
    case AdviceSource::kMeasured:
      return "measured";
    case AdviceSource::kHistory:
      return "history";
    case AdviceSource::kDefault:
      return "default";
  }
  return "?";
}

Status CompressionAdviceConfig::Validate() const {
  VIPER_RETURN_IF_ERROR(
      utilities::CheckMilliseconds("CompressionAdviceConfig::interval_ms", interval_ms));
  if (level_min < kZstdLevelMin || level_max > kZstdLevelMax || level_min > level_max) {
    return Status::InvalidArgument(fmt::format(
        "CompressionAdviceConfig: levels are out of range: min={} max={} level_min={} level_max={}",
        kZstdLevelMin, kZstdLevelMax, level_min, level_max));
  }
  if (sample_rows < 1 || sample_rows > utilities::kSampleRowsMax) {
    return Status::InvalidArgument(
        fmt::format("CompressionAdviceConfig::sample_rows is out of range: min=1 max={} actual={}",
                    utilities::kSampleRowsMax, sample_rows));
  }
  if (const Status valid = default_algorithm.Validate(); !valid.ok()) {
    return Status::InvalidArgument(
        fmt::format("CompressionAdviceConfig::default_algorithm.{}", valid.message()));
  }
  if (!(saving_min >= 0 && saving_min <= 1)) {
    return Status::InvalidArgument(fmt::format(
        "CompressionAdviceConfig::saving_min is out of range: min=0 max=1 actual={}", saving_min));
  }
  return {};
}

class CompressionOptimizer::Impl {
 public:
  Impl(Engine& engine, CompressionAdviceConfig config, std::function<void(std::string_view)> log)
      : engine_(engine),
        config_(std::move(config)),
        log_(std::move(log)),
        service_(
            "compression_optimization", std::chrono::milliseconds(config_.interval_ms),
            [this](const std::stop_token& stop) { return OptimizeAll(stop); },
            *engine.options().clock) {}

  void Start() {
    if (config_.enable_adaptive_compression) service_.Start();
  }
  void Stop() { service_.Stop(); }
  ServiceHealth Health() const { return service_.Health(); }

  Status OptimizeAll(const std::stop_token& stop) {
    Status status;
    for (const auto& collection : engine_.OpenCollections()) {
      if (stop.stop_requested()) return Status::Cancelled("the adviser was asked to stop");
      const auto advice = Advise(*collection);
      if (!advice.ok()) {
        if (status.ok()) status = advice.status().WithContext(collection->name());
      } else if (advice->is_change) {
        Log(fmt::format("compression of '{}': {}", advice->collection, advice->reason));
      }
    }
    return status;
  }

  Result<CompressionRecommendation> Optimize(const std::string& name) {
    VIPER_ASSIGN_OR_RETURN(const auto collection, engine_.OpenCollection(name));
    return Advise(*collection);
  }

  Result<CompressionOutcome> Apply(const std::string& name) VIPER_EXCLUDES(mutex_) {
    VIPER_ASSIGN_OR_RETURN(const auto collection, engine_.OpenCollection(name));
    std::optional<CompressionRecommendation> advice;
    {
      MutexLock lock(mutex_);
      const auto found = latest_.find(name);
      // Nothing is known of a collection by what one was like that had its name before.
      if (found != latest_.end() && found->second.epoch == collection->Operations().epoch) {
        advice = found->second.advice;
      }
    }
    if (!advice) {
      VIPER_ASSIGN_OR_RETURN(advice, Advise(*collection));
    }
    if (advice->source != AdviceSource::kMeasured || !advice->expected_ratio) {
      return Status::FailedPrecondition(
          fmt::format("nothing was measured of '{}' that could be applied: the advice is from {}",
                      name, AdviceSourceName(advice->source)));
    }
    return WriteAnew(*collection, advice->recommended_way, *advice->expected_ratio);
  }

  Result<CompressionOutcome> Apply(const std::string& name, const StorageWay& way,
                                   double expected_ratio) {
    if (!(expected_ratio > 0)) {
      return Status::InvalidArgument(
          fmt::format("the expected ratio must be above 0: actual={}", expected_ratio));
    }
    VIPER_ASSIGN_OR_RETURN(const auto collection, engine_.OpenCollection(name));
    return WriteAnew(*collection, way, expected_ratio);
  }

  std::vector<CompressionRecommendation> Latest() const VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    std::vector<CompressionRecommendation> latest;
    for (const auto& [name, kept] : latest_) latest.push_back(kept.advice);
    return latest;
  }
  std::vector<CompressionOutcome> Outcomes() const VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return outcomes_;
  }

 private:
  /// Outcomes that are kept.
  static constexpr size_t kOutcomesMax = 1'000;

  /// Advice, and the collection that it is about: CollectionOperations::epoch.
  struct Kept {
    CompressionRecommendation advice;
    uint64_t epoch = 0;
  };

  void Log(const std::string& line) const {
    if (log_) log_(line);
  }

  Result<CompressionRecommendation> Advise(const Collection& collection) VIPER_EXCLUDES(mutex_) {
    CompressionRecommendation advice;
    advice.collection = collection.name();
    advice.made_at = engine_.options().clock->Now();
    advice.current_way = advice.recommended_way = WayOf(engine_.options());
    VIPER_RETURN_IF_ERROR(config_.enable_benchmarking ? Measure(collection, advice)
                                                      : LookBack(advice));
    if (advice.source == AdviceSource::kDefault) {
      advice.recommended_algorithm = advice.current_algorithm = config_.default_algorithm;
      advice.reason = "there are no files to learn from";
    }
    advice.recommended_level = advice.recommended_algorithm.level;
    MutexLock lock(mutex_);
    for (const CompressionOutcome& outcome : outcomes_) {
      advice.error_bound = std::max(advice.error_bound.value_or(0), std::abs(outcome.error));
    }
    latest_.insert_or_assign(advice.collection, Kept{advice, collection.Operations().epoch});
    return advice;
  }

  Status Measure(const Collection& collection, CompressionRecommendation& advice) {
    VIPER_ASSIGN_OR_RETURN(advice.trials,
                           collection.TryStorage(WaysToTry(advice.current_way, config_),
                                                 {.sample_rows = config_.sample_rows,
                                                  .time_budget_ms = config_.time_budget_ms}));
    const auto& trials = advice.trials.trials;
    if (trials.empty()) return {};
    for (const StorageTrial& trial : trials) {
      Log(
          fmt::format("compression trial of '{}': {}: rows={} logical bytes={} bytes={} "
                      "write ms={:.3f} read ms={:.3f}",
                      advice.collection, trial.way.ToString(), advice.trials.sample_rows,
                      advice.trials.logical_bytes, trial.bytes, 1000 * trial.write_seconds,
                      1000 * trial.read_seconds));
    }
    advice.source = AdviceSource::kMeasured;
    Choose(trials.front(), Winner(trials), advice);
    return CompareWithFiles(collection, advice);
  }

  /// The current way is how files are written from now on: those that are there may be written in
  /// another one, by Apply or by an engine with other options. So what the files take decides
  /// whether to write them anew.
  Status CompareWithFiles(const Collection& collection, CompressionRecommendation& advice) const {
    const CollectionStatistics statistics = collection.Statistics();
    advice.files_bytes = statistics.part_bytes;
    advice.files_ratio = statistics.compression_ratio();
    double saved = 0;
    if (advice.expected_ratio) {
      const auto ratio =
          advice.files_ratio ? advice.files_ratio : advice.current_performance.compression_ratio;
      saved = std::max(0.0, 1 - ratio.value_or(*advice.expected_ratio) / *advice.expected_ratio);
    }
    VIPER_ASSIGN_OR_RETURN(const double share, ShareToWrite(advice));
    saved = std::min(saved, share);
    const bool is_worth_it = saved >= config_.saving_min;
    if (advice.is_change || is_worth_it) {
      advice.reason +=
          fmt::format("; the files that there are would shrink by {:.3g} %{}", 100 * saved,
                      is_worth_it ? "" : ", which is not worth writing them anew");
    }
    advice.is_change = is_worth_it;
    advice.expected_files_bytes =
        static_cast<uint64_t>(std::llround((1 - saved) * static_cast<double>(advice.files_bytes)));
    return {};
  }

  /// The share of the files' bytes that are not in the recommended way, or another of the smallest,
  /// by what the files tell:
  /// the others cannot shrink, even where the sample promised more than came. Without this they
  /// would be written anew again and again.
  Result<double> ShareToWrite(const CompressionRecommendation& advice) const {
    VIPER_ASSIGN_OR_RETURN(const CollectionInspection inspection,
                           engine_.Inspect(advice.collection));
    const auto& trials = advice.trials.trials;
    const uint64_t smallest = SmallestOf(trials);
    uint64_t bytes = 0;
    uint64_t other_bytes = 0;
    for (const PartInspection& part : inspection.parts) {
      const bool is_small =
          IsWrittenAs(part.compression, advice.recommended_way) ||
          std::any_of(trials.begin(), trials.end(), [&](const auto& trial) {
            return IsAboutAsSmall(trial, smallest) && IsWrittenAs(part.compression, trial.way);
          });
      bytes += part.bytes;
      if (!is_small) other_bytes += part.bytes;
    }
    return bytes == 0 ? 0 : static_cast<double>(other_bytes) / static_cast<double>(bytes);
  }

  void Choose(const StorageTrial& current, const StorageTrial& winner,
              CompressionRecommendation& advice) const {
    const double saved = 1 - static_cast<double>(winner.bytes) / static_cast<double>(current.bytes);
    advice.is_change = !(winner.way == current.way) && saved >= config_.saving_min;
    const StorageTrial& recommended = advice.is_change ? winner : current;
    advice.recommended_way = recommended.way;
    advice.current_algorithm = MainCodec(current);
    advice.recommended_algorithm = MainCodec(recommended);
    advice.current_performance = PerformanceOf(advice.trials, current);
    advice.expected_performance = PerformanceOf(advice.trials, recommended);
    advice.expected_ratio = advice.expected_performance.compression_ratio;
    const CompressionPerformance& expected = advice.expected_performance;
    const CompressionPerformance& now = advice.current_performance;
    advice.gain = {Minus(expected.compression_ratio, now.compression_ratio),
                   Minus(expected.compression_speed_mb_sec, now.compression_speed_mb_sec),
                   Minus(expected.decompression_speed_mb_sec, now.decompression_speed_mb_sec)};
    AddColumnAdvice(current, recommended, advice);
    advice.reason =
        advice.is_change
            ? fmt::format("'{}' takes {:.3g} % fewer bytes than '{}'", winner.way.ToString(),
                          100 * saved, current.way.ToString())
            : fmt::format(
                  "no way of {} takes {:.3g} % fewer bytes than '{}'; the best takes {:.3g} "
                  "% fewer",
                  advice.trials.trials.size(), 100 * config_.saving_min, current.way.ToString(),
                  100 * saved);
  }

  /// From the files' footers: how their columns were written, and which way was smallest then.
  Status LookBack(CompressionRecommendation& advice) const {
    VIPER_ASSIGN_OR_RETURN(const CollectionInspection inspection,
                           engine_.Inspect(advice.collection));
    const ColumnInspection* largest = nullptr;
    for (const PartInspection& part : inspection.parts) {
      for (const ColumnInspection& column : part.columns) {
        if (column.chosen.empty()) continue;
        CompressionColumnAdvice& told = advice.columns.emplace_back();
        told.column = part.file + ": " + column.path;
        told.current = told.recommended = column.chosen;
        told.current_bytes = told.recommended_bytes = column.compressed_bytes;
        if (largest == nullptr || column.compressed_bytes > largest->compressed_bytes) {
          largest = &column;
        }
      }
    }
    if (largest == nullptr) return {};
    advice.source = AdviceSource::kHistory;
    advice.current_algorithm = CodecIn(largest->chosen);
    advice.recommended_algorithm = advice.current_algorithm;
    uint64_t smallest = 0;
    for (const ColumnTrial& trial : largest->trials) {
      if (smallest == 0 || trial.bytes < smallest) {
        smallest = trial.bytes;
        advice.recommended_algorithm = CodecIn(trial.way);
      }
    }
    advice.reason = fmt::format("the largest column, {}, was written as '{}': {}", largest->path,
                                largest->chosen, largest->reason);
    return {};
  }

  Result<CompressionOutcome> WriteAnew(Collection& collection, const StorageWay& way,
                                       double expected_ratio) VIPER_EXCLUDES(mutex_) {
    CompactOptions options;
    options.rewrite_as = way;
    VIPER_ASSIGN_OR_RETURN(const CompactionReport report, collection.Compact(options));
    const CollectionStatistics statistics = collection.Statistics();
    CompressionOutcome outcome;
    outcome.way = way;
    outcome.expected_ratio = expected_ratio;
    outcome.bytes_before = report.bytes_before;
    outcome.bytes_after = report.bytes_after;
    const std::optional<double> ratio = statistics.compression_ratio();
    if (!ratio) {
      return Status::FailedPrecondition(
          fmt::format("there are no files of '{}' to compare with", collection.name()));
    }
    outcome.actual_ratio = *ratio;
    outcome.error = outcome.actual_ratio / outcome.expected_ratio - 1;
    Log(fmt::format("compression of '{}' applied: '{}': expected ratio={:.4f} actual={:.4f}",
                    collection.name(), outcome.way.ToString(), outcome.expected_ratio,
                    outcome.actual_ratio));
    MutexLock lock(mutex_);
    outcomes_.push_back(outcome);
    if (outcomes_.size() > kOutcomesMax) outcomes_.erase(outcomes_.begin());
    return outcome;
  }

  Engine& engine_;
  const CompressionAdviceConfig config_;
  const std::function<void(std::string_view)> log_;

  mutable Mutex mutex_;
  std::map<std::string, Kept> latest_ VIPER_GUARDED_BY(mutex_);
  std::vector<CompressionOutcome> outcomes_ VIPER_GUARDED_BY(mutex_);
  PeriodicService service_;  // last: its thread uses all of the above
};

CompressionOptimizer::CompressionOptimizer(Engine& engine, CompressionAdviceConfig config,
                                           std::function<void(std::string_view)> log)
    : impl_(std::make_unique<Impl>(engine, std::move(config), std::move(log))) {}
CompressionOptimizer::~CompressionOptimizer() { impl_->Stop(); }

void CompressionOptimizer::Start() { impl_->Start(); }
void CompressionOptimizer::Stop() { impl_->Stop(); }
ServiceHealth CompressionOptimizer::Health() const { return impl_->Health(); }
Status CompressionOptimizer::OptimizeAll(const std::stop_token& stop) {
  return impl_->OptimizeAll(stop);
}
Result<CompressionRecommendation> CompressionOptimizer::Optimize(const std::string& collection) {
  return impl_->Optimize(collection);
}
Result<CompressionOutcome> CompressionOptimizer::Apply(const std::string& collection) {
  return impl_->Apply(collection);
}
Result<CompressionOutcome> CompressionOptimizer::Apply(const std::string& collection,
                                                       const StorageWay& way,
                                                       double expected_ratio) {
  return impl_->Apply(collection, way, expected_ratio);
}
std::vector<CompressionRecommendation> CompressionOptimizer::Latest() const {
  return impl_->Latest();
}
std::vector<CompressionOutcome> CompressionOptimizer::Outcomes() const { return impl_->Outcomes(); }

namespace {

Value PerformanceValue(const CompressionPerformance& performance) {
  const auto value = [](const std::optional<double>& number) {
    return number ? Value(*number) : Value();
  };
  return Value::Object{
      {"compression_ratio", value(performance.compression_ratio)},
      {"compression_speed_mb_sec", value(performance.compression_speed_mb_sec)},
      {"decompression_speed_mb_sec", value(performance.decompression_speed_mb_sec)}};
}

}  // namespace

Value ToValue(const CompressionRecommendation& recommendation) {
  Value::List columns;
  for (const CompressionColumnAdvice& column : recommendation.columns) {
    columns.emplace_back(
        Value::Object{{"column", column.column},
                      {"current", column.current},
                      {"recommended", column.recommended},
                      {"current_bytes", static_cast<int64_t>(column.current_bytes)},
                      {"recommended_bytes", static_cast<int64_t>(column.recommended_bytes)}});
  }
  const auto number = [](const std::optional<double>& told) {
    return told ? Value(*told) : Value();
  };
  const auto& expected_bytes = recommendation.expected_files_bytes;
  return Value::Object{
      {"collection", recommendation.collection},
      {"made_at", recommendation.made_at},
      {"source", AdviceSourceName(recommendation.source)},
      {"current_way", recommendation.current_way.ToString()},
      {"recommended_way", recommendation.recommended_way.ToString()},
      {"current_algorithm", CompressionName(recommendation.current_algorithm)},
      {"recommended_algorithm", CompressionName(recommendation.recommended_algorithm)},
      {"recommended_level", recommendation.recommended_level},
      {"expected_ratio", number(recommendation.expected_ratio)},
      {"error_bound", number(recommendation.error_bound)},
      {"expected_performance", PerformanceValue(recommendation.expected_performance)},
      {"current_performance", PerformanceValue(recommendation.current_performance)},
      {"gain", PerformanceValue(recommendation.gain)},
      {"files_bytes", static_cast<int64_t>(recommendation.files_bytes)},
      {"files_ratio", number(recommendation.files_ratio)},
      {"expected_files_bytes",
       expected_bytes ? Value(static_cast<int64_t>(*expected_bytes)) : Value()},
      {"is_change", recommendation.is_change},
      {"reason", recommendation.reason},
      {"columns", std::move(columns)},
      {"sample_rows", static_cast<int64_t>(recommendation.trials.sample_rows)}};
}

}  // namespace viper
