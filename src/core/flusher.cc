#include "core/flusher.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "core/retention.h"
#include "core/table_schema.h"
#include "core/vacuum_plan.h"
#include "storage/directory_creation.h"
#include "storage/file_contents.h"
#include "storage/file_names.h"
#include "storage/table_retention.h"
#include "storage/table_rules.h"

namespace viper::core {
namespace {

/// In DeleteMode::kAuto parts of which so many bytes are alive are written anew: about what a flush
/// writes in a moment, and it keeps small tables readable for everybody.
constexpr uint64_t kRewriteBytesMax = uint64_t{16} << 20;

constexpr std::string_view kDeletionVectorsFeature = "deletionVectors";
constexpr std::string_view kEnableVectors = "delta.enableDeletionVectors";
/// What writer version 2 has without saying so.
constexpr std::string_view kImpliedFeatures[] = {"appendOnly", "invariants"};

/// Whether the dead rows of a part become its deletion vector, instead of the live ones moving to a
/// new part.
bool WantsVector(const FlushSource& source, DeleteMode mode) {
  if (source.part == nullptr || source.live_count() == 0) return false;
  if (!source.part->unread_columns().empty()) return true;
  if (mode != DeleteMode::kAuto) return mode == DeleteMode::kVectors;
  const uint64_t live_bytes = static_cast<uint64_t>(static_cast<double>(source.part->added().size) *
                                                    static_cast<double>(source.live_count()) /
                                                    static_cast<double>(source.row_count));
  return live_bytes > kRewriteBytesMax && 2 * source.live_count() > source.row_count;
}

/// Let the commit ask of readers and writers of the table that they know deletion vectors.
void RequireVectors(const storage::TableState& table, storage::TableCommit& commit) {
  storage::TableProtocol protocol = table.protocol;
  const auto add = [](std::vector<std::string>& features, std::string_view feature) {
    if (std::find(features.begin(), features.end(), feature) == features.end()) {
      features.emplace_back(feature);
    }
  };
  if (protocol.min_writer_version < storage::kWriterFeaturesVersion) {
    protocol.writer_features.assign(std::begin(kImpliedFeatures), std::end(kImpliedFeatures));
  }
  protocol.min_reader_version = storage::kReaderFeaturesVersion;
  protocol.min_writer_version = storage::kWriterFeaturesVersion;
  add(protocol.reader_features, kDeletionVectorsFeature);
  add(protocol.writer_features, kDeletionVectorsFeature);
  if (protocol != table.protocol) commit.protocol = std::move(protocol);
  storage::TableMetadata metadata = commit.metadata.value_or(table.metadata);
  metadata.configuration[std::string(kEnableVectors)] = "true";
  if (metadata != table.metadata) commit.metadata = std::move(metadata);
}

/// What lets readers in again that know no deletion vectors; nullopt if the table asks for none, or
/// has some (but those of `rewritten` files), or asks for more.
std::optional<storage::TableCommit> ProtocolWithoutVectors(
    const storage::TableState& table, const std::set<std::string>& rewritten = {}) {
  const std::vector<std::string> only_vectors = {std::string(kDeletionVectorsFeature)};
  if (table.protocol.reader_features != only_vectors) return std::nullopt;
  for (const auto& [path, file] : table.files) {
    if (file.deletion_vector && !rewritten.contains(path)) return std::nullopt;
  }
  storage::TableProtocol protocol;
  protocol.writer_features = table.protocol.writer_features;
  std::erase(protocol.writer_features, std::string(kDeletionVectorsFeature));
  const auto is_implied = [](const std::string& feature) {
    return std::find(std::begin(kImpliedFeatures), std::end(kImpliedFeatures), feature) !=
           std::end(kImpliedFeatures);
  };
  if (std::all_of(protocol.writer_features.begin(), protocol.writer_features.end(), is_implied)) {
    protocol.writer_features.clear();
  } else {
    protocol.min_writer_version = storage::kWriterFeaturesVersion;
  }
  storage::TableCommit commit;
  commit.protocol = std::move(protocol);
  commit.metadata = table.metadata;
  commit.metadata->configuration.erase(std::string(kEnableVectors));
  return commit;
}

/// The log's entry of a file of so many rows that stays, with its new deletion vector. The
/// statistics now tell of rows that are not there, too. The protocol asks for the number of
/// records.
storage::AddedFile WithVector(storage::AddedFile file, uint64_t row_count,
                              const storage::DeletionVectorDescriptor& vector) {
  file.deletion_vector = vector;
  const auto statistics = Value::FromJson(file.stats_json);
  Value::Object object;
  if (statistics.ok() && statistics->as_object() != nullptr) object = *statistics->as_object();
  object["tightBounds"] = false;
  object["numRecords"] = static_cast<int64_t>(row_count);
  file.stats_json = Value(std::move(object)).ToJson();
  return file;
}

}  // namespace

std::unique_ptr<storage::TableLog> MakeTableLog(const CollectionContext& context) {
  storage::TableLogOptions options;
  options.checkpoint_interval = context.options.checkpoint_interval;
  options.log_retention_ms = std::max(context.options.retention_ms, storage::kLogRetentionMsMin);
  options.retained_versions =
      std::max(context.options.retained_versions, context.options.checkpoint_interval);
  options.tombstone_retention_ms =
      std::max(context.options.retention_ms, options.tombstone_retention_ms);
  return storage::TableLog::Make(*context.file_system, context.directory, options);
}

Part::OpenOptions PartOptions(const CollectionContext& context, const CollectionSchema& schema) {
  Part::OpenOptions options;
  options.file_system = context.file_system;
  options.table_directory = context.directory;
  options.schema = &schema;
  options.cache = &context.read->cache;
  options.vector_cache = &context.read->vector_cache;
  options.write_sidecar = !context.options.read_only;
  return options;
}

PartBuildOptions MakeBuildOptions(const CollectionContext& context) {
  PartBuildOptions options;
  options.file_system = context.file_system;
  options.table_directory = context.directory;
  options.part_bytes = context.options.part_bytes;
  options.memory = context.memory;
  if (context.memory->is_limited()) {
    options.row_group_bytes = std::min(options.row_group_bytes, FileMemory(*context.memory) / 2);
  }
  options.compression = {.policy = context.options.storage_policy,
                         .adaptive = context.options.adaptive_compression,
                         .fixed = context.options.compression};
  options.sparse = {.format = context.options.vector_format,
                    .threshold = context.options.sparsity_threshold};
  return options;
}

Result<PartView> OpenPartView(const CollectionContext& context, const CollectionSchema& schema,
                              const storage::AddedFile& file, std::shared_ptr<const Part> open) {
  PartView view;
  view.part = std::move(open);
  if (view.part == nullptr) {
    VIPER_ASSIGN_OR_RETURN(view.part, Part::Open(file, PartOptions(context, schema)));
  }
  context.stamps->Observe(view.part->last_stamp());
  if (!file.deletion_vector) return view;
  VIPER_ASSIGN_OR_RETURN(
      Bitmap rows, storage::ReadDeletionVector(*context.file_system, context.directory,
                                               *file.deletion_vector, view.part->row_count()));
  view.dead = std::make_shared<const Bitmap>(std::move(rows));
  view.deletion_vector =
      std::make_shared<const DeletionVector>(DeletionVector{*file.deletion_vector, view.dead});
  return view;
}

void SortByAge(std::vector<PartView>& parts) {
  std::sort(parts.begin(), parts.end(), [](const PartView& a, const PartView& b) {
    return std::pair(a.part->added().modification_time_ms, a.part->added().path) <
           std::pair(b.part->added().modification_time_ms, b.part->added().path);
  });
}

Flusher::Flusher(const CollectionContext& context, std::unique_ptr<storage::TableLog> log,
                 storage::TableState table, CollectionState& state, storage::WalWriter& wal,
                 Mutex& apply_mutex)
    : context_(context),
      state_(state),
      wal_(wal),
      apply_mutex_(apply_mutex),
      log_(std::move(log)),
      table_(std::move(table)),
      allows_sparse_(AllowsSparseColumn(table_.metadata)) {
  auto flushed = table_.transactions.find(std::string(kLogApplication));
  if (flushed != table_.transactions.end()) {
    flushed_sequence_ = static_cast<uint64_t>(flushed->second);
  }
}

PartBuildOptions Flusher::BuildOptions() const {
  PartBuildOptions options = MakeBuildOptions(context_);
  if (!allows_sparse_.load()) options.sparse.format = VectorFormat::kDense;
  return options;
}

Status Flusher::Flush(const Prepare& prepare) {
  MutexLock lock(flush_mutex_);
  return Run(nullptr, {}, prepare);
}

Status Flusher::CommitLoaded(std::shared_ptr<Memtable> loaded, const Transactions& transactions) {
  MutexLock lock(flush_mutex_);
  return Run(loaded, transactions, [](const auto&, const auto&) {});
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

Status Flusher::Run(const std::shared_ptr<Memtable>& loaded, const Transactions& transactions,
                    const Prepare& prepare) {
  Status status;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    VIPER_ASSIGN_OR_RETURN(FlushPlan plan, Begin(loaded));
    const bool is_up_to_date = plan.sources.empty() && transactions.empty() &&
                               plan.through_sequence == flushed_sequence_.load();
    if (is_up_to_date) return {};
    VIPER_RETURN_IF_ERROR(log_->CheckTakesCommits().WithContext("flush"));
    status = Carry(plan, transactions, prepare);
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

Status Flusher::CommitDeathsByOthers() {
  return Run(nullptr, {}, [](const auto&, const auto&) {});
}

Result<FlushPlan> Flusher::Begin(const std::shared_ptr<Memtable>& loaded) {
  FlushPlan plan;
  {
    MutexLock apply(apply_mutex_);
    if (loaded == nullptr) {
      plan = state_.BeginFlush();
    } else {
      VIPER_ASSIGN_OR_RETURN(plan, state_.BeginLoad(loaded));
    }
  }
  for (FlushSource& source : plan.sources) {
    source.keeps_file = WantsVector(source, context_.options.delete_mode);
  }
  return plan;
}

Status Flusher::Carry(const FlushPlan& plan, const Transactions& transactions,
                      const Prepare& prepare) {
  VIPER_ASSIGN_OR_RETURN(Written written, Write(plan));
  prepare(plan, written.result);
  storage::TableCommit commit = MakeCommit(plan, written);
  commit.operation = "WRITE";
  commit.operation_parameters = {{"mode", "Append"}};
  commit.transactions = transactions;
  commit.transactions[std::string(kLogApplication)] = static_cast<int64_t>(plan.through_sequence);
  Status committed = Commit(commit, written);
  if (!committed.ok()) RemoveFiles(written);
  VIPER_RETURN_IF_ERROR(committed);
  {
    MutexLock apply(apply_mutex_);
    state_.FinishFlush(plan, written.result, table_.version);
  }
  flushed_sequence_ = plan.through_sequence;
  flushes_.fetch_add(1);
  Status dropped = wal_.DropThrough(plan.through_sequence);
  if (!dropped.ok()) context_.Log("log: dropping flushed records failed: " + dropped.ToString());
  Clean(plan);
  return {};
}

Status Flusher::CommitCompacted(const FlushPlan& plan, BuiltParts built, const Compacted& compacted,
                                const Prepare& prepare) {
  VIPER_ASSIGN_OR_RETURN(Written written, OpenBuilt(plan, std::move(built)));
  written.data_change = compacted.data_change;
  written.reason = compacted.reason;
  written.metrics = compacted.metrics;
  for (storage::AddedFile& file : written.added) file.data_change = compacted.data_change;
  prepare(plan, written.result);
  MutexLock lock(flush_mutex_);
  const bool takes_foreign =
      std::any_of(plan.sources.begin(), plan.sources.end(),
                  [](const FlushSource& source) { return source.part->is_foreign(); });
  Status status = takes_foreign ? CommitDeathsByOthers() : Status::Ok();
  if (!status.ok()) {
    RemoveFiles(written);
    return status;
  }
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    status = CommitCompactedOnce(plan, written);
    if (status.code() != StatusCode::kConflict) break;
    RemoveVectors(written);
    if (Status adopted = AdoptCommitsOfOthers(); !adopted.ok()) {
      RemoveFiles(written);
      return adopted;
    }
  }
  if (!status.ok()) RemoveFiles(written);
  VIPER_RETURN_IF_ERROR(status);
  Clean(plan);
  return {};
}

Status Flusher::Commit(const storage::TableCommit& commit, Written& written) {
  const Status committed = log_->Commit(table_.version + 1, commit, context_.NowMillis());
  written.may_be_committed = log_->MayHaveCommitted();
  VIPER_RETURN_IF_ERROR(committed);
  storage::ApplyCommit(commit, table_);
  return {};
}

Status Flusher::CheckTakesCommits() const {
  MutexLock lock(flush_mutex_);
  return log_->CheckTakesCommits();
}

Result<bool> Flusher::LowerProtocol() {
  MutexLock lock(flush_mutex_);
  Status status;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    auto commit = ProtocolWithoutVectors(table_);
    if (!commit) return false;
    commit->operation = "SET TBLPROPERTIES";
    status = CommitWithoutRows(*commit);
    if (status.code() != StatusCode::kConflict) break;
    VIPER_RETURN_IF_ERROR(AdoptCommitsOfOthers());
  }
  VIPER_RETURN_IF_ERROR(status);
  // Readers of the old protocol begin here.
  VIPER_RETURN_IF_ERROR(log_->WriteCheckpoint(table_, context_.NowMillis()));
  checkpoints_.fetch_add(1);
  return true;
}

bool Flusher::WouldLowerProtocol(const std::set<std::string>& rewritten) const {
  MutexLock lock(flush_mutex_);
  return ProtocolWithoutVectors(table_, rewritten).has_value();
}

Status Flusher::SetProperties(const CollectionProperties& properties) {
  MutexLock lock(flush_mutex_);
  Status status;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    storage::TableCommit commit;
    commit.operation = "SET TBLPROPERTIES";
    commit.metadata = table_.metadata;
    WriteTableProperties(properties, *commit.metadata);
    const bool has_them = *commit.metadata == table_.metadata;
    status = has_them ? Status::Ok() : CommitWithoutRows(commit);
    if (status.ok()) {
      context_.properties->Set(properties);
      if (!has_them) WriteCheckpointIfDue();
    }
    if (status.code() != StatusCode::kConflict) break;
    VIPER_RETURN_IF_ERROR(AdoptCommitsOfOthers());
  }
  return status.WithContext("changing the properties");
}

