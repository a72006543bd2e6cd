#include "pipeline/vecs_source.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pipeline/source_testing.h"

namespace viper::pipeline {
namespace {

template <typename T>
std::string Row(const std::vector<T>& components) {
  return BytesOf(std::vector<int32_t>{static_cast<int32_t>(components.size())}) +
         BytesOf(components);
}

Result<std::unique_ptr<RecordSource>> Open(std::string content,
                                           FileFormat format = FileFormat::kFvecs,
                                           RecordSourceOptions options = {}) {
  return OpenVecsSource(MakeInput(std::move(content)), format, options);
}

TEST(VecsSource, ComponentsOfEveryTypeBecomeFloats) {
  const auto read = [](std::string content, FileFormat format) {
    auto source = Open(std::move(content), format);
    EXPECT_TRUE(source.ok()) << source.status().ToString();
    EXPECT_EQ((*source)->row_count(), 2U);
    return std::move(ReadAll(**source)).value();
  };
  const auto floats = read(Row<float>({1.5F, -2}) + Row<float>({3, 4}), FileFormat::kFvecs);
  EXPECT_EQ(floats[0].vector, (std::vector<float>{1.5F, -2}));
  EXPECT_EQ(floats[1].vector, (std::vector<float>{3, 4}));
  EXPECT_EQ(floats[1].id, "1");
  const auto bytes = read(Row<uint8_t>({0, 255, 7}) + Row<uint8_t>({1, 2, 3}), FileFormat::kBvecs);
  EXPECT_EQ(bytes[0].vector, (std::vector<float>{0, 255, 7}));
  EXPECT_EQ(bytes[1].vector, (std::vector<float>{1, 2, 3}));
  const auto integers =
      read(Row<int32_t>({-1, 16'777'216}) + Row<int32_t>({5, 6}), FileFormat::kIvecs);
  EXPECT_EQ(integers[0].vector, (std::vector<float>{-1, 16'777'216}));
}

TEST(VecsSource, ManyBatchesJoinWithoutAGap) {
  std::string content;
  for (int i = 0; i < 200'000; ++i) content += Row<float>({static_cast<float>(i), 1});
  auto source = Open(std::move(content), FileFormat::kFvecs, {.id_prefix = "s", .limit = 199'000});
  ASSERT_TRUE(source.ok());
  ASSERT_TRUE((*source)->Skip(1000).ok());
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), 198'000U);
  for (size_t i = 0; i < records->size(); ++i) {
    ASSERT_EQ((*records)[i].vector[0], static_cast<float>(i + 1000));
  }
  EXPECT_EQ(records->back().id, "s198999");
}

TEST(VecsSource, RowOfAnotherDimensionIsNamedWithBothNumbers) {
  const std::string good = Row<float>({1, 2}) + Row<float>({3, 4});
  EXPECT_EQ(FirstError(Open(good + Row<float>({5, 6, 7}))),
            "InvalidArgument: input: row 3 at byte 24 has another dimension than the first: "
            "expected=2 actual=3");
  // As long as two whole rows, so only reading tells.
  EXPECT_EQ(FirstError(Open(good + Row<float>({1, 2, 3, 4, 5}))),
            "InvalidArgument: input: row 3 at byte 24 has another dimension than the first: "
            "expected=2 actual=5");
}

TEST(VecsSource, CutFileIsRefusedBeforeAnythingIsRead) {
  const std::string whole = Row<float>({1, 2}) + Row<float>({3, 4});
  for (size_t length = 13; length < whole.size(); ++length) {
    EXPECT_EQ(Open(whole.substr(0, length)).status().ToString(),
              "Corruption: input: truncated in row 2 at byte 12: expected_bytes=12 actual_bytes=" +
                  std::to_string(length - 12));
  }
  EXPECT_TRUE(Open(whole.substr(0, 20), FileFormat::kFvecs, {.limit = 1}).ok());
  EXPECT_FALSE(Open(whole.substr(0, 20), FileFormat::kFvecs, {.limit = 2}).ok());
}

TEST(VecsSource, ImpossibleDimensionIsRefused) {
  EXPECT_EQ(FirstError(Open("")),
            "InvalidArgument: input: no vector in it, so the dimension is unknown: bytes=0");
  for (const int32_t dim : {0, -1, 65'537, std::numeric_limits<int32_t>::min()}) {
    EXPECT_NE(
        FirstError(Open(BytesOf(std::vector<int32_t>{dim, 0}))).find("dimension is out of range"),
        std::string::npos);
  }
}

TEST(VecsSource, ValueThatIsNotFiniteIsNamedByRowAndComponent) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(
      FirstError(Open(Row<float>({1, 2}) + Row<float>({nan, 4}))),
      "InvalidArgument: input: row 2 holds a value that is not finite: component=0 value=nan");
}

}  // namespace
}  // namespace viper::pipeline
