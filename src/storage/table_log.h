#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/deletion_vector.h"
#include "viper/file_system.h"
#include "viper/value.h"

namespace viper::storage {

/// The Delta Lake transaction log of one table: numbered commits by put-if-absent, classic
/// checkpoints. Knows nothing of vectors.

struct AddedFile {
  /// Relative to the table, decoded (not percent-encoded).
  std::string path;
  uint64_t size = 0;
  int64_t modification_time_ms = 0;
  bool data_change = true;
  /// The statistics document (JSON text), empty if the writer gave none.
  std::string stats_json;
  std::map<std::string, std::string> tags;
  /// The rows of the file that are not part of the table.
  std::optional<DeletionVectorDescriptor> deletion_vector = {};
  friend bool operator==(const AddedFile&, const AddedFile&) = default;
};

struct RemovedFile {
  std::string path;
  int64_t deletion_timestamp_ms = 0;
  bool data_change = true;
  /// 0 if the log does not say.
  uint64_t size = 0;
  /// The one that the file had.
  std::optional<DeletionVectorDescriptor> deletion_vector = {};
  friend bool operator==(const RemovedFile&, const RemovedFile&) = default;
};

struct TableMetadata {
  std::string id;
  std::optional<std::string> name;
  std::optional<std::string> description;
  /// Delta schemaString: a JSON document.
  std::string schema_json;
  std::vector<std::string> partition_columns;
  std::map<std::string, std::string> configuration;
  int64_t created_time_ms = 0;
  friend bool operator==(const TableMetadata&, const TableMetadata&) = default;
};

struct TableProtocol {
  int min_reader_version = 1;
  int min_writer_version = 2;
  std::vector<std::string> reader_features;
  std::vector<std::string> writer_features;
  friend bool operator==(const TableProtocol&, const TableProtocol&) = default;
};

/// The state of the table at one version.
struct TableState {
  int64_t version = -1;
  TableProtocol protocol;
  TableMetadata metadata;
  std::map<std::string, AddedFile> files;
  /// Removed and not yet expired, for checkpoints, by TombstoneKey: a file may be removed with one
  /// deletion vector and live on with another.
  std::map<std::string, RemovedFile> tombstones;
  /// Newest version per application id.
  std::map<std::string, int64_t> transactions;
  friend bool operator==(const TableState&, const TableState&) = default;
};

/// The actions of one commit.
struct TableCommit {
  /// For commitInfo: "WRITE", "CREATE TABLE", "DELETE", "OPTIMIZE".
  std::string operation;
  std::map<std::string, std::string> operation_parameters;
  /// What it took and what came of it, under the names that Delta's own writers use.
  std::map<std::string, std::string> operation_metrics;
  std::vector<AddedFile> added;
  std::vector<RemovedFile> removed;
  std::map<std::string, int64_t> transactions;
  std::optional<TableMetadata> metadata;
  std::optional<TableProtocol> protocol;
  friend bool operator==(const TableCommit&, const TableCommit&) = default;
};

/// What is kept of a table that does not say it itself (table_retention.h).
struct TableLogOptions {
  uint32_t checkpoint_interval = 20;
  /// Expired log files (older than the newest checkpoint that is this old) may be cleaned.
  int64_t log_retention_ms = int64_t{30} * 24 * 3600 * 1000;
  /// Of newer log files too those before so many versions may be cleaned.
  int64_t retained_versions = std::numeric_limits<int64_t>::max();
  int64_t tombstone_retention_ms = int64_t{7} * 24 * 3600 * 1000;
};

/// Not thread-safe; the caller serialises. Every commit is durable (file, directories) when it
/// returns. After a failed directory sync the log takes no more commits: nobody knows what is on
/// disk.
class TableLog {
 public:
  virtual ~TableLog() = default;
  static std::unique_ptr<TableLog> Make(FileSystem& file_system, const std::string& table_directory,
                                        const TableLogOptions& options);

