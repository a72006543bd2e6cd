#include "storage/file_names.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>

#include <fmt/format.h>

#include "base/hash.h"

namespace viper::storage {
namespace {

constexpr std::string_view kCommitSuffix = ".json";
constexpr std::string_view kCheckpointSuffix = ".checkpoint.parquet";
constexpr std::string_view kChecksumSuffix = ".crc";
constexpr std::string_view kCommitChecksumSuffix = ".json.crc";
constexpr std::string_view kPartPrefix = "part-";
constexpr std::string_view kPartSuffix = ".parquet";
constexpr std::string_view kModelSuffix = ".vmodel";
constexpr std::string_view kIndexSegmentSuffix = ".vseg";
constexpr std::string_view kSegmentSuffix = ".wal";
constexpr size_t kUuidLength = 36;

template <typename Number>
std::optional<Number> ParseNumberedName(std::string_view name, std::string_view suffix) {
  if (name.size() != kNumberDigits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  const char* end = name.data() + kNumberDigits;
  if (!std::all_of(name.data(), end, [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  Number number = 0;
  const auto parsed = std::from_chars(name.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  // Nobody counts that far, and one more must still be a number.
  if (number == std::numeric_limits<Number>::max()) return std::nullopt;
  return number;
}

bool IsLowerHexOrDash(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
}

}  // namespace

std::string JoinPath(std::string_view directory, std::string_view name) {
  return fmt::format("{}/{}", directory, name);
}

std::string ParentDirectory(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

std::string LogDirectory(std::string_view table) { return JoinPath(table, "_delta_log"); }

std::string CommitName(int64_t version) { return fmt::format("{:020d}{}", version, kCommitSuffix); }

std::string CheckpointName(int64_t version) {
  return fmt::format("{:020d}{}", version, kCheckpointSuffix);
}

std::string CommitPath(std::string_view table, int64_t version) {
  return JoinPath(LogDirectory(table), CommitName(version));
}

std::string CheckpointPath(std::string_view table, int64_t version) {
  return JoinPath(LogDirectory(table), CheckpointName(version));
}

std::string LastCheckpointPath(std::string_view table) {
  return JoinPath(LogDirectory(table), "_last_checkpoint");
}

std::optional<int64_t> ParseCommitName(std::string_view name) {
  return ParseNumberedName<int64_t>(name, kCommitSuffix);
}

std::optional<int64_t> ParseCheckpointName(std::string_view name) {
  return ParseNumberedName<int64_t>(name, kCheckpointSuffix);
}

std::optional<int64_t> ParseLogChecksumName(std::string_view name) {
  if (name.starts_with('.'))
    return ParseNumberedName<int64_t>(name.substr(1), kCommitChecksumSuffix);
  return ParseNumberedName<int64_t>(name, kChecksumSuffix);
}

std::string PartName(std::string_view uuid) {
  return fmt::format("{}{}{}", kPartPrefix, uuid, kPartSuffix);
}

std::optional<std::string> ParsePartName(std::string_view name) {
  if (!name.starts_with(kPartPrefix) || !name.ends_with(kPartSuffix) ||
      name.size() != kPartPrefix.size() + kUuidLength + kPartSuffix.size()) {
    return std::nullopt;
  }
  const std::string_view uuid = name.substr(kPartPrefix.size(), kUuidLength);
  if (!std::all_of(uuid.begin(), uuid.end(), IsLowerHexOrDash)) return std::nullopt;
  return std::string(uuid);
}

std::string DataFilePath(std::string_view table, std::string_view relative_path) {
  return JoinPath(table, relative_path);
}

std::string DeletionVectorName(std::string_view uuid) {
  return fmt::format("deletion_vector_{}.bin", uuid);
}

std::string DeletionVectorDirectory(std::string_view table) {
  return JoinPath(table, kDeletionVectorFolder);
}

std::string ViperDirectory(std::string_view table) { return JoinPath(table, "_viper"); }

std::string LockPath(std::string_view table) { return JoinPath(ViperDirectory(table), "LOCK"); }

std::string TmpDirectory(std::string_view table) { return JoinPath(ViperDirectory(table), "tmp"); }

std::string TmpPath(std::string_view table, std::string_view name) {
  return JoinPath(TmpDirectory(table), name);
}

std::string IndexDirectory(std::string_view table) {
  return JoinPath(ViperDirectory(table), "index");
}

std::string SidecarName(std::string_view part_path) {
  if (const auto uuid = ParsePartName(part_path)) return *uuid + ".vidx";
  return fmt::format("path-{:016x}.vidx", Hash64(part_path));
}

std::string SidecarPath(std::string_view table, std::string_view part_path) {
  return JoinPath(IndexDirectory(table), SidecarName(part_path));
}

std::string ModelPath(std::string_view table, uint64_t model_id) {
  return JoinPath(IndexDirectory(table), fmt::format("{:016x}{}", model_id, kModelSuffix));
}

std::string SegmentPath(std::string_view table, std::string_view uuid) {
  return JoinPath(IndexDirectory(table), fmt::format("{}{}", uuid, kIndexSegmentSuffix));
}

bool IsModelName(std::string_view name) { return name.ends_with(kModelSuffix); }

bool IsSegmentName(std::string_view name) { return name.ends_with(kIndexSegmentSuffix); }

std::string WalDirectory(std::string_view table) { return JoinPath(ViperDirectory(table), "wal"); }

std::string WalSegmentName(uint64_t first_sequence) {
  return fmt::format("{:020d}{}", first_sequence, kSegmentSuffix);
}

std::optional<uint64_t> ParseWalSegmentName(std::string_view name) {
  return ParseNumberedName<uint64_t>(name, kSegmentSuffix);
}

}  // namespace viper::storage
