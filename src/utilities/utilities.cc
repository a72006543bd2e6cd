#include "viper/utilities.h"

#include <chrono>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "platform/periodic_service.h"
#include "storage/file_names.h"
#include "utilities/collection_watch.h"
#include "utilities/model_history.h"
#include "utilities/optimization_adviser.h"

namespace viper {

Status UtilitiesConfig::Validate() const {
  VIPER_RETURN_IF_ERROR(stats.Validate());
  VIPER_RETURN_IF_ERROR(ttl.Validate());
  VIPER_RETURN_IF_ERROR(compression.Validate());
  VIPER_RETURN_IF_ERROR(staging.Validate());
  return partitioning.Validate();
}

class Utilities::Impl {
 public:
  Impl(Engine& engine, UtilitiesConfig config)
      : engine_(engine), config_(std::move(config)), clock_(*engine.options().clock) {
    if (!config_.log) config_.log = engine.options().log;
    if (config_.directory.empty() && !engine.options().read_only) {
      config_.directory = storage::JoinPath(engine.root(), "_viper_utilities");
    }
  }

  Status Open() {
    FileSystem* files = engine_.options().file_system;
    VIPER_ASSIGN_OR_RETURN(statistics_,
                           PerformanceStatsCollector::Make({.config = config_.stats,
                                                            .directory = config_.directory,
                                                            .file_system = files,
                                                            .clock = &clock_}));
    if (const uint64_t lost = statistics_->lost_bytes(); lost > 0) {
      Log(fmt::format("utilities: {} bytes of the history were torn or damaged and are left out",
                      lost));
    }
    VIPER_RETURN_IF_ERROR(statistics_->Take(engine_.Operations(), /*from_zero=*/false));
    if (!config_.directory.empty()) {
      VIPER_ASSIGN_OR_RETURN(staging_,
                             StagingOperationsCoordinator::Make(
                                 {.config = config_.staging,
                                  .directory = storage::JoinPath(config_.directory, "staging"),
                                  .file_system = files,
                                  .clock = &clock_}));
    }
    ttl_ = std::make_unique<TtlCleanupService>(engine_, config_.ttl, config_.log);
    compression_ =
        std::make_unique<CompressionOptimizer>(engine_, config_.compression, config_.log);
    adviser_ = std::make_unique<utilities::OptimizationAdviser>(engine_, *compression_);
    VIPER_ASSIGN_OR_RETURN(
        model_,
        utilities::ModelHistory::Open(*files, config_.directory.empty()
                                                  ? std::string()
                                                  : storage::JoinPath(config_.directory, "model")));
    observer_ = std::make_unique<utilities::ModelObserver>(engine_, *model_);
    statistics_service_ = std::make_unique<PeriodicService>(
        "statistics", std::chrono::milliseconds(config_.stats.collection_interval_ms),
        [this](const std::stop_token&) { return CollectStatistics(); }, clock_);
    staging_service_ = std::make_unique<PeriodicService>(
        "staging_cleanup", std::chrono::milliseconds(config_.staging.cleanup_interval_ms),
        [this](const std::stop_token&) { return CleanUpStaging(); }, clock_);
    return {};
  }

  void StartServices() {
    if (!config_.enable_background_services) return;
    ttl_->Start();
    compression_->Start();
    statistics_service_->Start();
    if (staging_ != nullptr) staging_service_->Start();
  }

  void StopServices() {
    ttl_->Stop();
    compression_->Stop();
    statistics_service_->Stop();
    staging_service_->Stop();
  }

  /// Nothing that the engine has counted is left behind.
  void Close() {
    StopServices();
    if (const Status taken = CollectStatistics(); !taken.ok()) {
      Log("utilities: the history could not be written: " + taken.ToString());
    }
  }

  std::vector<ServiceHealth> Services() const {
    return {ttl_->Health(), statistics_service_->Health(), staging_service_->Health(),
            compression_->Health()};
  }

  Result<PerformanceReport> GetPerformanceStats(const std::optional<std::string>& collection) {
    if (config_.stats.enable_realtime_metrics) {
      // What is there already is told all the same.
      if (const Status taken = TakeOperations(); !taken.ok()) {
        Log("utilities: not all that the engine counted could be taken over: " + taken.ToString());
      }
    }
    auto report = statistics_->Report(collection);
    if (report.ok()) AddWhatIs(*report);
    if (report.ok() || report.status().code() != StatusCode::kNotFound) return report;
    // A collection of which nothing was counted yet is known all the same.
    VIPER_ASSIGN_OR_RETURN(const auto names, engine_.ListCollections());
    for (const std::string& name : names) {
      if (name != *collection) continue;
      PerformanceReport empty;
      empty.collection = name;
      empty.made_at = clock_.Now();
      AddWhatIs(empty);
      return empty;
    }
    return Status::NotFound(
        fmt::format("there is no collection '{}', and nothing was recorded of one", *collection));
  }

  ResourceReport Resources() const {
    ResourceReport report;
    report.process = ReadProcessResources();
    report.engine_memory = engine_.Memory();
    for (const auto& collection : engine_.OpenCollections()) {
      report.collections.push_back(utilities::ResourcesOf(*collection));
    }
    return report;
  }

