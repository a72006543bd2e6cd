#include "core/schema_reader.h"

#include "core/collection_fixture.h"

namespace viper::core {
namespace {

class SchemaReaderTest : public CollectionFixture {
 protected:
  /// 200 records with keys of many kinds, half of them in the table.
  void WriteRecords() {
    for (int i = 0; i < 200; ++i) {
      Metadata metadata = {{"year", 1900 + i},
                           {"title", "t" + std::to_string(i)},
                           {"votes", i},
                           {"released", "2026-11-" + std::to_string(10 + i % 20)},
                           {"labels", Value::List{"a", std::to_string(i % 3)}},
                           {"nested", Value::Object{{"a", i}}},
                           {"mixed", i % 2 == 0 ? Value(i) : Value("text")},
                           {"source", "import"},
                           {"bad name", i}};
      metadata["score"] = i % 4 == 0 ? Value(i) : Value(i + 0.5);
      if (i == 7) metadata["votes"] = "seven";
      if (i == 9) metadata["rare"] = 1;
      if (i % 2 == 0) metadata["empty"] = nullptr;
      if (i % 5 == 0) metadata.erase("title");
      ASSERT_OK(collection_->Upsert(At(std::to_string(i), 0, 0, std::move(metadata))));
      if (i == 99) {
        ASSERT_OK(collection_->Flush());
      }
    }
  }