Status Flusher::CommitWithoutRows(const storage::TableCommit& commit) {
  VIPER_RETURN_IF_ERROR(log_->Commit(table_.version + 1, commit, context_.NowMillis()));
  storage::ApplyCommit(commit, table_);
  MutexLock apply(apply_mutex_);
  state_.SetTableVersion(table_.version);
  return {};
}

Result<VacuumReport> Flusher::Vacuum(const VacuumOptions& options) {
  MutexLock lock(flush_mutex_);
  // Somebody may have told the table to keep more meanwhile, or may have taken files back.
  VIPER_RETURN_IF_ERROR(AdoptCommitsOfOthers());
  VIPER_ASSIGN_OR_RETURN(const int64_t before_ms, ExpiredBefore(context_, table_, *log_, options));
  VIPER_ASSIGN_OR_RETURN(const VacuumPlan plan, PlanVacuum(table_, before_ms));
  VacuumReport report;
  for (const std::string& file : plan.files) {
    const std::string path = storage::DataFilePath(context_.directory, file);
    auto size = context_.file_system->FileSize(path);
    if (size.status().code() == StatusCode::kNotFound) continue;  // by an earlier one
    VIPER_RETURN_IF_ERROR(size.status());
    if (!options.dry_run) VIPER_RETURN_IF_ERROR(context_.file_system->RemoveFile(path));
    report.files.push_back(file);
    report.bytes += *size;
  }
  if (options.dry_run) return report;
  for (const std::string& key : plan.tombstones) table_.tombstones.erase(key);
  return report;
}

