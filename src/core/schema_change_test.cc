#include "core/schema_change.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/collection_fixture.h"
#include "core/table_schema.h"
#include "storage/table_log.h"

namespace viper::core {
namespace {

constexpr char kTable[] = "/db/docs";

CollectionSchema SomeSchema() {
  CollectionSchema schema;
  schema.dim = 2;
  schema.fields = {{"year", FieldType::kInt64}, {"title", FieldType::kString}};
  return schema;
}

TEST(WithFields, AddsWhatIsNewAndPassesOverWhatIsThere) {
  const std::vector<Field> added = {{"year", FieldType::kInt64}, {"price", FieldType::kFloat64}};
  ASSERT_OK_AND_ASSIGN(const CollectionSchema schema, WithFields(SomeSchema(), added));
  EXPECT_EQ(schema.fields.size(), 3u);
  EXPECT_EQ(schema.fields.back(), added.back());
}

TEST(WithFields, RefusesWhatCannotBeDeclared) {
  const auto add = [](Field field) {
    return WithFields(SomeSchema(), std::span(&field, 1)).status();
  };
  EXPECT_STATUS(kInvalidArgument, "declared=int64 actual=string",
                add({"year", FieldType::kString}));
  EXPECT_STATUS(kInvalidArgument, "ignoring case", add({"Year", FieldType::kInt64}));
  EXPECT_STATUS(kInvalidArgument, "_id", add({"_id", FieldType::kString}));
}

TEST(WithWidenedField, OnlyIntegersBecomeFloats) {
  ASSERT_OK_AND_ASSIGN(const CollectionSchema schema,
                       WithWidenedField(SomeSchema(), {"year", FieldType::kFloat64}));
  EXPECT_EQ(schema.fields[0].type, FieldType::kFloat64);
  EXPECT_TRUE(ChangesTypes(SomeSchema(), schema));
  EXPECT_EQ(WithWidenedField(SomeSchema(), {"year", FieldType::kInt64}).value(), SomeSchema());
  EXPECT_STATUS(kInvalidArgument, "only int64 can become float64",
                WithWidenedField(SomeSchema(), {"year", FieldType::kString}));
  EXPECT_STATUS(kInvalidArgument, "declared=string",
                WithWidenedField(SomeSchema(), {"title", FieldType::kFloat64}));
  EXPECT_STATUS(kNotFound, "'price'",
                WithWidenedField(SomeSchema(), {"price", FieldType::kFloat64}));
}

class SchemaChangeTest : public CollectionFixture {
 protected:
  storage::TableState Table() {
    auto state = storage::TableLog::Make(files_, kTable, {})->Load();
    EXPECT_OK(state);
    return state.ok() ? *state : storage::TableState{};
  }
  Status Add(std::vector<Field> fields) { return collection_->AddFields(fields).status(); }
};

TEST_F(SchemaChangeTest, DeclaringIsOneCommitThatTouchesNoFile) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 1, 0, {{"rating", 4}})));
  ASSERT_OK(collection_->Flush());
  const storage::TableState before = Table();
  ASSERT_OK(Add({{"rating", FieldType::kInt64}, {"note", FieldType::kString}}));
  const storage::TableState after = Table();
  EXPECT_EQ(after.version, before.version + 1);
  EXPECT_EQ(after.files, before.files);
  EXPECT_EQ(after.metadata.id, before.metadata.id);
  EXPECT_EQ(after.metadata.configuration, before.metadata.configuration);
  EXPECT_EQ(after.protocol, before.protocol);
  ASSERT_OK_AND_ASSIGN(const auto commits,
                       storage::TableLog::Make(files_, kTable, {})->ReadAfter(before.version));
  EXPECT_EQ(commits.at(0).operation, "ADD COLUMNS");
  // What is there already is no change.
  ASSERT_OK(Add({{"rating", FieldType::kInt64}}));
  EXPECT_EQ(Table().version, after.version);
}

TEST_F(SchemaChangeTest, WideningReplacesAllFilesInOneCommit) {
  Create();
  for (const char* id : {"a", "b"}) {
    ASSERT_OK(collection_->Upsert(At(id, 1, 0, {{"year", 1979}})));
    ASSERT_OK(collection_->Flush());
  }
  const storage::TableState before = Table();
  ASSERT_OK(collection_->WidenField({"year", FieldType::kFloat64}));
  const storage::TableState after = Table();
  EXPECT_EQ(after.version, before.version + 1);
  EXPECT_EQ(after.files.size(), 1u);
  for (const auto& [path, file] : before.files) EXPECT_FALSE(after.files.contains(path));
  ASSERT_OK_AND_ASSIGN(const CollectionSchema schema, ReadTableSchema(after.metadata));
  EXPECT_EQ(schema.FindField("year")->type, FieldType::kFloat64);
}

