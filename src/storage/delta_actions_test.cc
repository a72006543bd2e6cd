#include "storage/delta_actions.h"

#include <gtest/gtest.h>

#include "testing/status_matchers.h"
#include "viper/version.h"

namespace viper::storage {
namespace {

TableCommit FullCommit() {
  TableCommit commit;
  commit.operation = "CREATE TABLE";
  commit.operation_parameters = {{"mode", "\"quoted\""}};
  commit.protocol = TableProtocol{};
  commit.metadata = {.id = "id",
                     .name = std::nullopt,
                     .description = "a table",
                     .schema_json = R"({"type":"struct","fields":[]})",
                     .partition_columns = {},
                     .configuration = {{"viper.dim", "3"}},
                     .created_time_ms = 5};
  commit.transactions = {{"viper-wal", 41}};
  commit.added = {{.path = "part 1.parquet",
                   .size = 10,
                   .modification_time_ms = 6,
                   .data_change = true,
                   .stats_json = R"({"numRecords":2})",
                   .tags = {{"k", "v"}}},
                  {.path = "p", .data_change = false, .stats_json = {}, .tags = {}}};
  commit.removed = {{.path = "old", .deletion_timestamp_ms = 7, .data_change = false, .size = 9},
                    {.path = "unsized", .deletion_timestamp_ms = 8}};
  return commit;
}

Result<CommitFile> Decode(std::string_view text) { return DecodeCommit(text, "7.json"); }

// Persistent: docs/format/table.md.
TEST(DeltaActions, GoldenCommit) {
  const std::string text =
      EncodeCommit(FullCommit(), {.timestamp_ms = 1'764'000'000'000, .transaction_id = "uuid"});
  EXPECT_EQ(
      text,
      std::string() + R"({"commitInfo":{"engineInfo":"VIPER/)" + kVersionString +
          R"(","isBlindAppend":false,"operation":"CREATE TABLE","operationParameters":{"mode":"\"quoted\""},"timestamp":1764000000000,"txnId":"uuid","viperActionsCrc32c":"ee1722d1"}})"
          "\n"
          R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})"
          "\n"
          R"({"metaData":{"configuration":{"viper.dim":"3"},"createdTime":5,"description":"a table","format":{"options":{},"provider":"parquet"},"id":"id","partitionColumns":[],"schemaString":"{\"type\":\"struct\",\"fields\":[]}"}})"
          "\n"
          R"({"txn":{"appId":"viper-wal","lastUpdated":1764000000000,"version":41}})"
          "\n"
          R"({"remove":{"dataChange":false,"deletionTimestamp":7,"extendedFileMetadata":true,"partitionValues":{},"path":"old","size":9}})"
          "\n"
          R"({"remove":{"dataChange":true,"deletionTimestamp":8,"path":"unsized"}})"
          "\n"
          R"({"add":{"dataChange":true,"modificationTime":6,"partitionValues":{},"path":"part%201.parquet","size":10,"stats":"{\"numRecords\":2}","tags":{"k":"v"}}})"
          "\n"
          R"({"add":{"dataChange":false,"modificationTime":0,"partitionValues":{},"path":"p","size":0}})"
          "\n");
}

TEST(DeltaActions, EveryActionComesBack) {
  const TableCommit commit = FullCommit();
  ASSERT_OK_AND_ASSIGN(const CommitFile file,
                       Decode(EncodeCommit(commit, {.timestamp_ms = 3, .transaction_id = "t"})));
  EXPECT_EQ(file.commit, commit);
  EXPECT_EQ(file.stamp.timestamp_ms, 3);
  EXPECT_EQ(file.stamp.transaction_id, "t");
}

TEST(DeltaActions, EveryFlippedBitOfTheActionsIsNoticed) {
  const std::string good = EncodeCommit(FullCommit(), {.timestamp_ms = 3, .transaction_id = "t"});
  for (size_t i = good.find('\n') + 1; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      EXPECT_FALSE(Decode(bad).ok()) << i;
    }
  }
  EXPECT_STATUS(kCorruption, "checksum of its actions", Decode(good.substr(0, good.find('\n'))));
}

TEST(DeltaActions, FeatureListsComeBack) {
  TableCommit commit;
  commit.protocol = {.min_reader_version = 3,
                     .min_writer_version = 7,
                     .reader_features = {"deletionVectors"},
                     .writer_features = {"deletionVectors", "appendOnly"}};
  const std::string text = EncodeCommit(commit, {});
  ASSERT_OK_AND_ASSIGN(const CommitFile file, Decode(text));
  EXPECT_EQ(file.commit.protocol, commit.protocol);
  // Reader 1 must not list features, an empty list included.
  commit.protocol->min_reader_version = 1;
  EXPECT_EQ(EncodeCommit(commit, {}).find("readerFeatures"), std::string::npos);
}