Status Flusher::CommitCompactedOnce(const FlushPlan& plan, Written& written) {
  std::vector<std::shared_ptr<const Bitmap>> dead;
  {
    MutexLock apply(apply_mutex_);
    if (!state_.HoldsSources(plan)) {
      return Status::Conflict("a file that was to be replaced is no longer in the table");
    }
    if (written.has_sparse_column && !allows_sparse_.load()) {
      return Status::Conflict("the table has another column '_sparse' by now");
    }
    for (Bitmap& rows : state_.DeadInTableSince(plan, written.result)) {
      dead.push_back(rows.empty() ? nullptr : std::make_shared<const Bitmap>(std::move(rows)));
    }
  }
  VIPER_ASSIGN_OR_RETURN(written.result.part_vectors, WriteVectors(dead, written.vector_path));
  storage::TableCommit commit = MakeCommit(plan, written);
  commit.operation = written.added.empty() ? "DELETE" : "OPTIMIZE";
  commit.operation_parameters = {{std::string(kReasonParameter), written.reason}};
  commit.operation_metrics = written.metrics;
  VIPER_RETURN_IF_ERROR(Commit(commit, written));
  MutexLock apply(apply_mutex_);
  state_.FinishFlush(plan, written.result, table_.version);
  return {};
}

Result<Flusher::Written> Flusher::Write(const FlushPlan& plan) const {
  VIPER_ASSIGN_OR_RETURN(BuiltParts built, BuildParts(plan, BuildOptions(), context_.NowMillis()));
  VIPER_ASSIGN_OR_RETURN(Written written, OpenBuilt(plan, std::move(built)));
  std::vector<std::shared_ptr<const Bitmap>> dead;
  for (const FlushSource& source : plan.sources) {
    dead.push_back(source.keeps_file ? source.dead : nullptr);
  }
  auto vectors = WriteVectors(dead, written.vector_path);
  if (!vectors.ok()) RemoveFiles(written);
  VIPER_RETURN_IF_ERROR(vectors.status());
  written.result.source_vectors = std::move(*vectors);
  return written;
}

