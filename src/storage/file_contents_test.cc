#include "storage/file_contents.h"

#include <gtest/gtest.h>

#include "base/coding.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper::storage {
namespace {

TEST(FileContents, WhatIsWrittenIsDurableAndReadBack) {
  MemoryFileSystem file_system;
  ASSERT_OK(WriteSyncedFile(file_system, "/f", AsBytes("text")));
  ASSERT_OK(file_system.SyncDirectory("/"));
  const auto image = file_system.DurableImage(CrashMode::kDropUnsynced);
  ASSERT_OK_AND_ASSIGN(const auto bytes, ReadLogFile(*image, "/f"));
  EXPECT_EQ(AsText(bytes), "text");
}

TEST(FileContents, AFailedWriteLeavesNoFile) {
  for (const auto operation : {FileOperation::kWrite, FileOperation::kSync}) {
    MemoryFileSystem file_system;
    file_system.InjectFault({.operation = operation,
                             .path_part = {},
                             .code = StatusCode::kResourceExhausted,
                             .written_bytes = 2});
    EXPECT_STATUS(kResourceExhausted, "", WriteSyncedFile(file_system, "/f", AsBytes("text")));
    EXPECT_FALSE(*file_system.Exists("/f"));
  }
}

TEST(FileContents, AnExistingFileIsNotTouched) {
  MemoryFileSystem file_system;
  ASSERT_OK(WriteSyncedFile(file_system, "/f", AsBytes("text")));
  EXPECT_STATUS(kAlreadyExists, "/f", WriteSyncedFile(file_system, "/f", AsBytes("other")));
  EXPECT_EQ(AsText(*ReadLogFile(file_system, "/f")), "text");
}

}  // namespace
}  // namespace viper::storage
