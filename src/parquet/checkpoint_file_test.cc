#include "parquet/checkpoint_file.h"

#include <random>

#include <gtest/gtest.h>

#include "base/coding.h"

namespace viper::parquet {
namespace {

constexpr uint32_t kSeed = 7;

CheckpointActions ExampleActions() {
  CheckpointActions actions;
  actions.protocol = {3, 7, std::vector<std::string>{"deletionVectors"},
                      std::vector<std::string>{"deletionVectors", "appendOnly", "invariants"}};
  actions.metadata = {.id = "0b2e4b6a-1111-4222-8333-944455556666",
                      .name = "books",
                      .description = std::nullopt,
                      .schema_json = R"({"type":"struct","fields":[]})",
                      .partition_columns = {},
                      .configuration = {{"viper.dim", "768"}, {"empty", ""}},
                      .created_time_ms = 1'764'000'000'000};
  actions.adds = {{.path = "part-1.parquet",
                   .size = int64_t{5} << 32,
                   .modification_time_ms = 1'764'000'000'001,
                   .data_change = true,
                   .stats_json = R"({"numRecords":10})",
                   .tags = {{"viper.model", "3"}},
                   .deletion_vector = DeletionVectorDescriptor{.storage_type = "u",
                                                               .path_or_inline = "_dv0123",
                                                               .offset = 1,
                                                               .size_bytes = 40,
                                                               .cardinality = 6}},
                  {.path = "part-2.parquet",
                   .size = 0,
                   .stats_json = {},
                   .tags = {},
                   .deletion_vector = std::nullopt}};
  actions.removes = {
      {.path = "part-0.parquet",
       .deletion_timestamp_ms = 1'764'000'000'002,
       .data_change = false,
       .size = 77,
       .deletion_vector = DeletionVectorDescriptor{.storage_type = "i",
                                                   .path_or_inline = "wi5b=",
                                                   .offset = std::nullopt,
                                                   .size_bytes = 4,
                                                   .cardinality = 1}},
      {.path = "part-x.parquet", .size = std::nullopt, .deletion_vector = std::nullopt}};
  actions.transactions = {{"viper-wal", 41}, {"other", INT64_MAX}};
  return actions;
}

TEST(CheckpointFile, EveryActionComesBack) {
  const CheckpointActions actions = ExampleActions();
  const auto bytes = EncodeCheckpoint(actions).value();
  EXPECT_EQ(DecodeCheckpoint(bytes, "c.parquet").value(), actions);
}

TEST(CheckpointFile, FeatureListsAreAbsentWhenTheyWere) {
  CheckpointActions actions = ExampleActions();
  actions.protocol = {};
  const auto bytes = EncodeCheckpoint(actions).value();
  const CheckpointProtocol protocol = DecodeCheckpoint(bytes, "c.parquet").value().protocol;
  EXPECT_FALSE(protocol.reader_features.has_value());
  EXPECT_FALSE(protocol.writer_features.has_value());
}

TEST(CheckpointFile, ThousandsOfFilesComeBack) {
  CheckpointActions actions = ExampleActions();
  for (int i = 0; i < 20'000; ++i) {
    actions.adds.push_back({.path = "part-" + std::to_string(i + 10),
                            .size = i,
                            .stats_json = "{\"numRecords\":" + std::to_string(i) + "}",
                            .tags = {}});
  }
  const auto bytes = EncodeCheckpoint(actions).value();
  EXPECT_EQ(DecodeCheckpoint(bytes, "c.parquet").value(), actions);
}

TEST(CheckpointFile, WhatCannotBeWrittenIsRefused) {
  CheckpointActions partitioned = ExampleActions();
  partitioned.metadata.partition_columns = {"day"};
  EXPECT_EQ(EncodeCheckpoint(partitioned).status().code(), StatusCode::kUnsupported);
}

TEST(CheckpointFile, AFileOfSomethingElseIsCorruptionThatNamesIt) {
  const std::vector<std::byte> bytes(100, std::byte{'x'});
  const Status status = DecodeCheckpoint(bytes, "00010.checkpoint.parquet").status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_TRUE(status.message().starts_with("00010.checkpoint.parquet: ")) << status.ToString();
  EXPECT_FALSE(DecodeCheckpoint({}, "empty").ok());
}

TEST(CheckpointFile, CutFilesAreErrors) {
  const auto bytes = EncodeCheckpoint(ExampleActions()).value();
  for (size_t size = 0; size < bytes.size(); size += 7) {
    EXPECT_FALSE(DecodeCheckpoint(std::span(bytes).first(size), "c.parquet").ok()) << size;
  }
}

TEST(CheckpointFile, FlippedBytesNeverCrash) {
  const auto bytes = EncodeCheckpoint(ExampleActions()).value();
  std::mt19937 random(kSeed);
  for (int round = 0; round < 2000; ++round) {
    auto damaged = bytes;
    const size_t place = random() % damaged.size();
    damaged[place] ^= static_cast<std::byte>(1 + random() % 255);
    const auto actions = DecodeCheckpoint(damaged, "c.parquet");
    if (actions.ok()) {
      EXPECT_FALSE(actions->metadata.id.empty()) << "seed=" << kSeed << " place=" << place;
    }
  }
}

/// The pages lie before the footer, whose length is at the end. Their headers have no checksum:
/// what can be damaged there without being seen is of no meaning to us.
TEST(CheckpointFile, FlippedBitsOfPagesAreRefusedOrMeanNothing) {
  const auto bytes = EncodeCheckpoint(ExampleActions()).value();
  const auto footer_bytes = LoadFixed<uint32_t>(bytes.data() + bytes.size() - 8);
  const size_t pages_end = bytes.size() - 8 - footer_bytes;
  size_t refused = 0;
  for (size_t place = 4; place < pages_end; ++place) {
    auto damaged = bytes;
    damaged[place] ^= std::byte{1} << (place % 8);
    const auto actions = DecodeCheckpoint(damaged, "c.parquet");
    if (!actions.ok()) {
      ++refused;
    } else {
      EXPECT_EQ(EncodeCheckpoint(*actions).value(), bytes) << "place=" << place;
    }
  }
  EXPECT_GT(refused, (pages_end - 4) / 2);
}

}  // namespace
}  // namespace viper::parquet
