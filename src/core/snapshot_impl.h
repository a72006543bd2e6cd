#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "core/collection_index.h"
#include "core/column_cache.h"
#include "core/read_view.h"
#include "core/recall_audit.h"
#include "core/search_costs.h"
#include "core/view_selection.h"
#include "platform/memory_budget.h"
#include "platform/owner_process.h"
#include "platform/thread_pool.h"
#include "viper/clock.h"
#include "viper/snapshot.h"

namespace viper::core {

class OperationRecorder;

/// Counters of reads, shared by a collection and its snapshots.
struct ReadCounters {
  std::atomic<uint64_t> searches{0};
  std::atomic<uint64_t> gets{0};
};

/// What reads need besides the data. Shared, so that a snapshot may outlive its collection; the
/// clock must outlive both.
struct ReadContext {
  /// One byte in so many of the cache is for selections.
  static constexpr size_t kSelectionShare = 4;

  /// What the caches may hold, and the charge for it.
  struct Caches {
    size_t bytes = 0;
    size_t vector_bytes = 0;
    MemoryCharge charge = {};
  };
  ReadContext(std::string collection, Caches caches, const EngineOptions& options,
              const Clock& read_clock)
      : name(std::move(collection)),
        charge(std::move(caches.charge)),
        cache(caches.bytes - caches.bytes / kSelectionShare),
        vector_cache(caches.vector_bytes),
        selector(caches.bytes / kSelectionShare),
        pool("viper-search", options.search_threads),
        clock(read_clock),
        enforces_expiry(options.enforce_expiry) {}

  /// FailedPrecondition in a fork, where locks may be held by threads that are not there.
  Status CheckProcess() const { return owner.Check("collection", name); }

  const std::string name;
  const OwnerProcess owner;
  const MemoryCharge charge;
  ColumnCache cache;
  ColumnCache vector_cache;
  ViewSelector selector;
  ThreadPool pool;
  CollectionIndex index;
  const Clock& clock;
  const bool enforces_expiry;
  ReadCounters counters;
  /// May be null.
  std::shared_ptr<OperationRecorder> operations;
  SearchCosts search_costs;
  /// Last: what waits in it holds parts, whose columns are in the cache.
  RecallAudit audit;
};

}  // namespace viper::core

namespace viper {

class Snapshot::Impl {
 public:
  Impl(std::shared_ptr<core::ReadContext> context, std::shared_ptr<const core::ReadView> view)
      : context_(std::move(context)), view_(std::move(view)) {}
  ~Impl() {
    if (context_->owner.IsThis()) return;
    // As DeleteInOwnerProcess does: to close a part takes locks.
    using Held =
        std::pair<std::shared_ptr<core::ReadContext>, std::shared_ptr<const core::ReadView>>;
    static_cast<void>(std::make_unique<Held>(std::move(context_), std::move(view_)).release());
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  const core::ReadView& view() const { return *view_; }
  const std::shared_ptr<const core::ReadView>& view_pointer() const { return view_; }
  core::ReadContext& context() const { return *context_; }
  /// May be null.
  core::OperationRecorder* operations() const { return context_->operations.get(); }
  /// The time by which it is judged whether rows have expired.
  int64_t ExpiryNow() const {
    return context_->enforces_expiry ? context_->clock.Now().micros : core::kBeforeEveryExpiry;
  }
  /// The rows that match now.
  Result<std::shared_ptr<const core::ViewSelection>> Select(const Filter& filter) const {
    return context_->selector.Select(view_, core::FilterKey(filter), ExpiryNow(), StopSignal(),
                                     nullptr);
  }

 private:
  // The view's parts drop their cached columns when they close: the context must outlive the view.
  std::shared_ptr<core::ReadContext> context_;
  std::shared_ptr<const core::ReadView> view_;
};

}  // namespace viper
