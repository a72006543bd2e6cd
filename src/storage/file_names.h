#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace viper::storage {

/// The only place that builds or takes apart the names of a table's files. `table` is the directory
/// of the table, without a slash at its end. docs/format/table.md draws the tree.

/// Digits of a version or a sequence number in a file name: every uint64 fits.
inline constexpr size_t kNumberDigits = 20;

std::string JoinPath(std::string_view directory, std::string_view name);
/// The directory that holds `path`: "." if it names none.
std::string ParentDirectory(std::string_view path);

/// The Delta log.
std::string LogDirectory(std::string_view table);
std::string CommitName(int64_t version);
std::string CheckpointName(int64_t version);
std::string CommitPath(std::string_view table, int64_t version);
std::string CheckpointPath(std::string_view table, int64_t version);
std::string LastCheckpointPath(std::string_view table);
/// The version in "%020d.json"; nullopt for any other name.
std::optional<int64_t> ParseCommitName(std::string_view name);
/// The version in "%020d.checkpoint.parquet" (classic, in one part); nullopt for any other name.
std::optional<int64_t> ParseCheckpointName(std::string_view name);
/// The version in "%020d.crc" or ".%020d.json.crc", which other writers leave beside the log.
std::optional<int64_t> ParseLogChecksumName(std::string_view name);

/// A data file, relative to the table: "part-<uuid>.parquet".
std::string PartName(std::string_view uuid);
/// The uuid in the name of a part; nullopt for a file that another writer named.
std::optional<std::string> ParsePartName(std::string_view name);
/// Of a file that the log names by a path relative to the table.
std::string DataFilePath(std::string_view table, std::string_view relative_path);

/// Deletion vectors, relative to the table: "deletion_vector_<uuid>.bin" in a folder of their own,
/// which every Delta reader takes for hidden.
inline constexpr std::string_view kDeletionVectorFolder = "_dv";
std::string DeletionVectorName(std::string_view uuid);
std::string DeletionVectorDirectory(std::string_view table);

/// What is ours alone, and hidden from every Delta reader and from vacuum by its first letter.
std::string ViperDirectory(std::string_view table);
std::string LockPath(std::string_view table);
std::string TmpDirectory(std::string_view table);
std::string TmpPath(std::string_view table, std::string_view name);
std::string IndexDirectory(std::string_view table);
/// "<uuid>.vidx" for a part of ours, else a name made from a hash of the path.
std::string SidecarPath(std::string_view table, std::string_view part_path);
/// The index of a collection: its model ("<16 hex digits>.vmodel") and its segments
/// ("<uuid>.vseg").
std::string ModelPath(std::string_view table, uint64_t model_id);
std::string SegmentPath(std::string_view table, std::string_view uuid);
bool IsModelName(std::string_view name);
bool IsSegmentName(std::string_view name);
/// The sidecar's name alone, for telling which ones belong to no part any more.
std::string SidecarName(std::string_view part_path);

/// The write-ahead log.
std::string WalDirectory(std::string_view table);
std::string WalSegmentName(uint64_t first_sequence);
/// The first sequence number in "%020u.wal"; nullopt for any other name.
std::optional<uint64_t> ParseWalSegmentName(std::string_view name);
/// A segment that nobody needs any more, kept for its blocks. Replay looks at neither of the two.
inline constexpr std::string_view kWalSpareName = "spare";
/// A segment on its way.
inline constexpr std::string_view kWalUnfinishedName = "unfinished";

}  // namespace viper::storage
