#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace viper::core {

/// Which files of a table are worth writing anew, and why.
///
/// Size-tiered, as in Bigtable's and Cassandra's compactions: files of about the same size are
/// merged when there are kMergeMin of them, so that a row is copied once for each time its file
/// grows by that factor, and a table of b bytes has at most kMergeMin files of each of log(b)
/// sizes. A file of the full size is written anew only for the sake of its dead rows: when they are
/// many, or when searches have spent as long on them as writing it anew takes (compaction_cost.h).

/// Files of a size class that are merged, at least.
inline constexpr size_t kMergeMin = 4;
/// Share of dead rows from which on a file is written anew, whether it is searched or not: at this
/// share that copies at most four times the bytes that it gives back.
inline constexpr double kDeadShareMax = 0.2;

/// A file as a compaction sees it.
struct CompactionFile {
  /// Below the table.
  std::string path = {};
  uint64_t bytes = 0;
  /// Of its vectors when they are dense, by which new files are closed: where they are compressed
  /// or stored sparse a full file has fewer.
  uint64_t float_bytes = 0;
  uint64_t rows = 0;
  /// Of the rows: no longer in the table, or expired.
  uint64_t dead_rows = 0;
  /// Of the dead rows, those that the table does not know of: they have expired.
  uint64_t expired_rows = 0;
  /// What searches have spent on its dead rows, as measured.
  double wasted_seconds = 0;
  /// Its statistics say that every row has expired, so that it need not be read.
  bool is_expired = false;
  /// It has a deletion vector.
  bool has_vector = false;
  /// Values of declared fields are in its payload.
  bool is_back_filled = false;
  /// A copy would lose columns of another writer: it stays until nothing of it is alive.
  bool has_unread_columns = false;
  /// It is to be written anew in any case.
  bool is_asked_for = false;
  /// The run that asks has written it: it may be merged with others, so that there are fewer, but
  /// is not written anew for its own sake. Else writers who go on would keep the run from ending.
  bool is_rewritten = false;

  /// Bytes of the rows that are left, taking all for alike.
  uint64_t live_bytes() const { return LiveShareOf(bytes); }
  /// What they fill of a new file.
  uint64_t live_size() const { return LiveShareOf(std::max(bytes, float_bytes)); }
  double dead_share() const {
    return rows == 0 ? 1 : static_cast<double>(dead_rows) / static_cast<double>(rows);
  }

 private:
  uint64_t LiveShareOf(uint64_t of_all) const {
    return rows == 0 ? 0
                     : static_cast<uint64_t>(static_cast<double>(of_all) *
                                             static_cast<double>(rows - dead_rows) /
                                             static_cast<double>(rows));
  }
};

/// Files that are to be replaced by new ones.
struct CompactionTask {
  /// Indexes of files, in their order.
  std::vector<size_t> files;
  /// "4 small files", "31 % dead rows", ...
  std::string reason;
  /// To be copied, and given back.
  uint64_t live_bytes = 0;
  uint64_t dead_bytes = 0;
  size_t files_after = 0;
  double wasted_seconds = 0;
};

struct CompactionLimits {
  /// Files grow to about this size; not zero.
  uint64_t target_bytes = 0;
  /// How fast files are written anew, as measured; absent if that is not known.
  std::optional<double> copy_bytes_per_second = {};
  /// Merge whatever is smaller than half the target, drop every dead row, and give every declared
  /// field its column, whether it pays or not.
  bool everything = false;
  /// Nothing but files of whose rows at least this share has expired, one row at least, and files
  /// of which no row is left.
  std::optional<double> expired_share_min = {};
  /// Write every file anew that has a deletion vector.
  bool fold_vectors = false;
  /// Files of a merge at most, two or more; 0 = no limit.
  size_t merged_files_max = 0;
};

/// What is worth doing: first the files of which nothing is left, the largest first, which cost a
/// commit only; then what gives back most for each byte that it copies first. No file is in two
/// tasks: several may be done at once.
std::vector<CompactionTask> PlanCompaction(std::span<const CompactionFile> files,
                                           const CompactionLimits& limits);

}  // namespace viper::core
