#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/log_cleanup.h"
#include "storage/table_log.h"

namespace viper::storage {

/// How long a table wants to be kept what it has left behind, whoever opens it: Delta's own table
/// properties, which other engines go by too. In milliseconds, 0 to kRetentionMsMax; absent: it
/// does not say.
struct TableRetention {
  /// Data files and deletion vectors, from their removal on: `delta.deletedFileRetentionDuration`.
  std::optional<int64_t> files_ms = {};
  /// Commits and checkpoints: `delta.logRetentionDuration`.
  std::optional<int64_t> log_ms = {};
  /// Properties that cannot be read, as `name='text'`. What they are about is kept for the longest
  /// time, since nobody knows for how long somebody meant it to be.
  std::vector<std::string> unreadable = {};
};

/// A log stays so long at the least: a reader that has just listed it finds what it has listed.
inline constexpr int64_t kLogRetentionMsMin = int64_t{3600} * 1000;

TableRetention ReadRetention(const TableMetadata& metadata);

/// Have files and log be kept so long, or absent as whoever opens the table says. Where the files
/// are kept so long already nothing is changed, so that what another engine wrote stays as it is.
void WriteRetention(std::optional<int64_t> retention_ms, TableMetadata& metadata);

/// The milliseconds of an interval as Spark writes it: `interval 1 week`, `7 days`, `interval 2
/// hours 30 minutes`, in any case; whole numbers of nanoseconds to weeks, a part of a millisecond
/// taken for a whole one, at most kRetentionMsMax. Absent for anything else: months and years have
/// no one length, and what is below 0 makes no sense here.
std::optional<int64_t> ParseInterval(std::string_view text);

/// Tombstones from before this time may leave the checkpoints: never those of files that are kept.
int64_t TombstonesExpireBefore(const TableRetention& retention, const TableLogOptions& options,
                               int64_t now_ms);

/// What is kept of the log at a version: what the table or else the options say, and never less
/// than the files are kept, which nobody could read without it. A table that says it keeps
/// all that is young enough, however many versions that are.
LogRetention KeptLog(const TableRetention& retention, const TableLogOptions& options,
                     int64_t version, int64_t now_ms);

}  // namespace viper::storage
