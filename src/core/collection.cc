#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"
#include "core/cluster_prediction.h"
#include "core/collection_impl.h"
#include "core/index_report.h"

namespace viper {
namespace {

using core::OperationKind;
using core::WriteQueue;

/// Training is tried again this long after its first failure, twice that after the second, ...
constexpr std::chrono::seconds kTrainingWait(5);
/// How many commits of loads a write that depends on the rows there waits for, if each of them
/// writes its ids again.
constexpr int kLoadWaitsMax = 100;

/// A batch in bulk form as single records.
Result<std::vector<Record>> RecordsOf(const RecordBatch& batch, const CollectionSchema& schema) {
  VIPER_RETURN_IF_ERROR(core::CheckShape(batch, schema));
  std::vector<Record> records(batch.row_count());
  for (size_t i = 0; i < records.size(); ++i) {
    records[i].id = batch.ids[i];
    const auto vector = std::span(batch.vectors).subspan(i * schema.dim, schema.dim);
    records[i].vector.assign(vector.begin(), vector.end());
    if (!batch.metadata.empty()) records[i].metadata = batch.metadata[i];
    if (!batch.timestamps.empty()) records[i].timestamp = batch.timestamps[i];
    if (!batch.expirations.empty()) records[i].expires_at = batch.expirations[i];
  }
  return records;
}

/// What the rows of a batch take in a memtable, about.
uint64_t MemoryBytes(const core::WriteBatch& batch, size_t dim) {
  uint64_t bytes = batch.rows.size() * (sizeof(core::Row) + dim * sizeof(float));
  for (const core::Row& row : batch.rows) bytes += row.id.size() + 3 * row.metadata_bytes;
  return bytes;
}

Status CheckAtomic(const core::WriteBatch& batch, size_t dim, std::string_view operation) {
  size_t bytes = 0;
  for (const core::Row& row : batch.rows) bytes += core::EncodedRowBytes(row, dim);
  if (bytes <= kAtomicWriteBytesMax) return {};
  return Status::InvalidArgument(
      fmt::format("{}: the call is too large to be atomic; split it: bytes={} allowed={}",
                  operation, bytes, kAtomicWriteBytesMax));
}

/// A version for each id, and no id twice.
Status CheckVersions(std::span<const std::string* const> ids, std::span<const int64_t> versions,
                     std::string_view operation) {
  if (ids.size() != versions.size()) {
    return Status::InvalidArgument(fmt::format("{}: one version for each id: ids={} versions={}",
                                               operation, ids.size(), versions.size()));
  }
  std::unordered_set<std::string_view> known;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (versions[i] < 0) {
      return Status::InvalidArgument(fmt::format("{}: the version of id {} is negative: actual={}",
                                                 operation, i, versions[i]));
    }
    if (known.insert(*ids[i]).second) continue;
    return Status::InvalidArgument(
        fmt::format("{}: id {} comes twice, where only one version can hold", operation, i));
  }
  return {};
}

}  // namespace

Collection::Impl::~Impl() {
  // Snapshots, and with them the index, may live on.
  if (context_.read != nullptr) {
    context_.read->index.SetListener(nullptr);
    context_.read->audit.Stop();
  }
  if (writer_ == nullptr) return;
  writer_->memory_giver.reset();
  // Threads first: they use everything else, and notify each other.
  writer_->stopping = true;
  for (const auto* thread :
       {&writer_->compaction_thread, &writer_->training_thread, &writer_->index_thread,
        &writer_->flush_thread, &writer_->sync_thread}) {
    if (*thread != nullptr) (*thread)->Stop();
  }
  if (context_.options.durability != Durability::kSync) {
    Status synced = writer_->wal->Sync();
    if (!synced.ok()) context_.Log("log: sync at close failed: " + synced.ToString());
  }
}

std::shared_ptr<const core::ReadView> Collection::Impl::View() const {
  if (IsOfThisProcess()) return state()->View();
  // The lock of the state may be held by a thread that the parent alone has.
  CollectionSchema schema;
  schema.dim = context_.dim;
  schema.metric = context_.metric;
  auto empty = std::make_shared<core::ReadView>();
  empty->schema = std::make_shared<const CollectionSchema>(std::move(schema));
  return empty;
}

Snapshot Collection::Impl::GetSnapshot() const {
  return Snapshot(std::make_shared<const Snapshot::Impl>(context_.read, View()));
}

void Collection::Impl::KnowIndexOfView() const {
  if (IsOfThisProcess()) (void)context_.read->index.For(View());
}

