#include "core/flusher.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "core/table_schema.h"
#include "storage/file_names.h"

namespace viper::core {
namespace {

/// How often a flush starts again because somebody else committed first.
constexpr int kAttemptsMax = 10;

}  // namespace

Part::OpenOptions PartOptions(const CollectionContext& context) {
  Part::OpenOptions options;
  options.file_system = context.file_system;
  options.table_directory = context.directory;
  options.schema = context.schema.get();
  options.cache = &context.read->cache;
  options.write_sidecar = !context.options.read_only;
  return options;
}

Flusher::Flusher(const CollectionContext& context, std::unique_ptr<storage::TableLog> log,
                 storage::TableState table, CollectionState& state, storage::WalWriter& wal,
                 Mutex& apply_mutex)
    : context_(context),
      state_(state),
      wal_(wal),
      apply_mutex_(apply_mutex),
      log_(std::move(log)),
      table_(std::move(table)) {
  auto flushed = table_.transactions.find(std::string(kLogApplication));
  if (flushed != table_.transactions.end()) {
    flushed_sequence_ = static_cast<uint64_t>(flushed->second);
  }
}

Status Flusher::Flush() {
  MutexLock lock(flush_mutex_);
  return Run(nullptr, {});
}

Status Flusher::CommitLoaded(std::shared_ptr<Memtable> loaded, const Transactions& transactions) {
  MutexLock lock(flush_mutex_);
  return Run(loaded, transactions);
}

int64_t Flusher::TransactionVersion(const std::string& application) const {
  MutexLock lock(flush_mutex_);
  auto found = table_.transactions.find(application);
  return found == table_.transactions.end() ? 0 : found->second;
}

Status Flusher::Refresh() {
  MutexLock lock(flush_mutex_);
  return AdoptCommitsOfOthers();
}

Status Flusher::Run(const std::shared_ptr<Memtable>& loaded, const Transactions& transactions) {
  Status status;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    VIPER_ASSIGN_OR_RETURN(FlushPlan plan, Begin(loaded));
    const bool is_up_to_date = plan.sources.empty() && transactions.empty() &&
                               plan.through_sequence == flushed_sequence_.load();
    if (is_up_to_date) return {};
    status = Carry(plan, transactions);
    if (status.ok()) return {};
    {
      MutexLock apply(apply_mutex_);
      state_.AbandonFlush();
    }
    if (status.code() != StatusCode::kConflict) return status.WithContext("flush");
    VIPER_RETURN_IF_ERROR(AdoptCommitsOfOthers());
  }
  return status.WithContext(fmt::format("flush: given up after {} attempts", kAttemptsMax));
}

Result<FlushPlan> Flusher::Begin(const std::shared_ptr<Memtable>& loaded) {
  MutexLock apply(apply_mutex_);
  if (loaded != nullptr) return state_.BeginLoad(loaded);
  return state_.BeginFlush();
}

Status Flusher::Carry(const FlushPlan& plan, const Transactions& transactions) {
  PartBuildOptions build_options;
  build_options.file_system = context_.file_system;
  build_options.table_directory = context_.directory;
  build_options.schema = context_.schema.get();
  VIPER_ASSIGN_OR_RETURN(BuiltParts built, BuildParts(plan, build_options, context_.NowMillis()));
  auto new_parts = OpenBuilt(built);
  if (!new_parts.ok()) {
    RemoveFiles(built.added);
    return new_parts.status();
  }
  const storage::TableCommit commit = MakeCommit(plan, built, *new_parts, transactions);
  Status committed = log_->Commit(table_.version + 1, commit, context_.NowMillis());
  if (committed.code() == StatusCode::kConflict) RemoveFiles(built.added);
  VIPER_RETURN_IF_ERROR(committed);
  storage::ApplyCommit(commit, table_);
  {
    MutexLock apply(apply_mutex_);
    state_.FinishFlush(plan, *new_parts, built.moved, table_.version);
  }
  flushed_sequence_ = plan.through_sequence;
  flushes_.fetch_add(1);
  Clean(plan);
  return {};
}