Result<Flusher::Written> Flusher::OpenBuilt(const FlushPlan& plan, BuiltParts built) const {
  Written written;
  written.added = std::move(built.added);
  written.result.moved = std::move(built.moved);
  written.has_sparse_column = built.has_sparse_column;
  written.result.part_vectors.resize(written.added.size());
  for (size_t i = 0; i < written.added.size(); ++i) {
    Part::OpenOptions options = PartOptions(context_, *plan.schema);
    options.known_content = &built.sidecars[i];
    auto part = Part::Open(written.added[i], options);
    if (!part.ok()) RemoveFiles(written);
    VIPER_RETURN_IF_ERROR(part.status());
    written.added[i].tags[std::string(kFooterCrcTag)] = (*part)->footer_crc();
    written.result.parts.push_back(std::move(*part));
  }
  return written;
}

Result<Flusher::Vectors> Flusher::WriteVectors(std::span<const std::shared_ptr<const Bitmap>> rows,
                                               std::string& path) const {
  storage::DeletionVectorFile file(MakeUuid());
  Vectors vectors;
  for (const std::shared_ptr<const Bitmap>& dead : rows) {
    vectors.push_back(dead == nullptr ? nullptr
                                      : std::make_shared<const DeletionVector>(
                                            DeletionVector{file.Add(*dead), dead}));
  }
  if (file.empty()) return vectors;
  FileSystem& files = *context_.file_system;
  const std::string folder = storage::DeletionVectorDirectory(context_.directory);
  VIPER_RETURN_IF_ERROR(storage::CreateDurableDirectories(files, folder, 1));
  path = file.path();
  VIPER_RETURN_IF_ERROR(storage::WriteSyncedFile(
      files, storage::DataFilePath(context_.directory, path), file.bytes()));
  VIPER_RETURN_IF_ERROR(files.SyncDirectory(folder));
  return vectors;
}

