#include "parquet/vector_coding.h"

#include <algorithm>
#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace viper::parquet {
namespace {

constexpr size_t kDim = 96;

std::vector<const std::byte*> RowsOf(const std::vector<float>& floats) {
  std::vector<const std::byte*> rows;
  for (size_t at = 0; at < floats.size(); at += kDim) {
    rows.push_back(reinterpret_cast<const std::byte*>(floats.data() + at));
  }
  return rows;
}

template <typename Next>
std::vector<float> Make(size_t rows, const Next& next) {
  std::vector<float> floats(rows * kDim);
  for (float& component : floats) component = next();
  return floats;
}

class VectorCoding : public testing::Test {
 protected:
  float Normal() { return normal_(random_); }
  ColumnChoice Choose(const std::vector<float>& floats, StoragePolicy policy) {
    return ChooseVectorCoding(RowsOf(floats), kDim, policy);
  }
  std::mt19937 random_{7};
  std::normal_distribution<float> normal_;
};

TEST_F(VectorCoding, DifferentDataGetDifferentCodings) {
  const auto chosen = [&](const std::vector<float>& floats) {
    return Choose(floats, StoragePolicy::kSize).coding.encoding;
  };
  EXPECT_EQ(chosen(Make(10'000, [&] { return Normal(); })), Encoding::kByteStreamSplit);
  EXPECT_EQ(chosen(Make(10'000, [&] { return static_cast<float>(random_() % 200); })),
            Encoding::kDictionary);
}

TEST_F(VectorCoding, UnderSpeedVectorsStayInPlaceUnlessReadingIsCheaper) {
  const auto stays = [&](const std::vector<float>& floats) {
    const ColumnChoice choice = Choose(floats, StoragePolicy::kSpeed);
    EXPECT_FALSE(choice.reason.empty());
    return IsMapped(choice.coding);
  };
  EXPECT_TRUE(stays(Make(10'000, [&] { return Normal(); })));
  EXPECT_TRUE(stays(Make(10'000, [&] { return static_cast<float>(random_() % 200); })));
  EXPECT_FALSE(stays(Make(10'000, [&] { return random_() % 500 == 0 ? 1.0F : 0.0F; })));
  EXPECT_TRUE(stays(Make(10, [&] { return 0.0F; }))) << "too few to be worth it";
}

TEST_F(VectorCoding, TheChoiceDoesNotDependOnTheMoment) {
  const auto floats = Make(5000, [&] { return static_cast<float>(random_() % 1000) / 8; });
  const ColumnChoice first = Choose(floats, StoragePolicy::kSize);
  EXPECT_EQ(Choose(floats, StoragePolicy::kSize).coding, first.coding);
}

TEST_F(VectorCoding, DictionariesKeepEveryBitPattern) {
  std::vector<float> floats = {0.0F, -0.0F, 1.0F, std::numeric_limits<float>::denorm_min()};
  floats.resize(kDim, 0.5F);
  const auto dictionary = CollectFloats(RowsOf(floats), kDim);
  ASSERT_TRUE(dictionary.has_value());
  EXPECT_EQ(dictionary->size(), 5U);
  EXPECT_TRUE(std::is_sorted(dictionary->begin(), dictionary->end()));
  EXPECT_FALSE(CollectFloats(RowsOf(Make(100, [&] { return Normal(); })), kDim).has_value());
}

TEST_F(VectorCoding, PagesAreAsLargeAsWhatReadsThemWants) {
  const ColumnCoding plain{Encoding::kPlain, {.codec = Codec::kNone}};
  const ColumnCoding split{Encoding::kByteStreamSplit, {}};
  EXPECT_TRUE(IsMapped(plain));
  EXPECT_FALSE(IsMapped(split));
  EXPECT_FALSE(IsMapped({Encoding::kByteStreamSplit, {.codec = Codec::kNone}}));
  EXPECT_LT(VectorPageBytes(split, StoragePolicy::kSpeed),
            VectorPageBytes(split, StoragePolicy::kSize));
  EXPECT_LT(VectorPageBytes(split, StoragePolicy::kSize),
            VectorPageBytes(plain, StoragePolicy::kSize));
}

}  // namespace
}  // namespace viper::parquet
