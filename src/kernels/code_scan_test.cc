// Tables and scans of every level: sums of look-ups against exact dot products, levels that share a
// layout of tables against the scalar one, bounds against the formula.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "kernels/code_block.h"
#include "kernels/kernel_table.h"
#include "testing/guarded_bytes.h"

namespace viper::kernels {
namespace {

constexpr uint16_t kHalfOne = 0x3C00;
constexpr uint16_t kHalfZero = 0;

bool HasTablesOfSixBits(const KernelTable& kernel) { return kernel.name == "avx512_vbmi"; }

size_t LookupCount(const KernelTable& kernel, size_t planes) {
  return HasTablesOfSixBits(kernel) ? planes + (planes + 2) / 3 : 2 * planes;
}

/// A query with its tables.
class QueryTable {
 public:
  QueryTable(const KernelTable& kernel, std::span<const float> query)
      : size_(kernel.table_bytes(query.size() / 8)),
        entries_(static_cast<uint8_t*>(std::aligned_alloc(64, (size_ + 63) / 64 * 64)), std::free) {
    // A byte that is not written shows.
    std::memset(entries_.get(), 0xEE, size_);
    table_.entries = entries_.get();
    kernel.build_table(query.data(), query.size() / 8, &table_);
  }

  float scale() const { return table_.scale; }
  float offset() const { return table_.offset; }
  std::span<const uint8_t> entries() const { return {entries_.get(), size_}; }

 private:
  size_t size_;
  std::unique_ptr<uint8_t, void (*)(void*)> entries_;
  CodeTable table_;
};

void StoreHalf(std::byte* halves, size_t i, uint16_t half) {
  std::memcpy(halves + 2 * i, &half, sizeof(half));
}

/// Random codes; every addend is 0 and every factor 1.
std::vector<std::byte> RandomBlock(Random& random, size_t planes) {
  std::vector<std::byte> block(BlockBytes(planes));
  for (size_t i = 0; i < planes * kBlockRows; ++i) block[i] = static_cast<std::byte>(random.Next());
  std::byte* halves = block.data() + planes * kBlockRows;
  for (size_t r = 0; r < kBlockRows; ++r) {
    StoreHalf(halves, r, kHalfZero);
    StoreHalf(halves, kBlockRows + r, kHalfOne);
  }
  return block;
}

double ExactDot(std::span<const std::byte> block, std::span<const float> query, size_t row) {
  double sum = 0;
  for (size_t i = 0; i < query.size(); ++i) {
    const auto byte = static_cast<uint32_t>(block[i / 8 * kBlockRows + row]);
    if ((byte >> (i % 8) & 1U) != 0) sum += query[i];
  }
  return sum;
}

/// S of every row: the addends of the block are 0 and its factors 1.
std::vector<float> Sums(const KernelTable& kernel, std::span<const std::byte> block, size_t planes,
                        const QueryTable& table) {
  std::vector<float> sums(kBlockRows, -1);
  const BlockBound bound = {.scale = 1, .shift = 0, .base = 0, .threshold = 0};
  EXPECT_EQ(kernel.scan_block(block.data(), planes, table.entries().data(), bound, sums.data()), 0);
  return sums;
}

std::vector<float> RandomQuery(Random& random, size_t planes) {
  // Sometimes a few components outweigh the others.
  const double tail = random.Chance(0.3) ? 0.02 : 0;
  const double size = std::exp2(random.UniformDouble() * 40 - 20);
  std::vector<float> query(8 * planes);
  for (float& component : query) {
    const double weight = random.Chance(tail) ? 50 * size : size;
    component = static_cast<float>((random.UniformDouble() * 2 - 1) * weight);
  }
  return query;
}

std::vector<size_t> PlaneCounts() {
  std::vector<size_t> counts;
  for (size_t planes = 1; planes <= 40; ++planes) counts.push_back(planes);
  counts.insert(counts.end(), {96, 97, 98, 192, 520, 521, 779, 780, 781, 1000, 8191, 8192});
  return counts;
}

class CodeScanTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& kernel() const { return *GetParam(); }