storage::TableCommit Flusher::MakeCommit(const FlushPlan& plan, const Written& written) const {
  storage::TableCommit commit;
  for (size_t i = 0; i < written.added.size(); ++i) {
    const auto& vector = written.result.part_vectors[i];
    commit.added.push_back(vector == nullptr
                               ? written.added[i]
                               : WithVector(written.added[i], written.result.parts[i]->row_count(),
                                            vector->descriptor));
  }
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    const FlushSource& source = plan.sources[i];
    if (source.part == nullptr) continue;
    const auto file = table_.files.find(source.part->added().path);
    VIPER_ASSERT(file != table_.files.end());
    commit.removed.push_back({.path = file->second.path,
                              .deletion_timestamp_ms = log_->TimeOfNext(context_.NowMillis()),
                              .data_change = written.data_change,
                              .size = file->second.size,
                              .deletion_vector = file->second.deletion_vector});
    if (!source.keeps_file) continue;
    storage::AddedFile kept =
        WithVector(file->second, source.row_count, written.result.source_vectors[i]->descriptor);
    kept.data_change = written.data_change;
    commit.added.push_back(std::move(kept));
  }
  if (written.has_sparse_column) {
    storage::TableMetadata metadata = WithSparseColumn(table_.metadata);
    if (metadata != table_.metadata) commit.metadata = std::move(metadata);
  }
  if (!written.vector_path.empty()) RequireVectors(table_, commit);
  return commit;
}

