#include "pipeline/npy_header.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/coding.h"

namespace viper::pipeline {
namespace {

std::string ErrorOf(std::string_view text) { return ParseNpyHeader(text).status().ToString(); }

TEST(NpyHeader, HeadersAsNumpyWritesThemAreRead) {
  const auto header = ParseNpyHeader(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1000, 128), }          \n");
  ASSERT_TRUE(header.ok()) << header.status().ToString();
  EXPECT_EQ(header->type, NpyType::kFloat32);
  EXPECT_EQ(header->rows, 1000U);
  EXPECT_EQ(header->columns, 128U);
  const auto other = ParseNpyHeader("{\"shape\":(0,3),\"fortran_order\":False,\"descr\":\"|u1\"}");
  ASSERT_TRUE(other.ok()) << other.status().ToString();
  EXPECT_EQ(other->type, NpyType::kUint8);
}

TEST(NpyHeader, ArraysThatAreNoMatrixInCOrderAreNamed) {
  EXPECT_EQ(ErrorOf("{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }"),
            "InvalidArgument: array is no matrix of one row per vector: shape=(7,)");
  EXPECT_EQ(ErrorOf("{'descr': '<f4', 'fortran_order': False, 'shape': (), }"),
            "InvalidArgument: array is no matrix of one row per vector: shape=()");
  EXPECT_NE(ErrorOf("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }").find("Fortran"),
            std::string::npos);
  EXPECT_NE(ErrorOf("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 2), }").find(">f4"),
            std::string::npos);
  EXPECT_NE(ErrorOf("{'descr': '<c8', 'fortran_order': False, 'shape': (2, 2), }").find("<c8"),
            std::string::npos);
  EXPECT_NE(ErrorOf("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2, 2), }")
                .find("structures"),
            std::string::npos);
}

TEST(NpyHeader, DamagedTextIsCorruption) {
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (10, 12), }";
  for (size_t length = 0; length + 1 < good.size(); ++length) {
    EXPECT_EQ(ParseNpyHeader(good.substr(0, length)).status().code(), StatusCode::kCorruption)
        << good.substr(0, length);
  }
  EXPECT_EQ(ErrorOf("{'descr': '<f4', 'descr': '<f4'}"),
            "Corruption: bad header of a .npy file: unknown or repeated key: byte=26");
  EXPECT_NE(ErrorOf("{'shape': (18446744073709551616, 1)}").find("64 bits"), std::string::npos);
  EXPECT_NE(ErrorOf("{'shape': (-1, 1)}").find("64 bits"), std::string::npos);
  EXPECT_NE(ErrorOf("{}").find("missing"), std::string::npos);
}

TEST(NpyHeader, PreludeOfEveryVersionIsRead) {
  const std::string one("\x93NUMPY\x01\x00\x76\x00{'", 12);
  EXPECT_EQ(ParseNpyPrelude(AsBytes(one))->text_offset, 10U);
  EXPECT_EQ(ParseNpyPrelude(AsBytes(one))->text_bytes, 0x76U);
  for (const char major : {'\x02', '\x03'}) {
    std::string two("\x93NUMPY\x02\x00\x76\x01\x00\x00", 12);
    two[6] = major;
    EXPECT_EQ(ParseNpyPrelude(AsBytes(two))->text_offset, 12U);
    EXPECT_EQ(ParseNpyPrelude(AsBytes(two))->text_bytes, 0x176U);
  }
  const std::string four("\x93NUMPY\x04\x00\x76\x00{'", 12);
  EXPECT_EQ(ParseNpyPrelude(AsBytes(four)).status().code(), StatusCode::kUnsupported);
  const std::string huge("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12);
  EXPECT_EQ(ParseNpyPrelude(AsBytes(huge)).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(ParseNpyPrelude(AsBytes("PK\x03\x04 a zip file")).status().code(),
            StatusCode::kCorruption);
  EXPECT_EQ(ParseNpyPrelude({}).status().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace viper::pipeline
