// One pass over the versions, oldest first. Each commit is applied to the state before it; each
// checkpoint is compared with the state of its version where that is known, and becomes the state
// where it is not. After a commit that cannot be read the state is a guess, until the next
// checkpoint.

#include "storage/table_log_audit.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/coding.h"
#include "base/status_macros.h"
#include "parquet/checkpoint_file.h"
#include "storage/delta_actions.h"
#include "storage/file_contents.h"
#include "storage/file_names.h"
#include "storage/table_checkpoint.h"

namespace viper::storage {
namespace {

// Between the listing and the reading of a file another process may clean the log.
constexpr int kAuditAttemptsMax = 5;

bool IsDamage(const Status& status) {
  return status.code() == StatusCode::kCorruption || status.code() == StatusCode::kUnsupported;
}

// The name of the first path at which two sorted maps differ; empty if they are equal.
template <typename Files, typename IsSame>
std::string FirstDifference(const Files& commits, const Files& checkpoint, const IsSame& is_same) {
  for (const auto& [path, file] : checkpoint) {
    const auto found = commits.find(path);
    if (found == commits.end()) return fmt::format("only the checkpoint has {}", path);
    if (!is_same(found->second, file)) return fmt::format("they differ in {}", path);
  }
  for (const auto& [path, file] : commits) {
    if (!checkpoint.contains(path)) return fmt::format("only the commits have {}", path);
  }
  return {};
}

// What a checkpoint says otherwise than the commits up to its version; empty if nothing.
std::string Contradiction(const TableState& commits, const TableState& checkpoint) {
  // A checkpoint tells no change: dataChange is false in it.
  const auto is_same_file = [](AddedFile a, AddedFile b) {
    a.data_change = b.data_change = false;
    return a == b;
  };
  if (std::string where = FirstDifference(commits.files, checkpoint.files, is_same_file);
      !where.empty()) {
    return "files: " + where;
  }
  const auto is_same_version = [](int64_t a, int64_t b) { return a == b; };
  if (std::string where =
          FirstDifference(commits.transactions, checkpoint.transactions, is_same_version);
      !where.empty()) {
    return "transactions: " + where;
  }
  if (commits.protocol != checkpoint.protocol) return "protocol";
  if (commits.metadata != checkpoint.metadata) return "metaData";
  // Those that expired are left out of it.
  for (const auto& [key, removed] : checkpoint.tombstones) {
    const std::string& path = removed.path;
    const auto found = commits.tombstones.find(key);
    if (found == commits.tombstones.end()) return "removed files: only the checkpoint has " + path;
    // Another writer may leave the size out.
    const bool says_size = found->second.size != 0 && removed.size != 0;
    if (found->second.deletion_timestamp_ms != removed.deletion_timestamp_ms ||
        (says_size && found->second.size != removed.size)) {
      return "removed files: they differ in " + path;
    }
  }
  return {};
}

class TableLogAuditor {
 public:
  TableLogAuditor(FileSystem& file_system, const std::string& table)
      : file_system_(file_system), table_(table) {}

  // NotFound if a file has vanished.
  Result<TableLogAudit> Run() {
    VIPER_RETURN_IF_ERROR(List());
    if (commits_.empty() && checkpoints_.empty()) {
      return Status::NotFound(fmt::format("no table in {}", table_));
    }
    const int64_t first = EndOfVersions([](int64_t a, int64_t b) { return std::min(a, b); });
    const int64_t last = EndOfVersions([](int64_t a, int64_t b) { return std::max(a, b); });
    audit_.is_exact = first == 0 && !checkpoints_.contains(0);
    for (int64_t version = first; version <= last; ++version) {
      VIPER_RETURN_IF_ERROR(AuditVersion(version, first));
    }
    DropLiveUses();
    VIPER_RETURN_IF_ERROR(AuditHint());
    if (audit_.is_exact &&
        (audit_.state.metadata.id.empty() || audit_.state.metadata.schema_json.empty())) {
      audit_.problems.push_back({.path = LogDirectory(table_),
                                 .other_path = {},
                                 .what = "the table log has no metaData"});
    }
    return std::move(audit_);
  }

