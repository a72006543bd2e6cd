/// Opening a collection: what a crash may have left is put right here.
///
///   1. take the lock (writers), load the newest table state, check that it is ours to read;
///   2. open the parts; make again what is derived and missing; let another writer's parts
///   supersede
///      older copies of their ids;
///   3. remove leftovers: staged files, parts and sidecars that no commit names (writers). Not
///      earlier: where a part is missing, one that nobody names may be what should have that name;
///   4. replay the log above the table's transaction, through the same path as live writes;
///   5. continue the log in a new segment (writers).

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "core/collection_impl.h"
#include "core/index_files.h"
#include "core/leftover_files.h"
#include "core/retention.h"
#include "core/table_schema.h"
#include "core/version_list.h"
#include "storage/directory_creation.h"
#include "storage/file_names.h"

namespace viper {
namespace {

using core::CollectionContext;
using core::CollectionState;
using core::MakeTableLog;

/// How often a read-only open starts again because the writer moved on under it.
constexpr int kReadAttemptsMax = 10;

/// Under a limit of memory a quarter of it is for caches; who comes takes half of what is left, for
/// both of its own in proportion to what is wanted.
core::ReadContext::Caches TakeCaches(const CollectionContext& context) {
  MemoryBudget& memory = *context.memory;
  core::ReadContext::Caches caches;
  caches.bytes = context.options.cache_bytes;
  caches.vector_bytes = context.options.vector_cache_bytes;
  const uint64_t wanted =
      caches.bytes +
      std::min<uint64_t>(caches.vector_bytes, std::numeric_limits<uint64_t>::max() - caches.bytes);
  uint64_t allowed = wanted;
  if (memory.is_limited()) {
    const uint64_t share = memory.limit() / 4;
    allowed = (share - std::min(share, memory.used(MemoryUse::kCaches))) / 2;
  }
  const uint64_t taken = memory.TakeUpTo(MemoryUse::kCaches, std::min(wanted, allowed));
  caches.charge = MemoryCharge(context.memory, MemoryUse::kCaches, taken);
  if (taken < wanted) {
    const double part = static_cast<double>(taken) / static_cast<double>(wanted);
    caches.bytes = static_cast<size_t>(part * static_cast<double>(caches.bytes));
    caches.vector_bytes = taken - caches.bytes;
  }
  return caches;
}

uint64_t FlushedSequence(const storage::TableState& table) {
  auto found = table.transactions.find(std::string(core::kLogApplication));
  return found == table.transactions.end() ? 0 : static_cast<uint64_t>(found->second);
}

}  // namespace

Status Collection::Impl::CreateTable(const CollectionContext& context,
                                     const CollectionSchema& schema,
                                     const CollectionProperties& properties) {
  FileSystem& files = *context.file_system;
  const std::string& table = context.directory;
  for (const std::string& directory :
       {storage::LogDirectory(table), storage::TmpDirectory(table), storage::IndexDirectory(table),
        storage::WalDirectory(table)}) {
    VIPER_RETURN_IF_ERROR(storage::CreateDurableDirectories(files, directory, 2));
  }
  VIPER_ASSIGN_OR_RETURN(auto lock, files.Lock(storage::LockPath(table)));
  auto log = MakeTableLog(context);
  VIPER_ASSIGN_OR_RETURN(bool exists, log->Exists());
  if (exists) {
    return Status::AlreadyExists(
        fmt::format("collection '{}' exists already in {}", context.name, table));
  }
  storage::TableCommit commit;
  commit.operation = "CREATE TABLE";
  commit.protocol = storage::TableProtocol{};
  commit.metadata = core::MakeTableMetadata(schema, context.NowMillis());
  core::WriteTableProperties(properties, *commit.metadata);
  return log->Commit(0, commit, context.NowMillis());
}

Result<std::unique_ptr<Collection::Impl>> Collection::Impl::Open(CollectionContext context) {
  std::unique_ptr<Impl> impl(new Impl(std::move(context)));  // NOLINT: the constructor is private
  VIPER_RETURN_IF_ERROR(impl->OpenAny());
  impl->context_.read->index.SetListener(
      [raw = impl.get()](const std::string& path) { raw->NoteDamagedIndexFile(path); });
  if (const uint64_t every = core::QueriesPerAudit(impl->context_.options.audit_share); every > 0) {
    impl->context_.read->audit.Start(
        every, [raw = impl.get()] { raw->context_.read->index.CheckNextClusters(); },
        [raw = impl.get()] { raw->NotifyIndexThread(); });
  }
  return impl;
}

Status Collection::Impl::OpenAny() {
  const std::string where = fmt::format("collection '{}'", context_.name);
  if (!context_.options.read_only) return OpenWriter().WithContext(where);
  auto opened = OpenReadOnly();
  if (!opened.ok()) return opened.status().WithContext(where);
  recovery_ = std::move(*opened);
  return {};
}

Result<RecoveryReport> Collection::Impl::OpenReadOnly() {
  Status status;
  for (int attempt = 0; attempt < kReadAttemptsMax; ++attempt) {
    RecoveryReport report;
    auto found = Recover(report);
    if (found.ok()) return report;
    status = found.status();
    // Parts and segments that vanish under us belong to a state that the writer has left behind.
    if (status.code() != StatusCode::kConflict) break;
  }
  return status;
}

Status Collection::Impl::OpenWriter() {
  FileSystem& files = *context_.file_system;
  VIPER_ASSIGN_OR_RETURN(bool exists, MakeTableLog(context_)->Exists());
  if (!exists) return Status::NotFound(fmt::format("there is no table in {}", context_.directory));
  for (const std::string& directory :
       {storage::TmpDirectory(context_.directory), storage::IndexDirectory(context_.directory),
        storage::WalDirectory(context_.directory)}) {
    VIPER_RETURN_IF_ERROR(storage::CreateDurableDirectories(files, directory, 2));
  }
  writer_ = std::make_unique<Writer>();
  VIPER_ASSIGN_OR_RETURN(writer_->lock, files.Lock(storage::LockPath(context_.directory)));
  VIPER_ASSIGN_OR_RETURN(Found found, Recover(recovery_));
  return StartWriter(std::move(found));
}

Result<Collection::Impl::Found> Collection::Impl::Recover(RecoveryReport& report) {
  Found found;
  found.log = MakeTableLog(context_);
  VIPER_ASSIGN_OR_RETURN(bool exists, found.log->Exists());
  if (!exists) return Status::NotFound(fmt::format("there is no table in {}", context_.directory));
  VIPER_ASSIGN_OR_RETURN(found.table, found.log->Load());
  VIPER_ASSIGN_OR_RETURN(auto schema, TakeSchema(found.table));
  if (!context_.options.read_only) {
    VIPER_RETURN_IF_ERROR(storage::CheckCanWrite(found.table));
  }
  VIPER_ASSIGN_OR_RETURN(auto state, MakeState(context_, std::move(schema), found.table, report));
  if (!context_.options.read_only) VIPER_RETURN_IF_ERROR(SweepLeftovers(found.table, report));
  VIPER_ASSIGN_OR_RETURN(found.replay, ReplayLog(found, *state, report));
  OpenIndex(report);
  MutexLock lock(state_mutex_);
  state_ = std::move(state);
  return found;
}

Result<std::shared_ptr<const CollectionSchema>> Collection::Impl::TakeSchema(
    const storage::TableState& table) {
  VIPER_ASSIGN_OR_RETURN(CollectionSchema schema, core::ReadTableSchema(table.metadata));
  VIPER_ASSIGN_OR_RETURN(const CollectionProperties properties,
                         core::ReadTableProperties(table.metadata));
  if (context_.read == nullptr) {
    context_.dim = schema.dim;
    context_.metric = schema.metric;
    context_.read = std::shared_ptr<core::ReadContext>(
        new core::ReadContext(context_.name, TakeCaches(context_), context_.options,
                              *context_.clock),
        DeleteInOwnerProcess());
    context_.read->operations = context_.operations;
  }
  if (schema.dim != context_.dim || schema.metric != context_.metric) {
    return Status::FailedPrecondition(fmt::format(
        "the collection was replaced by one of another kind; open it again: dim={} metric={}",
        schema.dim, MetricName(schema.metric)));
  }
  context_.properties->Set(properties);
  // Who only reads removes nothing.
  if (!context_.options.read_only) core::LogUnreadableRetention(context_, table.metadata);
  if (const auto open = state(); open != nullptr && *open->schema() == schema) {
    return open->schema();
  }
  return std::make_shared<const CollectionSchema>(std::move(schema));
}

Status Collection::Impl::SweepLeftovers(const storage::TableState& table, RecoveryReport& report) {
  // We hold the lock: what nobody names belongs to a write that did not happen.
  const auto found = core::FindUnreferencedFiles(*context_.file_system, context_.directory, table);
  for (const auto& leftover : found.leftovers) {
    VIPER_RETURN_IF_ERROR(context_.file_system->RemoveFile(leftover.path));
    report.removed_files.push_back(leftover.path);
  }
  return {};
}

Result<std::shared_ptr<CollectionState>> Collection::Impl::MakeState(
    const CollectionContext& context, std::shared_ptr<const CollectionSchema> schema,
    const storage::TableState& table, RecoveryReport& report) const {
  // A read-only Refresh keeps the parts that are open already.
  std::map<std::string, std::shared_ptr<const core::Part>> open;
  if (auto old_state = state()) {
    const auto old_view = old_state->View();
    for (const core::PartView& view : old_view->parts) {
      if (view.part->fields() == schema->fields) open[view.part->added().path] = view.part;
    }
  }
  std::vector<core::PartView> foreign;
  std::vector<core::PartView> own;
  for (const auto& [path, added] : table.files) {
    const auto found = open.find(path);
    auto view =
        core::OpenPartView(context, *schema, added, found == open.end() ? nullptr : found->second);
    if (!view.ok() && view.status().code() == StatusCode::kNotFound) {
      const std::string what = fmt::format("the table names a file that does not exist: {}: {}",
                                           path, view.status().message());
      // A version that the writer has left behind may lose its files under a reader.
      const auto newest = MakeTableLog(context)->Load();
      const bool is_left_behind = newest.ok() && newest->version != table.version;
      return is_left_behind ? Status::Conflict(what) : Status::Corruption(what);
    }
    VIPER_RETURN_IF_ERROR(view.status());
    if (!view->part->rebuilt_sidecar().empty()) {
      report.rebuilt_files.push_back(view->part->rebuilt_sidecar());
    }
    (view->part->is_foreign() ? foreign : own).push_back(std::move(*view));
  }
  core::SortByAge(foreign);
  auto state = std::make_shared<CollectionState>(std::move(schema), std::move(own), table.version,
                                                 FlushedSequence(table), context_.memory);
  VIPER_RETURN_IF_ERROR(
      state->Adopt({.table_version = table.version, .added = std::move(foreign)}));
  return state;
}

Result<Snapshot> Collection::Impl::SnapshotOfVersion(int64_t version) const {
  VIPER_RETURN_IF_ERROR(CheckProcess());
  auto snapshot = ReadVersion(version);
  if (snapshot.status().code() != StatusCode::kNotFound) return snapshot;
  return core::WithKeptVersions(snapshot.status(), context_, *MakeTableLog(context_));
}

Result<Snapshot> Collection::Impl::ReadVersion(int64_t version) const {
  VIPER_ASSIGN_OR_RETURN(const storage::TableState table,
                         MakeTableLog(context_)->LoadVersion(version));
  VIPER_ASSIGN_OR_RETURN(CollectionSchema schema, core::ReadTableSchema(table.metadata));
  if (schema.dim != context_.dim || schema.metric != context_.metric) {
    return Status::Unsupported(
        fmt::format("version {} of the table is of another kind: dim={} metric={}", version,
                    schema.dim, MetricName(schema.metric)));
  }
  // Nothing is written for the sake of an old version.
  CollectionContext reading = context_;
  reading.options.read_only = true;
  RecoveryReport report;
  auto state = MakeState(reading, std::make_shared<const CollectionSchema>(std::move(schema)),
                         table, report);
  if (state.status().code() == StatusCode::kConflict) {
    return Status::NotFound(fmt::format("version {} of the table is no longer kept: {}", version,
                                        state.status().message()));
  }
  VIPER_RETURN_IF_ERROR(state.status());
  return Snapshot(std::make_shared<const Snapshot::Impl>(context_.read, (*state)->View()));
}

Result<Snapshot> Collection::Impl::SnapshotOfTime(Timestamp time) const {
  VIPER_RETURN_IF_ERROR(CheckProcess());
  const auto log = MakeTableLog(context_);
  const auto version = log->VersionAt(time.micros / 1000);
  if (version.status().code() == StatusCode::kNotFound) {
    return core::WithKeptVersions(version.status(), context_, *log);
  }
  VIPER_RETURN_IF_ERROR(version.status());
  return SnapshotOfVersion(*version);
}

Result<std::vector<TableVersion>> Collection::Impl::Versions() const {
  VIPER_RETURN_IF_ERROR(CheckProcess());
  return core::ListVersions(context_, *MakeTableLog(context_));
}

void Collection::Impl::OpenIndex(RecoveryReport& report) {
  if (!context_.options.enable_clustering) return;
  std::vector<std::string> rejected;
  context_.read->index.Replace(core::LoadIndex(context_, rejected));
  for (std::string& file : rejected) {
    context_.Log(
        fmt::format("collection '{}': an index file is not used: {}", context_.name, file));
    report.rebuilt_files.push_back(std::move(file));
  }
}

Result<uint64_t> Collection::Impl::NewestFlushed(const Found& found) const {
  uint64_t newest = FlushedSequence(found.table);
  VIPER_ASSIGN_OR_RETURN(const auto commits, found.log->ReadAfter(found.table.version));
  for (const storage::TableCommit& commit : commits) {
    const auto transaction = commit.transactions.find(std::string(core::kLogApplication));
    if (transaction == commit.transactions.end()) continue;
    newest = std::max(newest, static_cast<uint64_t>(transaction->second));
  }
  return newest;
}

Result<storage::WalReplay> Collection::Impl::ReplayLog(const Found& found, CollectionState& state,
                                                       RecoveryReport& report) {
  const auto schema = state.schema();
  storage::WalReplayOptions options;
  options.after_sequence = FlushedSequence(found.table);
  options.accept_loss_from = context_.options.accept_loss_from;
  const auto apply = [&](const storage::WalRecord& record) -> Status {
    const auto kind = static_cast<core::WriteKind>(record.type);
    if (kind != core::WriteKind::kUpsert && kind != core::WriteKind::kDelete) {
      return Status::Unsupported(
          fmt::format("log record {} is of an unknown type {}", record.sequence, record.type));
    }
    auto batch = core::DecodeWriteBatch(kind, record.payload, *schema);
    if (!batch.ok()) return batch.status().WithContext(fmt::format("sequence {}", record.sequence));
    for (const core::Row& row : batch->rows) context_.stamps->Observe(row.ingested_at);
    CollectionState::ResolvedBatch resolved;
    resolved.batch = &*batch;
    VIPER_ASSIGN_OR_RETURN(resolved.resolution, state.Resolve(*batch));
    resolved.sequence = record.sequence;
    state.Apply(std::span(&resolved, 1));
    return {};
  };
  auto replayed = storage::ReplayWal(*context_.file_system,
                                     storage::WalDirectory(context_.directory), options, apply);
  const bool is_damaged = replayed.status().code() == StatusCode::kCorruption;
  if (context_.options.read_only && (replayed.ok() || is_damaged)) {
    // The writer drops records when the table has them: what is missing may be there by now.
    const uint64_t reached = is_damaged ? options.after_sequence : replayed->last_sequence;
    VIPER_ASSIGN_OR_RETURN(const uint64_t flushed, NewestFlushed(found));
    if (flushed > reached) {
      return Status::Conflict(fmt::format(
          "the writer moved records of its log to the table meanwhile: reached={} flushed={}",
          reached, flushed));
    }
  }
  VIPER_ASSIGN_OR_RETURN(const storage::WalReplay replay, std::move(replayed));
  report.replayed_records = replay.records;
  report.torn_bytes = replay.torn_bytes;
  report.torn_file = replay.torn_file;
  report.lost_from = replay.lost_from;
  report.lost_to = replay.lost_to;
  return replay;
}

Status Collection::Impl::StartWriter(Found found) {
  const auto state = this->state();
  if (recovery_.torn_bytes > 0) {
    context_.Log(fmt::format("collection '{}': cut a torn log tail of {} bytes in {}",
                             context_.name, recovery_.torn_bytes, recovery_.torn_file));
  }
  if (recovery_.lost_from > 0) {
    context_.Log(fmt::format("collection '{}': gave up log records {} to {} as asked",
                             context_.name, recovery_.lost_from, recovery_.lost_to));
  }
  storage::WalWriterOptions wal_options;
  wal_options.durability = context_.options.durability;
  VIPER_ASSIGN_OR_RETURN(
      writer_->wal,
      storage::WalWriter::Open(*context_.file_system, storage::WalDirectory(context_.directory),
                               found.replay.last_sequence, wal_options));
  writer_->queue =
      std::make_unique<core::WriteQueue>(context_, *writer_->wal, *state, writer_->apply_mutex);
  writer_->flusher =
      std::make_unique<core::Flusher>(context_, std::move(found.log), std::move(found.table),
                                      *state, *writer_->wal, writer_->apply_mutex);
  writer_->index_builder = std::make_unique<core::IndexBuilder>(context_);
  writer_->compactor = std::make_unique<core::Compactor>(
      context_, *state, *writer_->flusher, *writer_->index_builder, writer_->apply_mutex);
  writer_->memtable_coder = std::make_unique<core::MemtableCoder>(context_);
  if (found.replay.records > 0) NoteUnflushed();
  if (context_.options.background_index) {
    writer_->training_thread = std::make_unique<BackgroundThread>(
        "viper-train", std::chrono::milliseconds(0), [this] { TrainIndexInBackground(); });
    writer_->index_thread = std::make_unique<BackgroundThread>(
        "viper-index", std::chrono::milliseconds(0), [this] { KeepIndexUp(); });
    NotifyIndexThread();
  }
  if (context_.options.background_compaction) {
    // Now and then without a flush, for what has expired.
    writer_->compaction_thread = std::make_unique<BackgroundThread>(
        "viper-compact", std::chrono::milliseconds(context_.options.compaction_interval_ms),
        [this] { CompactInBackground(); });
    writer_->compaction_thread->Notify();
  }
  if (context_.options.background_flush) {
    const auto tick = std::chrono::milliseconds(std::max(1u, context_.options.flush_age_ms / 4));
    writer_->flush_thread = std::make_unique<BackgroundThread>(
        "viper-flush", context_.options.flush_age_ms == 0 ? std::chrono::milliseconds(0) : tick,
        [this] { FlushInBackground(); });
    writer_->memory_giver = std::make_unique<MemoryBudget::Giver>(context_.memory, [this] {
      writer_->memory_is_wanted = true;
      writer_->flush_thread->Notify();
    });
  }
  if (context_.options.durability == Durability::kInterval) {
    writer_->sync_thread = std::make_unique<BackgroundThread>(
        "viper-sync", std::chrono::milliseconds(context_.options.sync_interval_ms), [this] {
          MutexLock apply(writer_->apply_mutex);
          Status synced = writer_->wal->Sync();
          if (!synced.ok()) context_.Log("log: sync failed: " + synced.ToString());
        });
  }
  return {};
}

}  // namespace viper
