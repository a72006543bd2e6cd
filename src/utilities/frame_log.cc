#include "utilities/frame_log.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/coding.h"
#include "base/crc32c.h"
#include "base/status_macros.h"
#include "storage/file_contents.h"
#include "storage/file_names.h"

namespace viper::utilities {
namespace {

constexpr size_t kKindBytes = 8;
constexpr size_t kFrameHeaderBytes = 8;

uint32_t FrameCrc(uint32_t length, std::span<const std::byte> payload) {
  const uint32_t crc = crc32c::Value(std::as_bytes(std::span(&length, 1)));
  return crc32c::Extend(crc, payload);
}

void AppendFrame(std::span<const std::byte> payload, std::vector<std::byte>& out) {
  ByteWriter writer(out);
  const auto length = static_cast<uint32_t>(payload.size());
  writer.PutFixed32(length);
  writer.PutFixed32(FrameCrc(length, payload));
  writer.PutBytes(payload);
}

Status CheckPayload(std::span<const std::byte> payload) {
  if (payload.size() <= FrameLog::kPayloadBytesMax) return {};
  return Status::InvalidArgument(fmt::format("a record is too large: actual={} allowed={}",
                                             payload.size(), FrameLog::kPayloadBytesMax));
}

/// The whole records that `bytes` begin with; what they take is counted into `read`.
std::vector<std::vector<std::byte>> ReadFrames(std::span<const std::byte> bytes, size_t& read) {
  std::vector<std::vector<std::byte>> payloads;
  for (ByteReader reader(bytes); !reader.done();) {
    const auto length = reader.ReadFixed32();
    const auto crc = reader.ReadFixed32();
    if (!length || !crc) break;
    const auto payload = reader.ReadBytes(*length);
    if (!payload || FrameCrc(*length, *payload) != *crc) break;
    payloads.emplace_back(payload->begin(), payload->end());
    read += kFrameHeaderBytes + payload->size();
  }
  return payloads;
}

}  // namespace

Result<FrameLog::Opened> FrameLog::Open(FileSystem& file_system, const std::string& path,
                                        std::string_view kind) {
  VIPER_ASSERT(kind.size() == kKindBytes);
  Opened opened;
  opened.log = std::unique_ptr<FrameLog>(new FrameLog(file_system, path, kind));
  VIPER_ASSIGN_OR_RETURN(const bool exists, file_system.Exists(path));
  std::vector<std::byte> bytes;
  if (exists) {
    VIPER_ASSIGN_OR_RETURN(bytes, storage::ReadLogFile(file_system, path));
  }
  const size_t begun = std::min(bytes.size(), kKindBytes);
  if (AsText(std::span(bytes).first(begun)) != kind.substr(0, begun)) {
    return Status::Unsupported(
        fmt::format("{} is not a file of ours, or one of another version", path));
  }
  size_t read = begun;
  opened.payloads = ReadFrames(std::span(bytes).subspan(begun), read);
  opened.lost_bytes = bytes.size() - read;
  if (bytes.size() < kKindBytes || opened.lost_bytes > 0) {
    VIPER_RETURN_IF_ERROR(opened.log->Rewrite(opened.payloads));
  } else {
    VIPER_ASSIGN_OR_RETURN(opened.log->file_, file_system.OpenForWrite(path));
    opened.log->bytes_ = bytes.size();
  }
  return opened;
}

Status FrameLog::Append(std::span<const std::byte> payload) {
  VIPER_RETURN_IF_ERROR(CheckPayload(payload));
  if (file_ == nullptr) {
    return Status::FailedPrecondition(
        fmt::format("{} could not be written before, and is not written to until then", path_));
  }
  std::vector<std::byte> frame;
  AppendFrame(payload, frame);
  const Status appended = file_->Append(frame);
  if (!appended.ok()) file_.reset();
  bytes_ += frame.size();
  return appended;
}

Status FrameLog::Sync() {
  if (file_ == nullptr) {
    return Status::FailedPrecondition(fmt::format("{} could not be written before", path_));
  }
  const Status synced = file_->Sync();
  if (!synced.ok()) file_.reset();
  return synced;
}

Status FrameLog::Rewrite(std::span<const std::vector<std::byte>> payloads) {
  std::vector<std::byte> bytes;
  ByteWriter(bytes).PutBytes(AsBytes(kind_));
  for (const auto& payload : payloads) {
    VIPER_RETURN_IF_ERROR(CheckPayload(payload));
    AppendFrame(payload, bytes);
  }
  const std::string fresh = path_ + ".tmp";
  VIPER_ASSIGN_OR_RETURN(const bool is_left, file_system_.Exists(fresh));
  if (is_left) VIPER_RETURN_IF_ERROR(file_system_.RemoveFile(fresh));
  VIPER_RETURN_IF_ERROR(storage::WriteSyncedFile(file_system_, fresh, bytes));
  // From here on the old file must not be appended to.
  file_.reset();
  VIPER_RETURN_IF_ERROR(file_system_.Rename(fresh, path_));
  VIPER_RETURN_IF_ERROR(file_system_.SyncDirectory(storage::ParentDirectory(path_)));
  VIPER_ASSIGN_OR_RETURN(file_, file_system_.OpenForWrite(path_));
  bytes_ = bytes.size();
  return {};
}

}  // namespace viper::utilities
