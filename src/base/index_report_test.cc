#include "viper/index_report.h"

#include <gtest/gtest.h>

namespace viper {
namespace {

TEST(ClusterId, NamesCollectionModelAndNumber) {
  const ClusterId id = {"films", 0x9f3c2a1b5d0a4c7b, 17};
  EXPECT_EQ(id.ToString(), "films/9f3c2a1b5d0a4c7b/17");
  EXPECT_EQ((ClusterId{"a", 1, 2}).ToString(), "a/0000000000000001/2");
}

TEST(ClusterId, C27_DiffersByEachOfThem) {
  const ClusterId id = {"films", 1, 2};
  EXPECT_EQ(id, (ClusterId{"films", 1, 2}));
  EXPECT_NE(id, (ClusterId{"books", 1, 2}));
  EXPECT_NE(id, (ClusterId{"films", 2, 2}));
  EXPECT_NE(id, (ClusterId{"films", 1, 3}));
}

}  // namespace
}  // namespace viper
