#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/table_log.h"
#include "viper/file_system.h"

namespace viper::storage {

/// Reads every file of a table log, where TableLog::Load reads no more than it needs: each commit
/// and each checkpoint is decoded, and where the commits up to a checkpoint are there the
/// checkpoint is compared with them.

/// Something wrong with one file of the log.
struct LogProblem {
  std::string path;
  /// The file that it contradicts; empty if there is none.
  std::string other_path;
  std::string what;
  /// The version whose content is in doubt; -1 if none is.
  int64_t version = -1;
  /// All that the file says stands in others too.
  bool is_derived = false;
};

/// What one version of a table did, for people.
struct LogVersion {
  int64_t version = 0;
  /// Milliseconds since 1970; 0 if the commit does not say, or is gone.
  int64_t timestamp_ms = 0;
  std::string operation;
  uint64_t files_added = 0;
  uint64_t files_removed = 0;
  /// Of its commit and its checkpoint.
  uint64_t bytes = 0;
  bool has_commit = false;
  bool has_checkpoint = false;
  /// What the table held is known: no commit that says so is missing or damaged.
  bool is_exact = false;
};

/// A data file that the newest version of a table does not have, or not with this vector, and older
/// ones do.
struct RetiredFile {
  /// Versions that have it with one deletion vector, or with none.
  struct Use {
    std::optional<DeletionVectorDescriptor> deletion_vector;
    int64_t first_version = 0;
    int64_t last_version = 0;
    /// The log file that says so.
    std::string origin;
  };
  /// As the last of them have it, and the metaData of that version.
  AddedFile added;
  std::shared_ptr<const TableMetadata> metadata;
  std::string metadata_origin;
  /// By rising version. None has the vector that the file has in the newest version.
  std::vector<Use> uses;
};

struct TableLogAudit {
  std::vector<LogProblem> problems;
  /// Rising.
  std::vector<LogVersion> versions;
  /// The newest version, as far as the undamaged files tell; its version is -1 if there are none.
  TableState state;
  /// `state` is the newest version exactly.
  bool is_exact = false;
  /// The log files that say so: of each live file by its path, of each transaction by its
  /// application, and of the metaData.
  std::map<std::string, std::string> file_origins;
  std::map<std::string, std::string> transaction_origins;
  std::string metadata_origin;
  /// By path, of the versions that are known exactly.
  std::map<std::string, RetiredFile> retired;
  /// Files read, and their bytes.
  uint64_t file_count = 0;
  uint64_t bytes = 0;
};

/// Read the whole log. Fails only if the file system does: damage is in the result. May run beside
/// a writer. NotFound if there is no log.
Result<TableLogAudit> AuditTableLog(FileSystem& file_system, const std::string& table_directory);

}  // namespace viper::storage
