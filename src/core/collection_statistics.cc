#include <algorithm>
#include <memory>

#include "core/collection_impl.h"
#include "core/expired_rows.h"
#include "core/index_report.h"
#include "core/operation_recorder.h"
#include "core/row_sample.h"
#include "core/storage_trial.h"

namespace viper {

CollectionStatistics Collection::Impl::Statistics() const {
  CollectionStatistics statistics;
  const auto view = state()->View();
  // Not Snapshot::Count, which counts as one of the caller's operations.
  const auto live = Snapshot::Impl(context_.read, view).Select({});
  uint64_t part_rows = 0;
  uint64_t logical_bytes = 0;
  bool all_tell = true;
  for (const core::PartView& part : view->parts) {
    part_rows += part.part->row_count();
    statistics.part_bytes += part.part->added().size;
    const auto logical = part.part->logical_bytes();
    all_tell &= logical.has_value();
    logical_bytes += logical.value_or(0);
    statistics.index_bytes += part.part->sidecar_bytes();
  }
  for (const core::MemtableView& memtable : view->memtables) {
    statistics.memory_rows += memtable.row_count;
    if (memtable.dead != nullptr) statistics.memory_rows -= memtable.dead->CountSet();
  }
  if (live.ok()) {
    const uint64_t live_rows = (*live)->selected_rows;
    statistics.live_rows = live_rows;
    const uint64_t live_in_parts = live_rows - std::min(live_rows, statistics.memory_rows);
    statistics.dead_rows = part_rows - std::min(part_rows, live_in_parts);
  }
  if (all_tell) statistics.logical_bytes = logical_bytes;
  statistics.part_count = view->parts.size();
  statistics.active_clusters = part_rows > 0 ? 1 : 0;
  if (const auto index = context_.read->index.files()) {
    statistics.index_clusters = index->model->cluster_count();
    statistics.active_clusters = core::ActiveClusters(*index);
    statistics.index_segments = index->segments.size();
    for (const auto& open : index->segments) {
      statistics.index_segment_bytes += open->segment->file_bytes();
    }
  }
  if (const auto view_index = context_.read->index.For(view)) {
    statistics.indexed_rows = core::IndexedRows(*view, *view_index);
  }
  statistics.memory_bytes = state()->memory_bytes();
  if (writer_ != nullptr) statistics.memory_bytes += writer_->memtable_coder->memory_bytes();
  statistics.selection_bytes = context_.read->selector.bytes();
  statistics.table_version = view->table_version;
  statistics.last_sequence = view->sequence;
  statistics.upserted_rows = upserted_rows_;
  statistics.deleted_rows = deleted_rows_;
  statistics.loaded_rows = loaded_rows_;
  statistics.searches = context_.read->counters.searches;
  statistics.gets = context_.read->counters.gets;
  if (writer_ != nullptr) {
    const storage::WalCounters wal = writer_->wal->counters();
    statistics.wal_bytes = wal.bytes_on_disk;
    statistics.wal_syncs = wal.syncs;
    statistics.wal_records = wal.records;
    statistics.flushed_sequence = writer_->flusher->flushed_sequence();
    statistics.flushes = writer_->flusher->flush_count();
    statistics.checkpoints = writer_->flusher->checkpoint_count();
    statistics.compactions = writer_->compactor->step_count();
    statistics.compacted_bytes = writer_->compactor->copied_bytes();
    statistics.index_trainings = writer_->index_builder->training_count();
    statistics.index_training_share = writer_->index_builder->training_share();
    statistics.index_coded_rows = writer_->index_builder->coded_rows();
    statistics.index_copied_rows = writer_->index_builder->copied_rows();
  }
  MutexLock lock(status_mutex_);
  statistics.background_error = background_error_;
  return statistics;
}

CollectionStatistics Collection::Statistics() const { return impl_->Statistics(); }

CollectionOperations Collection::Operations() const {
  const core::CollectionContext& context = impl_->context();
  if (context.operations != nullptr) return context.operations->Read();
  CollectionOperations none;
  none.collection = context.name;
  return none;
}

Result<std::vector<Record>> Collection::Sample(uint64_t row_count, uint64_t seed,
                                               const Projection& projection) const {
  VIPER_RETURN_IF_ERROR(impl_->CheckProcess());
  return core::SampleRows(*impl_->View(), impl_->context().ExpiryNow(), row_count, seed,
                          projection);
}

Result<ExpiryReport> Collection::ReportExpiry() const {
  VIPER_RETURN_IF_ERROR(impl_->CheckProcess());
  return core::ReportExpiry(*impl_->View(), impl_->context().ExpiryNow());
}

Result<StorageTrialReport> Collection::TryStorage(std::span<const StorageWay> ways,
                                                  const StorageTrialOptions& options) const {
  VIPER_RETURN_IF_ERROR(impl_->CheckProcess());
  return core::TryStorage(impl_->context(), *impl_->View(),
                          core::MakeBuildOptions(impl_->context()), ways, options);
}

}  // namespace viper
