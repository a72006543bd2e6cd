// A commit is written to a file of its own, synced, and then linked to its number: the link either
// is made or is there already, and that is the one moment that decides (Delta protocol, "Delta Log
// Entries"). All else can be repeated or is garbage.
//
// The hint `_last_checkpoint` is written for other readers. We list the directory instead, so that
// a stale, missing or damaged hint means nothing.

#include "storage/table_log.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/coding.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "parquet/checkpoint_file.h"
#include "storage/delta_actions.h"
#include "storage/directory_creation.h"
#include "storage/file_contents.h"
#include "storage/file_names.h"
#include "storage/log_cleanup.h"
#include "storage/table_checkpoint.h"
#include "storage/table_retention.h"
#include "storage/table_rules.h"

namespace viper::storage {
namespace {

// Between the listing and the reading of a file another process may clean the log.
constexpr int kLoadAttemptsMax = 5;

struct LogListing {
  std::set<int64_t> commits;
  std::set<int64_t> checkpoints;

  bool empty() const { return commits.empty() && checkpoints.empty(); }
};

// A commit whose outcome is not known: repeating it must not make it a conflict with itself.
struct UnclearCommit {
  int64_t version = 0;
  TableCommit commit;
  std::string transaction_id;
};

class TableLogImpl final : public TableLog {
 public:
  TableLogImpl(FileSystem& file_system, std::string table, const TableLogOptions& options)
      : file_system_(file_system), table_(std::move(table)), options_(options) {}

  Result<bool> Exists() override {
    VIPER_ASSIGN_OR_RETURN(const LogListing listing, List());
    return !listing.empty();
  }

  Result<TableState> Load() override {
    for (int attempt = 1;; ++attempt) {
      VIPER_ASSIGN_OR_RETURN(const LogListing listing, List());
      if (listing.empty()) return Status::NotFound(fmt::format("no table in {}", table_));
      auto loaded = LoadListed(listing);
      if (HasVanished(loaded.status()) && attempt < kLoadAttemptsMax) continue;
      VIPER_RETURN_IF_ERROR(loaded.status());
      VIPER_RETURN_IF_ERROR(CheckReadable(*loaded));
      return loaded;
    }
  }

  Result<TableState> LoadVersion(int64_t version) override {
    for (int attempt = 1;; ++attempt) {
      VIPER_ASSIGN_OR_RETURN(const LogListing all, List());
      LogListing listing = all;
      std::erase_if(listing.commits, [&](int64_t other) { return other > version; });
      std::erase_if(listing.checkpoints, [&](int64_t other) { return other > version; });
      const bool is_there =
          listing.commits.contains(version) || listing.checkpoints.contains(version);
      const bool has_start = listing.commits.contains(0) || !listing.checkpoints.empty();
      if (!is_there || !has_start) return NoVersion(version, all);
      auto loaded = LoadListed(listing);
      if (HasVanished(loaded.status()) && attempt < kLoadAttemptsMax) continue;
      VIPER_RETURN_IF_ERROR(loaded.status());
      VIPER_RETURN_IF_ERROR(CheckReadable(*loaded));
      return loaded;
    }
  }

  Result<int64_t> VersionAt(int64_t timestamp_ms) override {
    for (int attempt = 1;; ++attempt) {
      VIPER_ASSIGN_OR_RETURN(const LogListing listing, List());
      std::string oldest = "none";
      const auto found = FindVersionAt(listing, timestamp_ms, oldest);
      if (HasVanished(found.status()) && attempt < kLoadAttemptsMax) continue;
      VIPER_RETURN_IF_ERROR(found.status());
      if (*found) return **found;
      return Status::NotFound(fmt::format("{}: no version is that old: asked={} ms oldest={}",
                                          table_, timestamp_ms, oldest));
    }
  }

  Result<int64_t> CommitTime(int64_t version) override {
    VIPER_ASSIGN_OR_RETURN(const CommitFile file, ReadCommit(version));
    return file.stamp.timestamp_ms;
  }

