#include "parquet/arrow_vectors.h"

#include <string>

#include <gtest/gtest.h>

#include "parquet/arrow_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

TEST(ArrowVectors, OnlyListsOfNumbersAndBinaryHoldVectors) {
  EXPECT_TRUE(IsListOfNumbers(*::arrow::list(::arrow::int8())));
  EXPECT_TRUE(IsListOfNumbers(*::arrow::fixed_size_list(::arrow::float16(), 3)));
  EXPECT_FALSE(IsListOfNumbers(*::arrow::list(::arrow::boolean())));
  EXPECT_FALSE(IsListOfNumbers(*::arrow::list(::arrow::list(::arrow::float32()))));
  EXPECT_FALSE(IsListOfNumbers(*::arrow::binary()));
  EXPECT_OK(CheckHasVector(*::arrow::binary()));
  EXPECT_OK(CheckHasVector(*::arrow::fixed_size_binary(8)));
  EXPECT_STATUS(kInvalidArgument, "actual=string", CheckHasVector(*::arrow::utf8()));
}

TEST(ArrowVectors, StructuresOfIndicesAndValuesAreSparseVectors) {
  const auto type = [](const auto& indices, const auto& values) {
    return ::arrow::struct_({::arrow::field("indices", ::arrow::list(indices)),
                             ::arrow::field("values", ::arrow::large_list(values))});
  };
  EXPECT_TRUE(IsSparseVector(*type(::arrow::uint16(), ::arrow::float16())));
  EXPECT_FALSE(IsSparseVector(*type(::arrow::float32(), ::arrow::float32())));
  EXPECT_FALSE(IsSparseVector(*type(::arrow::int32(), ::arrow::utf8())));
  EXPECT_FALSE(IsSparseVector(*::arrow::list(::arrow::float32())));
  std::vector<float> floats;
  for (const auto& integer : {::arrow::int8(), ::arrow::uint32(), ::arrow::uint64()}) {
    const auto array =
        FromJson(type(integer, ::arrow::float64()), "[[[0], [9]], [[2, 1], [5, 6]], [[0], [9]]]")
            ->Slice(1, 1);
    ASSERT_OK(AppendVector(*array, 0, 3, floats));
  }
  EXPECT_EQ(floats, (std::vector<float>{0, 6, 5, 0, 6, 5, 0, 6, 5}));
}

TEST(ArrowVectors, SlicedListsGiveTheirOwnElements) {
  std::vector<float> floats;
  for (const auto& type : {::arrow::list(::arrow::float32()), ::arrow::large_list(::arrow::int16()),
                           ::arrow::fixed_size_list(::arrow::float64(), 2)}) {
    const auto array = FromJson(type, "[[1, 2], [3, 4], [5, 6]]")->Slice(1, 1);
    ASSERT_OK(AppendVector(*array, 0, 2, floats));
  }
  EXPECT_EQ(floats, (std::vector<float>{3, 4, 3, 4, 3, 4}));
}

TEST(ArrowVectors, BinaryMustBeWholeFloats) {
  const auto array = FromJson(::arrow::binary(), R"(["12345678", "1234567", null])");
  EXPECT_EQ(VectorLength(*array, 0).value(), 2U);
  EXPECT_STATUS(kInvalidArgument, "bytes=7", VectorLength(*array, 1));
  EXPECT_STATUS(kInvalidArgument, "null", VectorLength(*array, 2));
}

TEST(ArrowVectors, IntegersBecomeTheNearestFloat) {
  std::vector<float> floats;
  ASSERT_OK(
      AppendVector(*FromJson(::arrow::list(::arrow::int64()), "[[16777217, -5]]"), 0, 2, floats));
  EXPECT_EQ(floats, (std::vector<float>{16777216, -5}));
}

TEST(ArrowVectors, ANullOutsideOfTheRowDoesNoHarm) {
  const auto array = FromJson(::arrow::list(::arrow::float32()), "[[1, null], [3, 4]]");
  std::vector<float> floats;
  EXPECT_STATUS(kInvalidArgument, "component=1", AppendVector(*array, 0, 2, floats));
  floats.clear();
  EXPECT_OK(AppendVector(*array, 1, 2, floats));
}

}  // namespace
}  // namespace viper::parquet
