#include "parquet/file_sink.h"

#include <cstring>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "parquet/part_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

TEST(FileSink, BytesArriveInOrderWhateverTheSizes) {
  CollectingFile file;
  FileSink sink(file);
  std::mt19937 random(11);
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    const std::string piece(random() % (i % 10 == 0 ? 300'000 : 2'000),
                            static_cast<char>('a' + i % 26));
    expected += piece;
    ASSERT_TRUE(sink.Write(piece.data(), static_cast<int64_t>(piece.size())).ok());
    EXPECT_EQ(sink.position(), static_cast<int64_t>(expected.size()));
  }
  ASSERT_TRUE(sink.Flush().ok());
  ASSERT_EQ(file.content.size(), expected.size());
  EXPECT_EQ(std::memcmp(file.content.data(), expected.data(), expected.size()), 0);
}

TEST(FileSink, TheDiskIsPutToWorkOnTheWay) {
  CollectingFile file;
  FileSink sink(file);
  const std::string piece(1'000'000, 'x');
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(sink.Write(piece.data(), 1'000'000).ok());
  EXPECT_GE(file.start_count, 2U);
  EXPECT_LE(file.start_count, 3U);
}

TEST(FileSink, SmallWritesAreCollected) {
  CollectingFile file;
  FileSink sink(file);
  const std::string piece(1000, 'x');
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(sink.Write(piece.data(), 1000).ok());
  ASSERT_TRUE(sink.Close().ok());
  EXPECT_TRUE(sink.closed());
  EXPECT_EQ(file.content.size(), 3'000'000U);
  EXPECT_LE(file.append_count, 3U);
}

TEST(FileSink, TheFirstFailureSticksAsItCame) {
  CollectingFile file;
  file.fail_after = 1000;
  FileSink sink(file);
  const std::string piece(200'000, 'x');
  EXPECT_FALSE(sink.Write(piece.data(), 200'000).ok());
  file.fail_after = SIZE_MAX;
  EXPECT_FALSE(sink.Write(piece.data(), 200'000).ok());
  EXPECT_STATUS(kResourceExhausted, "no space left", sink.status());
  EXPECT_TRUE(file.content.empty());
}

}  // namespace
}  // namespace viper::parquet
