#include "viper/ttl_cleanup.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "platform/mutex.h"
#include "platform/periodic_service.h"
#include "utilities/config_checks.h"
#include "viper/engine.h"

namespace viper {

Status TtlConfig::Validate() const {
  VIPER_RETURN_IF_ERROR(
      utilities::CheckMilliseconds("TtlConfig::cleanup_interval_ms", cleanup_interval_ms));
  if (!(expired_share_min >= 0 && expired_share_min <= 1)) {
    return Status::InvalidArgument(fmt::format(
        "TtlConfig::expired_share_min is out of range: min=0 max=1 actual={}", expired_share_min));
  }
  return {};
}

class TtlCleanupService::Impl {
 public:
  Impl(Engine& engine, TtlConfig config, std::function<void(std::string_view)> log)
      : engine_(engine),
        config_(std::move(config)),
        log_(std::move(log)),
        service_(
            "ttl_cleanup", std::chrono::milliseconds(config_.cleanup_interval_ms),
            [this](const std::stop_token& stop) { return CleanUp(stop).status(); },
            *engine.options().clock) {}

  void Start() {
    if (config_.enabled && !engine_.options().read_only) service_.Start();
  }
  void Stop() { service_.Stop(); }
  ServiceHealth Health() const { return service_.Health(); }
  TtlCleanupReport LastReport() const {
    MutexLock lock(mutex_);
    return last_;
  }

  Result<TtlCleanupReport> CleanUp(const std::stop_token& stop) VIPER_EXCLUDES(run_mutex_) {
    if (engine_.options().read_only) {
      return Status::FailedPrecondition(
          "the engine is open read-only: nothing that has expired can be removed");
    }
    MutexLock run(run_mutex_);
    TtlCleanupReport report;
    VIPER_ASSIGN_OR_RETURN(std::vector<Candidate> candidates, Look(report, stop));
    Order(candidates);
    for (const Candidate& candidate : candidates) {
      if (stop.stop_requested()) return Status::Cancelled("the cleanup was asked to stop");
      report.collections.push_back(Clean(candidate, stop));
      Tell(report.collections.back());
    }
    MutexLock lock(mutex_);
    last_ = report;
    return report;
  }

 private:
  struct Candidate {
    std::string name;
    ExpiryReport expiry;
    Status failure;
  };

  /// A collection that is opened for this is closed again, so that it can be dropped.
  Result<std::shared_ptr<Collection>> Find(const std::string& name) const {
    for (auto& collection : engine_.OpenCollections()) {
      if (collection->name() == name) return std::move(collection);
    }
    if (!config_.open_collections) return std::shared_ptr<Collection>();
    return engine_.OpenCollection(name);
  }

  Result<std::vector<Candidate>> Look(TtlCleanupReport& report, const std::stop_token& stop) const {
    std::vector<Candidate> candidates;
    VIPER_ASSIGN_OR_RETURN(const auto names, engine_.ListCollections());
    for (const std::string& name : names) {
      if (stop.stop_requested()) return Status::Cancelled("the cleanup was asked to stop");
      auto collection = Find(name);
      if (collection.ok() && *collection == nullptr) continue;
      // It was dropped meanwhile.
      if (collection.status().code() == StatusCode::kNotFound) continue;
      ++report.looked_at;
      Candidate candidate{.name = name, .expiry = {}, .failure = collection.status()};
      if (collection.ok()) {
        auto expiry = (*collection)->ReportExpiry();
        candidate.failure = expiry.status();
        if (expiry.ok()) candidate.expiry = *expiry;
      }
      if (!candidate.failure.ok() || candidate.expiry.expired_rows > 0) {
        candidates.push_back(std::move(candidate));
      }
    }
    return candidates;
  }

  static double ShareOf(const ExpiryReport& expiry) {
    return expiry.bytes == 0
               ? 0
               : static_cast<double>(expiry.expired_bytes) / static_cast<double>(expiry.bytes);
  }

  void Order(std::vector<Candidate>& candidates) const {
    if (!config_.enable_priority_scheduling) return;  // they come sorted by name
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
      if (ShareOf(a.expiry) != ShareOf(b.expiry)) return ShareOf(a.expiry) > ShareOf(b.expiry);
      if (a.expiry.expired_bytes != b.expiry.expired_bytes) {
        return a.expiry.expired_bytes > b.expiry.expired_bytes;
      }
      return a.name < b.name;
    });
  }

  TtlCollectionCleanup Clean(const Candidate& candidate, const std::stop_token& stop) const {
    TtlCollectionCleanup cleanup;
    cleanup.collection = candidate.name;
    cleanup.expired_share = ShareOf(candidate.expiry);
    cleanup.expired_bytes = candidate.expiry.expired_bytes;
    Status status = candidate.failure;
    if (status.ok()) status = Compact(candidate.name, stop, cleanup);
    if (!status.ok()) cleanup.error = status.ToString();
    return cleanup;
  }

  Status Compact(const std::string& name, const std::stop_token& stop,
                 TtlCollectionCleanup& cleanup) const {
    VIPER_ASSIGN_OR_RETURN(const auto collection, Find(name));
    if (collection == nullptr) return Status::NotFound("it was closed meanwhile");
    CompactOptions options;
    options.expired_share_min = config_.expired_share_min;
    options.progress = [&](double) { return !stop.stop_requested(); };
    VIPER_ASSIGN_OR_RETURN(const CompactionReport report, collection->Compact(options));
    for (const CompactionStep& step : report.steps) {
      cleanup.removed_rows += step.dropped_rows;
      (step.files_after == 0 ? cleanup.dropped_files : cleanup.rewritten_files) +=
          step.files.size();
    }
    cleanup.bytes_given_back =
        report.bytes_before - std::min(report.bytes_before, report.bytes_after);
    return {};
  }

  void Tell(const TtlCollectionCleanup& cleanup) const {
    if (!log_) return;
    if (cleanup.error) {
      log_(fmt::format("ttl cleanup of '{}' failed: {}", cleanup.collection, *cleanup.error));
      return;
    }
    log_(fmt::format(
        "ttl cleanup of '{}': {:.3g} % of its bytes had expired; rows removed={} files dropped={} "
        "files written anew={} bytes given back={}",
        cleanup.collection, 100 * cleanup.expired_share, cleanup.removed_rows,
        cleanup.dropped_files, cleanup.rewritten_files, cleanup.bytes_given_back));
  }

  Engine& engine_;
  const TtlConfig config_;
  const std::function<void(std::string_view)> log_;

  Mutex run_mutex_;  // one cleanup at a time; taken before mutex_
  mutable Mutex mutex_;
  TtlCleanupReport last_ VIPER_GUARDED_BY(mutex_);
  PeriodicService service_;  // last: its thread uses all of the above
};

TtlCleanupService::TtlCleanupService(Engine& engine, TtlConfig config,
                                     std::function<void(std::string_view)> log)
    : impl_(std::make_unique<Impl>(engine, std::move(config), std::move(log))) {}
TtlCleanupService::~TtlCleanupService() { impl_->Stop(); }

void TtlCleanupService::Start() { impl_->Start(); }
void TtlCleanupService::Stop() { impl_->Stop(); }
Result<TtlCleanupReport> TtlCleanupService::CleanUp(const std::stop_token& stop) {
  return impl_->CleanUp(stop);
}
ServiceHealth TtlCleanupService::Health() const { return impl_->Health(); }
TtlCleanupReport TtlCleanupService::LastReport() const { return impl_->LastReport(); }

}  // namespace viper