Status Collection::Impl::CheckWritable() const {
  VIPER_RETURN_IF_ERROR(CheckProcess());
  if (writer_ != nullptr) return {};
  return Status::FailedPrecondition(
      fmt::format("collection '{}' is open read-only", context_.name));
}

Result<WriteSummary> Collection::Impl::Write(core::WriteBatch batch,
                                             WriteQueue::Condition condition) {
  VIPER_RETURN_IF_ERROR(CheckWritable());
  if (batch.rows.empty() && batch.deleted_ids.empty()) return WriteSummary{};
  VIPER_ASSIGN_OR_RETURN(MemoryCharge memory, TakeRoom(MemoryBytes(batch, context_.dim)));
  VIPER_RETURN_IF_ERROR(core::SpreadVectors(batch, context_.dim));
  VIPER_ASSIGN_OR_RETURN(const WriteSummary summary, SubmitBesideLoads([&] {
                           return writer_->queue->Submit(batch, condition, memory);
                         }));
  NoteWritten(batch.kind, summary.rows);
  return summary;
}

Result<WriteSummary> Collection::Impl::SubmitBesideLoads(
    const std::function<Result<WriteSummary>()>& submit) {
  for (int attempt = 1;; ++attempt) {
    auto submitted = submit();
    if (submitted.ok() || submitted.status().code() != StatusCode::kConflict ||
        attempt == kLoadWaitsMax) {
      return submitted;
    }
    writer_->flusher->WaitForCommit();
  }
}

uint64_t Collection::Impl::PieceBytes(uint64_t all_bytes) const {
  if (all_bytes <= kAtomicWriteBytesMax) return kAtomicWriteBytesMax;
  return std::min<uint64_t>(kAtomicWriteBytesMax, core::FileMemory(*context_.memory));
}

Result<WriteSummary> Collection::Impl::UpsertRecords(std::span<const Record> records) {
  VIPER_RETURN_IF_ERROR(CheckWritable());
  // All is checked before anything is written.
  const auto schema = state()->schema();
  VIPER_ASSIGN_OR_RETURN(core::WriteBatch all,
                         core::PrepareUpsert(records, *schema, context_.RulesOfWrite()));
  size_t all_bytes = 0;
  for (const core::Row& row : all.rows) all_bytes += core::EncodedRowBytes(row, context_.dim);
  const uint64_t piece_bytes = PieceBytes(all_bytes);
  WriteSummary total;
  total.duplicates = all.duplicates;
  size_t next = 0;
  while (next < all.rows.size()) {
    core::WriteBatch piece;
    piece.schema = schema;
    size_t bytes = 0;
    while (next < all.rows.size()) {
      bytes += core::EncodedRowBytes(all.rows[next], context_.dim);
      if (!piece.rows.empty() && bytes > piece_bytes) break;
      piece.rows.push_back(std::move(all.rows[next++]));
    }
    const size_t piece_rows = piece.rows.size();
    auto written = Write(std::move(piece), WriteQueue::Condition::kNone);
    if (!written.ok()) {
      if (total.rows == 0) return written.status();
      return written.status().WithContext(
          fmt::format("upsert: {} of {} rows were written before the failure", total.rows,
                      total.rows + piece_rows + all.rows.size() - next));
    }
    total.rows += written->rows;
    total.sequence = written->sequence;
  }
  return total;
}

Result<WriteSummary> Collection::Impl::WriteIf(WriteQueue::Condition condition,
                                               std::string_view operation,
                                               std::span<const Record> records) {
  VIPER_RETURN_IF_ERROR(CheckWritable());
  const auto schema = state()->schema();
  VIPER_ASSIGN_OR_RETURN(core::WriteBatch batch,
                         core::PrepareUpsert(records, *schema, context_.RulesOfWrite()));
  batch.schema = schema;
  VIPER_RETURN_IF_ERROR(CheckAtomic(batch, context_.dim, operation));
  return Write(std::move(batch), condition);
}

Result<WriteSummary> Collection::Impl::WriteIfVersion(core::WriteBatch batch,
                                                      std::span<const int64_t> versions,
                                                      std::string_view operation) {
  VIPER_RETURN_IF_ERROR(CheckAtomic(batch, context_.dim, operation));
  batch.if_versions.assign(versions.begin(), versions.end());
  return Write(std::move(batch), WriteQueue::Condition::kNone);
}

Status Collection::Impl::SetProperties(const CollectionProperties& properties) {
  VIPER_RETURN_IF_ERROR(CheckWritable());
  VIPER_RETURN_IF_ERROR(properties.Validate());
  return writer_->flusher->SetProperties(properties);
}

