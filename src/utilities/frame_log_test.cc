#include "utilities/frame_log.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/coding.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper::utilities {
namespace {

constexpr std::string_view kKind = "TESTKIND";
constexpr auto kPath = "/log";

std::vector<std::string> TextsOf(const FrameLog::Opened& opened) {
  std::vector<std::string> texts;
  for (const auto& payload : opened.payloads) texts.emplace_back(AsText(payload));
  return texts;
}

void AppendAll(FileSystem& files, const std::vector<std::string>& texts) {
  ASSERT_OK_AND_ASSIGN(auto opened, FrameLog::Open(files, kPath, kKind));
  for (const std::string& text : texts) ASSERT_OK(opened.log->Append(AsBytes(text)));
  ASSERT_OK(opened.log->Sync());
}

TEST(FrameLog, KeepsWhatWasAppended) {
  MemoryFileSystem files;
  AppendAll(files, {"one", "", std::string(100'000, 'x')});
  AppendAll(files, {"four"});
  ASSERT_OK_AND_ASSIGN(auto opened, FrameLog::Open(files, kPath, kKind));
  EXPECT_EQ(TextsOf(opened),
            (std::vector<std::string>{"one", "", std::string(100'000, 'x'), "four"}));
  EXPECT_EQ(opened.lost_bytes, 0u);
}

TEST(FrameLog, EveryTornEndIsCutAndTheRestIsKept) {
  MemoryFileSystem whole;
  AppendAll(whole, {"one", "two", "three"});
  ASSERT_OK_AND_ASSIGN(auto map, whole.Map(kPath));
  const std::string bytes(AsText(map->bytes()));
  for (size_t size = 0; size < bytes.size(); ++size) {
    MemoryFileSystem files;
    ASSERT_OK_AND_ASSIGN(auto file, files.CreateFile(kPath));
    ASSERT_OK(file->Append(AsBytes(bytes.substr(0, size))));
    file.reset();
    size_t expected = 0;
    for (const size_t end : {8 + 11, 8 + 11 + 11, 8 + 11 + 11 + 13}) {
      expected += size >= static_cast<size_t>(end) ? 1 : 0;
    }
    ASSERT_OK_AND_ASSIGN(auto opened, FrameLog::Open(files, kPath, kKind));
    EXPECT_EQ(opened.payloads.size(), expected) << size;
    ASSERT_OK(opened.log->Append(AsBytes("next")));
    opened.log.reset();
    ASSERT_OK_AND_ASSIGN(auto again, FrameLog::Open(files, kPath, kKind));
    EXPECT_EQ(again.payloads.size(), expected + 1) << size;
    EXPECT_EQ(again.lost_bytes, 0u);
  }
}

TEST(FrameLog, AChangedBitEndsTheRecordsThere) {
  MemoryFileSystem files;
  AppendAll(files, {"one", "two", "three"});
  {
    ASSERT_OK_AND_ASSIGN(auto file, files.OpenForWrite(kPath));
    ASSERT_OK(file->WriteAt(8 + 11 + 8, AsBytes("T")));
  }
  ASSERT_OK_AND_ASSIGN(auto opened, FrameLog::Open(files, kPath, kKind));
  EXPECT_EQ(TextsOf(opened), std::vector<std::string>{"one"});
  EXPECT_EQ(opened.lost_bytes, 24u);
}

TEST(FrameLog, AnotherKindOfFileIsLeftAlone) {
  MemoryFileSystem files;
  ASSERT_OK_AND_ASSIGN(auto file, files.CreateFile(kPath));
  ASSERT_OK(file->Append(AsBytes("somebody else's")));
  EXPECT_STATUS(kUnsupported, kPath, FrameLog::Open(files, kPath, kKind));
  ASSERT_OK_AND_ASSIGN(const uint64_t size, files.FileSize(kPath));
  EXPECT_EQ(size, 15u);
}

/// Cut by a power loss anywhere, a rewrite leaves the old records or the new ones.
TEST(FrameLog, ARewriteIsAllOrNothing) {
  const std::vector<std::byte> fresh(3, std::byte{'n'});
  uint64_t count = 0;
  {
    MemoryFileSystem files;
    AppendAll(files, {"old", "old"});
    ASSERT_OK_AND_ASSIGN(auto opened, FrameLog::Open(files, kPath, kKind));
    const uint64_t before = files.OperationCount();
    ASSERT_OK(opened.log->Rewrite(std::vector<std::vector<std::byte>>{fresh}));
    count = files.OperationCount() - before;
  }
  ASSERT_GT(count, 3u);
  for (uint64_t cut = 0; cut <= count; ++cut) {
    MemoryFileSystem files;
    AppendAll(files, {"old", "old"});
    ASSERT_OK_AND_ASSIGN(auto opened, FrameLog::Open(files, kPath, kKind));
    files.CrashAfter(cut);
    const bool is_done = opened.log->Rewrite(std::vector<std::vector<std::byte>>{fresh}).ok();
    for (const uint64_t seed : {1, 2, 3}) {
      const auto image = files.DurableImage(CrashMode::kRandomSubset, seed);
      ASSERT_OK_AND_ASSIGN(auto after, FrameLog::Open(*image, kPath, kKind));
      const auto texts = TextsOf(after);
      const bool is_old = texts == std::vector<std::string>{"old", "old"};
      const bool is_new = texts == std::vector<std::string>{"nnn"};
      EXPECT_TRUE(is_new || (is_old && !is_done)) << cut << " of " << count;
    }
  }
}

TEST(FrameLog, AfterAFailureNothingIsAppendedUntilItIsWrittenAnew) {
  MemoryFileSystem files;
  AppendAll(files, {"one"});
  ASSERT_OK_AND_ASSIGN(auto opened, FrameLog::Open(files, kPath, kKind));
  files.InjectFault({.operation = FileOperation::kWrite, .written_bytes = 5});
  EXPECT_STATUS(kIoError, "", opened.log->Append(AsBytes("two")));
  EXPECT_STATUS(kFailedPrecondition, kPath, opened.log->Append(AsBytes("three")));
  EXPECT_STATUS(kFailedPrecondition, kPath, opened.log->Sync());
  ASSERT_OK(opened.log->Rewrite(opened.payloads));
  ASSERT_OK(opened.log->Append(AsBytes("four")));
  opened.log.reset();
  ASSERT_OK_AND_ASSIGN(auto again, FrameLog::Open(files, kPath, kKind));
  EXPECT_EQ(TextsOf(again), (std::vector<std::string>{"one", "four"}));
}

}  // namespace
}  // namespace viper::utilities
