#include "base/hash.h"

#include <string>
#include <unordered_map>

#include <gtest/gtest.h>

#include "base/coding.h"

namespace viper {
namespace {

// As printed by xxhsum -H3 of the xxHash project.
TEST(Hash64, StoredValuesNeverChange) {
  EXPECT_EQ(Hash64(std::string_view()), 0x2D06800538D394C2U);
  EXPECT_EQ(Hash64("abc"), 0x78AF5F94892F3950U);
}

TEST(Hash64, TextAndItsBytesHashAlike) { EXPECT_EQ(Hash64("abc"), Hash64(AsBytes("abc"))); }

TEST(Hash64, SeedMatters) { EXPECT_NE(Hash64("abc", 1), Hash64("abc", 2)); }

TEST(StringHash, MapIsAskedWithoutMakingAString) {
  std::unordered_map<std::string, int, StringHash, std::equal_to<>> map;
  map.emplace("key", 1);
  EXPECT_NE(map.find(std::string_view("key")), map.end());
  EXPECT_EQ(map.find(std::string_view("other")), map.end());
}

}  // namespace
}  // namespace viper