  Status VisitVersions(const Visitor& visit) override {
    int64_t visited = -1;
    Status refusal;
    const auto visit_once = [&](const TableState& state, const Committed& committed) -> Status {
      if (state.version <= visited) return {};
      visited = state.version;
      refusal = visit(state, committed);
      return refusal;
    };
    for (int attempt = 1;; ++attempt) {
      VIPER_ASSIGN_OR_RETURN(const LogListing listing, List());
      if (listing.empty()) return Status::NotFound(fmt::format("no table in {}", table_));
      const Status status = VisitListed(listing, visit_once);
      const bool has_vanished = HasVanished(status) && refusal.ok();
      if (!has_vanished || attempt == kLoadAttemptsMax) return status;
    }
  }

  Result<std::vector<TableCommit>> ReadAfter(int64_t version) override {
    std::vector<TableCommit> commits;
    while (true) {
      const int64_t next = version + 1 + static_cast<int64_t>(commits.size());
      auto file = ReadCommit(next);
      if (file.status().code() == StatusCode::kNotFound) break;
      VIPER_RETURN_IF_ERROR(file.status());
      commits.push_back(std::move(file->commit));
    }
    if (commits.empty()) VIPER_RETURN_IF_ERROR(CheckIsNewest(version));
    return commits;
  }

  Status Commit(int64_t version, const TableCommit& commit, int64_t now_ms) override {
    may_have_committed_ = false;
    VIPER_RETURN_IF_ERROR(poison_);
    if (version < 0) {
      return Status::InvalidArgument(fmt::format("negative table version: actual={}", version));
    }
    // The number may be free because its commit was cleaned away: what were written there nobody
    // would read.
    if (version > 0) VIPER_RETURN_IF_ERROR(CheckIsNewest(version - 1));
    VIPER_RETURN_IF_ERROR(PrepareDirectories());
    const std::string transaction_id = TransactionId(version, commit);
    const int64_t time_ms = TimeOfNext(now_ms);
    const std::string text =
        EncodeCommit(commit, {.timestamp_ms = time_ms, .transaction_id = transaction_id});
    const std::string tmp = NewTmpPath(CommitName(version));
    VIPER_RETURN_IF_ERROR(WriteSyncedFile(file_system_, tmp, AsBytes(text)));
    Status linked = file_system_.Link(tmp, CommitPath(table_, version));
    // What stays of the second name is swept with its directory.
    static_cast<void>(file_system_.RemoveFile(tmp));
    if (!linked.ok() && !IsOurs(version, transaction_id)) {
      if (linked.code() == StatusCode::kAlreadyExists) {
        unclear_.reset();
        return Status::Conflict(
            fmt::format("{}: version {} was committed by somebody else", table_, version));
      }
      unclear_ = {.version = version, .commit = commit, .transaction_id = transaction_id};
      const auto exists = file_system_.Exists(CommitPath(table_, version));
      may_have_committed_ = !exists.ok() || *exists;
      return linked.WithContext(fmt::format("commit of table version {}", version));
    }
    unclear_.reset();
    newest_time_ms_ = time_ms;
    const Status synced = SyncLog();
    may_have_committed_ = !synced.ok();
    return synced.WithContext(
        fmt::format("commit of table version {}, which may or may not survive", version));
  }

  bool MayHaveCommitted() const override { return may_have_committed_; }
  Status CheckTakesCommits() const override { return poison_; }
  int64_t TimeOfNext(int64_t now_ms) const override { return std::max(now_ms, newest_time_ms_); }

