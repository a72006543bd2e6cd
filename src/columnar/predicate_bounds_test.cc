#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/predicate.h"
#include "testing/status_matchers.h"

namespace viper::columnar {
namespace {

class PredicateBounds : public ::testing::Test {
 protected:
  PredicateBounds() {
    schema_.dim = 1;
    schema_.fields = {{"flag", FieldType::kBool},      {"year", FieldType::kInt64},
                      {"price", FieldType::kFloat64},  {"name", FieldType::kString},
                      {"when", FieldType::kTimestamp}, {"tags", FieldType::kStringList},
                      {"unknown", FieldType::kInt64},  {"gone", FieldType::kInt64}};
    bounds_["flag"] = {false, false, 0, 10};
    bounds_["year"] = {1990, 1999, 0, 10};
    bounds_["price"] = {-1.5, 2.5, 1, 10};
    bounds_["name"] = {"bb", "dd", 0, 10};
    bounds_["when"] = {Timestamp{0}, Timestamp{1'000'000}, 0, 10};
    bounds_["tags"] = {std::nullopt, std::nullopt, 5, 10};
    bounds_["gone"] = {std::nullopt, std::nullopt, 10, 10};
  }

  Predicate Bind(std::string_view text) const {
    Predicate::Names names;
    names.schema = &schema_;
    return Predicate::Bind(Filter::Parse(text).value(), names).value();
  }
  bool MayMatch(std::string_view text) const {
    return Bind(text).MayMatch([&](std::string_view column) -> const ColumnBounds* {
      const auto found = bounds_.find(column);
      return found == bounds_.end() ? nullptr : &found->second;
    });
  }