  static const KeyReport& Find(const SchemaReport& report, std::string_view key) {
    const auto found = std::find_if(report.keys.begin(), report.keys.end(),
                                    [&](const KeyReport& told) { return told.key == key; });
    EXPECT_NE(found, report.keys.end()) << key;
    return *found;
  }
};

TEST_F(SchemaReaderTest, CountsTheKindsOfValuesUnderUndeclaredKeys) {
  Create();
  WriteRecords();
  ASSERT_OK_AND_ASSIGN(const SchemaReport report, collection_->ReportSchema());
  EXPECT_EQ(report.rows, 200u);
  EXPECT_EQ(report.rows_read, 200u);
  EXPECT_GT(report.json_bytes, 0u);
  EXPECT_FALSE(report.has_more_keys);
  EXPECT_EQ(report.keys.size(), 11u) << "year is declared";
  const KeyReport& title = Find(report, "title");
  EXPECT_EQ(title.rows, 160u);
  EXPECT_EQ(title.strings, 160u);
  EXPECT_EQ(title.times, 0u);
  EXPECT_EQ(title.distinct_values, 160u);
  EXPECT_TRUE(title.distinct_is_exact);
  EXPECT_EQ(title.type, FieldType::kString);
  const KeyReport& votes = Find(report, "votes");
  EXPECT_EQ(votes.integers, 199u);
  EXPECT_EQ(votes.strings, 1u);
  EXPECT_EQ(votes.fitting, 199u);
  EXPECT_EQ(votes.reason, "199 of 200 values fit int64, 1 would be parked");
  EXPECT_EQ(Find(report, "score").type, FieldType::kFloat64);
  EXPECT_EQ(Find(report, "score").fitting, 200u);
  EXPECT_EQ(Find(report, "released").type, FieldType::kTimestamp);
  EXPECT_EQ(Find(report, "released").distinct_values, 20u);
  EXPECT_EQ(Find(report, "labels").type, FieldType::kStringList);
  EXPECT_EQ(Find(report, "nested").objects, 200u);
  EXPECT_EQ(Find(report, "empty").nulls, 100u);
}

TEST_F(SchemaReaderTest, AdvisesWhatIsWorthDeclaringAndSaysWhy) {
  Create();
  WriteRecords();
  ASSERT_OK_AND_ASSIGN(const SchemaReport report, collection_->ReportSchema());
  std::vector<std::string> advised;
  for (const KeyReport& key : report.keys) {
    if (key.is_worth_declaring) advised.push_back(key.key);
    EXPECT_FALSE(key.reason.empty()) << key.key;
  }
  EXPECT_EQ(advised, (std::vector<std::string>{"labels", "released", "score", "votes", "title"}));
  EXPECT_EQ(Find(report, "nested").reason, "no field type takes any of its values");
  EXPECT_EQ(Find(report, "mixed").reason, "only 100 of 200 values fit int64");
  EXPECT_EQ(Find(report, "source").reason, "every record has the same value");
  EXPECT_EQ(Find(report, "rare").reason, "only 1 of 200 records have a value");
  EXPECT_EQ(Find(report, "empty").reason, "all its values are null");
  EXPECT_NE(Find(report, "bad name").reason.find("bad name"), std::string::npos);
}

TEST_F(SchemaReaderTest, WhatIsAdvisedParksWhatItSaid) {
  Create();
  WriteRecords();
  ASSERT_OK_AND_ASSIGN(const SchemaReport report, collection_->ReportSchema());
  for (const KeyReport& key : report.keys) {
    if (!key.is_worth_declaring) continue;
    const Field field{key.key, *key.type};
    ASSERT_OK_AND_ASSIGN(const SchemaChangeReport changed,
                         collection_->AddFields(std::span(&field, 1)));
    EXPECT_EQ(changed.fields[0].values, key.fitting) << key.key;
    EXPECT_EQ(changed.fields[0].parked, key.rows - key.nulls - key.fitting) << key.key;
  }
  ASSERT_OK_AND_ASSIGN(const SchemaReport after, collection_->ReportSchema());
  for (const KeyReport& key : after.keys) EXPECT_FALSE(key.is_worth_declaring) << key.key;
  const auto votes = std::find_if(after.fields.begin(), after.fields.end(),
                                  [](const auto& told) { return told.field.name == "votes"; });
  ASSERT_NE(votes, after.fields.end());
  EXPECT_EQ(votes->parked_example, "\"seven\"");
  EXPECT_EQ(votes->parked_id, "7");
}

TEST_F(SchemaReaderTest, OnlyLiveRecordsCount) {
  Create();
  WriteRecords();
  ASSERT_OK(collection_->DeleteWhere(Filter::Parse("year >= 1950").value()));
  ASSERT_OK_AND_ASSIGN(const SchemaReport report, collection_->ReportSchema());
  EXPECT_EQ(report.rows, 50u);
  EXPECT_EQ(Find(report, "votes").rows, 50u);
  EXPECT_EQ(report.fields[1].field.name, "year");
  EXPECT_EQ(report.fields[1].values, 50u);
}

TEST_F(SchemaReaderTest, ASampleIsEvenlyChosenAndSaysSo) {
  Create();
  WriteRecords();
  ASSERT_OK_AND_ASSIGN(const SchemaReport report, collection_->ReportSchema({.sample_rows = 50}));
  EXPECT_EQ(report.rows, 200u);
  EXPECT_EQ(report.rows_read, 50u);
  EXPECT_EQ(Find(report, "votes").rows, 50u);
  EXPECT_EQ(Find(report, "votes").distinct_values, 50u);
}

TEST_F(SchemaReaderTest, AnEmptyCollectionHasNothingToTell) {
  Create();
  ASSERT_OK_AND_ASSIGN(const SchemaReport report, collection_->ReportSchema());
  EXPECT_EQ(report.rows, 0u);
  EXPECT_TRUE(report.keys.empty());
  EXPECT_EQ(report.fields.size(), Schema().fields.size());
}

TEST_F(SchemaReaderTest, ALongParkedValueIsCutBetweenCharacters) {
  Create();
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\xC3\xA9";
  ASSERT_OK(collection_->Upsert(At("a", 0, 0, {{"rating", text}})));
  const Field field{"rating", FieldType::kInt64};
  ASSERT_OK_AND_ASSIGN(const auto report, collection_->AddFields(std::span(&field, 1)));
  const std::string& example = report.fields[0].parked_example;
  EXPECT_LE(example.size(), 80u);
  EXPECT_TRUE(example.ends_with("\xC3\xA9..."));
}

}  // namespace
}  // namespace viper::core