Result<CompactionReport> Collection::Impl::Compact(const CompactOptions& options) {
  VIPER_RETURN_IF_ERROR(CheckWritable());
  auto report = writer_->compactor->Run(options);
  NotifyIndexThread();
  return report;
}

Result<VacuumReport> Collection::Impl::Vacuum(const VacuumOptions& options) {
  VIPER_RETURN_IF_ERROR(CheckWritable());
  return writer_->flusher->Vacuum(options);
}

void Collection::Impl::CompactInBackground() {
  const uint64_t steps = writer_->compactor->step_count();
  const auto begin = std::chrono::steady_clock::now();
  const Status compacted = writer_->compactor->KeepUp([this] { return !writer_->stopping.load(); });
  if (context_.operations != nullptr && writer_->compactor->step_count() > steps) {
    const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - begin;
    context_.operations->Note(OperationKind::kBackgroundCompact,
                              static_cast<uint64_t>(taken.count()), 0, !compacted.ok());
  }
  if (compacted.code() == StatusCode::kCancelled) return;
  NotifyIndexThread();
  // Whatever became of that: what is left behind would fill the disk.
  for (const Status& status : {compacted, writer_->flusher->Vacuum({}).status()}) {
    if (status.ok()) continue;
    context_.Log(fmt::format("collection '{}': background compaction failed: {}", context_.name,
                             status.ToString()));
  }
}

Status Collection::Impl::BuildIndex(IndexBuild build, const std::function<bool(double)>& progress) {
  VIPER_RETURN_IF_ERROR(CheckWritable());
  std::optional<ThreadPool> own;
  if (const uint32_t count = context_.options.index_threads) own.emplace("viper-index", count);
  ThreadPool* threads = own ? &*own : &context_.read->pool;
  const auto build_it =
      build == IndexBuild::kRetrain ? &core::IndexBuilder::Retrain : &core::IndexBuilder::Build;
  VIPER_RETURN_IF_ERROR(((*writer_->index_builder).*build_it)(ViewNow(), threads, progress));
  // Quick beside what came before: its share stays 1.
  return writer_->memtable_coder->Code(*state()->View(),
                                       [&](double) { return !progress || progress(1); });
}

void Collection::Impl::NoteRowsToCode(uint64_t rows) {
  const auto files = context_.read->index.files();
  if (files == nullptr || files->model == nullptr) return;
  if (writer_->rows_to_code.fetch_add(rows) + rows < core::MemtableCoder::MinRows(*files->model)) {
    return;
  }
  writer_->rows_to_code = 0;
  NotifyIndexThread();
}

void Collection::Impl::NotifyIndexThread() {
  if (writer_ != nullptr && writer_->index_thread != nullptr) writer_->index_thread->Notify();
}

void Collection::Impl::NotifyOfNewFiles() {
  NotifyIndexThread();
  if (writer_->compaction_thread != nullptr) writer_->compaction_thread->Notify();
}

void Collection::Impl::NoteDamagedIndexFile(const std::string& path) {
  context_.Log(fmt::format(
      "collection '{}': an index file is damaged and not used any more, until it is made again: {}",
      context_.name, path));
  NotifyIndexThread();
}

void Collection::Impl::KeepIndexUp() {
  const auto goes_on = [this](double) { return !writer_->stopping.load(); };
  // First what is quick.
  Status coded = writer_->memtable_coder->Code(*state()->View(), goes_on);
  if (coded.ok()) coded = writer_->index_builder->KeepUp(ViewNow(), nullptr, goes_on);
  NoteIndexing(coded);
  if (writer_->index_builder->IsBehind(*state()->View())) writer_->training_thread->Notify();
}

void Collection::Impl::TrainIndexInBackground() {
  if (!writer_->index_builder->IsBehind(*state()->View())) return;
  if (std::chrono::steady_clock::now() < writer_->next_training) return;
  // On this thread alone: searches and writes go first.
  const Status built = writer_->index_builder->Build(
      ViewNow(), nullptr, [this](double) { return !writer_->stopping.load(); });
  NoteIndexing(built);
  const bool has_failed = !built.ok() && built.code() != StatusCode::kCancelled;
  writer_->failed_trainings = has_failed ? writer_->failed_trainings + 1 : 0;
  if (has_failed) {
    const auto wait = kTrainingWait * (1 << std::min(writer_->failed_trainings - 1, 9U));
    writer_->next_training = std::chrono::steady_clock::now() + wait;
  }
  // What has come meanwhile, and what is in memory, is not coded under a new model.
  if (built.ok()) NotifyIndexThread();
}

