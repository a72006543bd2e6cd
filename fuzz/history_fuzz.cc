// Arbitrary bytes as the file of the history of operations, and as one of its records: opened, or
// refused, without a crash; what was opened can be appended to, and is there the next time.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/assert.h"
#include "testing/memory_file_system.h"
#include "utilities/frame_log.h"
#include "utilities/rollup.h"

namespace viper::utilities {
namespace {

constexpr std::string_view kKind = "VPSTAT01";
constexpr auto kPath = "/history";

void CheckRecord(std::span<const std::byte> bytes) {
  const auto entry = DecodeEntry(bytes);
  if (!entry) return;
  std::vector<std::byte> again;
  EncodeEntry(*entry, again);
  const auto back = DecodeEntry(again);
  VIPER_ASSERT(back.has_value());
  VIPER_ASSERT(back->key == entry->key);
  VIPER_ASSERT(back->rollup.latency == entry->rollup.latency);
  (void)entry->rollup.Totals();
}

void CheckFile(std::span<const std::byte> bytes) {
  MemoryFileSystem files;
  {
    auto file = files.CreateFile(kPath);
    VIPER_ASSERT(file.ok() && (*file)->Append(bytes).ok());
  }
  size_t count = 0;
  {
    auto opened = FrameLog::Open(files, kPath, kKind);
    if (!opened.ok()) return;
    for (const auto& payload : opened->payloads) CheckRecord(payload);
    count = opened->payloads.size();
    VIPER_ASSERT(opened->log->Append(bytes.first(bytes.size() % 7)).ok());
  }
  auto again = FrameLog::Open(files, kPath, kKind);
  VIPER_ASSERT(again.ok());
  VIPER_ASSERT(again->payloads.size() == count + 1);
  VIPER_ASSERT(again->lost_bytes == 0);
}

}  // namespace
}  // namespace viper::utilities

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  viper::utilities::CheckRecord(bytes);
  viper::utilities::CheckFile(bytes);
  return 0;
}