 private:
  Status List() {
    VIPER_ASSIGN_OR_RETURN(const auto names, file_system_.List(LogDirectory(table_)));
    for (const std::string& name : names) {
      if (const auto commit = ParseCommitName(name)) commits_.insert(*commit);
      if (const auto checkpoint = ParseCheckpointName(name)) checkpoints_.insert(*checkpoint);
    }
    return Status::Ok();
  }

  // The least or the greatest of all versions, whichever `choose` takes of two.
  template <typename Choose>
  int64_t EndOfVersions(const Choose& choose) const {
    std::vector<int64_t> ends;
    for (const auto* versions : {&commits_, &checkpoints_}) {
      if (!versions->empty()) ends.push_back(choose(*versions->begin(), *versions->rbegin()));
    }
    return choose(ends.front(), ends.back());
  }

  Status AuditVersion(int64_t version, int64_t first) {
    LogVersion line;
    line.version = version;
    // Cleaning leaves a checkpoint first; its own commit is not needed.
    const bool needs_commit = version != first || !checkpoints_.contains(version);
    if (commits_.contains(version)) {
      VIPER_RETURN_IF_ERROR(AuditCommit(line));
    } else if (needs_commit) {
      Report(CommitPath(table_, version), "the commit is missing", version);
      Skip(version);
    }
    if (checkpoints_.contains(version)) VIPER_RETURN_IF_ERROR(AuditCheckpoint(line));
    line.is_exact = audit_.is_exact;
    if (line.has_commit || line.has_checkpoint) audit_.versions.push_back(std::move(line));
    return Status::Ok();
  }

  Status AuditCommit(LogVersion& line) {
    const std::string path = CommitPath(table_, line.version);
    VIPER_ASSIGN_OR_RETURN(const auto bytes, Read(path));
    line.has_commit = true;
    line.bytes += bytes.size();
    const auto file = DecodeCommit(AsText(bytes), path);
    if (bytes.empty() || !file.ok()) {
      if (!file.ok() && !IsDamage(file.status())) return file.status();
      Report(path, file.ok() ? "the commit is empty" : file.status().message(), line.version);
      Skip(line.version);
      return Status::Ok();
    }
    line.timestamp_ms = file->stamp.timestamp_ms;
    line.operation = file->commit.operation;
    line.files_added = file->commit.added.size();
    line.files_removed = file->commit.removed.size();
    if (audit_.is_exact) {
      CheckCommit(file->commit, path, line.version);
      RetireFiles(file->commit, line.version);
    }
    audit_.state.version = line.version - 1;
    ApplyCommit(file->commit, audit_.state);
    NoteOrigins(file->commit, path);
    return Status::Ok();
  }

  // Those that a commit removes or adds in another form, before it is applied.
  void RetireFiles(const TableCommit& commit, int64_t version) {
    for (const RemovedFile& removed : commit.removed) Retire(removed.path, version - 1);
    for (const AddedFile& added : commit.added) Retire(added.path, version - 1);
    for (const AddedFile& added : commit.added) since_[added.path] = version;
    if (commit.metadata) metadata_.reset();
  }

  void Retire(const std::string& path, int64_t last_version) {
    const auto since = since_.extract(path);
    if (since.empty()) return;
    if (metadata_ == nullptr) {
      metadata_ = std::make_shared<const TableMetadata>(audit_.state.metadata);
    }
    RetiredFile& retired = audit_.retired[path];
    retired.added = audit_.state.files.at(path);
    retired.metadata = metadata_;
    retired.metadata_origin = audit_.metadata_origin;
    retired.uses.push_back({.deletion_vector = retired.added.deletion_vector,
                            .first_version = since.mapped(),
                            .last_version = last_version,
                            .origin = audit_.file_origins[path]});
  }

  void RetireAll(int64_t last_version) {
    while (!since_.empty()) Retire(std::string(since_.begin()->first), last_version);
  }

  // What came back, and what a hole in the log only hid.
  void DropLiveUses() {
    for (const auto& [path, added] : audit_.state.files) {
      const auto retired = audit_.retired.find(path);
      if (retired == audit_.retired.end()) continue;
      std::erase_if(retired->second.uses, [&](const RetiredFile::Use& use) {
        return use.deletion_vector == added.deletion_vector;
      });
      if (retired->second.uses.empty()) audit_.retired.erase(retired);
    }
  }