  CollectionSchema schema_;
  std::map<std::string, ColumnBounds, std::less<>> bounds_;
};

TEST_F(PredicateBounds, ExcludeWhatLiesOutside) {
  for (const std::string_view text : {"year = 1989",
                                      "year = 2000",
                                      "year < 1990",
                                      "year > 1999",
                                      "year <= 1989",
                                      "year >= 2000",
                                      "year > 1999.5",
                                      "year = 1995.5",
                                      "year IN (1, 2, 2000)",
                                      "year BETWEEN 2000 AND 3000",
                                      "year BETWEEN 1999 AND 1990",
                                      "year IS NULL",
                                      "price > 2.5",
                                      "price = 3",
                                      "price < -1.5",
                                      "price IN (3, 4)",
                                      "name = 'a'",
                                      "name = 'dda'",
                                      "name < 'bb'",
                                      "name > 'dd'",
                                      "name BETWEEN 'e' AND 'f'",
                                      "name IN ('a', 'e')",
                                      "name LIKE 'e%'",
                                      "name LIKE 'a%'",
                                      "name LIKE 'dda%'",
                                      "name LIKE 'ba_%'",
                                      "when > '1970-01-02'",
                                      "when < '1970-01-01'",
                                      "flag = TRUE",
                                      "flag IN (TRUE)",
                                      "flag != FALSE",
                                      "gone = 1",
                                      "gone != 1",
                                      "gone IS NOT NULL",
                                      "gone NOT IN (1)",
                                      "FALSE",
                                      "year IN ()"}) {
    EXPECT_FALSE(MayMatch(text)) << text;
  }
}

TEST_F(PredicateBounds, KeepWhatMayLieInside) {
  for (const std::string_view text : {"",
                                      "year = 1990",
                                      "year = 1999",
                                      "year < 1991",
                                      "year >= 1999",
                                      "year > 1998.5",
                                      "year IN (1, 1995)",
                                      "year BETWEEN 1999 AND 3000",
                                      "year IS NOT NULL",
                                      "price = 2.5",
                                      "price IS NULL",
                                      "price IS NOT NULL",
                                      "price > 2",
                                      "name = 'bb'",
                                      "name = 'dd'",
                                      "name = 'c'",
                                      "name > 'd'",
                                      "name >= 'dd'",
                                      "name BETWEEN 'dd' AND 'e'",
                                      "name BETWEEN 'a' AND 'bb'",
                                      "name <= 'bb'",
                                      "name LIKE 'd%'",
                                      "name LIKE 'b%'",
                                      "name LIKE 'bb%'",
                                      "name LIKE '%x'",
                                      "name LIKE '_'",
                                      "name CONTAINS 'zz'",
                                      "when = '1970-01-01'",
                                      "flag = FALSE",
                                      "flag != TRUE",
                                      "tags CONTAINS 'x'",
                                      "tags IS NULL",
                                      "gone IS NULL",
                                      "gone NOT IN ()",
                                      "unknown = 1",
                                      "unknown IS NULL",
                                      "note = 1",
                                      "note IS NULL",
                                      "_id = 'x'"}) {
    EXPECT_TRUE(MayMatch(text)) << text;
  }
}

TEST_F(PredicateBounds, NegationExcludesOnlyWhenEveryValueIsInside) {
  EXPECT_FALSE(MayMatch("NOT year BETWEEN 1990 AND 1999"));
  EXPECT_FALSE(MayMatch("NOT year < 2000"));
  EXPECT_TRUE(MayMatch("NOT year BETWEEN 1990 AND 1998"));
  EXPECT_TRUE(MayMatch("year != 1995"));
  EXPECT_FALSE(MayMatch("NOT name BETWEEN 'bb' AND 'dd'"));
  EXPECT_FALSE(MayMatch("NOT name < 'e'"));
  EXPECT_TRUE(MayMatch("NOT name < 'dd'"));
  bounds_["year"].max = 1990;
  bounds_["name"].max = "bb";
  EXPECT_FALSE(MayMatch("year != 1990"));
  EXPECT_FALSE(MayMatch("year NOT IN (1, 1990)"));
  EXPECT_FALSE(MayMatch("name != 'bb'"));
  EXPECT_TRUE(MayMatch("name NOT LIKE 'bb'"));
  // Statistics leave out NaN, for which the negation is true.
  EXPECT_TRUE(MayMatch("NOT price BETWEEN -10 AND 10"));
}

TEST_F(PredicateBounds, CombineByAndAndOr) {
  EXPECT_FALSE(MayMatch("year = 1995 AND name = 'a'"));
  EXPECT_TRUE(MayMatch("year = 1995 OR name = 'a'"));
  EXPECT_FALSE(MayMatch("year = 1 OR name = 'a'"));
  EXPECT_FALSE(MayMatch("NOT (year < 2000 OR note = 1)"));
  EXPECT_TRUE(MayMatch("NOT (year < 2000 AND note = 1)"));
}

TEST_F(PredicateBounds, MissingPartsOfBoundsExcludeNothing) {
  bounds_["year"] = {std::nullopt, 1999, 0, 10};
  EXPECT_TRUE(MayMatch("year < 0"));
  EXPECT_FALSE(MayMatch("year > 1999"));
  bounds_["year"] = {1990, std::nullopt, 0, 10};
  EXPECT_TRUE(MayMatch("year > 3000"));
  EXPECT_FALSE(MayMatch("year < 1990"));
  bounds_["year"] = {1990, 1999, 0, 0};  // no counts
  EXPECT_TRUE(MayMatch("year IS NULL"));
  EXPECT_TRUE(MayMatch("year IS NOT NULL"));
  EXPECT_TRUE(MayMatch("year = 1990"));
  EXPECT_FALSE(MayMatch("year = 1"));
  bounds_["year"] = {"text", "text", 0, 10};  // of another kind
  EXPECT_TRUE(MayMatch("year = 1"));
}

class PredicateRequiredIds : public PredicateBounds {
 protected:
  std::string Ids(std::string_view text) const {
    const auto ids = Bind(text).RequiredIds();
    if (!ids) return "any";
    std::string joined;
    for (const std::string& id : *ids) joined += id + ",";
    return joined;
  }
};

TEST_F(PredicateRequiredIds, AreThoseThatTheWholeFilterImplies) {
  EXPECT_EQ(Ids("_id = 'x'"), "x,");
  EXPECT_EQ(Ids("_id IN ('b', 'a', 'b')"), "a,b,");
  EXPECT_EQ(Ids("_id = 'x' AND year > 5"), "x,");
  EXPECT_EQ(Ids("note = 1 AND (_id = 'x' AND year > 5)"), "x,");
  EXPECT_EQ(Ids("_id IN ('a', 'b') AND _id IN ('b', 'c')"), "b,");
  EXPECT_EQ(Ids("_id = 'a' AND _id = 'b'"), "");
  EXPECT_EQ(Ids("_id = 'b' OR _id IN ('a', 'b')"), "a,b,");
  EXPECT_EQ(Ids("NOT _id != 'x'"), "x,");
  EXPECT_EQ(Ids("FALSE"), "");
}

TEST_F(PredicateRequiredIds, AreAbsentWhenAnyIdMayMatch) {
  EXPECT_EQ(Ids(""), "any");
  EXPECT_EQ(Ids("year = 1"), "any");
  EXPECT_EQ(Ids("_id != 'x'"), "any");
  EXPECT_EQ(Ids("_id NOT IN ('x')"), "any");
  EXPECT_EQ(Ids("_id = 'x' OR year = 1"), "any");
  EXPECT_EQ(Ids("_id > 'x'"), "any");
  EXPECT_EQ(Ids("_id LIKE 'x'"), "any");
  EXPECT_EQ(Ids("name = 'x'"), "any");
}

}  // namespace
}  // namespace viper::columnar