  Status WriteCheckpoint(const TableState& state, int64_t now_ms) override {
    VIPER_RETURN_IF_ERROR(poison_);
    VIPER_RETURN_IF_ERROR(CheckCanWrite(state));
    VIPER_RETURN_IF_ERROR(PrepareDirectories());
    const TableRetention retention = ReadRetention(state.metadata);
    const auto actions = ToCheckpoint(state, TombstonesExpireBefore(retention, options_, now_ms));
    VIPER_ASSIGN_OR_RETURN(const auto bytes, parquet::EncodeCheckpoint(actions));
    VIPER_RETURN_IF_ERROR(Replace(CheckpointPath(table_, state.version), bytes));
    checkpoint_version_ = std::max(checkpoint_version_, state.version);
    const size_t action_count =
        2 + actions.adds.size() + actions.removes.size() + actions.transactions.size();
    const Value hint = Value::Object{{"version", state.version},
                                     {"size", static_cast<int64_t>(action_count)},
                                     {"sizeInBytes", static_cast<int64_t>(bytes.size())},
                                     {"numOfAddFiles", static_cast<int64_t>(actions.adds.size())}};
    VIPER_RETURN_IF_ERROR(Replace(LastCheckpointPath(table_), AsBytes(hint.ToJson())));
    return CleanExpiredLog(file_system_, table_,
                           KeptLog(retention, options_, state.version, now_ms))
        .WithContext("cleaning the table log");
  }

  bool WantsCheckpoint(int64_t version) const override {
    return options_.checkpoint_interval > 0 &&
           version - checkpoint_version_ >= options_.checkpoint_interval;
  }

 private:
  // -- Reading
  // -------------------------------------------------------------------------------------

  Result<LogListing> List() const {
    LogListing listing;
    auto names = file_system_.List(LogDirectory(table_));
    if (names.status().code() == StatusCode::kNotFound) return listing;
    VIPER_RETURN_IF_ERROR(names.status());
    for (const std::string& name : *names) {
      if (const auto commit = ParseCommitName(name)) listing.commits.insert(*commit);
      if (const auto checkpoint = ParseCheckpointName(name)) {
        listing.checkpoints.insert(*checkpoint);
      }
    }
    return listing;
  }

  Status NoVersion(int64_t version, const LogListing& listing) const {
    // From a checkpoint on, or from the first commit.
    const int64_t newest =
        std::max(listing.commits.empty() ? -1 : *listing.commits.rbegin(),
                 listing.checkpoints.empty() ? -1 : *listing.checkpoints.rbegin());
    int64_t oldest = listing.checkpoints.empty() ? newest : *listing.checkpoints.begin();
    if (listing.commits.contains(0)) oldest = 0;
    return Status::NotFound(
        fmt::format("{}: this version of the table is not in its log: "
                    "oldest={} newest={} asked={}",
                    table_, oldest, newest, version));
  }

  static bool HasVanished(const Status& status) { return status.code() == StatusCode::kNotFound; }

  // As VersionAt; absent if there is none, and then what the oldest is. NotFound if a listed file
  // has vanished.
  Result<std::optional<int64_t>> FindVersionAt(const LogListing& listing, int64_t timestamp_ms,
                                               std::string& oldest) const {
    for (auto version = listing.commits.rbegin(); version != listing.commits.rend(); ++version) {
      VIPER_ASSIGN_OR_RETURN(const CommitFile file, ReadCommit(*version));
      // Another writer's commit may not say when it was made: not before the next one that does.
      if (file.stamp.timestamp_ms <= 0) continue;
      if (file.stamp.timestamp_ms <= timestamp_ms) return std::optional(*version);
      oldest = fmt::format("{} ms", file.stamp.timestamp_ms);
    }
    return std::optional<int64_t>();
  }

  // NotFound if a listed file has vanished.
  Status VisitListed(const LogListing& listing, const Visitor& visit) const {
    TableState state;
    // From the oldest start on: the first commit, or the oldest checkpoint with all that follows.
    if (!listing.commits.contains(0)) {
      if (listing.checkpoints.empty()) return LoadListed(listing).status();
      VIPER_ASSIGN_OR_RETURN(state, LoadCheckpoint(*listing.checkpoints.begin()));
      VIPER_RETURN_IF_ERROR(VisitCheckpoint(state, visit));
    }
    const int64_t newest = listing.commits.empty() ? -1 : *listing.commits.rbegin();
    while (state.version < newest) {
      VIPER_ASSIGN_OR_RETURN(const CommitFile file, ReadCommit(state.version + 1));
      ApplyCommit(file.commit, state);
      VIPER_RETURN_IF_ERROR(
          visit(state, {.commit = &file.commit, .timestamp_ms = file.stamp.timestamp_ms}));
    }
    return {};
  }

