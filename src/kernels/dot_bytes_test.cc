// Dot products of bytes of every level against sums in 64 bits.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "kernels/kernel_table.h"
#include "testing/guarded_bytes.h"

namespace viper::kernels {
namespace {

constexpr int32_t kUntouched = -12345;

struct Shape {
  size_t row_count = 1;
  size_t dim = 1;
  size_t parts = 1;
  /// Bytes between the end of each row, and of the query, and the end of readable memory.
  size_t distance = 0;
};

using ByteSource = uint8_t (*)(Random& random);

uint8_t AnyByte(Random& random) { return static_cast<uint8_t>(random.Next()); }
/// 0 and 255 are the least and largest of a row, -1 and 0 of a query; 127 and -128 the other way.
uint8_t Largest(Random&) { return 255; }
uint8_t Least(Random&) { return 0x80; }
uint8_t LargestSigned(Random&) { return 0x7F; }

class DotBytesTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  void Check(const Shape& shape, ByteSource row_bytes = AnyByte, ByteSource query_bytes = AnyByte) {
    SCOPED_TRACE(testing::Message() << "rows=" << shape.row_count << " dim=" << shape.dim
                                    << " parts=" << shape.parts << " distance=" << shape.distance);
    std::vector<std::unique_ptr<GuardedBytes>> memory;
    std::vector<const std::byte*> rows;
    for (size_t r = 0; r <= shape.row_count; ++r) {
      // The last one is the query.
      const bool is_query = r == shape.row_count;
      const size_t size = is_query ? shape.parts * shape.dim : shape.dim;
      memory.push_back(std::make_unique<GuardedBytes>(size));
      std::byte* bytes = memory.back()->begin(shape.distance);
      const ByteSource source = is_query ? query_bytes : row_bytes;
      std::generate_n(bytes, size, [&] { return std::byte{source(random_)}; });
      rows.push_back(bytes);
    }
    std::vector<int8_t> query(shape.parts * shape.dim);
    std::memcpy(query.data(), rows.back(), query.size());
    std::vector<int32_t> out(shape.parts * shape.row_count + 1, kUntouched);
    GetParam()->dot_bytes(rows.data(), shape.row_count, shape.dim,
                          reinterpret_cast<const int8_t*>(rows.back()), shape.parts, out.data());
    EXPECT_EQ(out.back(), kUntouched);
    for (size_t part = 0; part < shape.parts; ++part) {
      for (size_t r = 0; r < shape.row_count; ++r) {
        int64_t sum = 0;
        for (size_t i = 0; i < shape.dim; ++i) {
          sum += static_cast<int64_t>(rows[r][i]) * query[part * shape.dim + i];
        }
        ASSERT_EQ(out[part * shape.row_count + r], sum) << "part " << part << " row " << r;
      }
    }
  }

  Random random_{20253};
};

TEST_P(DotBytesTest, SumsOfEveryDimAreExact) {
  for (size_t dim = 1; dim <= 140; ++dim) {
    Check({.row_count = 5, .dim = dim, .parts = 1 + dim % 2});
    Check({.row_count = 2, .dim = dim, .parts = 2 - dim % 2});
  }
  for (const size_t dim : {191, 192, 193, 384, 768, 784, 1000, 1023, 1536, 16'384, 65'535}) {
    Check({.row_count = 5, .dim = dim, .parts = 1});
    Check({.row_count = 5, .dim = dim, .parts = 2});
  }
}

TEST_P(DotBytesTest, SumsOfEveryRowCountAreExact) {
  for (size_t row_count = 0; row_count <= 20; ++row_count) {
    Check({.row_count = row_count, .dim = 131, .parts = 1});
    Check({.row_count = row_count, .dim = 64, .parts = 2});
  }
}

TEST_P(DotBytesTest, RowsAndQueriesMayLieAtAnyAddress) {
  for (size_t distance = 0; distance < 64; ++distance) {
    Check({.row_count = 6, .dim = 75, .parts = 2, .distance = distance});
  }
}

TEST_P(DotBytesTest, ExtremesDoNotSaturate) {
  for (const size_t dim : {1, 7, 16, 63, 64, 65, 784, 65'535}) {
    for (const size_t parts : {1, 2}) {
      Check({.row_count = 5, .dim = dim, .parts = parts}, Largest, Least);
      Check({.row_count = 5, .dim = dim, .parts = parts}, Largest, LargestSigned);
      Check({.row_count = 5, .dim = dim, .parts = parts}, Least, Least);
      Check({.row_count = 5, .dim = dim, .parts = parts}, Largest, AnyByte);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryLevel, DotBytesTest, testing::ValuesIn(Available()),
                         [](const auto& level) { return std::string(level.param->name); });

}  // namespace
}  // namespace viper::kernels
