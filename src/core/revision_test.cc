#include "core/revision.h"

#include <gtest/gtest.h>

#include "core/collection_state.h"
#include "core/row_reader.h"
#include "testing/status_matchers.h"

namespace viper::core {
namespace {

constexpr int64_t kNow = 1'700'000'000'000'000;

CollectionSchema TestSchema() {
  CollectionSchema schema;
  schema.dim = 2;
  schema.fields = {{"year", FieldType::kInt64}, {"seen", FieldType::kTimestamp}};
  return schema;
}

/// Rows in memory, written as the write queue does it.
class RevisionTest : public ::testing::Test {
 protected:
  void Put(const std::string& id, Metadata metadata, std::optional<Timestamp> expires_at = {}) {
    Record record;
    record.id = id;
    record.vector = {1, 2};
    record.metadata = std::move(metadata);
    record.timestamp = Timestamp{5};
    record.expires_at = expires_at;
    ASSERT_OK_AND_ASSIGN(WriteBatch batch, PrepareUpsert(std::span(&record, 1), schema_,
                                                         {.now = kNow, .stamp = kNow}));
    Apply(batch);
  }
  void Delete(const std::string& id) {
    ASSERT_OK_AND_ASSIGN(WriteBatch batch, PrepareDelete(std::span(&id, 1)));
    Apply(batch);
  }
  void Apply(WriteBatch& batch) {
    CollectionState::ResolvedBatch resolved;
    resolved.batch = &batch;
    ASSERT_OK_AND_ASSIGN(resolved.resolution, state_.Resolve(batch));
    resolved.sequence = ++sequence_;
    state_.Apply(std::span(&resolved, 1));
  }

  Revision UpdateOf(std::vector<std::string> ids, const columnar::Predicate* predicate = nullptr) {
    std::shared_ptr<const columnar::Predicate> shared;
    if (predicate != nullptr) shared = std::make_shared<const columnar::Predicate>(*predicate);
    Revision revision(WriteKind::kUpsert, state_.View(), std::move(shared), kNow + 1);
    for (std::string& id : ids) {
      const auto seen = state_.View()->Find(id, kNow);
      EXPECT_OK(seen);
      EXPECT_OK(revision.AddUpdate(std::move(id), change_, *seen));
    }
    return revision;
  }

  columnar::Predicate Bind(const std::string& text) {
    auto filter = Filter::Parse(text);
    EXPECT_OK(filter);
    auto predicate = BindFilter(*state_.View(), *filter);
    EXPECT_OK(predicate);
    return *predicate;
  }