  // NotFound if a listed file has vanished.
  Result<TableState> LoadListed(const LogListing& listing) const {
    TableState loaded;
    Status checkpoint_failure;
    for (auto version = listing.checkpoints.rbegin(); version != listing.checkpoints.rend();
         ++version) {
      auto checkpoint = LoadCheckpoint(*version);
      if (checkpoint.ok()) {
        loaded = std::move(*checkpoint);
        break;
      }
      // An older one, or the commits from the first on, may do as well.
      const StatusCode code = checkpoint.status().code();
      if (code != StatusCode::kCorruption && code != StatusCode::kUnsupported) {
        return checkpoint.status();
      }
      if (checkpoint_failure.ok()) checkpoint_failure = checkpoint.status();
    }
    const int64_t newest = listing.commits.empty() ? -1 : *listing.commits.rbegin();
    if (loaded.version < 0 && newest < 0) return checkpoint_failure;
    // For its time, if it is there: the checkpoint has all else of it.
    if (loaded.version >= newest) static_cast<void>(ReadCommit(loaded.version));
    while (loaded.version < newest) {
      const int64_t next = loaded.version + 1;
      if (!listing.commits.contains(next)) {
        if (loaded.version < 0 && !checkpoint_failure.ok()) return checkpoint_failure;
        return Status::Corruption(fmt::format("the table log has a hole: missing={} newest={}",
                                              CommitPath(table_, next), CommitName(newest)));
      }
      VIPER_ASSIGN_OR_RETURN(const CommitFile file, ReadCommit(next));
      ApplyCommit(file.commit, loaded);
    }
    return loaded;
  }

  // Its own commit is kept with it, where it was not cleaned by somebody else.
  Status VisitCheckpoint(const TableState& state, const Visitor& visit) const {
    const auto file = ReadCommit(state.version);
    if (file.status().code() == StatusCode::kNotFound) return visit(state, {});
    VIPER_RETURN_IF_ERROR(file.status());
    return visit(state, {.commit = &file->commit, .timestamp_ms = file->stamp.timestamp_ms});
  }

  Result<TableState> LoadCheckpoint(int64_t version) const {
    const std::string path = CheckpointPath(table_, version);
    VIPER_ASSIGN_OR_RETURN(const auto bytes, ReadLogFile(file_system_, path));
    VIPER_ASSIGN_OR_RETURN(const auto actions, parquet::DecodeCheckpoint(bytes, path));
    auto state = FromCheckpoint(actions, version);
    if (!state.ok()) return state.status().WithContext(path);
    checkpoint_version_ = std::max(checkpoint_version_, version);
    return state;
  }

  Result<CommitFile> ReadCommit(int64_t version) const {
    const std::string path = CommitPath(table_, version);
    VIPER_ASSIGN_OR_RETURN(const auto bytes, ReadLogFile(file_system_, path));
    auto file = DecodeCommit(AsText(bytes), path);
    if (file.ok()) newest_time_ms_ = std::max(newest_time_ms_, file->stamp.timestamp_ms);
    return file;
  }

  Status CheckReadable(const TableState& state) const {
    if (state.metadata.id.empty() || state.metadata.schema_json.empty()) {
      return Status::Corruption(fmt::format("the table log of {} has no metaData", table_));
    }
    return CheckCanRead(state.protocol, state.metadata);
  }

  // A reader that was away for long may ask for commits that were cleaned away since.
  Status CheckIsNewest(int64_t version) const {
    if (version >= 0) {
      VIPER_ASSIGN_OR_RETURN(const bool exists, file_system_.Exists(CommitPath(table_, version)));
      if (exists) return Status::Ok();  // only the oldest are ever cleaned
    }
    VIPER_ASSIGN_OR_RETURN(const LogListing listing, List());
    const auto is_newer = [&](const std::set<int64_t>& versions) {
      return !versions.empty() && *versions.rbegin() > version;
    };
    if (!is_newer(listing.commits) && !is_newer(listing.checkpoints)) return Status::Ok();
    return Status::Conflict(
        fmt::format("{}: the commits after version {} were cleaned away: load the table again",
                    table_, version));
  }