  void CheckDots(std::span<const float> query) {
    const size_t planes = query.size() / 8;
    SCOPED_TRACE(planes);
    const QueryTable table(kernel(), query);
    const std::vector<std::byte> block = RandomBlock(random_, planes);
    const std::vector<float> sums = Sums(kernel(), block, planes, table);
    double size = 0;
    for (const float component : query) size += std::abs(component);
    const auto lookups = static_cast<double>(LookupCount(kernel(), planes));
    const double bound = table.scale() * lookups * (0.5 + 1e-4) + size * 2e-6;
    for (size_t r = 0; r < kBlockRows; ++r) {
      ASSERT_LE(sums[r], 65'535);
      const double about = double{table.offset()} + double{table.scale()} * sums[r];
      ASSERT_NEAR(about, ExactDot(block, query, r), bound) << "row " << r;
    }
  }

  Random random_{20252};
};

TEST_P(CodeScanTest, SumsAreTheDotProductsWithinTheStatedBound) {
  for (const size_t planes : PlaneCounts()) {
    for (size_t repetition = 0; repetition < 3; ++repetition) {
      CheckDots(RandomQuery(random_, planes));
    }
  }
}

// Every sum of look-ups is as large as it can be, in either direction.
TEST_P(CodeScanTest, QueriesOfEqualComponentsDoNotOverflow) {
  for (const size_t planes : PlaneCounts()) {
    for (const float component : {1.0F, -1.0F, 3e-5F}) {
      const std::vector<float> query(8 * planes, component);
      CheckDots(query);
      const QueryTable table(kernel(), query);
      std::vector<std::byte> block = RandomBlock(random_, planes);
      std::fill_n(block.begin(), planes * kBlockRows,
                  component > 0 ? std::byte{0xFF} : std::byte{});
      for (const float sum : Sums(kernel(), block, planes, table)) {
        const double total = static_cast<double>(8 * planes) * std::abs(component);
        const auto lookups = static_cast<double>(LookupCount(kernel(), planes));
        ASSERT_NEAR(sum * table.scale(), total, total * 1e-6 + table.scale() * lookups / 2);
      }
    }
  }
}

// With a scale of 1 nothing is rounded, so that a look-up in the wrong place shows.
TEST_P(CodeScanTest, SumsOfWholeNumbersAreExact) {
  for (const size_t planes : PlaneCounts()) {
    if (LookupCount(kernel(), planes) > 65'535 / 63) continue;
    SCOPED_TRACE(planes);
    std::vector<float> query(8 * planes);
    for (float& component : query) component = static_cast<float>(random_.Uniform(21)) - 10;
    // The widest table of either layout spans 63.
    const float widest[6] = {20, -20, 20, 3, 0, 0};
    std::copy_n(widest, 6, query.begin() + 8 * random_.Uniform(planes));
    const QueryTable table(kernel(), query);
    ASSERT_EQ(table.scale(), 1);
    const std::vector<std::byte> block = RandomBlock(random_, planes);
    const std::vector<float> sums = Sums(kernel(), block, planes, table);
    for (size_t r = 0; r < kBlockRows; ++r) {
      ASSERT_EQ(table.offset() + sums[r], ExactDot(block, query, r)) << "row " << r;
    }
  }
}

/// The dimensions of each table, in the order of the bits of its index.
std::vector<std::vector<size_t>> TableDims(const KernelTable& kernel, size_t planes) {
  std::vector<std::vector<size_t>> tables;
  if (!HasTablesOfSixBits(kernel)) {
    for (size_t i = 0; i < 8 * planes; i += 4) tables.push_back({i, i + 1, i + 2, i + 3});
    return tables;
  }
  std::vector<size_t> last;
  for (size_t p = 0; p < planes; ++p) {
    const size_t i = 8 * p;
    tables.push_back({i, i + 1, i + 2, i + 3, i + 4, i + 5});
    last.insert(last.end(), {i + 6, i + 7});
    if (last.size() == 6 || p + 1 == planes) tables.push_back(std::exchange(last, {}));
  }
  return tables;
}

/// The sum of the components whose bits are set, less that of the negative ones.
double EntrySum(std::span<const float> query, std::span<const size_t> dims, size_t bits) {
  double sum = 0;
  for (size_t i = 0; i < dims.size(); ++i) {
    const double component = query[dims[i]];
    sum += ((bits >> i & 1U) != 0 ? component : 0) - std::min(component, 0.0);
  }
  return sum;
}

TEST_P(CodeScanTest, EntriesAreTheNearestToTheSumsOfTheirBits) {
  const size_t table_entries = HasTablesOfSixBits(kernel()) ? 64 : 16;
  for (const size_t planes : PlaneCounts()) {
    SCOPED_TRACE(planes);
    const std::vector<float> query = RandomQuery(random_, planes);
    const QueryTable table(kernel(), query);
    const std::vector<std::vector<size_t>> tables = TableDims(kernel(), planes);
    ASSERT_EQ(table.entries().size(), tables.size() * table_entries);
    for (size_t i = 0; i < table.entries().size(); ++i) {
      const double sum = EntrySum(query, tables[i / table_entries], i % table_entries);
      ASSERT_NEAR(table.entries()[i], sum / table.scale(), 0.5 + 1e-4) << "entry " << i;
    }
  }
}

TEST(CodeScan, LevelsWithTheLayoutOfScalarMakeItsTables) {
  Random random(20255);
  const KernelTable& scalar = *Available().front();
  for (const KernelTable* kernel : Available()) {
    if (HasTablesOfSixBits(*kernel)) continue;
    for (const size_t planes : PlaneCounts()) {
      SCOPED_TRACE(testing::Message() << kernel->name << " planes=" << planes);
      const std::vector<float> query = RandomQuery(random, planes);
      const QueryTable expected(scalar, query);
      const QueryTable table(*kernel, query);
      ASSERT_EQ(table.scale(), expected.scale());
      ASSERT_TRUE(std::ranges::equal(table.entries(), expected.entries()));
    }
  }
}

TEST_P(CodeScanTest, QueriesTooSmallForAScaleHaveNone) {
  for (const float component : {0.0F, -0.0F, 1e-38F, -1e-38F, 1e-44F}) {
    for (const size_t planes : {1, 2, 3, 16, 98}) {
      const std::vector<float> query(8 * planes, component);
      const QueryTable table(kernel(), query);
      EXPECT_EQ(table.scale(), 0);
      EXPECT_EQ(std::ranges::count(table.entries(), 0), std::ssize(table.entries()));
      EXPECT_NEAR(table.offset(), 0, 1e-34);
    }
  }
}

TEST_P(CodeScanTest, QueriesOfEverySizeHaveFiniteTables) {
  for (const float component : {1e-36F, 1e-20F, 1e20F, 1e35F}) {
    CheckDots(std::vector(128, component));
  }
}

double FromHalf(uint16_t half) {
  const int exponent = half >> 10 & 0x1F;
  const int fraction = half & 0x3FF;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (half & 0x8000) == 0 ? magnitude : -magnitude;
}

/// Any finite one, small ones included.
uint16_t RandomHalf(Random& random) {
  const auto sign_and_fraction = static_cast<uint16_t>(random.Next() & 0x83FF);
  return static_cast<uint16_t>(sign_and_fraction | random.Uniform(31) << 10);
}

TEST_P(CodeScanTest, BoundsFollowTheFormulaToTheLastBit) {
  for (size_t planes = 1; planes <= 40; ++planes) {
    SCOPED_TRACE(planes);
    const QueryTable table(kernel(), RandomQuery(random_, planes));
    std::vector<std::byte> block = RandomBlock(random_, planes);
    const std::vector<float> sums = Sums(kernel(), block, planes, table);
    std::vector<float> expected(kBlockRows);
    BlockBound bound = {.scale = table.scale(), .shift = table.offset() / 3, .base = 0.7F};
    for (size_t r = 0; r < kBlockRows; ++r) {
      std::byte* halves = block.data() + planes * kBlockRows;
      const uint16_t addend = RandomHalf(random_);
      const uint16_t factor = RandomHalf(random_);
      StoreHalf(halves, r, addend);
      StoreHalf(halves, kBlockRows + r, factor);
      const float scaled = std::fma(bound.scale, sums[r], bound.shift);
      const float fixed = static_cast<float>(FromHalf(addend)) + bound.base;
      expected[r] = std::fma(static_cast<float>(FromHalf(factor)), scaled, fixed);
    }
    bound.threshold = expected[random_.Uniform(kBlockRows)];
    std::vector<float> values(kBlockRows + 1, -1);
    const uint64_t below =
        kernel().scan_block(block.data(), planes, table.entries().data(), bound, values.data());
    ASSERT_EQ(values.back(), -1);
    for (size_t r = 0; r < kBlockRows; ++r) {
      ASSERT_EQ(values[r], expected[r]) << "row " << r;
      ASSERT_EQ((below >> r & 1U) != 0, values[r] < bound.threshold) << "row " << r;
    }
  }
}

TEST_P(CodeScanTest, InfiniteThresholdsKeepAllOrNone) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const QueryTable table(kernel(), RandomQuery(random_, 5));
  const std::vector<std::byte> block = RandomBlock(random_, 5);
  std::vector<float> values(kBlockRows);
  BlockBound bound = {.scale = 1, .threshold = kInfinity};
  const uint8_t* entries = table.entries().data();
  EXPECT_EQ(kernel().scan_block(block.data(), 5, entries, bound, values.data()), ~uint64_t{0});
  bound.threshold = -kInfinity;
  EXPECT_EQ(kernel().scan_block(block.data(), 5, entries, bound, values.data()), 0);
}

// An infinite addend marks a row that is not there.
TEST_P(CodeScanTest, RowsWithAnInfiniteAddendAreNeverKept) {
  const QueryTable table(kernel(), RandomQuery(random_, 5));
  std::vector<std::byte> block = RandomBlock(random_, 5);
  for (size_t r = 0; r < kBlockRows; r += 3) StoreHalf(&block[5 * kBlockRows], r, 0x7C00);
  std::vector<float> values(kBlockRows);
  const BlockBound bound = {.scale = 1, .threshold = std::numeric_limits<float>::infinity()};
  const uint64_t below =
      kernel().scan_block(block.data(), 5, table.entries().data(), bound, values.data());
  for (size_t r = 0; r < kBlockRows; ++r) {
    EXPECT_EQ((below >> r & 1U) != 0, r % 3 != 0);
    EXPECT_EQ(std::isinf(values[r]), r % 3 == 0);
  }
}

TEST_P(CodeScanTest, BlocksMayLieAtAnyAddressAndEndWhereMemoryEnds) {
  for (const size_t planes : {1, 2, 3, 4, 5, 16, 97}) {
    const QueryTable table(kernel(), RandomQuery(random_, planes));
    const std::vector<std::byte> block = RandomBlock(random_, planes);
    const std::vector<float> expected = Sums(kernel(), block, planes, table);
    const GuardedBytes guarded(block.size());
    for (size_t distance = 0; distance < 67; ++distance) {
      std::byte* moved = guarded.begin(distance);
      std::ranges::copy(block, moved);
      ASSERT_EQ(Sums(kernel(), {moved, block.size()}, planes, table), expected);
    }
  }
}

TEST_P(CodeScanTest, QueriesMayEndWhereMemoryEnds) {
  for (size_t planes = 1; planes <= 20; ++planes) {
    const std::vector<float> query = RandomQuery(random_, planes);
    const QueryTable expected(kernel(), query);
    const GuardedBytes guarded(query.size() * sizeof(float));
    std::memcpy(guarded.begin(), query.data(), query.size() * sizeof(float));
    const QueryTable table(kernel(),
                           {reinterpret_cast<const float*>(guarded.begin()), query.size()});
    ASSERT_TRUE(std::ranges::equal(table.entries(), expected.entries()));
  }
}

INSTANTIATE_TEST_SUITE_P(EveryLevel, CodeScanTest, testing::ValuesIn(Available()),
                         [](const auto& level) { return std::string(level.param->name); });

}  // namespace
}  // namespace viper::kernels
