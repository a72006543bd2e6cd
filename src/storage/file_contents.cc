#include "storage/file_contents.h"

#include <fmt/format.h>

#include "base/status_macros.h"

namespace viper::storage {
namespace {

Status WriteAndSync(WritableFile& file, std::span<const std::byte> bytes) {
  VIPER_RETURN_IF_ERROR(file.Append(bytes));
  VIPER_RETURN_IF_ERROR(file.Sync());
  return file.Close();
}

}  // namespace

Result<std::vector<std::byte>> ReadLogFile(FileSystem& file_system, const std::string& path) {
  VIPER_ASSIGN_OR_RETURN(const auto file, file_system.OpenForRead(path));
  if (file->size() > kLogFileBytesMax) {
    return Status::Unsupported(
        fmt::format("{}: file of the table log is too large: max={} actual={}", path,
                    kLogFileBytesMax, file->size()));
  }
  std::vector<std::byte> bytes(file->size());
  VIPER_RETURN_IF_ERROR(file->ReadAt(0, bytes));
  return bytes;
}

Status WriteSyncedFile(FileSystem& file_system, const std::string& path,
                       std::span<const std::byte> bytes) {
  VIPER_ASSIGN_OR_RETURN(const auto file, file_system.CreateFile(path));
  const Status written = WriteAndSync(*file, bytes);
  // The first failure is what counts; a file that stays is swept with the directory of such files.
  if (!written.ok()) static_cast<void>(file_system.RemoveFile(path));
  return written;
}

}  // namespace viper::storage
