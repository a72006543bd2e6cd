#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/collection_index.h"
#include "core/column_cache.h"
#include "core/read_view.h"
#include "core/recall_audit.h"
#include "core/view_selection.h"
#include "platform/thread_pool.h"
#include "viper/clock.h"
#include "viper/snapshot.h"

namespace viper::core {

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

  ReadContext(const EngineOptions& options, const Clock& read_clock)
      : cache(options.cache_bytes - options.cache_bytes / kSelectionShare),
        vector_cache(options.vector_cache_bytes),
        selector(options.cache_bytes / kSelectionShare),
        pool("viper-search", options.search_threads),
        clock(read_clock) {}

  ColumnCache cache;
  ColumnCache vector_cache;
  ViewSelector selector;
  ThreadPool pool;
  CollectionIndex index;
  const Clock& clock;
  ReadCounters counters;
  /// Last: what waits in it holds parts, whose columns are in the cache.
  RecallAudit audit;
};

}  // namespace viper::core

namespace viper {

class Snapshot::Impl {
 public:
  Impl(std::shared_ptr<core::ReadContext> context, std::shared_ptr<const core::ReadView> view)
      : context_(std::move(context)), view_(std::move(view)) {}

  const core::ReadView& view() const { return *view_; }
  const std::shared_ptr<const core::ReadView>& view_pointer() const { return view_; }
  core::ReadContext& context() const { return *context_; }
  int64_t Now() const { return context_->clock.Now().micros; }
  /// The rows that match now.
  Result<std::shared_ptr<const core::ViewSelection>> Select(const Filter& filter) const {
    return context_->selector.Select(view_, core::FilterKey(filter), Now(), StopSignal(), nullptr);
  }

 private:
  // The view's parts drop their cached columns when they close: the context must outlive the view.
  std::shared_ptr<core::ReadContext> context_;
  std::shared_ptr<const core::ReadView> view_;
};

}  // namespace viper