  CollectionSchema schema_ = TestSchema();
  CollectionState state_{std::make_shared<const CollectionSchema>(TestSchema()), {}, 0, 0};
  uint64_t sequence_ = 0;
  MetadataChange change_ = {.set = {{"year", 2000}}};
};

TEST_F(RevisionTest, WhatHasNotMovedIsWrittenAsItWasMade) {
  Put("a", {{"year", 1}, {"note", "n"}}, Timestamp{kNow + 100});
  Revision revision = UpdateOf({"a", "absent"});
  ASSERT_OK_AND_ASSIGN(bool changed, revision.BringUpToDate(CurrentRows(state_.View(), kNow)));
  EXPECT_FALSE(changed);
  ASSERT_EQ(revision.batch().rows.size(), 1u);
  const Row& row = revision.batch().rows[0];
  EXPECT_EQ(row.metadata, (Metadata{{"year", 2000}, {"note", "n"}}));
  EXPECT_EQ(row.timestamp, 5);
  EXPECT_EQ(row.ingested_at, kNow + 1) << "when this version of it came";
  EXPECT_EQ(row.expires_at, kNow + 100);
}

TEST_F(RevisionTest, WhatWasWrittenSinceIsReadAgain) {
  Put("a", {{"year", 1}});
  Put("b", {{"year", 1}});
  Put("c", {{"year", 1}});
  Put("d", {{"year", 1}}, Timestamp{kNow + 1});
  Revision revision = UpdateOf({"a", "b", "c", "d", "e"});
  Put("a", {{"year", 2}, {"note", "kept"}});
  Delete("b");
  Put("e", {{"note", "came"}});
  ASSERT_OK_AND_ASSIGN(bool changed, revision.BringUpToDate(CurrentRows(state_.View(), kNow + 1)));
  EXPECT_TRUE(changed);
  ASSERT_EQ(revision.batch().rows.size(), 3u);
  EXPECT_EQ(revision.batch().rows[0].metadata, (Metadata{{"year", 2000}, {"note", "kept"}}));
  EXPECT_EQ(revision.batch().rows[1].id, "c");
  EXPECT_EQ(revision.batch().rows[2].metadata, (Metadata{{"year", 2000}, {"note", "came"}}));
  ASSERT_OK_AND_ASSIGN(changed, revision.BringUpToDate(CurrentRows(state_.View(), kNow + 1)));
  EXPECT_FALSE(changed) << "it is up to date by now";
}

TEST_F(RevisionTest, EarlierBatchesOfTheGroupAreSeen) {
  Put("a", {{"year", 1}});
  Put("b", {{"year", 1}});
  Put("c", {{"year", 1}});
  Revision revision = UpdateOf({"a", "b", "c"});
  WriteBatch earlier;
  earlier.rows.resize(2);
  earlier.rows[0].id = "a";
  earlier.rows[0].metadata = {{"note", "of the group"}};
  earlier.rows[1].id = "c";
  earlier.rows[1].expires_at = kNow;
  WriteBatch deletes;
  deletes.kind = WriteKind::kDelete;
  deletes.deleted_ids = {"b"};
  CurrentRows current(state_.View(), kNow);
  current.Add(earlier);
  current.Add(deletes);
  ASSERT_OK(revision.BringUpToDate(current));
  ASSERT_EQ(revision.batch().rows.size(), 1u);
  EXPECT_EQ(revision.batch().rows[0].metadata,
            (Metadata{{"year", 2000}, {"note", "of the group"}}));
}

TEST_F(RevisionTest, ByFilterWhatNoLongerMatchesIsLeftAlone) {
  for (const char* id : {"a", "b", "c"}) Put(id, {{"year", 1}});
  const columnar::Predicate predicate = Bind("year = 1");
  Revision update = UpdateOf({"a", "b", "c"}, &predicate);
  Revision deletion(WriteKind::kDelete, state_.View(),
                    std::make_shared<const columnar::Predicate>(predicate), kNow + 1);
  for (uint64_t row = 0; row < 3; ++row) ASSERT_OK(deletion.AddDelete({0, row}));
  Put("a", {{"year", 5}});
  Put("b", {{"year", 1}, {"note", "still"}});
  for (Revision* revision : {&update, &deletion}) {
    ASSERT_OK(revision->BringUpToDate(CurrentRows(state_.View(), kNow)));
  }
  ASSERT_EQ(update.batch().rows.size(), 2u);
  EXPECT_EQ(update.batch().rows[0].metadata, (Metadata{{"year", 2000}, {"note", "still"}}));
  EXPECT_EQ(update.batch().rows[1].id, "c");
  EXPECT_EQ(deletion.batch().deleted_ids, (std::vector<std::string>{"b", "c"}));
}

TEST_F(RevisionTest, AFieldThatWasDeclaredMeanwhileIsCheckedAgain) {
  Put("a", {{"late", "parked"}, {"later", 1}});
  const auto declare = [&](FieldType late) {
    CollectionSchema schema = schema_;
    schema.fields.push_back({"late", late});
    schema.fields.push_back({"later", FieldType::kFloat64});
    TableChange change;
    change.schema = std::make_shared<const CollectionSchema>(schema);
    ASSERT_OK(state_.Adopt(change));
  };
  change_.set = {{"later", 2}};
  Revision fitting = UpdateOf({"a"});
  const MetadataChange other = {.set = {{"late", "text"}}};
  Revision unfit(WriteKind::kUpsert, state_.View(), nullptr, kNow + 1);
  ASSERT_OK(unfit.AddUpdate("a", other, *state_.View()->Find("a", kNow)));
  declare(FieldType::kInt64);
  const CurrentRows rows(state_.View(), kNow + 2);
  EXPECT_TRUE(fitting.BringUpToDate(rows).value());
  ASSERT_EQ(fitting.batch().rows.size(), 1u);
  EXPECT_EQ(fitting.batch().rows[0].metadata, (Metadata{{"late", "parked"}, {"later", 2.0}}));
  EXPECT_STATUS(kInvalidArgument, "field 'late' is int64", unfit.BringUpToDate(rows));
}

TEST(MetadataChange, NamesWhatIsWrong) {
  const auto check = [](MetadataChange change) {
    return CheckChange(change, TestSchema(), Misfits::kRefuse);
  };
  EXPECT_OK(check({}));
  EXPECT_OK(check({.set = {{"year", nullptr}}, .remove = {"x"}}));
  EXPECT_STATUS(kInvalidArgument, "'year' is int64", check({.set = {{"year", "x"}}}));
  EXPECT_STATUS(kInvalidArgument, "'_id' is reserved", check({.set = {{"_id", "x"}}}));
  EXPECT_STATUS(kInvalidArgument, "'_vector' is reserved", check({.remove = {"_vector"}}));
  EXPECT_STATUS(kInvalidArgument, "'x' is both set and removed",
                check({.set = {{"x", 1}}, .remove = {"x"}}));
  EXPECT_STATUS(kInvalidArgument, "nothing to remove: key 'x'",
                check({.remove = {"x"}, .replace_all = true}));
}

TEST(MetadataChange, TextBecomesTheDeclaredTime) {
  MetadataChange change = {.set = {{"seen", "2026-11-22T08:30:00Z"}}};
  ASSERT_OK(CheckChange(change, TestSchema(), Misfits::kRefuse));
  EXPECT_NE(change.set["seen"].as_timestamp(), nullptr);
}

TEST(MetadataChange, ComposedItDoesOneAfterTheOther) {
  const std::vector<MetadataChange> changes = {
      {.set = {{"a", 1}, {"b", 2}}},
      {.set = {{"a", 3}}, .remove = {"b"}},
      {.remove = {"a", "c"}},
      {.set = {{"c", 4}}},
      {.set = {{"c", 5}}, .replace_all = true},
      {},
  };
  const auto apply = [](const MetadataChange& change, Metadata metadata) {
    if (change.replace_all) metadata.clear();
    for (const std::string& key : change.remove) metadata.erase(key);
    for (const auto& [key, value] : change.set) metadata[key] = value;
    return metadata;
  };
  const Metadata start = {{"a", 0}, {"b", 0}, {"c", 0}, {"d", 0}};
  for (const MetadataChange& first : changes) {
    for (const MetadataChange& second : changes) {
      for (const MetadataChange& third : changes) {
        MetadataChange composed = first;
        Compose(composed, second);
        Compose(composed, third);
        EXPECT_EQ(apply(composed, start), apply(third, apply(second, apply(first, start))));
      }
    }
  }
}

}  // namespace
}  // namespace viper::core