  void NoteOrigins(const TableCommit& commit, const std::string& path) {
    for (const RemovedFile& removed : commit.removed) audit_.file_origins.erase(removed.path);
    for (const AddedFile& added : commit.added) audit_.file_origins[added.path] = path;
    for (const auto& [application, number] : commit.transactions) {
      audit_.transaction_origins[application] = path;
    }
    if (commit.metadata) audit_.metadata_origin = path;
  }

  // What a commit says about the version before it must be so.
  void CheckCommit(const TableCommit& commit, const std::string& path, int64_t version) {
    const TableState& before = audit_.state;
    if (version == 0 && (!commit.protocol || !commit.metadata)) {
      Report(path, "the first commit has no protocol or no metaData", version);
    }
    std::set<std::string> removed_paths;
    for (const RemovedFile& removed : commit.removed) {
      removed_paths.insert(removed.path);
      const auto found = before.files.find(removed.path);
      if (found == before.files.end()) {
        Report(path, "removes a file that is not in the table: " + removed.path, version);
      } else if (removed.size != 0 && removed.size != found->second.size) {
        Report(path,
               fmt::format("removes a file of another size: {}: expected={} actual={}",
                           removed.path, found->second.size, removed.size),
               version);
      } else if (removed.deletion_vector != found->second.deletion_vector) {
        Report(path, "removes a file with another deletion vector than it has: " + removed.path,
               version);
      }
    }
    for (const auto& [application, number] : commit.transactions) {
      const auto found = before.transactions.find(application);
      if (found != before.transactions.end() && number < found->second &&
          !IsEndOfLoad(application, number)) {
        Report(path,
               fmt::format("the transaction of {} goes back: before={} here={}", application,
                           found->second, number),
               version);
      }
    }
  }

  Status AuditCheckpoint(LogVersion& line) {
    const std::string path = CheckpointPath(table_, line.version);
    VIPER_ASSIGN_OR_RETURN(const auto bytes, Read(path));
    line.has_checkpoint = true;
    line.bytes += bytes.size();
    const bool is_known = audit_.is_exact && audit_.state.version == line.version;
    auto checkpoint = Decode(bytes, path, line.version);
    if (!checkpoint.ok()) {
      if (!IsDamage(checkpoint.status())) return checkpoint.status();
      Report(path, checkpoint.status().message(), is_known ? -1 : line.version, is_known);
      if (!is_known) Skip(line.version);
      return Status::Ok();
    }
    readable_checkpoints_[line.version] = {bytes.size(), checkpoint->files.size()};
    if (is_known) {
      const std::string contradiction = Contradiction(audit_.state, *checkpoint);
      if (!contradiction.empty()) {
        audit_.problems.push_back(
            {.path = path,
             .other_path = CommitPath(table_, line.version),
             .what = "the checkpoint is not what the commits up to it make: " + contradiction,
             .version = line.version});
      }
    } else {
      audit_.is_exact = true;
      audit_.state = std::move(*checkpoint);
      metadata_.reset();
      audit_.metadata_origin = path;
      audit_.file_origins.clear();
      for (const auto& [name, added] : audit_.state.files) {
        audit_.file_origins[name] = path;
        since_[name] = line.version;
      }
      for (const auto& [application, number] : audit_.state.transactions) {
        audit_.transaction_origins[application] = path;
      }
    }
    return Status::Ok();
  }

  static Result<TableState> Decode(std::span<const std::byte> bytes, const std::string& path,
                                   int64_t version) {
    VIPER_ASSIGN_OR_RETURN(const auto actions, parquet::DecodeCheckpoint(bytes, path));
    auto state = FromCheckpoint(actions, version);
    if (!state.ok()) return state.status().WithContext(path);
    return state;
  }

  // `_last_checkpoint`: other readers begin where it says.
  Status AuditHint() {
    const std::string path = LastCheckpointPath(table_);
    auto bytes = Read(path);
    if (bytes.status().code() == StatusCode::kNotFound) {
      if (!checkpoints_.empty()) Report(path, "the hint is missing", -1, true);
      return Status::Ok();
    }
    VIPER_RETURN_IF_ERROR(bytes.status());
    if (std::string what = HintProblem(AsText(*bytes)); !what.empty()) {
      Report(path, std::move(what), -1, true);
    }
    return Status::Ok();
  }