TEST_F(SchemaChangeTest, ValuesThatAFloatWouldNotGiveBackAreCountedAndRefused) {
  constexpr int64_t kInexact = (int64_t{1} << 53) + 1;
  Create();
  ASSERT_OK(collection_->Upsert(At("in the table", 1, 0, {{"year", kInexact}})));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Upsert(At("in memory", 1, 0, {{"year", -kInexact}})));
  ASSERT_OK(collection_->Upsert(At("exact", 1, 0, {{"year", int64_t{1} << 60}})));
  const storage::TableState before = Table();
  EXPECT_STATUS(kInvalidArgument, "count=2",
                collection_->WidenField({"year", FieldType::kFloat64}));
  EXPECT_EQ(Table(), before);
  EXPECT_EQ(collection_->schema(), Schema());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"in the table", "in memory"}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->WidenField({"year", FieldType::kFloat64}));
  EXPECT_EQ(collection_->Get("exact").value().metadata.at("year"), Value(std::ldexp(1.0, 60)));
}

TEST_F(SchemaChangeTest, DeletedRecordsInTheWayOfAWideningAreNamedAsSuch) {
  constexpr int64_t kInexact = (int64_t{1} << 53) + 1;
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  ASSERT_OK(collection_->Upsert(
      std::vector<Record>{At("a", 1, 0, {{"year", kInexact}}), At("b", 1, 0, {{"year", 3}})}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
  ASSERT_OK(collection_->Flush());
  EXPECT_STATUS(kFailedPrecondition, "compacted",
                collection_->WidenField({"year", FieldType::kFloat64}));
  ASSERT_OK(collection_->Compact({.everything = true, .fold_deletion_vectors = true}));
  ASSERT_OK(collection_->WidenField({"year", FieldType::kFloat64}));
  EXPECT_EQ(Count("year = 3"), 1u);
}

TEST_F(SchemaChangeTest, AColumnThatCannotBeReadKeepsItsName) {
  Create();
  const auto log = storage::TableLog::Make(files_, kTable, {});
  storage::TableCommit commit;
  commit.operation = "ADD COLUMNS";
  commit.metadata = Table().metadata;
  const std::string odd =
      R"({"metadata":{},"name":"Odd","nullable":true,"type":"date"},{"metadata":{},"name":"_payload")";
  std::string& json = commit.metadata->schema_json;
  const std::string payload = R"({"metadata":{},"name":"_payload")";
  json.replace(json.find(payload), payload.size(), odd);
  ASSERT_OK(log->Commit(1, commit, clock_.Now().micros / 1000));
  EXPECT_STATUS(kInvalidArgument, "'Odd'", Add({{"odd", FieldType::kString}}));
  ASSERT_OK(Add({{"rating", FieldType::kInt64}}));
  EXPECT_NE(Table().metadata.schema_json.find(R"("name":"Odd")"), std::string::npos);
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->schema().fields.back().name, "rating");
}

// The commit of another writer comes between.
TEST_F(SchemaChangeTest, AnotherWritersFieldIsTakenOverWhileTheCollectionIsOpen) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 1, 0, {{"rating", 4}, {"stars", 5}})));
  ASSERT_OK(collection_->Flush());
  const auto log = storage::TableLog::Make(files_, kTable, {});
  storage::TableCommit commit;
  commit.operation = "ADD COLUMNS";
  CollectionSchema theirs = Schema();
  theirs.fields.push_back({"stars", FieldType::kInt64});
  ASSERT_OK_AND_ASSIGN(commit.metadata, ChangeTableMetadata(Table().metadata, theirs));
  ASSERT_OK(log->Commit(2, commit, clock_.Now().micros / 1000));
  ASSERT_OK(Add({{"rating", FieldType::kInt64}}));
  EXPECT_EQ(collection_->schema().fields.size(), Schema().fields.size() + 2);
  EXPECT_EQ(Count("stars = 5 AND rating = 4"), 1u);
  EXPECT_STATUS(kInvalidArgument, "stars", collection_->Upsert(At("b", 1, 0, {{"stars", "many"}})));
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count("stars = 5 AND rating = 4"), 1u);
}

}  // namespace
}  // namespace viper::core
