// Every level against sums in double precision, against itself when rows are grouped differently,
// and at the edges: padded lanes, ties, numbers that are none.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "kernels/kernel_table.h"
#include "testing/guarded_bytes.h"

namespace viper::kernels {
namespace {

constexpr float kUntouched = -12345.0F;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> RandomFloats(Random& random, size_t count) {
  std::vector<float> floats(count);
  for (float& component : floats) component = static_cast<float>(random.UniformDouble() * 4 - 2);
  return floats;
}

std::vector<const float*> PointersTo(const std::vector<float>& rows, size_t dim) {
  std::vector<const float*> pointers(rows.size() / dim);
  for (size_t r = 0; r < pointers.size(); ++r) pointers[r] = rows.data() + r * dim;
  return pointers;
}

std::vector<PanelLine> Pack(const std::vector<float>& vectors, size_t dim) {
  const size_t count = vectors.size() / dim;
  const size_t panel_count = (count + kPanelLanes - 1) / kPanelLanes;
  std::vector<PanelLine> panels(panel_count * (dim + 1));
  for (size_t slot = 0; slot < panel_count * kPanelLanes; ++slot) {
    PanelLine* panel = panels.data() + slot / kPanelLanes * (dim + 1);
    const size_t lane = slot % kPanelLanes;
    panel[0].lanes[lane] = -kInfinity;
    if (slot >= count) continue;
    double squared_norm = 0;
    for (size_t i = 0; i < dim; ++i) {
      const float component = vectors[slot * dim + i];
      panel[1 + i].lanes[lane] = component;
      squared_norm += double{component} * component;
    }
    panel[0].lanes[lane] = static_cast<float>(-squared_norm / 2);
  }
  return panels;
}

/// The score of one pair, in double precision, and what its rounding in float may amount to.
struct ExactScore {
  double score = 0;
  double error_max = 0;
};

ExactScore ScoreOf(const float* row, const float* vector, size_t dim) {
  double bias = 0;
  double dot = 0;
  double absolutes = 0;
  for (size_t i = 0; i < dim; ++i) {
    bias -= double{vector[i]} * vector[i] / 2;
    dot += double{row[i]} * vector[i];
    absolutes += std::abs(double{row[i]} * vector[i]);
  }
  const double roundings = (2 * static_cast<double>(dim) + 2) * 0x1p-24;
  return {bias + dot, roundings / (1 - roundings) * (absolutes - bias)};
}

class PanelTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  std::vector<NearestSlot> Nearest(const std::vector<float>& rows, size_t dim,
                                   const std::vector<PanelLine>& panels, float* scores = nullptr) {
    std::vector<NearestSlot> nearest(rows.size() / dim);
    GetParam()->nearest(PointersTo(rows, dim).data(), nearest.size(), dim,
                        {panels.data(), panels.size() / (dim + 1)}, nearest.data(), scores);
    return nearest;
  }

  void CheckAgainstExactScores(size_t dim, size_t row_count, size_t vector_count) {
    SCOPED_TRACE(testing::Message()
                 << "dim=" << dim << " rows=" << row_count << " vectors=" << vector_count);
    const std::vector<float> rows = RandomFloats(random_, row_count * dim);
    const std::vector<float> vectors = RandomFloats(random_, vector_count * dim);
    const std::vector<PanelLine> panels = Pack(vectors, dim);
    const size_t slot_count = panels.size() / (dim + 1) * kPanelLanes;
    std::vector<float> scores(row_count * slot_count + 1, kUntouched);
    const std::vector<NearestSlot> nearest = Nearest(rows, dim, panels, scores.data());
    const std::vector<NearestSlot> alone = Nearest(rows, dim, panels);
    EXPECT_EQ(scores.back(), kUntouched);
    for (size_t r = 0; r < row_count; ++r) {
      const float* row = rows.data() + r * dim;
      const auto slots = std::span(scores).subspan(r * slot_count, slot_count);
      ASSERT_EQ(alone[r].slot, nearest[r].slot);
      ASSERT_EQ(alone[r].score, nearest[r].score);
      ASSERT_EQ(slots[nearest[r].slot], nearest[r].score);
      ASSERT_EQ(*std::max_element(slots.begin(), slots.end()), nearest[r].score);

      ASSERT_LT(nearest[r].slot, vector_count);
      const ExactScore found = ScoreOf(row, vectors.data() + nearest[r].slot * dim, dim);
      ASSERT_LE(std::abs(found.score - nearest[r].score), found.error_max) << "row " << r;
      for (size_t v = 0; v < vector_count; ++v) {
        const ExactScore other = ScoreOf(row, vectors.data() + v * dim, dim);
        ASSERT_LE(std::abs(other.score - slots[v]), other.error_max) << "row " << r << " of " << v;
      }
    }
  }