  Engine& engine() { return engine_; }
  utilities::OptimizationAdviser& adviser() { return *adviser_; }
  const utilities::ModelHistory& model() const { return *model_; }
  const UtilitiesConfig& config() const { return config_; }
  PerformanceStatsCollector& statistics() { return *statistics_; }
  TtlCleanupService& ttl() { return *ttl_; }
  CompressionOptimizer& compression() { return *compression_; }
  StagingOperationsCoordinator* staging() { return staging_.get(); }

 private:
  void Log(const std::string& line) const {
    if (config_.log) config_.log(line);
  }

  /// Of this moment.
  void AddWhatIs(PerformanceReport& report) const {
    report.resources = Resources();
    if (!report.collection.empty()) {
      std::erase_if(report.resources->collections, [&](const CollectionResources& resources) {
        return resources.collection != report.collection;
      });
    }
    for (Recommendation& recommendation : adviser_->Recommendations()) {
      const bool is_done = recommendation.state == RecommendationState::kApplied;
      const bool is_other =
          !report.collection.empty() && recommendation.collection != report.collection;
      if (!is_done && !is_other) report.recommendations.push_back(std::move(recommendation));
    }
  }

  Status TakeOperations() { return statistics_->Take(engine_.Operations()); }

  /// All three, whether or not another one fails; the first error.
  Status CollectStatistics() {
    const Status taken = TakeOperations();
    const Status observed = observer_->Observe();
    const Status synced = statistics_->Sync();
    VIPER_RETURN_IF_ERROR(taken);
    VIPER_RETURN_IF_ERROR(observed);
    return synced;
  }

  Status CleanUpStaging() {
    VIPER_ASSIGN_OR_RETURN(const uint64_t removed, staging_->RemoveOld());
    if (removed > 0) {
      Log(fmt::format("staging cleanup: {} operations were older than {} ms and were given up",
                      removed, config_.staging.max_age_ms));
    }
    return {};
  }

  Engine& engine_;
  UtilitiesConfig config_;
  const Clock& clock_;
  std::unique_ptr<PerformanceStatsCollector> statistics_;
  /// Null without a directory.
  std::unique_ptr<StagingOperationsCoordinator> staging_;
  // Last: their threads use all of the above.
  std::unique_ptr<TtlCleanupService> ttl_;
  std::unique_ptr<CompressionOptimizer> compression_;
  std::unique_ptr<utilities::OptimizationAdviser> adviser_;
  std::unique_ptr<utilities::ModelHistory> model_;
  std::unique_ptr<utilities::ModelObserver> observer_;
  std::unique_ptr<PeriodicService> statistics_service_;
  std::unique_ptr<PeriodicService> staging_service_;
};

Utilities::Utilities(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Utilities::~Utilities() { impl_->Close(); }

Result<std::unique_ptr<Utilities>> Utilities::Make(UtilitiesConfig config, Engine& engine) {
  VIPER_RETURN_IF_ERROR(config.Validate());
  auto impl = std::make_unique<Impl>(engine, std::move(config));
  VIPER_RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<Utilities>(new Utilities(std::move(impl)));
}

Status Utilities::StartServices() {
  impl_->StartServices();
  return {};
}
Status Utilities::StopServices() {
  impl_->StopServices();
  return {};
}
std::vector<ServiceHealth> Utilities::Services() const { return impl_->Services(); }

OperationStatsCollector Utilities::MakeCollector(std::string operation,
                                                 std::string collection) const {
  OperationStatsOptions options;
  options.profile = impl_->config().stats.enable_profiling;
  options.clock = impl_->engine().options().clock;
  return OperationStatsCollector(std::move(operation), std::move(collection), std::move(options));
}
Status Utilities::RecordOperation(const OperationMetrics& metrics) {
  return impl_->statistics().Record(metrics);
}
Result<PerformanceReport> Utilities::GetPerformanceStats(
    const std::optional<std::string>& collection) {
  return impl_->GetPerformanceStats(collection);
}

Result<TtlCleanupReport> Utilities::CleanUpExpired() { return impl_->ttl().CleanUp(); }
TtlCleanupReport Utilities::LastCleanup() const { return impl_->ttl().LastReport(); }

Result<CompressionRecommendation> Utilities::OptimizeCompression(const std::string& collection) {
  return impl_->compression().Optimize(collection);
}
CompressionOptimizer& Utilities::Compression() { return impl_->compression(); }

Result<OptimizationReport> Utilities::Optimize(const std::string& collection,
                                               const OptimizeOptions& options) {
  return impl_->adviser().Optimize(collection, options);
}
std::vector<Recommendation> Utilities::Recommendations() const {
  return impl_->adviser().Recommendations();
}
Result<Recommendation> Utilities::Apply(uint64_t recommendation_id) {
  return impl_->adviser().Apply(recommendation_id);
}

ResourceReport Utilities::Resources() const { return impl_->Resources(); }
Result<PerformancePrediction> Utilities::Predict(const std::string& collection, double rows_factor,
                                                 double probes_factor) const {
  return impl_->model().Predict(collection, rows_factor, probes_factor);
}

Result<StagingOperationsCoordinator*> Utilities::Staging() {
  if (impl_->staging() != nullptr) return impl_->staging();
  return Status::FailedPrecondition(
      "the engine is open read-only, and UtilitiesConfig::directory is empty: there is no place "
      "for "
      "files in the making");
}
DataPartitioner Utilities::Partitioner() const {
  return DataPartitioner(impl_->config().partitioning);
}
const UtilitiesConfig& Utilities::config() const { return impl_->config(); }

}  // namespace viper
