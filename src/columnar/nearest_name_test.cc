#include "columnar/nearest_name.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace viper::columnar {
namespace {

const std::vector<std::string> kNames = {"category", "importance", "id", "year",
                                         "Title",    "_id",        "b"};

TEST(NearestName, FindsMisspellings) {
  EXPECT_EQ(NearestName("categry", kNames), "category");
  EXPECT_EQ(NearestName("catgeory", kNames), "category");
  EXPECT_EQ(NearestName("importence", kNames), "importance");
  EXPECT_EQ(NearestName("yaer", kNames), "year");
  EXPECT_EQ(NearestName("_ib", kNames), "_id");
}

TEST(NearestName, SetsCaseAside) {
  EXPECT_EQ(NearestName("title", kNames), "Title");
  EXPECT_EQ(NearestName("B", kNames), "b");
}

TEST(NearestName, PrefersTheNearest) {
  const std::vector<std::string> names = {"price_max", "price_min", "prices"};
  EXPECT_EQ(NearestName("price_mix", names), "price_max");  // the first of two equally near
  EXPECT_EQ(NearestName("price_mib", names), "price_min");
}

TEST(NearestName, IsSilentWhenNothingIsNear) {
  EXPECT_EQ(NearestName("colour", kNames), std::nullopt);
  EXPECT_EQ(NearestName("x", kNames), std::nullopt);
  EXPECT_EQ(NearestName("", kNames), std::nullopt);
  EXPECT_EQ(NearestName("year", std::vector<std::string>()), std::nullopt);
}

TEST(NearestName, LeavesLongNamesAlone) {
  const std::vector<std::string> names = {std::string(1000, 'a')};
  EXPECT_EQ(NearestName(std::string(999, 'a'), names), std::nullopt);
}

}  // namespace
}  // namespace viper::columnar