TEST(DeltaActions, UnknownActionsAndFieldsAreIgnored) {
  ASSERT_OK_AND_ASSIGN(
      const CommitFile file,
      Decode(
          R"({"cdc":{"path":"x"}})"
          "\n"
          R"({"domainMetadata":{"domain":"d","configuration":"","removed":false},"unknown":3})"
          "\r\n\n"
          R"({"add":{"path":"a","size":1,"modificationTime":2,"dataChange":true,"new":[{}],"tags":null,"stats":null,"partitionValues":{"x":null},"deletionVector":null}})"
          "\n"
          R"({"commitInfo":{"operation":"OPTIMIZE","operationParameters":{"n":3,"p":"[]"},"operationMetrics":{"numAddedFiles":1}}})"));
  ASSERT_EQ(file.commit.added.size(), 1);
  EXPECT_EQ(file.commit.operation, "OPTIMIZE");
  EXPECT_EQ(file.commit.operation_parameters.at("n"), "3");
  EXPECT_EQ(file.commit.operation_metrics.at("numAddedFiles"), "1");
  EXPECT_FALSE(file.commit.added[0].deletion_vector.has_value());
}

TEST(DeltaActions, DeletionVectorsComeBack) {
  const DeletionVectorDescriptor vector = {.storage_type = "u",
                                           .path_or_inline = "_dv0123",
                                           .offset = 4,
                                           .size_bytes = 40,
                                           .cardinality = 6};
  TableCommit commit;
  commit.removed = {
      {.path = "a", .deletion_timestamp_ms = 7, .size = 9, .deletion_vector = vector}};
  commit.added = {
      {.path = "a", .size = 9, .stats_json = {}, .tags = {}, .deletion_vector = vector}};
  commit.added[0].deletion_vector->cardinality = 7;
  const std::string text = EncodeCommit(commit, {});
  ASSERT_OK_AND_ASSIGN(const CommitFile file, Decode(text));
  EXPECT_EQ(file.commit.removed, commit.removed);
  EXPECT_EQ(file.commit.added, commit.added);
  EXPECT_NE(
      text.find(
          R"("deletionVector":{"cardinality":7,"offset":4,"pathOrInlineDv":"_dv0123","sizeInBytes":40,"storageType":"u"})"),
      std::string::npos)
      << text;
}

TEST(DeltaActions, DamageNamesFileAndLine) {
  const std::string good = R"({"txn":{"appId":"a","version":1}})";
  const auto expect_bad = [&](std::string_view line, std::string_view message) {
    EXPECT_STATUS(kCorruption, "7.json line 2: ", Decode(good + "\n" + std::string(line)));
    EXPECT_STATUS(kCorruption, message, Decode(good + "\n" + std::string(line)));
  };
  expect_bad(good.substr(0, 20), "JSON");
  expect_bad("[]", "not a JSON object");
  expect_bad(R"({"txn":1})", "expected=object");
  expect_bad(R"({"txn":{"appId":"a"}})", "txn.version is missing");
  expect_bad(R"({"add":{"path":"a","size":-1,"modificationTime":2,"dataChange":true}})",
             "add.size is negative");
  expect_bad(R"({"add":{"path":"../a","size":1,"modificationTime":2,"dataChange":true}})",
             "climbs out");
  expect_bad(R"({"add":{"size":1,"modificationTime":2,"dataChange":true}})", "add.path is missing");
  expect_bad(R"({"remove":{"dataChange":true}})", "remove.path is missing");
  expect_bad(R"({"remove":{"path":"a","deletionVector":{"storageType":"u"}}})",
             "deletionVector.pathOrInlineDv is missing");
  expect_bad(
      R"({"remove":{"path":"a","deletionVector":{"storageType":"u","pathOrInlineDv":"x","offset":-1,"sizeInBytes":1,"cardinality":1}}})",
      "deletionVector.offset is out of range");
  expect_bad(R"({"protocol":{"minReaderVersion":0,"minWriterVersion":2}})", "impossible versions");
  expect_bad(R"({"metaData":{"id":"x"}})", "metaData.schemaString is missing");
}

TEST(DeltaActions, EveryCutOfACommitIsNoticed) {
  const std::string text = EncodeCommit(FullCommit(), {});
  for (size_t size = 1; size < text.size(); ++size) {
    EXPECT_FALSE(Decode(text.substr(0, size)).ok()) << size;
  }
}

TEST(DeltaActions, AnotherFileFormatIsRefused) {
  EXPECT_STATUS(kUnsupported, "actual=orc",
                Decode(R"({"metaData":{"id":"x","format":{"provider":"orc"},"schemaString":""}})"));
}

}  // namespace
}  // namespace viper::storage