void Flusher::RemoveFiles(Written& written) const {
  if (written.may_be_committed) return;
  // Best effort: files that no commit names are swept at the next open.
  const auto remove = [this](const std::string& path) {
    (void)context_.file_system->RemoveFile(path).ok();
  };
  for (const storage::AddedFile& file : written.added) {
    remove(storage::DataFilePath(context_.directory, file.path));
    remove(storage::SidecarPath(context_.directory, file.path));
  }
  RemoveVectors(written);
}

void Flusher::RemoveVectors(Written& written) const {
  if (written.vector_path.empty()) return;
  const std::string path = storage::DataFilePath(context_.directory, written.vector_path);
  (void)context_.file_system->RemoveFile(path).ok();
  written.vector_path.clear();
}

void Flusher::Clean(const FlushPlan& plan) {
  RemoveSidecars(plan);
  WriteCheckpointIfDue();
}

void Flusher::RemoveSidecars(const FlushPlan& plan) const {
  for (const FlushSource& source : plan.sources) {
    if (source.part == nullptr || source.keeps_file) continue;
    const std::string sidecar = storage::SidecarPath(context_.directory, source.part->added().path);
    (void)context_.file_system->RemoveFile(sidecar).ok();  // swept at the next open otherwise
  }
}

void Flusher::WriteCheckpointIfDue() {
  if (!log_->WantsCheckpoint(table_.version)) return;
  Status written = log_->WriteCheckpoint(table_, context_.NowMillis());
  if (written.ok()) {
    checkpoints_.fetch_add(1);
  } else {
    context_.Log("checkpoint failed: " + written.ToString());
  }
}

}  // namespace viper::core
