#include "storage/log_cleanup.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "base/status_macros.h"
#include "parquet/checkpoint_file.h"
#include "storage/delta_actions.h"
#include "storage/file_contents.h"
#include "storage/file_names.h"

namespace viper::storage {
namespace {

std::optional<int64_t> VersionOfLogFile(const std::string& name) {
  if (const auto version = ParseCommitName(name)) return version;
  if (const auto version = ParseCheckpointName(name)) return version;
  return ParseLogChecksumName(name);
}

// The time in the commit itself: copying a table changes the times of its files. A commit without
// one, or none at all, is taken to be new.
Result<bool> IsExpired(FileSystem& file_system, const std::string& path,
                       int64_t expired_before_ms) {
  auto bytes = ReadLogFile(file_system, path);
  if (bytes.status().code() == StatusCode::kNotFound) return false;
  VIPER_RETURN_IF_ERROR(bytes.status());
  const auto commit = DecodeCommit(AsText(*bytes), path);
  const int64_t timestamp = commit.ok() ? commit->stamp.timestamp_ms : 0;
  return timestamp > 0 && timestamp < expired_before_ms;
}

}  // namespace

Status CleanExpiredLog(FileSystem& file_system, const std::string& table_directory,
                       const LogRetention& retention) {
  VIPER_ASSIGN_OR_RETURN(const auto names, file_system.List(LogDirectory(table_directory)));
  // The oldest first: only those that are expired, and one more, are looked at.
  std::optional<int64_t> kept;
  for (const std::string& name : names) {
    const auto version = ParseCheckpointName(name);
    if (!version) continue;
    bool is_passed = *version <= retention.oldest_kept_version;
    if (!is_passed) {
      VIPER_ASSIGN_OR_RETURN(is_passed,
                             IsExpired(file_system, CommitPath(table_directory, *version),
                                       retention.expired_before_ms));
    }
    if (!is_passed) break;
    kept = *version;
  }
  if (!kept) return Status::Ok();

  std::vector<std::pair<int64_t, std::string>> expired;
  for (const std::string& name : names) {
    const auto version = VersionOfLogFile(name);
    if (version && *version < *kept) expired.emplace_back(*version, name);
  }
  if (expired.empty()) return Status::Ok();
  // Everything before it will be gone: it must be whole.
  const std::string checkpoint = CheckpointPath(table_directory, *kept);
  VIPER_ASSIGN_OR_RETURN(const auto bytes, ReadLogFile(file_system, checkpoint));
  VIPER_RETURN_IF_ERROR(parquet::DecodeCheckpoint(bytes, checkpoint).status());
  // By rising version, so that what is left after a crash has no hole.
  std::sort(expired.begin(), expired.end());
  for (const auto& [version, name] : expired) {
    VIPER_RETURN_IF_ERROR(file_system.RemoveFile(JoinPath(LogDirectory(table_directory), name)));
  }
  return Status::Ok();
}

}  // namespace viper::storage
