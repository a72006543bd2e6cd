#include "parquet/page_trial.h"

#include <random>

#include <gtest/gtest.h>

namespace viper::parquet {
namespace {

std::vector<uint8_t> Noise(size_t size) {
  std::mt19937 random(3);
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

TEST(PageTrial, C07_A4_TheSmallestWayOfTheSmallestEncodingIsChosen) {
  const EncodedSample noise{.encoding = Encoding::kPlain, .pages = {Noise(10'000), Noise(10'000)}};
  const EncodedSample zeros{.encoding = Encoding::kByteStreamSplit,
                            .pages = {std::vector<uint8_t>(10'000), std::vector<uint8_t>(10'000)}};
  const std::vector<EncodedSample> samples = {noise, zeros};
  const ColumnChoice choice = ChoosePageCoding(samples);
  EXPECT_EQ(choice.coding.encoding, Encoding::kByteStreamSplit);
  EXPECT_NE(choice.coding.compression.codec, Codec::kNone);
  EXPECT_LT(TriedBytes(choice, choice.coding), 500U);
  EXPECT_EQ(TriedBytes(choice, {Encoding::kDeltaByteArray, {}}), 0U);
}

TEST(PageTrial, ADictionaryIsCounted) {
  const EncodedSample zeros{.encoding = Encoding::kDictionary,
                            .pages = {std::vector<uint8_t>(10'000)},
                            .other_bytes = 20'000};
  const EncodedSample noise{.encoding = Encoding::kPlain, .pages = {Noise(10'000)}};
  std::vector<EncodedSample> samples = {noise, zeros};
  EXPECT_EQ(ChoosePageCoding(samples).coding.encoding, Encoding::kPlain);
  samples[1].other_bytes = 9000;
  EXPECT_EQ(ChoosePageCoding(samples).coding.encoding, Encoding::kDictionary);
}

TEST(PageTrial, WhatDoesNotCompressIsLeftAsItIs) {
  const std::vector<EncodedSample> samples = {
      {.encoding = Encoding::kPlain, .pages = {Noise(10'000)}}};
  const ColumnChoice choice = ChoosePageCoding(samples);
  EXPECT_EQ(choice.coding, (ColumnCoding{Encoding::kPlain, {.codec = Codec::kNone}}));
  EXPECT_EQ(TriedBytes(choice, choice.coding), 10'000U);
}

}  // namespace
}  // namespace viper::parquet