  // -- Writing
  // -------------------------------------------------------------------------------------

  // Two levels each: the entries of `_viper` and of the table itself too.
  Status PrepareDirectories() {
    if (has_directories_) return Status::Ok();
    VIPER_RETURN_IF_ERROR(CreateDurableDirectories(file_system_, LogDirectory(table_), 2));
    VIPER_RETURN_IF_ERROR(CreateDurableDirectories(file_system_, TmpDirectory(table_), 2));
    has_directories_ = true;
    return Status::Ok();
  }

  std::string TransactionId(int64_t version, const TableCommit& commit) const {
    const bool is_repeated = unclear_ && unclear_->version == version && unclear_->commit == commit;
    return is_repeated ? unclear_->transaction_id : MakeUuid();
  }

  std::string NewTmpPath(const std::string& name) const {
    return TmpPath(table_, fmt::format("{}.{}", name, MakeUuid()));
  }

  // Whatever cannot be read is not ours.
  bool IsOurs(int64_t version, const std::string& transaction_id) const {
    const auto file = ReadCommit(version);
    return file.ok() && file->stamp.transaction_id == transaction_id;
  }

  // Put a file of the log in place of an older one, or none.
  Status Replace(const std::string& path, std::span<const std::byte> bytes) {
    const std::string tmp = NewTmpPath("replacement");
    VIPER_RETURN_IF_ERROR(WriteSyncedFile(file_system_, tmp, bytes));
    if (const Status renamed = file_system_.Rename(tmp, path); !renamed.ok()) {
      static_cast<void>(file_system_.RemoveFile(tmp));
      return renamed;
    }
    return SyncLog();
  }

  Status SyncLog() {
    const Status synced = file_system_.SyncDirectory(LogDirectory(table_));
    if (!synced.ok()) {
      poison_ = Status::FailedPrecondition(
          fmt::format("the table log of {} has stopped; open the collection again: {}", table_,
                      synced.ToString()));
    }
    return synced;
  }

  FileSystem& file_system_;
  const std::string table_;
  const TableLogOptions options_;
  bool has_directories_ = false;
  std::optional<UnclearCommit> unclear_;
  bool may_have_committed_ = false;
  /// Of all commits that were read or written; 0 = of none.
  mutable int64_t newest_time_ms_ = 0;
  /// Of the newest checkpoint that was read or written: a commit of somebody else, or a failure, at
  /// one version does not leave the log without one for another whole interval.
  mutable int64_t checkpoint_version_ = 0;
  Status poison_;
};

}  // namespace

std::unique_ptr<TableLog> TableLog::Make(FileSystem& file_system,
                                         const std::string& table_directory,
                                         const TableLogOptions& options) {
  return std::make_unique<TableLogImpl>(file_system, table_directory, options);
}

std::string TombstoneKey(std::string_view path,
                         const std::optional<DeletionVectorDescriptor>& deletion_vector) {
  std::string key(path);
  if (deletion_vector) key += '\0' + DeletionVectorId(*deletion_vector);
  return key;
}

bool IsEndOfLoad(std::string_view application, int64_t version) {
  return version == 0 && application.starts_with(kLoadApplicationPrefix);
}

void NoteTransaction(const std::string& application, int64_t version, TableState& state) {
  if (IsEndOfLoad(application, version)) {
    state.transactions.erase(application);
  } else {
    state.transactions[application] = version;
  }
}

void ApplyCommit(const TableCommit& commit, TableState& state) {
  ++state.version;
  if (commit.protocol) state.protocol = *commit.protocol;
  if (commit.metadata) state.metadata = *commit.metadata;
  for (const auto& [application, version] : commit.transactions) {
    NoteTransaction(application, version, state);
  }
  for (const RemovedFile& file : commit.removed) {
    state.files.erase(file.path);
    state.tombstones[TombstoneKey(file.path, file.deletion_vector)] = file;
  }
  for (const AddedFile& file : commit.added) {
    state.tombstones.erase(TombstoneKey(file.path, file.deletion_vector));
    state.files[file.path] = file;
  }
}

}  // namespace viper::storage