  Random random_{31};
};

TEST_P(PanelTest, IsTheNearestOfEveryDim) {
  for (size_t dim = 1; dim <= 40; ++dim) CheckAgainstExactScores(dim, 15, 37);
  for (const size_t dim : {127, 128, 129, 784, 1000}) CheckAgainstExactScores(dim, 13, 70);
  CheckAgainstExactScores(4096, 25, 18);
}

TEST_P(PanelTest, IsTheNearestForEveryRowCount) {
  for (size_t row_count = 0; row_count <= 40; ++row_count) {
    CheckAgainstExactScores(7, row_count, 150);
  }
}

TEST_P(PanelTest, IsTheNearestOfEveryVectorCount) {
  for (size_t vector_count = 1; vector_count <= 170; ++vector_count) {
    CheckAgainstExactScores(5, 17, vector_count);
  }
}

TEST_P(PanelTest, ARowHasTheSameAnswerInEveryGroup) {
  for (const size_t dim : {1, 3, 17, 100, 129, 768}) {
    SCOPED_TRACE(dim);
    const std::vector<float> rows = RandomFloats(random_, 41 * dim);
    const std::vector<PanelLine> panels = Pack(RandomFloats(random_, 200 * dim), dim);
    const std::vector<NearestSlot> together = Nearest(rows, dim, panels);
    for (size_t repetition = 0; repetition < 40; ++repetition) {
      const size_t first = random_.Uniform(41);
      const size_t count = 1 + random_.Uniform(41 - first);
      const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(first * dim);
      const std::vector<float> group(begin, begin + static_cast<std::ptrdiff_t>(count * dim));
      const std::vector<NearestSlot> alone = Nearest(group, dim, panels);
      for (size_t i = 0; i < count; ++i) {
        ASSERT_EQ(alone[i].slot, together[first + i].slot);
        ASSERT_EQ(alone[i].score, together[first + i].score);
      }
    }
  }
}

TEST_P(PanelTest, AVectorHasTheSameScoreInEverySlot) {
  const size_t dim = 67;
  const std::vector<float> rows = RandomFloats(random_, 30 * dim);
  const std::vector<float> vector = RandomFloats(random_, dim);
  const std::vector<NearestSlot> alone = Nearest(rows, dim, Pack(vector, dim));
  for (size_t slot = 0; slot < 150; ++slot) {
    // The others are far away in a direction of their own.
    std::vector<float> vectors(150 * dim, 1e6F);
    std::copy(vector.begin(), vector.end(),
              vectors.begin() + static_cast<std::ptrdiff_t>(slot * dim));
    const std::vector<NearestSlot> among = Nearest(rows, dim, Pack(vectors, dim));
    for (size_t r = 0; r < among.size(); ++r) {
      ASSERT_EQ(among[r].slot, slot);
      ASSERT_EQ(among[r].score, alone[r].score);
    }
  }
}

TEST_P(PanelTest, OfEqualVectorsTheLowestSlotCounts) {
  const size_t dim = 9;
  const std::vector<float> vector = RandomFloats(random_, dim);
  for (const size_t first : {0, 1, 15, 16, 31, 40, 130}) {
    std::vector<float> vectors(first * dim, 1e6F);
    for (size_t copy = 0; copy < 140; ++copy) {
      vectors.insert(vectors.end(), vector.begin(), vector.end());
    }
    const std::vector<float> rows = RandomFloats(random_, 25 * dim);
    for (const NearestSlot& nearest : Nearest(rows, dim, Pack(vectors, dim))) {
      ASSERT_EQ(nearest.slot, first);
    }
  }
}

TEST_P(PanelTest, ARowWithoutAScoreGetsSlotZero) {
  const size_t dim = 5;
  const std::vector<PanelLine> panels = Pack(RandomFloats(random_, 40 * dim), dim);
  std::vector<float> rows(14 * dim, std::numeric_limits<float>::quiet_NaN());
  for (const NearestSlot& nearest : Nearest(rows, dim, panels)) {
    EXPECT_EQ(nearest.slot, 0);
    EXPECT_EQ(nearest.score, -kInfinity);
  }
  // Products of both signs make infinity less infinity.
  rows.assign(14 * dim, kInfinity);
  for (const NearestSlot& nearest : Nearest(rows, dim, panels)) EXPECT_LT(nearest.slot, 40);
  for (const NearestSlot& nearest : Nearest(rows, dim, {})) EXPECT_EQ(nearest.slot, 0);
}

/// mask_not_below for rows at an odd address, right before the end of readable memory.
std::vector<uint16_t> MaskNotBelow(const KernelTable& kernel, const std::vector<float>& rows,
                                   size_t dim, const PanelList& panels,
                                   const std::vector<float>& scales,
                                   const std::vector<float>& floors) {
  const GuardedBytes bytes(rows.size() * sizeof(float));
  std::byte* mapped = bytes.begin(3);
  if (!rows.empty()) std::memcpy(mapped, rows.data(), rows.size() * sizeof(float));
  std::vector<uint16_t> masks(floors.size() * panels.count + 1, 0xABCD);
  const bool any = kernel.mask_not_below({mapped, floors.size()}, dim, panels, scales.data(),
                                         floors.data(), masks.data());
  EXPECT_EQ(masks.back(), 0xABCD);
  masks.pop_back();
  EXPECT_EQ(any, std::any_of(masks.begin(), masks.end(), [](uint16_t mask) { return mask != 0; }));
  return masks;
}

TEST_P(PanelTest, MasksSayWhichScoresAreNotBelow) {
  for (size_t row_count = 0; row_count <= 30; ++row_count) {
    for (const size_t dim : {1, 2, 19, 128}) {
      const std::vector<float> rows = RandomFloats(random_, row_count * dim);
      const size_t vector_count = 1 + random_.Uniform(90);
      const std::vector<PanelLine> lines = Pack(RandomFloats(random_, vector_count * dim), dim);
      const PanelList panels = {lines.data(), lines.size() / (dim + 1)};
      const size_t slot_count = panels.count * kPanelLanes;
      std::vector<float> scores(row_count * slot_count);
      Nearest(rows, dim, lines, scores.data());
      // Some score of the row, which is then not below.
      std::vector<float> floors;
      for (size_t r = 0; r < row_count; ++r) {
        floors.push_back(scores[r * slot_count + random_.Uniform(vector_count)]);
      }
      const std::vector<uint16_t> masks =
          MaskNotBelow(*GetParam(), rows, dim, panels, std::vector<float>(row_count, 1), floors);
      for (size_t i = 0; i < scores.size(); ++i) {
        const bool bit = (masks[i / kPanelLanes] >> i % kPanelLanes & 1) != 0;
        ASSERT_EQ(bit, scores[i] >= floors[i / slot_count]) << "row " << i / slot_count;
      }
    }
  }
}

TEST_P(PanelTest, MasksScaleTheBiasAndLetThroughWhatIsNoNumber) {
  const size_t dim = 3;
  const std::vector<PanelLine> lines = Pack(RandomFloats(random_, 40 * dim), dim);
  const PanelList panels = {lines.data(), 3};
  // Rows at the origin leave the bias, which is negative, times the scale.
  const std::vector<float> rows(9 * dim, 0);
  const float kNone = std::numeric_limits<float>::quiet_NaN();
  const std::vector<uint16_t> masks =
      MaskNotBelow(*GetParam(), rows, dim, panels, {1, 1, 2, 0.5F, 0, -1, 1, kNone, 1},
                   {-12, -kInfinity, -12, -12, 0, 0, 1, 1e30F, kNone});
  for (size_t slot = 0; slot < 40; ++slot) {
    const auto bit = [&](size_t row) {
      return (masks[row * 3 + slot / kPanelLanes] >> slot % kPanelLanes & 1) != 0;
    };
    const float bias = lines[slot / kPanelLanes * (dim + 1)].lanes[slot % kPanelLanes];
    EXPECT_EQ(bit(0), bias >= -12);
    EXPECT_TRUE(bit(1));
    EXPECT_EQ(bit(2), 2 * bias >= -12);
    EXPECT_EQ(bit(3), 0.5F * bias >= -12);
    EXPECT_TRUE(bit(4));
    EXPECT_TRUE(bit(5));
    EXPECT_FALSE(bit(6));
    EXPECT_TRUE(bit(7));
    EXPECT_TRUE(bit(8));
  }
}

INSTANTIATE_TEST_SUITE_P(EveryLevel, PanelTest, testing::ValuesIn(Available()),
                         [](const auto& level) { return std::string(level.param->name); });

TEST(PanelOfLevels, LevelsWithFusedSumsAgreeBitByBit) {
  const size_t dim = 77;
  Random random(5);
  const std::vector<float> rows = RandomFloats(random, 100 * dim);
  const std::vector<PanelLine> panels = Pack(RandomFloats(random, 333 * dim), dim);
  std::vector<NearestSlot> expected;
  for (const KernelTable* kernel : Available()) {
    if (kernel->name == "scalar") continue;
    std::vector<NearestSlot> nearest(100);
    kernel->nearest(PointersTo(rows, dim).data(), 100, dim,
                    {panels.data(), panels.size() / (dim + 1)}, nearest.data(), nullptr);
    if (expected.empty()) expected = nearest;
    for (size_t r = 0; r < nearest.size(); ++r) {
      EXPECT_EQ(nearest[r].slot, expected[r].slot);
      EXPECT_EQ(nearest[r].score, expected[r].score);
    }
  }
}

}  // namespace
}  // namespace viper::kernels