  /// True if the directory holds a table: any commit or checkpoint.
  virtual Result<bool> Exists() = 0;
  /// Newest state: from the last readable checkpoint and the commits after it. NotFound if there is
  /// no table. Corruption names the file and line; a hole in the version numbers is Corruption too.
  /// Unsupported, by name, for a protocol or a reader feature that we do not know, partition
  /// columns, data files outside the table.
  virtual Result<TableState> Load() = 0;
  /// The state at a version. NotFound, naming the oldest and the newest that can be told, if that
  /// one cannot; else as Load.
  virtual Result<TableState> LoadVersion(int64_t version) = 0;
  /// The newest version that was committed at this time or before, by the time in its commit.
  /// NotFound, naming the oldest, if there is none in the log.
  virtual Result<int64_t> VersionAt(int64_t timestamp_ms) = 0;
  /// The time in the commit of a version, in milliseconds. NotFound if there is no such commit.
  virtual Result<int64_t> CommitTime(int64_t version) = 0;
  /// Call `visit` for each version that can be loaded, the oldest first, with the state and the
  /// commit that made it; of the oldest there may be only the checkpoint: null. Where the log is
  /// cleaned meanwhile, versions that were visited are not visited again. NotFound and Corruption
  /// as Load.
  struct Committed {
    const TableCommit* commit = nullptr;
    int64_t timestamp_ms = 0;
  };
  using Visitor = std::function<Status(const TableState& state, const Committed& committed)>;
  virtual Status VisitVersions(const Visitor& visit) = 0;
  /// The commits after `version`, in order; empty if there are none. Conflict if they were cleaned
  /// away already: Load again.
  virtual Result<std::vector<TableCommit>> ReadAfter(int64_t version) = 0;
  /// Write `commit` as version `version`. Conflict if that version exists already (and is not this
  /// very commit, written by a try whose outcome was unclear). TimeOfNext(now_ms) stamps it.
  virtual Status Commit(int64_t version, const TableCommit& commit, int64_t now_ms) = 0;
  /// Whether the last Commit, which failed, may have happened all the same, or may yet be seen to
  /// have: then the files that it names must stay.
  virtual bool MayHaveCommitted() const = 0;
  /// Why no commit is taken any more: FailedPrecondition, else OK.
  virtual Status CheckTakesCommits() const = 0;
  /// The time of a commit that is made now: the times of commits do not fall, as far as this log
  /// has read or written them, also if the clock is set back.
  virtual int64_t TimeOfNext(int64_t now_ms) const = 0;
  /// Write a checkpoint of `state` and the `_last_checkpoint` hint, then clean the log of what has
  /// expired, by the properties that `state` has.
  /// Unsupported if CheckCanWrite says so.
  virtual Status WriteCheckpoint(const TableState& state, int64_t now_ms) = 0;
  /// True if the options ask for a checkpoint at this version, so many after the newest one.
  virtual bool WantsCheckpoint(int64_t version) const = 0;
};

/// Of a data file with a deletion vector, or without one: its path, then what tells its vectors
/// apart.
std::string TombstoneKey(std::string_view path,
                         const std::optional<DeletionVectorDescriptor>& deletion_vector);

/// What loads that can be resumed call themselves in transactions begins with this; the version is
/// how many rows of the input the table has. A load that has ended sets its own to 0, which no
/// state keeps: else every file that was ever imported would be in every checkpoint.
inline constexpr std::string_view kLoadApplicationPrefix = "viper-load-";
bool IsEndOfLoad(std::string_view application, int64_t version);
/// Set the version of an application, as a commit or a checkpoint has it.
void NoteTransaction(const std::string& application, int64_t version, TableState& state);

/// Apply one commit to a state (version + 1). Conflict rules are the caller's.
void ApplyCommit(const TableCommit& commit, TableState& state);

/// Unsupported, by name, if commits of ours would break a rule of the table: a writer version or
/// feature that we do not know, append-only, column invariants.
Status CheckCanWrite(const TableState& state);

}  // namespace viper::storage
