#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "columnar/predicate.h"
#include "testing/status_matchers.h"

namespace viper::columnar {
namespace {

class PredicateBind : public ::testing::Test {
 protected:
  PredicateBind() {
    schema_.dim = 1;
    schema_.fields = {{"category", FieldType::kString}, {"year", FieldType::kInt64},
                      {"price", FieldType::kFloat64},   {"flag", FieldType::kBool},
                      {"when", FieldType::kTimestamp},  {"tags", FieldType::kStringList}};
    names_.schema = &schema_;
    names_.known_names = {"author", "note", "a.b"};
    names_.is_known_key = [](std::string_view key) {
      return key == "author" || key == "note" || key == "a.b";
    };
  }

  Result<Predicate> Bind(std::string_view text) const {
    VIPER_ASSIGN_OR_RETURN(const Filter filter, Filter::Parse(text));
    return Predicate::Bind(filter, names_);
  }
  std::string ErrorOf(std::string_view text) const {
    const Result<Predicate> predicate = Bind(text);
    return predicate.ok() ? "bound" : predicate.status().ToString();
  }

  CollectionSchema schema_;
  Predicate::Names names_;
};

struct BadFilter {
  std::string_view text;
  std::string_view message;
};

TEST_F(PredicateBind, AcceptsWhatTypesHave) {
  for (const std::string_view text :
       {"category = 'x' AND category < 'y' AND category IN ('a') AND category LIKE 'a%'",
        "category CONTAINS 'x' AND category BETWEEN 'a' AND 'b' AND category IS NULL",
        "year = 1 AND year > 1999.5 AND year IN (1, 2.5) AND year BETWEEN 1 AND 2.5",
        "price = 1 AND price <= 1.5 AND price IN (1, 2.5) AND price NOT BETWEEN -1 AND 1e300",
        "flag = TRUE AND flag != FALSE AND flag IN (TRUE) AND flag IS NOT NULL",
        "when = TIMESTAMP '2026-11-22' AND when < '2026-11-22' AND when IN "
        "('2026-11-22T08:00:00Z')",
        "tags CONTAINS 'x' AND tags NOT CONTAINS 'y' AND tags IS NULL",
        "note = 1 AND note = 'x' AND note < 1.5 AND note LIKE 'x' AND note IN (1, 'x', TRUE)",
        "author.name = 'x' AND author.born.year > 1900 AND \"a.b\" IS NULL AND note CONTAINS 5",
        "_id = 'x' AND _timestamp > '2026-11-22' AND _ingested_at < '2026-11-22'",
        "_expires_at IS NULL OR _expires_at > TIMESTAMP '2026-11-22'", "", "TRUE", "FALSE"}) {
    EXPECT_OK(Bind(text));
  }
}

TEST_F(PredicateBind, NamesUnknownFieldsAndTheNearestKnownOne) {
  for (const auto& [text, message] : std::vector<BadFilter>{
           {"year > 1 OR categry = 'x'",
            "unknown field 'categry' at position 13; did you mean 'category'?"},
           {"Category = 'x'", "unknown field 'Category' at position 1; did you mean 'category'?"},
           {"autor.name = 'x'", "unknown field 'autor' at position 1; did you mean 'author'?"},
           {"_ids = 'x'", "unknown field '_ids' at position 1; did you mean '_id'?"},
           {"a.b = 1", "unknown field 'a' at position 1; did you mean \"a.b\", in double quotes?"},
           {"_vector = 1", "unknown field '_vector' at position 1"},
           {"_payload = 1", "unknown field '_payload' at position 1"},
           {"\"text\" = 'x'", "unknown field 'text' at position 1"},
           {"zzz IS NULL", "unknown field 'zzz' at position 1"},
           {"zzz IN ()", "unknown field 'zzz' at position 1"}}) {
    EXPECT_EQ(ErrorOf(text), "InvalidArgument: filter: " + std::string(message));
  }
}

TEST_F(PredicateBind, WithoutAListOfKeysEveryKeyIsKnown) {
  names_.is_known_key = nullptr;
  EXPECT_OK(Bind("zzz = 1"));
}

TEST_F(PredicateBind, RefusesLiteralsOfAnotherType) {
  for (const auto& [text, message] : std::vector<BadFilter>{
           {"year == 'abc'",
            "field 'year' is int64, it cannot be compared with string 'abc' at position 9"},
           {"price < TRUE",
            "field 'price' is float64, it cannot be compared with bool true at position 9"},
           {"year BETWEEN 1 AND 'x'",
            "field 'year' is int64, it cannot be compared with string 'x' at position 20"},
           {"year IN (1, 2, 'x')",
            "field 'year' is int64, it cannot be compared with string 'x' at position 16"},
           {"category = 5",
            "field 'category' is string, it cannot be compared with int64 5 at position 12"},
           {"flag = 1", "field 'flag' is bool, it cannot be compared with int64 1 at position 8"},
           {"when > 5",
            "field 'when' is timestamp, it cannot be compared with int64 5 at position 8"},
           {"category = TIMESTAMP '2026-11-22'",
            "field 'category' is string, it cannot be compared with timestamp "
            "'2026-11-22T00:00:00Z' at position 12"},
           {"tags CONTAINS 5",
            "field 'tags' is list<string>, it cannot contain int64 5 at position 15"},
           {"category CONTAINS 5",
            "field 'category' is string, it cannot contain int64 5 at position 19"},
           {"_id = 5", "field '_id' is string, it cannot be compared with int64 5 at position 7"},
           {"category LIKE 5", "LIKE takes a string, not int64 5 at position 15"},
           {"note LIKE 5", "LIKE takes a string, not int64 5 at position 11"},
           {"category LIKE 'a\\'", "the pattern ends with a lone backslash at position 15"},
           {"note LIKE 'a\\'", "the pattern ends with a lone backslash at position 11"}}) {
    EXPECT_EQ(ErrorOf(text), "InvalidArgument: filter: " + std::string(message));
  }
}

TEST_F(PredicateBind, NamesThePositionOfAMalformedTime) {
  const std::string error = ErrorOf("when IN ('2026-11-22', 'soon')");
  EXPECT_TRUE(error.starts_with("InvalidArgument: filter: field 'when' is timestamp, not an ISO"))
      << error;
  EXPECT_TRUE(error.ends_with("actual='soon' at position 24")) << error;
}

TEST_F(PredicateBind, RefusesOperatorsThatTheTypeDoesNotHave) {
  for (const auto& [text, message] : std::vector<BadFilter>{
           {"flag < TRUE", "field 'flag' at position 1 is bool, which has no operator <"},
           {"flag BETWEEN FALSE AND TRUE",
            "field 'flag' at position 1 is bool, which has no operator BETWEEN"},
           {"year CONTAINS 5",
            "field 'year' at position 1 is int64, which has no operator CONTAINS"},
           {"year LIKE '1%'", "field 'year' at position 1 is int64, which has no operator LIKE"},
           {"when LIKE '1%'",
            "field 'when' at position 1 is timestamp, which has no operator LIKE"},
           {"tags = 'x'",
            "field 'tags' at position 1 is list<string>, which has no operator =; use CONTAINS"},
           {"tags != 'x'",
            "field 'tags' at position 1 is list<string>, which has no operator !=; use CONTAINS"},
           {"tags LIKE 'x'",
            "field 'tags' at position 1 is list<string>, which has no operator LIKE; use CONTAINS"},
           {"note > TRUE", "bool true at position 8 has no order for > to compare by"},
           {"year.month = 5", "field 'year' is int64, it has no member 'month' at position 1"},
           {"_id.x = 5", "field '_id' is string, it has no member 'x' at position 1"}}) {
    EXPECT_EQ(ErrorOf(text), "InvalidArgument: filter: " + std::string(message));
  }
}

TEST_F(PredicateBind, ChecksBuiltFiltersAsItDoesParsedOnes) {
  const auto error_of = [&](const Filter& filter) {
    const Result<Predicate> predicate = Predicate::Bind(filter, names_);
    return predicate.ok() ? "bound" : predicate.status().message();
  };
  using where::Field;
  EXPECT_EQ(error_of(Field("categry") == "x"),
            "filter: unknown field 'categry'; did you mean 'category'?");
  EXPECT_EQ(error_of(Field("year") == "x"),
            "filter: field 'year' is int64, it cannot be compared with string 'x'");
  EXPECT_EQ(error_of(Field("year") == Value()),
            "filter: nothing compares with NULL; use IS NULL or its negation");
  EXPECT_EQ(error_of(Field("note") == Value(Value::List())),
            "filter: = takes single values, not list");
  EXPECT_EQ(error_of(Field("note").In({1, Value(Value::Object())})),
            "filter: IN takes single values, not object");
  EXPECT_EQ(error_of(Field("price") < std::nan("")), "filter: < takes finite numbers, not nan");
  EXPECT_EQ(error_of(Field("price") < HUGE_VAL), "filter: < takes finite numbers, not inf");
  EXPECT_EQ(error_of(Field::Path({}) == 1), "filter: a condition names no field");
  EXPECT_EQ(error_of(Field("year").In(std::vector<Value>(kFilterListMax + 1, Value(1)))),
            "filter: too many values for field 'year' in IN: limit=10000 actual=10001");
  EXPECT_EQ(error_of(Field("note").Like(std::string(kFilterTextBytesMax + 1, 'x'))),
            "filter: the pattern of LIKE is too long: limit=65536 actual=65537");
  EXPECT_EQ(error_of(Field::Path(std::vector<std::string>(65, "author")).IsNull()).substr(0, 40),
            "filter: the path 'author.author.author.a");
}

TEST_F(PredicateBind, LimitsDepthAndConditionsOfBuiltFilters) {
  const Filter leaf = where::Field("year") == 1;
  Filter deep = leaf;
  for (int i = 0; i < 1000; ++i) deep = !(deep && leaf);
  EXPECT_STATUS(kInvalidArgument, "filter: the filter is too deep: limit=195",
                Predicate::Bind(deep, names_));
  Filter half = leaf;
  for (int i = 0; i < 12; ++i) half = half && half;
  EXPECT_OK(Predicate::Bind(half, names_));
  EXPECT_STATUS(kInvalidArgument, "filter: the filter has too many conditions: limit=10000",
                Predicate::Bind(half && half && half, names_));
}

TEST_F(PredicateBind, BindsWhateverCanBeParsed) {
  // The deepest tree that fits into the parentheses: each adds an OR, an AND and a NOT.
  std::string text = "year = 1";
  for (size_t i = 0; i < kFilterDepthMax; ++i) {
    text = "year = 2 OR year = 3 AND NOT (" + text + ")";
  }
  EXPECT_OK(Bind(text));
}

TEST_F(PredicateBind, EmptyFilterMatchesAll) {
  ASSERT_OK_AND_ASSIGN(const Predicate all, Bind(""));
  EXPECT_TRUE(all.matches_all());
  EXPECT_TRUE(Predicate().matches_all());
  ASSERT_OK_AND_ASSIGN(const Predicate none, Bind("FALSE"));
  EXPECT_FALSE(none.matches_all());
}

}  // namespace
}  // namespace viper::columnar
