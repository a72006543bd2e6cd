#include "storage/table_checkpoint.h"

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper::storage {
namespace {

TableState MakeState() {
  TableState state;
  state.version = 8;
  state.protocol = {1, 7, {}, {"appendOnly"}};
  state.metadata = {.id = "id",
                    .name = "n",
                    .description = std::nullopt,
                    .schema_json = "{}",
                    .partition_columns = {},
                    .configuration = {{"a", "b"}},
                    .created_time_ms = 4};
  state.files["a b"] = {.path = "a b",
                        .size = 5,
                        .modification_time_ms = 6,
                        .data_change = false,
                        .stats_json = "{}",
                        .tags = {{"t", "u"}}};
  state.tombstones["old"] = {
      .path = "old", .deletion_timestamp_ms = 100, .data_change = false, .size = 3};
  state.tombstones["older"] = {
      .path = "older", .deletion_timestamp_ms = 99, .data_change = false, .size = 0};
  state.transactions = {{"w", 12}};
  return state;
}

TEST(TableCheckpoint, AStateComesBack) {
  const TableState state = MakeState();
  ASSERT_OK_AND_ASSIGN(const TableState loaded, FromCheckpoint(ToCheckpoint(state, 0), 8));
  EXPECT_EQ(loaded, state);
}

TEST(TableCheckpoint, PathsAreEncodedAndNothingIsAChange) {
  TableState state = MakeState();
  state.files["a b"].data_change = true;
  const auto actions = ToCheckpoint(state, 0);
  EXPECT_EQ(actions.adds[0].path, "a%20b");
  EXPECT_FALSE(actions.adds[0].data_change);
  EXPECT_FALSE(actions.protocol.reader_features.has_value());
  EXPECT_EQ(actions.protocol.writer_features, std::vector<std::string>{"appendOnly"});
}

TEST(TableCheckpoint, ExpiredTombstonesAreLeftOut) {
  const auto actions = ToCheckpoint(MakeState(), 100);
  ASSERT_EQ(actions.removes.size(), 1);
  EXPECT_EQ(actions.removes[0].path, "old");
}

TEST(TableCheckpoint, AFileThatLivesOnWithAnotherDeletionVectorKeepsItsTombstone) {
  TableState state = MakeState();
  const DeletionVectorDescriptor older = {.storage_type = "u",
                                          .path_or_inline = "_dvolder",
                                          .offset = 1,
                                          .size_bytes = 10,
                                          .cardinality = 2};
  state.files["a b"].deletion_vector = older;
  state.files["a b"].deletion_vector->offset = 50;
  state.tombstones[TombstoneKey("a b", older)] = {.path = "a b",
                                                  .deletion_timestamp_ms = 100,
                                                  .data_change = false,
                                                  .size = 3,
                                                  .deletion_vector = older};
  ASSERT_OK_AND_ASSIGN(const TableState loaded, FromCheckpoint(ToCheckpoint(state, 0), 8));
  EXPECT_EQ(loaded, state);
}

TEST(TableCheckpoint, BadValuesAreNoticed) {
  auto actions = ToCheckpoint(MakeState(), 0);
  actions.adds[0].size = -1;
  EXPECT_STATUS(kCorruption, "negative", FromCheckpoint(actions, 8));
  actions.adds[0] = {.path = "../x", .stats_json = {}, .tags = {}};
  EXPECT_STATUS(kCorruption, "climbs out", FromCheckpoint(actions, 8));
}

TEST(TableCheckpoint, APathThatIsRemovedAndAddedIsThere) {
  auto actions = ToCheckpoint(MakeState(), 0);
  actions.removes.push_back({.path = "a%20b", .size = std::nullopt});
  ASSERT_OK_AND_ASSIGN(const TableState loaded, FromCheckpoint(actions, 8));
  EXPECT_EQ(loaded, MakeState());
}

}  // namespace
}  // namespace viper::storage
