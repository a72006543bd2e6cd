#include "pipeline/row_checks.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace viper::pipeline {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(RowChecks, EveryPlaceOfAValueThatIsNotFiniteIsFound) {
  for (const float bad : {kNan, -kNan, kInf, -kInf}) {
    for (size_t place = 0; place < 37; ++place) {
      std::vector<float> values(37, std::numeric_limits<float>::max());
      EXPECT_TRUE(CheckFinite(values).ok());
      values[place] = bad;
      const Status status = CheckFinite(values);
      EXPECT_NE(status.message().find("component=" + std::to_string(place) + " "),
                std::string::npos)
          << status.message();
    }
  }
}

TEST(RowChecks, RowAndComponentOfManyRowsAreNamed) {
  std::vector<float> values(3 * 4, 1.0F);
  EXPECT_TRUE(CheckRowsFinite(values, 4, 10).ok());
  values[2 * 4 + 3] = kInf;
  EXPECT_EQ(CheckRowsFinite(values, 4, 10).message(),
            "row 13 holds a value that is not finite: component=3 value=inf");
}

TEST(RowChecks, NarrowingRoundsAndRefusesWhatIsBeyondFloat) {
  constexpr double kMax = std::numeric_limits<float>::max();
  EXPECT_EQ(NarrowToFloat(0.1), 0.1F);
  EXPECT_EQ(NarrowToFloat(kMax), std::numeric_limits<float>::max());
  // "3.4028235e38" is how the largest float is printed; it lies above it.
  EXPECT_EQ(NarrowToFloat(3.4028235e38), std::numeric_limits<float>::max());
  EXPECT_EQ(NarrowToFloat(-3.4028235e38), std::numeric_limits<float>::lowest());
  EXPECT_FALSE(NarrowToFloat(0x1.ffffffp127).has_value());
  EXPECT_FALSE(NarrowToFloat(-1e39).has_value());
  EXPECT_FALSE(NarrowToFloat(std::nan("")).has_value());
}

TEST(RowChecks, LimitsOfDimensionAndIdAreThoseOfTheEngine) {
  EXPECT_FALSE(CheckDim(0).ok());
  EXPECT_TRUE(CheckDim(1).ok());
  EXPECT_TRUE(CheckDim(65'536).ok());
  EXPECT_FALSE(CheckDim(65'537).ok());
  EXPECT_FALSE(CheckId("").ok());
  EXPECT_TRUE(CheckId(std::string(1024, 'x')).ok());
  EXPECT_FALSE(CheckId(std::string(1025, 'x')).ok());
}

}  // namespace
}  // namespace viper::pipeline