  std::string HintProblem(std::string_view text) const {
    const auto hint = Value::FromJson(text);
    if (!hint.ok()) return hint.status().message();
    if (hint->as_object() == nullptr) return "not a JSON object";
    const auto number = [&](std::string_view key) -> std::optional<int64_t> {
      const auto found = hint->as_object()->find(key);
      if (found == hint->as_object()->end() || found->second.as_int64() == nullptr) return {};
      return *found->second.as_int64();
    };
    const auto version = number("version");
    if (!version) return "it names no version";
    if (IsNewerThanListed(*version)) return {};
    const auto found = readable_checkpoints_.find(*version);
    if (found == readable_checkpoints_.end()) {
      return fmt::format("it names a checkpoint that is not there or not readable: version={}",
                         *version);
    }
    if (*version != readable_checkpoints_.rbegin()->first) {
      return fmt::format("it is stale: version={} newest={}", *version,
                         readable_checkpoints_.rbegin()->first);
    }
    const auto differs = [&](std::string_view key, uint64_t expected) -> std::string {
      const auto actual = number(key);
      if (!actual || *actual == static_cast<int64_t>(expected)) return {};
      return fmt::format("{}: expected={} actual={}", key, expected, *actual);
    };
    if (std::string what = differs("sizeInBytes", found->second.bytes); !what.empty()) return what;
    return differs("numOfAddFiles", found->second.files);
  }

  // A writer may have made a checkpoint since the directory was listed.
  bool IsNewerThanListed(int64_t version) const {
    if (!checkpoints_.empty() && version <= *checkpoints_.rbegin()) return false;
    const auto exists = file_system_.Exists(CheckpointPath(table_, version));
    return exists.ok() && *exists;
  }

  // The state after a version that cannot be read is a guess.
  void Skip(int64_t version) {
    RetireAll(version - 1);
    audit_.state.version = version;
    audit_.is_exact = false;
  }

  Result<std::vector<std::byte>> Read(const std::string& path) {
    auto bytes = ReadLogFile(file_system_, path);
    if (bytes.ok()) {
      ++audit_.file_count;
      audit_.bytes += bytes->size();
    }
    return bytes;
  }

  void Report(const std::string& path, std::string what, int64_t version, bool is_derived = false) {
    audit_.problems.push_back({.path = path,
                               .other_path = {},
                               .what = std::move(what),
                               .version = version,
                               .is_derived = is_derived});
  }

  struct ReadableCheckpoint {
    uint64_t bytes = 0;
    uint64_t files = 0;
  };

  FileSystem& file_system_;
  const std::string& table_;
  std::set<int64_t> commits_;
  std::set<int64_t> checkpoints_;
  std::map<int64_t, ReadableCheckpoint> readable_checkpoints_;
  // Of each live file, while the state is exact, the version that it has been as it is since.
  std::map<std::string, int64_t> since_;
  // That of the state, once a file was retired under it.
  std::shared_ptr<const TableMetadata> metadata_;
  TableLogAudit audit_;
};

bool HasHintProblem(const TableLogAudit& audit) {
  return std::any_of(audit.problems.begin(), audit.problems.end(), [](const LogProblem& problem) {
    return problem.path.ends_with("_last_checkpoint");
  });
}

}  // namespace

Result<TableLogAudit> AuditTableLog(FileSystem& file_system, const std::string& table_directory) {
  for (int attempt = 1;; ++attempt) {
    auto audit = TableLogAuditor(file_system, table_directory).Run();
    const bool may_have_vanished = audit.status().code() == StatusCode::kNotFound;
    // A writer that has just made a checkpoint is about to write the hint.
    const bool may_be_on_its_way = attempt == 1 && audit.ok() && HasHintProblem(*audit);
    if (!may_have_vanished && !may_be_on_its_way) return audit;
    if (attempt == kAuditAttemptsMax) return audit;
  }
}

}  // namespace viper::storage
