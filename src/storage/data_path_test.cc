#include "storage/data_path.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "testing/status_matchers.h"

namespace viper::storage {
namespace {

TEST(DataPath, PlainNamesStayAsTheyAre) {
  for (const char* path : {"part-9b2f4c1e.parquet", "a/b_c.parquet", "k=v/x+y@z:1,2;3.parquet"}) {
    EXPECT_EQ(EncodeDataPath(path), path);
    EXPECT_EQ(*DecodeDataPath(path), path);
  }
}

TEST(DataPath, AllElseIsPercentEncoded) {
  EXPECT_EQ(EncodeDataPath("a b#c?d%e\"\xC3\xA9"), "a%20b%23c%3Fd%25e%22%C3%A9");
  EXPECT_EQ(*DecodeDataPath("a%20b%23c%3fd%25e%22%C3%a9"), "a b#c?d%e\"\xC3\xA9");
}

TEST(DataPath, EveryPathComesBack) {
  const uint64_t seed = 4;
  Random random(seed);
  for (int round = 0; round < 2'000; ++round) {
    std::string path = "x";
    for (uint64_t i = random.Uniform(20); i > 0; --i) {
      path += static_cast<char>(1 + random.Uniform(255));
    }
    if (path.find("..") != std::string::npos || path.find(':') != std::string::npos) continue;
    const auto decoded = DecodeDataPath(EncodeDataPath(path));
    ASSERT_OK(decoded);
    EXPECT_EQ(*decoded, path) << "seed=" << seed << " round=" << round;
  }
}

TEST(DataPath, BadEncodingsAreCorrupt) {
  for (const char* path : {"%", "%2", "a%2", "a%zz", "a%2gb", "", "a%00b"}) {
    EXPECT_STATUS(kCorruption, "path", DecodeDataPath(path));
  }
}

TEST(DataPath, FilesOutsideTheTableAreRefused) {
  for (const char* path : {"/etc/passwd", "s3://bucket/x", "file:/x", "%2Fetc"}) {
    EXPECT_STATUS(kUnsupported, "outside the table", DecodeDataPath(path));
  }
  for (const char* path : {"..", "../x", "a/../../x", "a/..", "%2E%2E/x", "a%2F..%2Fx"}) {
    EXPECT_STATUS(kCorruption, "climbs out", DecodeDataPath(path));
  }
  EXPECT_OK(DecodeDataPath("a..b/..c"));
}

}  // namespace
}  // namespace viper::storage
