#include "parquet/column_coding.h"

#include <gtest/gtest.h>

namespace viper::parquet {
namespace {

constexpr Compression kZstd1 = {.codec = Codec::kZstd, .level = 1};
constexpr Compression kZstd9 = {.codec = Codec::kZstd, .level = 9};
constexpr Compression kLz4 = {.codec = Codec::kLz4};

TEST(ChooseCoding, C07_A4_TheSmallestWins) {
  const ColumnChoice choice =
      ChooseCoding({{{Encoding::kPlain, kLz4}, 200}, {{Encoding::kDeltaByteArray, kZstd9}, 100}});
  EXPECT_EQ(CodingName(choice.coding), "delta_byte_array zstd:9");
  EXPECT_EQ(choice.reason, "the smallest of 2 ways");
}

TEST(ChooseCoding, OfWhatIsNearlyAsSmallTheFasterWins) {
  const std::vector<CodingTrial> trials = {{{Encoding::kPlain, kZstd9}, 1000},
                                           {{Encoding::kPlain, kZstd1}, 1005},
                                           {{Encoding::kByteStreamSplit, kLz4}, 1010},
                                           {{Encoding::kPlain, {.codec = Codec::kNone}}, 1011}};
  const ColumnChoice choice = ChooseCoding(trials);
  EXPECT_EQ(CodingName(choice.coding), "byte_stream_split lz4");
  EXPECT_EQ(choice.reason, "within 1 % of the smallest of 4 ways (plain zstd:9), and read faster");
  EXPECT_EQ(CodingName(ChooseCoding({trials[0], trials[1]}).coding), "plain zstd:1");
}

TEST(ChooseCoding, WithoutADictionaryTheCodecStays) {
  const ColumnChoice choice = ChooseCoding({{{Encoding::kDictionary, kLz4}, 10},
                                            {{Encoding::kDeltaByteArray, kZstd1}, 40},
                                            {{Encoding::kDeltaByteArray, kLz4}, 50},
                                            {{Encoding::kPlain, kLz4}, 60}});
  EXPECT_EQ(CodingName(choice.coding), "dictionary lz4");
  EXPECT_EQ(CodingName(choice.without_dictionary), "delta_byte_array lz4");
  const ColumnChoice alone =
      ChooseCoding({{{Encoding::kDictionary, kLz4}, 10}, {{Encoding::kPlain, kZstd1}, 40}});
  EXPECT_EQ(CodingName(alone.without_dictionary), "plain lz4");
}

TEST(PromisingEncodings, AreThoseNearTheSmallestAndPlain) {
  EXPECT_EQ(PromisingEncodings({{{Encoding::kPlain, kZstd1}, 300},
                                {{Encoding::kByteStreamSplit, kZstd1}, 110},
                                {{Encoding::kDeltaBinaryPacked, kZstd1}, 111},
                                {{Encoding::kDictionary, kZstd1}, 100}}),
            (std::vector{Encoding::kPlain, Encoding::kByteStreamSplit, Encoding::kDictionary}));
}

TEST(ColumnChoices, OnlyWhatIsSettledIsKept) {
  ColumnChoices choices({.policy = StoragePolicy::kSize});
  const ColumnChoice choice = ChooseCoding({{{Encoding::kPlain, kLz4}, 200}});
  choices.Set("a", choice, /*is_settled=*/true);
  choices.Set("b", choice, /*is_settled=*/false);
  EXPECT_NE(choices.Find("a"), nullptr);
  EXPECT_EQ(choices.Find("b"), nullptr);
  EXPECT_EQ(choices.Find("c"), nullptr);
}

TEST(CompressionReport, TellsWhatTheFileSays) {
  ColumnChoices choices({.policy = StoragePolicy::kSize});
  choices.Set("a",
              ChooseCoding({{{Encoding::kPlain, kLz4}, 200}, {{Encoding::kPlain, kZstd1}, 100}}),
              /*is_settled=*/false);
  const CompressionReport report = ParseCompressionReport(choices.ToJson());
  EXPECT_EQ(report.options, "policy size, adaptive");
  ASSERT_TRUE(report.columns.contains("a"));
  const auto& column = report.columns.at("a");
  EXPECT_EQ(column.chosen, "plain zstd:1");
  EXPECT_EQ(column.reason, "the smallest of 2 ways");
  EXPECT_EQ(column.trials, (std::vector<std::pair<std::string, uint64_t>>{{"plain lz4", 200},
                                                                          {"plain zstd:1", 100}}));
  EXPECT_EQ(
      ParseCompressionReport(ColumnChoices({.adaptive = false, .fixed = kLz4}).ToJson()).options,
      "policy speed, all columns lz4");
}

TEST(CompressionReport, WhatOthersWroteThereIsPassedOver) {
  for (const char* json : {"", "1", "[]", R"({"columns":3})", R"({"columns":{"a":[]}})",
                           R"({"columns":{"a":{"trials":{"x":-1,"y":"z"}}}})"}) {
    const CompressionReport report = ParseCompressionReport(json);
    for (const auto& [name, column] : report.columns) {
      EXPECT_TRUE(column.chosen.empty() && column.trials.empty()) << json;
    }
  }
}

}  // namespace
}  // namespace viper::parquet