storage::TableCommit Flusher::MakeCommit(const FlushPlan& plan, const BuiltParts& built,
                                         const Parts& new_parts,
                                         const Transactions& transactions) const {
  storage::TableCommit commit;
  commit.operation = "WRITE";
  commit.operation_parameters = {{"mode", "Append"}};
  commit.added = built.added;
  for (size_t i = 0; i < new_parts.size(); ++i) {
    commit.added[i].tags[std::string(kFooterCrcTag)] = new_parts[i]->footer_crc();
  }
  for (const FlushSource& source : plan.sources) {
    if (source.part == nullptr) continue;
    storage::RemovedFile removed;
    removed.path = source.part->added().path;
    removed.size = source.part->added().size;
    removed.deletion_timestamp_ms = context_.NowMillis();
    commit.removed.push_back(std::move(removed));
  }
  commit.transactions = transactions;
  commit.transactions[std::string(kLogApplication)] = static_cast<int64_t>(plan.through_sequence);
  return commit;
}

Result<Flusher::Parts> Flusher::OpenBuilt(const BuiltParts& built) const {
  Parts parts;
  for (size_t i = 0; i < built.added.size(); ++i) {
    Part::OpenOptions options = PartOptions(context_);
    options.known_content = &built.sidecars[i];
    VIPER_ASSIGN_OR_RETURN(auto part, Part::Open(built.added[i], options));
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<Flusher::Parts> Flusher::OpenParts(const std::vector<storage::AddedFile>& files) const {
  Parts parts;
  for (const storage::AddedFile& file : files) {
    VIPER_ASSIGN_OR_RETURN(auto part, Part::Open(file, PartOptions(context_)));
    parts.push_back(std::move(part));
  }
  return parts;
}

void Flusher::RemoveFiles(const std::vector<storage::AddedFile>& files) const {
  for (const storage::AddedFile& file : files) {
    // Best effort: files that no commit names are swept at the next open.
    (void)context_.file_system->RemoveFile(storage::DataFilePath(context_.directory, file.path))
        .ok();
    (void)context_.file_system->RemoveFile(storage::SidecarPath(context_.directory, file.path))
        .ok();
  }
}

void Flusher::Clean(const FlushPlan& plan) {
  Status dropped = wal_.DropThrough(plan.through_sequence);
  if (!dropped.ok()) context_.Log("log: dropping flushed records failed: " + dropped.ToString());
  for (const FlushSource& source : plan.sources) {
    if (source.part == nullptr) continue;
    const std::string sidecar = storage::SidecarPath(context_.directory, source.part->added().path);
    (void)context_.file_system->RemoveFile(sidecar).ok();  // swept at the next open otherwise
  }
  if (!log_->WantsCheckpoint(table_.version)) return;
  Status written = log_->WriteCheckpoint(table_, context_.NowMillis());
  if (written.ok()) {
    checkpoints_.fetch_add(1);
  } else {
    context_.Log("checkpoint failed: " + written.ToString());
  }
}

Status Flusher::AdoptCommitsOfOthers() {
  VIPER_ASSIGN_OR_RETURN(auto commits, log_->ReadAfter(table_.version));
  for (const storage::TableCommit& commit : commits) {
    if (commit.protocol &&
        (commit.protocol->min_reader_version > 1 || commit.protocol->min_writer_version > 2)) {
      return Status::Unsupported(fmt::format(
          "another writer raised the table's protocol at version {}: reader={} writer={}",
          table_.version + 1, commit.protocol->min_reader_version,
          commit.protocol->min_writer_version));
    }
    if (commit.metadata) {
      VIPER_ASSIGN_OR_RETURN(CollectionSchema schema, ReadTableSchema(*commit.metadata));
      if (schema.dim != context_.schema->dim || schema.metric != context_.schema->metric) {
        return Status::Conflict(
            fmt::format("another writer changed the collection at version {}: dim={} metric={}",
                        table_.version + 1, schema.dim, MetricName(schema.metric)));
      }
    }
    std::vector<std::string> removed;
    for (const storage::RemovedFile& file : commit.removed) removed.push_back(file.path);
    VIPER_ASSIGN_OR_RETURN(Parts added, OpenParts(commit.added));
    MutexLock apply(apply_mutex_);
    VIPER_RETURN_IF_ERROR(state_.AdoptForeign(added, removed, table_.version + 1));
    storage::ApplyCommit(commit, table_);
  }
  return {};
}

}  // namespace viper::core
