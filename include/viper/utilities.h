#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viper/compression_advice.h"
#include "viper/engine.h"
#include "viper/operation_metrics.h"
#include "viper/optimization.h"
#include "viper/partitioner.h"
#include "viper/performance_model.h"
#include "viper/performance_stats.h"
#include "viper/resources.h"
#include "viper/service.h"
#include "viper/staging.h"
#include "viper/ttl_cleanup.h"

namespace viper {

/// How the utilities of an engine work.
struct VIPER_EXPORT UtilitiesConfig {
  StatsConfig stats = {};
  TtlConfig ttl = {};
  CompressionAdviceConfig compression = {};
  StagingConfig staging = {};
  PartitioningConfig partitioning = {};
  /// Off: StartServices succeeds and starts nothing.
  bool enable_background_services = true;
  /// Where the history and files in the making are kept, on the file system of the engine. Empty =
  /// `<root>/_viper_utilities`; with an engine that is open read-only the history is in memory
  /// then.
  std::string directory = {};
  /// Called with one line when something worth an operator's look happens. May be called from any
  /// thread. Empty = EngineOptions::log.
  std::function<void(std::string_view line)> log = {};

  /// OK, or InvalidArgument naming the member that is wrong and its value.
  Status Validate() const;
};

/// Measures, advises and tends an engine. It counts nothing itself: it reads the engine's counters
/// and files, and what callers record. Thread-safe.
class VIPER_EXPORT Utilities {
 public:
  /// The engine is not owned, must stay where it is, and must outlive them. What it counted before
  /// is not taken into the history. InvalidArgument; Busy if another process has the directory.
  static Result<std::unique_ptr<Utilities>> Make(UtilitiesConfig config, Engine& engine);
  /// Stops the services.
  ~Utilities();
  Utilities(const Utilities&) = delete;
  Utilities& operator=(const Utilities&) = delete;

  /// Start the services in the background: "ttl_cleanup" (where it is enabled, and the engine may
  /// write), "statistics", "staging_cleanup", "compression_optimization" (where it is adaptive).
  /// Does nothing for those that run.
  Status StartServices();
  /// Stop them: when this returns their threads have ended.
  Status StopServices();
  /// How each of them is doing, also those that do not run.
  std::vector<ServiceHealth> Services() const;

  /// A collector for an operation of the caller's, with the processor's time as
  /// StatsConfig::enable_profiling says.
  OperationStatsCollector MakeCollector(std::string operation, std::string collection) const;
  /// Count an operation: PerformanceStatsCollector::Record.
  Status RecordOperation(const OperationMetrics& metrics);
  /// What there is to know about how operations went, of one collection or of all. NotFound if
  /// neither the engine nor the history knows the collection.
  Result<PerformanceReport> GetPerformanceStats(const std::optional<std::string>& collection = {});

  /// Remove what has expired, now: TtlCleanupService::CleanUp.
  Result<TtlCleanupReport> CleanUpExpired();
  TtlCleanupReport LastCleanup() const;

  /// Advise on how the files of a collection are compressed: CompressionOptimizer::Optimize.
  Result<CompressionRecommendation> OptimizeCompression(const std::string& collection);
  /// For the rest of what it does.
  CompressionOptimizer& Compression();

  /// Look at a collection from all sides: compression, number of clusters, fields, partitions, and
  /// compaction, by its rows, its files, and what was asked of it since the engine was opened. What
  /// is worth doing is among the recommendations afterwards, and, unless `dry_run`, done.
  /// InvalidArgument; NotFound; FailedPrecondition if read-only.
  Result<OptimizationReport> Optimize(const std::string& collection,
                                      const OptimizeOptions& options = {});
  /// What was recommended, the oldest first; the last 1,000.
  std::vector<Recommendation> Recommendations() const;
  /// Do what is recommended, and measure what came of it (Recommendation::outcome). NotFound;
  /// FailedPrecondition if it is for the caller to do, or was done.
  Result<Recommendation> Apply(uint64_t recommendation_id);

  /// What the process, the engine and its open collections take of the machine.
  ResourceReport Resources() const;
  /// What to expect of a collection with so many times the rows that it had when it was looked at
  /// last, searched in so many times the clusters, by what was observed of it so far: the history
  /// gets a point every `collection_interval_ms` at which it is open and differs. NotFound if it
  /// was never looked at; InvalidArgument.
  Result<PerformancePrediction> Predict(const std::string& collection, double rows_factor,
                                        double probes_factor = 1) const;

  /// FailedPrecondition without a place to write to (an engine that is open read-only, and no
  /// directory of its own).
  Result<StagingOperationsCoordinator*> Staging();
  /// With `partitioning`.
  DataPartitioner Partitioner() const;

  const UtilitiesConfig& config() const;

 private:
  class Impl;
  explicit Utilities(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viper