void Collection::Impl::NoteIndexing(const Status& status) {
  if (status.ok() || status.code() == StatusCode::kCancelled) return;
  context_.Log(fmt::format("collection '{}': building the index failed: {}", context_.name,
                           status.ToString()));
}

Status Collection::Impl::Refresh() {
  VIPER_RETURN_IF_ERROR(CheckProcess());
  if (writer_ != nullptr) return writer_->flusher->Refresh();
  MutexLock lock(refresh_mutex_);
  return OpenReadOnly().status();
}

Collection::Collection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Collection::~Collection() {
  // As DeleteInOwnerProcess does.
  if (!impl_->IsOfThisProcess()) static_cast<void>(impl_.release());
}

const std::string& Collection::name() const { return impl_->context().name; }
CollectionSchema Collection::schema() const { return *impl_->View()->schema; }
size_t Collection::dim() const { return impl_->context().dim; }
const RecoveryReport& Collection::recovery() const { return impl_->recovery(); }
CollectionProperties Collection::Properties() const { return impl_->context().properties->Get(); }

Status Collection::SetProperties(const CollectionProperties& properties) {
  return impl_->SetProperties(properties);
}

Result<WriteSummary> Collection::Upsert(std::span<const Record> records) {
  return impl_->Measured(OperationKind::kUpsert, [&] { return impl_->UpsertRecords(records); });
}

Result<WriteSummary> Collection::Upsert(const RecordBatch& batch) {
  return impl_->Measured(OperationKind::kUpsert, [&]() -> Result<WriteSummary> {
    VIPER_ASSIGN_OR_RETURN(const auto records, RecordsOf(batch, schema()));
    return impl_->UpsertRecords(records);
  });
}

Result<WriteSummary> Collection::Insert(std::span<const Record> records) {
  return impl_->Measured(OperationKind::kInsert, [&] {
    return impl_->WriteIf(WriteQueue::Condition::kMustBeNew, "insert", records);
  });
}

Result<WriteSummary> Collection::Insert(const RecordBatch& batch) {
  return impl_->Measured(OperationKind::kInsert, [&]() -> Result<WriteSummary> {
    VIPER_ASSIGN_OR_RETURN(const auto records, RecordsOf(batch, schema()));
    return impl_->WriteIf(WriteQueue::Condition::kMustBeNew, "insert", records);
  });
}

Result<WriteSummary> Collection::Replace(std::span<const Record> records) {
  return impl_->Measured(OperationKind::kReplace, [&] {
    return impl_->WriteIf(WriteQueue::Condition::kMustExist, "replace", records);
  });
}

Result<WriteSummary> Collection::Replace(const RecordBatch& batch) {
  return impl_->Measured(OperationKind::kReplace, [&]() -> Result<WriteSummary> {
    VIPER_ASSIGN_OR_RETURN(const auto records, RecordsOf(batch, schema()));
    return impl_->WriteIf(WriteQueue::Condition::kMustExist, "replace", records);
  });
}

Result<WriteSummary> Collection::UpsertIfVersion(std::span<const Record> records,
                                                 std::span<const int64_t> versions) {
  return impl_->Measured(OperationKind::kUpsert, [&]() -> Result<WriteSummary> {
    VIPER_RETURN_IF_ERROR(impl_->CheckWritable());
    std::vector<const std::string*> ids;
    for (const Record& record : records) ids.push_back(&record.id);
    VIPER_RETURN_IF_ERROR(CheckVersions(ids, versions, "upsert"));
    const auto schema = impl_->View()->schema;
    VIPER_ASSIGN_OR_RETURN(core::WriteBatch batch,
                           core::PrepareUpsert(records, *schema, impl_->context().RulesOfWrite()));
    batch.schema = schema;
    return impl_->WriteIfVersion(std::move(batch), versions, "upsert");
  });
}

Result<WriteSummary> Collection::UpsertIfVersion(const RecordBatch& batch,
                                                 std::span<const int64_t> versions) {
  VIPER_ASSIGN_OR_RETURN(const auto records, RecordsOf(batch, schema()));
  return UpsertIfVersion(records, versions);
}

