#include "index/centroid_list.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "index/clustering_fixture.h"
#include "index/row_groups.h"

namespace viper::index {
namespace {

using kernels::kPanelLanes;
using kernels::PanelLine;

TEST(CentroidList, TheOriginIsTheMean) {
  const CentroidList list({1, 2, 3, 4, 5, 12}, 2);
  EXPECT_EQ(list.count(), 3);
  EXPECT_EQ(list.origin()[0], 3);
  EXPECT_EQ(list.origin()[1], 6);
  EXPECT_EQ(list.vector(2)[1], 12);
}

TEST(CentroidList, PanelsHoldBiasesAndComponentsLessTheOrigin) {
  for (const size_t dim : {1, 5, 16}) {
    for (const size_t count : {1, 15, 16, 17, 40}) {
      SCOPED_TRACE(testing::Message() << "dim=" << dim << " count=" << count);
      const CentroidList list(ClusteredRows(60, dim, 10, 1), dim);
      std::vector<uint32_t> numbers = NumbersTo(count);
      for (uint32_t& number : numbers) number = number * 17 % 60;
      std::vector<PanelLine> panels;
      list.Pack(numbers, panels);
      ASSERT_EQ(panels.size(), PanelCount(count) * (dim + 1));
      for (size_t slot = 0; slot < PanelCount(count) * kPanelLanes; ++slot) {
        const PanelLine* panel = panels.data() + slot / kPanelLanes * (dim + 1);
        const size_t lane = slot % kPanelLanes;
        if (slot >= count) {
          EXPECT_EQ(panel[0].lanes[lane], -INFINITY);
          continue;
        }
        double squared_norm = 0;
        for (size_t i = 0; i < dim; ++i) {
          const float component = list.vector(numbers[slot])[i] - list.origin()[i];
          EXPECT_EQ(panel[1 + i].lanes[lane], component);
          squared_norm += double{component} * component;
        }
        EXPECT_FLOAT_EQ(panel[0].lanes[lane], static_cast<float>(-squared_norm / 2));
      }
    }
  }
}

TEST(CentroidList, VectorsArePackedAsTheyAre) {
  const std::vector<float> vectors = {1, 2, -3, 4};
  std::vector<PanelLine> panels(100);
  PackVectors(vectors.data(), 2, 2, panels);
  ASSERT_EQ(panels.size(), 3);
  EXPECT_EQ(panels[0].lanes[0], -2.5F);
  EXPECT_EQ(panels[0].lanes[1], -12.5F);
  EXPECT_EQ(panels[0].lanes[2], -INFINITY);
  EXPECT_EQ(panels[1].lanes[1], -3);
  EXPECT_EQ(panels[2].lanes[0], 2);
}

TEST(CentroidList, TheMeanOfEqualVectorsIsExact) {
  const std::vector<float> vectors(1'000 * 3, 0.1F);
  EXPECT_EQ(MeanOf(vectors.data(), 1'000, 3), std::vector<float>(3, 0.1F));
}

}  // namespace
}  // namespace viper::index
