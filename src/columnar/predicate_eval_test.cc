#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/predicate.h"
#include "columnar/test_rows.h"
#include "testing/status_matchers.h"

namespace viper::columnar {
namespace {

Record Row(std::string id, std::string_view metadata) {
  Record record;
  record.id = std::move(id);
  record.metadata = *Value::FromJson(metadata)->as_object();
  record.timestamp = Timestamp{0};
  return record;
}

CollectionSchema SchemaOf(std::vector<Field> fields) {
  CollectionSchema schema;
  schema.dim = 1;
  schema.fields = std::move(fields);
  return schema;
}

/// The ids of the rows that match, joined.
std::string Matching(const TestRows& rows, std::string_view text) {
  const Result<Filter> filter = Filter::Parse(text);
  if (!filter.ok()) return filter.status().message();
  const Result<Predicate> predicate = Predicate::Bind(*filter, rows.names());
  if (!predicate.ok()) return predicate.status().message();
  const Result<Bitmap> matches = predicate->Evaluate(rows);
  std::string ids;
  matches->ForEachSet([&](size_t row) { ids += rows.records()[row].id; });
  return ids;
}

TEST(PredicateEvaluate, NullIsNeitherTrueNorFalse) {
  for (const bool declared : {true, false}) {
    const TestRows rows(
        SchemaOf(declared ? std::vector<Field>{{"x", FieldType::kInt64}} : std::vector<Field>{}),
        {Row("a", R"({"x":1})"), Row("b", R"({"x":2})"), Row("n", R"({"x":null})"),
         Row("m", "{}")});
    EXPECT_EQ(Matching(rows, "x = 1"), "a");
    EXPECT_EQ(Matching(rows, "x != 1"), "b");
    EXPECT_EQ(Matching(rows, "NOT x = 1"), "b");
    EXPECT_EQ(Matching(rows, "x IN (1, 3)"), "a");
    EXPECT_EQ(Matching(rows, "x NOT IN (1, 3)"), "b");
    EXPECT_EQ(Matching(rows, "x NOT BETWEEN 1 AND 1"), "b");
    EXPECT_EQ(Matching(rows, "x IS NULL"), "nm");
    EXPECT_EQ(Matching(rows, "x IS NOT NULL"), "ab");
    EXPECT_EQ(Matching(rows, "x = 1 OR NOT x = 1"), "ab");
    EXPECT_EQ(Matching(rows, "x = 1 OR x IS NULL"), "anm");
    EXPECT_EQ(Matching(rows, "NOT (x = 1 AND x IS NOT NULL)"), "bnm");
    EXPECT_EQ(Matching(rows, "x IN ()"), "");
    EXPECT_EQ(Matching(rows, "x NOT IN ()"), "abnm");
  }
}

TEST(PredicateEvaluate, ValuesOfAnotherKindAreNeitherTrueNorFalse) {
  const TestRows rows(SchemaOf({}), {Row("i", R"({"x":5})"), Row("f", R"({"x":5.5})"),
                                     Row("s", R"({"x":"5"})"), Row("t", R"({"x":true})"),
                                     Row("l", R"({"x":[5,"y"]})"), Row("o", R"({"x":{"y":5}})")});
  EXPECT_EQ(Matching(rows, "x = 5"), "i");
  EXPECT_EQ(Matching(rows, "x != 5"), "f");
  EXPECT_EQ(Matching(rows, "x > 5"), "f");
  EXPECT_EQ(Matching(rows, "x = '5'"), "s");
  EXPECT_EQ(Matching(rows, "x != '6'"), "s");
  EXPECT_EQ(Matching(rows, "x = TRUE"), "t");
  EXPECT_EQ(Matching(rows, "x != FALSE"), "t");
  EXPECT_EQ(Matching(rows, "x IN (5, '5')"), "is");
  EXPECT_EQ(Matching(rows, "x NOT IN (6, 7)"), "if");
  EXPECT_EQ(Matching(rows, "x NOT IN (6, '7')"), "");
  EXPECT_EQ(Matching(rows, "x LIKE '%'"), "s");
  EXPECT_EQ(Matching(rows, "x CONTAINS 5"), "l");
  EXPECT_EQ(Matching(rows, "x CONTAINS 5.0"), "l");
  EXPECT_EQ(Matching(rows, "x CONTAINS '5'"), "s");
  EXPECT_EQ(Matching(rows, "x NOT CONTAINS 'z'"), "sl");
  EXPECT_EQ(Matching(rows, "x > TIMESTAMP '1970-01-01'"), "");
  EXPECT_EQ(Matching(rows, "x.y = 5"), "o");
  EXPECT_EQ(Matching(rows, "x.y IS NULL"), "ifstl");
}

TEST(PredicateEvaluate, IntegersAndFloatsCompareExactlyBeyondTwoTo53) {
  const std::string_view big =
      R"({"i":9007199254740993,"f":9007199254740992.0,"d":9007199254740993})";
  const TestRows rows(SchemaOf({{"i", FieldType::kInt64}, {"f", FieldType::kFloat64}}),
                      {Row("a", big)});
  EXPECT_EQ(Matching(rows, "i = 9007199254740992.0"), "");
  EXPECT_EQ(Matching(rows, "i > 9007199254740992.0"), "a");
  EXPECT_EQ(Matching(rows, "f = 9007199254740993"), "");
  EXPECT_EQ(Matching(rows, "f < 9007199254740993"), "a");
  EXPECT_EQ(Matching(rows, "f = 9007199254740992"), "a");
  EXPECT_EQ(Matching(rows, "d = 9007199254740992.0"), "");
  EXPECT_EQ(Matching(rows, "d > 9007199254740992.0"), "a");
}

/// Whole words of rows and parts of one are compared by other loops, which optimizers treat
/// otherwise.
TEST(PredicateEvaluate, BooleansAreRightForEveryNumberOfRows) {
  for (size_t count = 1; count <= 130; ++count) {
    std::vector<Record> records;
    std::string expected_true;
    std::string expected_false;
    for (size_t i = 0; i < count; ++i) {
      const bool value = (i * i + count) % 3 == 0;
      const std::string id = std::to_string(i) + ",";
      records.push_back(Row(id, value ? R"({"b": true})" : R"({"b": false})"));
      (value ? expected_true : expected_false) += id;
    }
    const TestRows rows(SchemaOf({{"b", FieldType::kBool}}), records);
    const std::string all = Matching(rows, "b IS NOT NULL");
    EXPECT_EQ(Matching(rows, "b = TRUE"), expected_true) << count;
    EXPECT_EQ(Matching(rows, "b = FALSE"), expected_false) << count;
    EXPECT_EQ(Matching(rows, "b != TRUE"), expected_false) << count;
    EXPECT_EQ(Matching(rows, "b != FALSE"), expected_true) << count;
    EXPECT_EQ(Matching(rows, "b IN (TRUE, FALSE)"), all) << count;
    EXPECT_EQ(Matching(rows, "b NOT IN (TRUE, FALSE)"), "") << count;
  }
}

TEST(PredicateEvaluate, NotANumberIsUnequalToEverything) {
  TestRows rows(SchemaOf({{"f", FieldType::kFloat64}}), {Row("a", R"({"f":1.0})")});
  std::vector<Record> records = rows.records();
  records[0].metadata["f"] = std::nan("");
  rows = TestRows(rows.schema(), records);
  EXPECT_EQ(Matching(rows, "f = 1"), "");
  EXPECT_EQ(Matching(rows, "f < 1 OR f > 1 OR f BETWEEN -1e308 AND 1e308 OR f IN (0, 1)"), "");
  EXPECT_EQ(Matching(rows, "f != 1"), "a");
  EXPECT_EQ(Matching(rows, "f NOT IN (0, 1)"), "a");
}

TEST(PredicateEvaluate, SystemColumnsAreTyped) {
  Record first = Row("a", "{}");
  first.timestamp = Timestamp::Parse("2026-11-22").value();
  Record second = Row("b", "{}");
  second.timestamp = Timestamp::Parse("2026-11-23").value();
  second.expires_at = Timestamp::Parse("2027-01-01").value();
  const TestRows rows(SchemaOf({}), {first, second});
  EXPECT_EQ(Matching(rows, "_id = 'b'"), "b");
  EXPECT_EQ(Matching(rows, "_timestamp < '2026-11-22T12:00:00Z'"), "a");
  EXPECT_EQ(Matching(rows, "_ingested_at >= TIMESTAMP '2026-11-23'"), "b");
  EXPECT_EQ(Matching(rows, "_expires_at IS NULL"), "a");
  EXPECT_EQ(Matching(rows, "_expires_at > '2026-12-01'"), "b");
}

TEST(PredicateEvaluate, AndFetchesNothingMoreOnceNoRowIsLeft) {
  const TestRows rows(SchemaOf({{"year", FieldType::kInt64}}),
                      {Row("a", R"({"year":1,"note":"x","more":1})")});
  // The declared field comes first, wherever it stands.
  EXPECT_EQ(Matching(rows, "note = 'x' AND year = 2"), "");
  EXPECT_EQ(rows.FetchCount("year"), 1U);
  EXPECT_EQ(rows.FetchCount("note"), 0U);
  EXPECT_EQ(Matching(rows, "NOT (note = 'x' OR year = 1)"), "");
  EXPECT_EQ(rows.FetchCount("note"), 0U);
  EXPECT_EQ(Matching(rows, "year = 1 AND note = 'x'"), "a");
  EXPECT_EQ(rows.FetchCount("note"), 1U);
}

TEST(PredicateEvaluate, OrFetchesNothingMoreOnceEveryRowIsIn) {
  const TestRows rows(SchemaOf({{"year", FieldType::kInt64}}),
                      {Row("a", R"({"year":1,"note":"x"})")});
  EXPECT_EQ(Matching(rows, "note = 'x' OR year = 1"), "a");
  EXPECT_EQ(rows.FetchCount("note"), 0U);
  EXPECT_EQ(Matching(rows, "note = 'x' OR year = 2"), "a");
  EXPECT_EQ(rows.FetchCount("note"), 1U);
}

TEST(PredicateEvaluate, FetchesAFieldOnce) {
  const TestRows rows(SchemaOf({}), {Row("a", R"({"note":5,"other":{"note":5}})")});
  EXPECT_EQ(Matching(rows, "note > 1 AND note < 9 AND (note = 5 OR note IS NULL)"), "a");
  EXPECT_EQ(rows.FetchCount("note"), 1U);
  // Paths that end alike are different fields.
  EXPECT_EQ(Matching(rows, "note > 1 AND other.note > 1"), "a");
  EXPECT_EQ(rows.FetchCount("note"), 3U);
}

TEST(PredicateEvaluate, PassesOnTheErrorOfAFetch) {
  class FailingRows : public RowAccess {
   public:
    size_t row_count() const override { return 3; }
    Result<FieldRows> Fetch(const FieldReference&) const override {
      return Status::Corruption("page 7 is damaged");
    }
  };
  const CollectionSchema schema = SchemaOf({{"x", FieldType::kInt64}});
  Predicate::Names names;
  names.schema = &schema;
  ASSERT_OK_AND_ASSIGN(const Predicate predicate,
                       Predicate::Bind(!(where::Field("x") == 1 || where::Field("y") == 2), names));
  EXPECT_STATUS(kCorruption, "page 7 is damaged", predicate.Evaluate(FailingRows()));
  ASSERT_OK_AND_ASSIGN(const Bitmap all, Predicate().Evaluate(FailingRows()));
  EXPECT_EQ(all, Bitmap(3, true));
}

}  // namespace
}  // namespace viper::columnar