Result<WriteSummary> Collection::DeleteIfVersion(std::span<const std::string> ids,
                                                 std::span<const int64_t> versions) {
  return impl_->Measured(OperationKind::kDelete, [&]() -> Result<WriteSummary> {
    std::vector<const std::string*> named;
    for (const std::string& id : ids) named.push_back(&id);
    VIPER_RETURN_IF_ERROR(CheckVersions(named, versions, "delete"));
    std::unordered_map<std::string_view, int64_t> version_of;
    for (size_t i = 0; i < ids.size(); ++i) version_of.emplace(ids[i], versions[i]);
    VIPER_ASSIGN_OR_RETURN(core::WriteBatch batch, core::PrepareDelete(ids));
    std::vector<int64_t> in_order;
    for (const std::string& id : batch.deleted_ids) in_order.push_back(version_of.at(id));
    return impl_->WriteIfVersion(std::move(batch), in_order, "delete");
  });
}

Result<WriteSummary> Collection::Delete(std::span<const std::string> ids) {
  return impl_->Measured(OperationKind::kDelete, [&]() -> Result<WriteSummary> {
    VIPER_ASSIGN_OR_RETURN(core::WriteBatch batch, core::PrepareDelete(ids));
    return impl_->Write(std::move(batch), WriteQueue::Condition::kNone);
  });
}

Result<LoadSummary> Collection::Load(RecordSource& source, const LoadOptions& options) {
  return impl_->Measured(OperationKind::kLoad, [&] { return impl_->Load(source, options); });
}

Result<CompactionReport> Collection::Compact(const CompactOptions& options) {
  return impl_->Measured(OperationKind::kCompact, [&] { return impl_->Compact(options); });
}

Result<VacuumReport> Collection::Vacuum(const VacuumOptions& options) {
  return impl_->Vacuum(options);
}

Status Collection::BuildIndex(const std::function<bool(double)>& progress) {
  return impl_->BuildIndex(Impl::IndexBuild::kBringUp, progress);
}

Status Collection::RetrainIndex(const std::function<bool(double)>& progress) {
  return impl_->BuildIndex(Impl::IndexBuild::kRetrain, progress);
}
Result<IndexReport> Collection::ReportIndex() const {
  VIPER_RETURN_IF_ERROR(impl_->CheckProcess());
  return core::ReportIndex(impl_->context(), impl_->View());
}

Result<ClusterPrediction> Collection::PredictOptimalCluster(std::span<const float> vector) const {
  VIPER_RETURN_IF_ERROR(impl_->CheckProcess());
  return core::PredictOptimalCluster(impl_->context(), vector);
}

Result<std::vector<RelevantCluster>> Collection::PredictRelevantClusters(
    std::span<const float> query, double recall, size_t k) const {
  VIPER_RETURN_IF_ERROR(impl_->CheckProcess());
  SearchOptions options;
  options.recall = recall;
  options.k = k;
  return core::PredictRelevantClusters(impl_->context(), impl_->View(), query, options);
}

Status Collection::Flush() {
  return impl_->Measured(OperationKind::kFlush, [&] { return impl_->Flush(); });
}
Status Collection::Refresh() { return impl_->Refresh(); }
Snapshot Collection::GetSnapshot() const {
  impl_->KnowIndexOfView();
  return impl_->GetSnapshot();
}
Result<Snapshot> Collection::GetSnapshotOfVersion(int64_t version) const {
  return impl_->SnapshotOfVersion(version);
}
Result<Snapshot> Collection::GetSnapshotOfTime(Timestamp time) const {
  return impl_->SnapshotOfTime(time);
}

Result<std::vector<TableVersion>> Collection::Versions() const { return impl_->Versions(); }

Result<Record> Collection::Get(std::string_view id, const Projection& projection) const {
  return impl_->GetSnapshot().Get(id, projection);
}

Result<Hits> Collection::Search(std::span<const float> query, const SearchOptions& options) const {
  return impl_->GetSnapshot().Search(query, options);
}
Result<Hits> Collection::Search(const SparseVector& query, const SearchOptions& options) const {
  return impl_->GetSnapshot().Search(query, options);
}

Result<std::vector<Hits>> Collection::SearchBatch(QueryBatch queries,
                                                  const SearchOptions& options) const {
  return impl_->GetSnapshot().SearchBatch(queries, options);
}

Result<SearchExplanation> Collection::Explain(std::span<const float> query,
                                              const SearchOptions& options) const {
  return impl_->GetSnapshot().Explain(query, options);
}

Result<uint64_t> Collection::Count(const Filter& filter) const {
  return impl_->GetSnapshot().Count(filter);
}

Result<ScrollPage> Collection::Scroll(const ScrollOptions& options) const {
  return impl_->GetSnapshot().Scroll(options);
}

}  // namespace viper
