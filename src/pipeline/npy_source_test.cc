#include "pipeline/npy_source.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "pipeline/source_testing.h"

namespace viper::pipeline {
namespace {

std::string NpyFileOf(std::string_view type, uint64_t rows, uint64_t columns,
                      const std::string& data) {
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}, {}), }}",
                                 type, rows, columns);
  text.resize(128 - 10 - 1, ' ');
  return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + text + "\n" + data;
}

Result<std::unique_ptr<RecordSource>> Open(std::string content, RecordSourceOptions options = {}) {
  return OpenNpySource(MakeInput(std::move(content)), options);
}

// Two rows of two numbers of a type come as the same floats.
template <typename T>
void ExpectNumbers(std::string_view type) {
  auto source = Open(NpyFileOf(type, 2, 2, BytesOf(std::vector<T>{T(0), T(1), T(2), T(100)})));
  ASSERT_TRUE(source.ok()) << type << source.status().ToString();
  EXPECT_EQ((*source)->row_count(), 2U);
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok()) << type << records.status().ToString();
  EXPECT_EQ((*records)[0].vector, (std::vector<float>{0, 1})) << type;
  EXPECT_EQ((*records)[1].vector, (std::vector<float>{2, 100})) << type;
  EXPECT_EQ((*records)[1].id, "1");
}

TEST(NpySource, NumbersOfEveryTypeBecomeFloats) {
  ExpectNumbers<float>("<f4");
  ExpectNumbers<double>("<f8");
  ExpectNumbers<int8_t>("|i1");
  ExpectNumbers<uint8_t>("|u1");
  ExpectNumbers<int16_t>("<i2");
  ExpectNumbers<uint16_t>("<u2");
  ExpectNumbers<int32_t>("<i4");
  ExpectNumbers<uint32_t>("<u4");
  ExpectNumbers<int64_t>("<i8");
  ExpectNumbers<uint64_t>("<u8");
}

TEST(NpySource, HalvesAreConvertedExactly) {
  // 1, -2, the largest, the smallest normal, the smallest and the largest subnormal, zero, minus
  // zero
  const std::vector<uint16_t> halves = {0x3c00, 0xc000, 0x7bff, 0x0400,
                                        0x0001, 0x83ff, 0x0000, 0x8000};
  auto source = Open(NpyFileOf("<f2", 1, halves.size(), BytesOf(halves)));
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  const auto& vector = (*records)[0].vector;
  EXPECT_EQ(vector, (std::vector<float>{1, -2, 65504, 0x1p-14F, 0x1p-24F, -0x3ffp-24F, 0, 0}));
  EXPECT_TRUE(std::signbit(vector[7]));
  for (const uint16_t bad : {uint16_t{0x7c00}, uint16_t{0xfc00}, uint16_t{0x7e00}}) {
    EXPECT_NE(FirstError(Open(NpyFileOf("<f2", 1, 1, BytesOf(std::vector<uint16_t>{bad}))))
                  .find("not finite"),
              std::string::npos);
  }
}

TEST(NpySource, SkipAndLimitCountRows) {
  std::vector<float> numbers(3000);
  std::iota(numbers.begin(), numbers.end(), 0.0F);
  auto source = Open(NpyFileOf("<f4", 1000, 3, BytesOf(numbers)), {.id_prefix = "x", .limit = 900});
  ASSERT_TRUE(source.ok());
  EXPECT_EQ((*source)->row_count(), 900U);
  ASSERT_TRUE((*source)->Skip(899).ok());
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), 1U);
  EXPECT_EQ((*records)[0].id, "x899");
  EXPECT_EQ((*records)[0].vector, (std::vector<float>{2697, 2698, 2699}));
  EXPECT_FALSE((*source)->Skip(1).ok());
}

TEST(NpySource, NumbersGoOnFromTheFirstRow) {
  const std::string data = BytesOf(std::vector<float>(6));
  auto source = Open(NpyFileOf("<f4", 2, 3, data), {.id_prefix = "x", .first_row = 7});
  ASSERT_TRUE(source.ok());
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok());
  EXPECT_EQ((*records)[1].id, "x8");
}

TEST(NpySource, HeaderThatLiesAboutTheSizeIsCorruption) {
  const std::string data = BytesOf(std::vector<float>(6));
  EXPECT_EQ(FirstError(Open(NpyFileOf("<f4", 4, 2, data))),
            "Corruption: input: shorter than its header says: header_rows=4 row_bytes=8 "
            "whole_rows_there=3 bytes_there=24");
  EXPECT_EQ(FirstError(Open(NpyFileOf("<f4", 2, 2, data))),
            "Corruption: input: longer than its header says: header_rows=2 row_bytes=8 "
            "whole_rows_there=3 bytes_there=24");
  EXPECT_EQ(FirstError(Open(NpyFileOf("<f4", 3, 2, data))), "");
  EXPECT_NE(FirstError(Open(NpyFileOf("<f4", 3, 2, data + "x"))).find("longer"), std::string::npos);
  // Rows times bytes would be 2^64 and look like nothing.
  EXPECT_NE(FirstError(Open(NpyFileOf("<f4", uint64_t{1} << 61, 2, ""))).find("shorter"),
            std::string::npos);
  EXPECT_NE(FirstError(Open(NpyFileOf("<f4", 0, 0, ""))).find("dimension is out of range"),
            std::string::npos);
  EXPECT_NE(FirstError(Open(NpyFileOf("<f4", 1, uint64_t{1} << 62, ""))).find("out of range"),
            std::string::npos);
}

TEST(NpySource, CutFileIsRefusedWhereverItIsCut) {
  const std::string whole = NpyFileOf("<f4", 3, 2, BytesOf(std::vector<float>(6)));
  for (size_t length = 0; length < whole.size(); ++length) {
    const std::string error = FirstError(Open(whole.substr(0, length)));
    EXPECT_TRUE(error.starts_with("Corruption: input: ")) << length << ": " << error;
  }
}

TEST(NpySource, ValueThatIsNotFiniteIsNamedByRowAndComponent) {
  EXPECT_EQ(
      FirstError(Open(NpyFileOf("<f8", 2, 2, BytesOf(std::vector<double>{1, 2, 3, 1e40})))),
      "InvalidArgument: input: row 2 holds a value that is not finite: component=1 value=inf");
}

TEST(NpySource, EmptyMatrixHasNoRows) {
  auto source = Open(NpyFileOf("<f4", 0, 5, ""));
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ((*source)->dim(), 5U);
  EXPECT_TRUE(ReadAll(**source)->empty());
}

}  // namespace
}  // namespace viper::pipeline
