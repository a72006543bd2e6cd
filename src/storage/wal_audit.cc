#include "storage/wal_audit.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <utility>

#include "base/coding.h"
#include "base/status_macros.h"
#include "storage/file_names.h"
#include "storage/wal_format.h"
#include "storage/wal_segment_reader.h"

namespace viper::storage {
namespace {

// Where a frame holds the number of the newest record that was durable.
constexpr size_t kDurableSequenceOffset = 16;

Result<std::vector<uint64_t>> ListWalSegments(FileSystem& file_system,
                                              const std::string& directory) {
  std::vector<uint64_t> segments;
  const auto names = file_system.List(directory);
  if (names.status().code() == StatusCode::kNotFound) return segments;
  VIPER_RETURN_IF_ERROR(names.status());
  for (const std::string& name : *names) {
    const auto first = ParseWalSegmentName(name);
    if (first && *first > 0) segments.push_back(*first);
  }
  std::sort(segments.begin(), segments.end());
  return segments;
}

// A segment may lie in blocks that had an earlier life, whose frames had lower numbers: only
// numbers of this life say that a frame was begun here.
Result<bool> HasRemains(FileSystem& file_system, const WalSegmentAudit& audit) {
  VIPER_ASSIGN_OR_RETURN(const auto file, file_system.OpenForRead(audit.path));
  const uint64_t size = file->size();
  if (size < kWalFrameHeaderBytes || audit.end_offset > size - kWalFrameHeaderBytes) return false;
  std::array<std::byte, kWalFrameHeaderBytes> header;
  VIPER_RETURN_IF_ERROR(file->ReadAt(audit.end_offset, header));
  const auto sequence = LoadFixed<uint64_t>(header.data() + kWalSequenceOffset);
  const auto durable = LoadFixed<uint64_t>(header.data() + kDurableSequenceOffset);
  const uint64_t expected = audit.last_sequence + 1;
  const bool is_blank = std::all_of(header.begin(), header.end(),
                                    [](std::byte byte) { return byte == std::byte{0}; });
  if (is_blank) return false;
  return sequence == expected || (durable < expected && durable + 1 >= audit.first_sequence);
}

// NotFound if the segment was dropped.
Result<WalSegmentAudit> AuditSegment(FileSystem& file_system, const std::string& path,
                                     uint64_t first, uint64_t next_first) {
  WalSegmentAudit audit;
  audit.path = path;
  audit.first_sequence = first;
  audit.last_sequence = first - 1;
  audit.end_offset = kWalFirstFrame;
  VIPER_ASSIGN_OR_RETURN(audit.file_bytes, file_system.FileSize(path));
  auto reader = WalSegmentReader::Open(file_system, path, first);
  if (reader.status().code() == StatusCode::kNotFound) return reader.status();
  if (!reader.ok()) {
    audit.problem = reader.status().message();
    return audit;
  }
  while (audit.last_sequence + 1 < next_first) {
    auto record = (*reader)->Read(audit.end_offset, audit.last_sequence + 1);
    if (!record.ok()) {
      audit.problem = record.status().message();
      return audit;
    }
    if (!*record) break;
    ++audit.last_sequence;
    ++audit.records;
    audit.end_offset += WalFrameBytes((*record)->frame.payload_bytes);
  }
  if (audit.last_sequence + 1 < next_first) {
    VIPER_ASSIGN_OR_RETURN(audit.has_remains, HasRemains(file_system, audit));
  }
  return audit;
}

}  // namespace

Result<std::vector<WalSegmentAudit>> AuditWalSegments(FileSystem& file_system,
                                                      const std::string& directory) {
  VIPER_ASSIGN_OR_RETURN(const auto segments, ListWalSegments(file_system, directory));
  std::vector<WalSegmentAudit> audits;
  for (size_t i = 0; i < segments.size(); ++i) {
    const uint64_t next =
        i + 1 < segments.size() ? segments[i + 1] : std::numeric_limits<uint64_t>::max();
    auto audit = AuditSegment(file_system, JoinPath(directory, WalSegmentName(segments[i])),
                              segments[i], next);
    if (audit.status().code() == StatusCode::kNotFound) continue;
    VIPER_RETURN_IF_ERROR(audit.status());
    audits.push_back(std::move(*audit));
  }
  return audits;
}

}  // namespace viper::storage
