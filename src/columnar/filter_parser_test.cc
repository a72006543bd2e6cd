// Texts and what they parse to, printed back in the one form of Filter::ToString; bad texts and the
// whole of their messages.

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/random.h"
#include "columnar/filter_node.h"
#include "testing/status_matchers.h"
#include "viper/filter.h"

namespace viper {
namespace {

struct GoodText {
  std::string_view text;
  std::string_view printed;
};

class FilterParser : public ::testing::Test {};

TEST_F(FilterParser, AcceptsEveryForm) {
  for (const auto& [text, printed] : std::vector<GoodText>{
           {"", ""},
           {" \n ", ""},
           {"TRUE", ""},
           {"false", "FALSE"},
           {"a=1", "a = 1"},
           {"a == 1", "a = 1"},
           {"a <> 1", "a != 1"},
           {"a != 1", "a != 1"},
           {"a < 1", "a < 1"},
           {"a <= 1", "a <= 1"},
           {"a > 1", "a > 1"},
           {"a >= 1", "a >= 1"},
           {"a = -5", "a = -5"},
           {"a = - 5", "a = -5"},
           {"a = 1.50", "a = 1.5"},
           {"a = 2.0", "a = 2.0"},
           {"a = -1e3", "a = -1000.0"},
           {"a = 1E+2", "a = 100.0"},
           {"a = 1.5e-7", "a = 1.5e-07"},
           {"a = 9223372036854775807", "a = 9223372036854775807"},
           {"a = -9223372036854775808", "a = -9223372036854775808"},
           {"a = true", "a = TRUE"},
           {"a = False", "a = FALSE"},
           {"a = 'x'", "a = 'x'"},
           {"a = 'it''s'", "a = 'it''s'"},
           {"a = ''", "a = ''"},
           {"a = TIMESTAMP '2026-11-22'", "a = TIMESTAMP '2026-11-22T00:00:00Z'"},
           {"a = timestamp '2026-11-22T01:00:00+01:00'", "a = TIMESTAMP '2026-11-22T00:00:00Z'"},
           {"timestamp > 5", "\"timestamp\" > 5"},
           {"a in (1)", "a IN (1)"},
           {"a IN (1, 'x', TRUE, -2.5)", "a IN (1, 'x', TRUE, -2.5)"},
           {"a IN ()", "a IN ()"},
           {"a NOT IN (1, 2)", "a NOT IN (1, 2)"},
           {"a BETWEEN 1 AND 2", "a BETWEEN 1 AND 2"},
           {"a NOT BETWEEN 1 AND 2 AND b = 1", "a NOT BETWEEN 1 AND 2 AND b = 1"},
           {"a LIKE 'x%'", "a LIKE 'x%'"},
           {"a NOT LIKE 'x\\%'", "a NOT LIKE 'x\\%'"},
           {"tags CONTAINS 'x'", "tags CONTAINS 'x'"},
           {"tags NOT CONTAINS 'x'", "tags NOT CONTAINS 'x'"},
           {"a IS NULL", "a IS NULL"},
           {"a is not null", "a IS NOT NULL"},
           {"NOT a IS NULL", "a IS NOT NULL"},
           {"NOT a = 1", "NOT a = 1"},
           {"NOT NOT a = 1", "a = 1"},
           {"NOT (a NOT IN (1))", "a IN (1)"},
           {"NOT TRUE", "FALSE"},
           {"NOT FALSE", ""},
           {"a.b.c = 1", "a.b.c = 1"},
           {"a . b = 1", "a.b = 1"},
           {"a.and.\"x y\".`z` = 1", "a.\"and\".\"x y\".z = 1"},
           {"\"a.b\" = 1", "\"a.b\" = 1"},
           {"\"say \"\"hi\"\"\" = 1", "\"say \"\"hi\"\"\" = 1"},
           {"`tick``s` = 1", "\"tick`s\" = 1"},
           {"\"\" = 1", "\"\" = 1"},
           {"größe = 1", "größe = 1"},
           {"_id = 'x'", "_id = 'x'"}}) {
    SCOPED_TRACE(text);
    ASSERT_OK_AND_ASSIGN(const Filter filter, Filter::Parse(text));
    EXPECT_EQ(filter.ToString(), printed);
  }
}

TEST_F(FilterParser, BindsNotCloserThanAndCloserThanOr) {
  for (const auto& [text, printed] :
       std::vector<GoodText>{{"a=1 OR b=2 AND c=3", "a = 1 OR b = 2 AND c = 3"},
                             {"(a=1 OR b=2) AND c=3", "(a = 1 OR b = 2) AND c = 3"},
                             {"a=1 OR (b=2 AND c=3)", "a = 1 OR b = 2 AND c = 3"},
                             {"NOT a=1 AND b=2", "NOT a = 1 AND b = 2"},
                             {"NOT (a=1 AND b=2)", "NOT (a = 1 AND b = 2)"},
                             {"a=1 AND (b=2 AND c=3)", "a = 1 AND b = 2 AND c = 3"},
                             {"((a=1))", "a = 1"},
                             {"a=1 AND TRUE", "a = 1"},
                             {"a=1 OR TRUE", ""},
                             {"a=1 OR FALSE", "a = 1"},
                             {"a=1 AND FALSE", "a = 1 AND FALSE"}}) {
    SCOPED_TRACE(text);
    ASSERT_OK_AND_ASSIGN(const Filter filter, Filter::Parse(text));
    EXPECT_EQ(filter.ToString(), printed);
  }
  ASSERT_OK_AND_ASSIGN(const Filter filter, Filter::Parse("a=1 OR b=2 AND NOT c=3"));
  ASSERT_EQ(filter.root()->op, FilterOp::kOr);
  ASSERT_EQ(filter.root()->children[1]->op, FilterOp::kAnd);
  EXPECT_EQ(filter.root()->children[1]->children[1]->op, FilterOp::kNot);
}

TEST_F(FilterParser, KeepsPositionsOfFieldsAndValues) {
  ASSERT_OK_AND_ASSIGN(const Filter filter, Filter::Parse("a = 1 AND bc.d IN ( 2, -3)"));
  const FilterNode& list = *filter.root()->children[1];
  EXPECT_EQ(list.field_position, 11U);
  EXPECT_EQ(list.value_positions, (std::vector<size_t>{21, 24}));
  EXPECT_EQ(list.path, (std::vector<std::string>{"bc", "d"}));
}

struct BadText {
  std::string_view text;
  std::string_view message;
};

TEST_F(FilterParser, SaysWhatItExpectedWhereAndWhatItFound) {
  for (const auto& [text, message] : std::vector<BadText>{
           {"year >= ", "expected a value after '>=' at position 9, found end of text"},
           {"year =", "expected a value after '=' at position 7, found end of text"},
           {"year", "expected an operator after field 'year' at position 5, found end of text"},
           {"a.b 5", "expected an operator after field 'a.b' at position 5, found 5"},
           {"year = )", "expected a value after '=' at position 8, found ')'"},
           {"a = \"text\"",
            "expected a value after '=' at position 5, found \"text\"; strings are written in "
            "single "
            "quotes: 'text'"},
           {"a = text",
            "expected a value after '=' at position 5, found 'text'; strings are written in single "
            "quotes: 'text'"},
           {"a = text'",
            "expected a value after '=' at position 5, found 'text'; strings are written in single "
            "quotes: 'text'"},
           {"a = AND", "expected a value after '=' at position 5, found 'AND'"},
           {"a = NULL", "nothing compares with NULL at position 5; write IS NULL or IS NOT NULL"},
           {"a IN (1, NULL)",
            "nothing compares with NULL at position 10; write IS NULL or IS NOT NULL"},
           {"a IN", "expected '(' after IN at position 5, found end of text"},
           {"a IN 1", "expected '(' after IN at position 6, found 1"},
           {"a IN (", "expected a value after '(' at position 7, found end of text"},
           {"a IN (1", "expected ',' or ')' at position 8, found end of text"},
           {"a IN (1 2)", "expected ',' or ')' at position 9, found 2"},
           {"a IN (1,)", "expected a value after ',' at position 9, found ')'"},
           {"a BETWEEN 1",
            "expected AND between the bounds of BETWEEN at position 12, found end of text"},
           {"a BETWEEN 1 OR 2",
            "expected AND between the bounds of BETWEEN at position 13, found 'OR'"},
           {"a BETWEEN 1 AND", "expected a value after 'AND' at position 16, found end of text"},
           {"a NOT = 1",
            "expected IN, BETWEEN, LIKE or CONTAINS after NOT at position 7, found '='"},
           {"a IS 5", "expected NULL or NOT NULL after IS at position 6, found 5"},
           {"a IS NOT 5", "expected NULL after IS NOT at position 10, found 5"},
           {"a LIKE", "expected a value after 'LIKE' at position 7, found end of text"},
           {"a CONTAINS", "expected a value after 'CONTAINS' at position 11, found end of text"},
           {"a = -", "expected a number after '-' at position 6, found end of text"},
           {"a = -'x'", "expected a number after '-' at position 6, found string 'x'"},
           {"a = TIMESTAMP",
            "expected a string such as '2026-11-22' after TIMESTAMP at position 14, "
            "found end of text"},
           {"a. = 1", "expected a name after '.' at position 4, found '='"},
           {"a.5 = 1", "expected a name after '.' at position 3, found 5"},
           {"AND",
            "expected a field at position 1, found 'AND'; write a key of that name in double "
            "quotes"},
           {"a = 1 AND", "expected a field at position 10, found end of text"},
           {"a = 1 AND )", "expected a field at position 11, found ')'"},
           {"'x' = a",
            "expected a field at position 1, found string 'x'; a condition begins with the "
            "field, the value follows"},
           {"5 < a",
            "expected a field at position 1, found 5; a condition begins with the field, the "
            "value follows"},
           {"a = 1 b = 2", "expected AND, OR or end of text at position 7, found 'b'"},
           {"a = 1)", "expected AND, OR or end of text at position 6, found ')'"},
           {"(a = 1",
            "expected AND, OR or ')' at position 7, found end of text; the '(' at position 1 "
            "is open"},
           {"()", "expected a field at position 2, found ')'"},
           {"NOT", "expected a field at position 4, found end of text"},
           {"a = 9223372036854775808",
            "integer 9223372036854775808 at position 5 does not fit 64 bits"},
           {"a = -9223372036854775809",
            "integer -9223372036854775809 at position 5 does not fit 64 bits"},
           {"a = 1e999", "number 1e999 at position 5 is outside the range of float64"},
           {"a = 1x", "malformed number '1x' at position 5"},
           {"a = 'x", "the quote ' at position 5 is not closed"},
           {"a = 1 && b = 2", "unexpected character '&' at position 7; write AND"},
           {"a = \xFF", "the text is not valid UTF-8"}}) {
    SCOPED_TRACE(text);
    const Result<Filter> filter = Filter::Parse(text);
    ASSERT_FALSE(filter.ok());
    EXPECT_EQ(filter.status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(filter.status().message(), "filter: " + std::string(message));
  }
}

TEST_F(FilterParser, NamesThePositionOfABadTimestamp) {
  EXPECT_STATUS(kInvalidArgument, "actual='yesterday' at position 15",
                Filter::Parse("a = TIMESTAMP 'yesterday'"));
}

std::string Nested(size_t depth) {
  return std::string(depth, '(') + "a = 1" + std::string(depth, ')');
}

TEST_F(FilterParser, LimitsNesting) {
  EXPECT_OK(Filter::Parse(Nested(kFilterDepthMax)));
  EXPECT_STATUS(kInvalidArgument,
                "filter: too many parentheses inside each other at position 65: limit=64",
                Filter::Parse(Nested(kFilterDepthMax + 1)));
  // Side by side they do not add up, and NOT takes no depth.
  std::string wide = "a = 1";
  for (int i = 0; i < 200; ++i) wide += " OR NOT NOT NOT (a = 1 AND b = 2)";
  EXPECT_OK(Filter::Parse(wide));
  EXPECT_FALSE(Filter::Parse(std::string(60'000, '(')).ok());
}

TEST_F(FilterParser, LimitsTextConditionsValuesAndSteps) {
  EXPECT_OK(Filter::Parse("a = 1" + std::string(kFilterTextBytesMax - 5, ' ')));
  EXPECT_STATUS(kInvalidArgument, "the text is too long: limit=65536 actual=65537",
                Filter::Parse("a = 1" + std::string(kFilterTextBytesMax - 4, ' ')));

  std::string list = "a IN (1";
  for (size_t i = 1; i < kFilterListMax; ++i) list += ",1";
  EXPECT_OK(Filter::Parse(list + ")"));
  EXPECT_STATUS(kInvalidArgument, "too many values in IN at position 20007: limit=10000",
                Filter::Parse(list + ",1)"));

  std::string conditions = "a=''";
  for (int i = 1; i < 5'000; ++i) conditions += "OR NOT a=''";  // with the OR itself 10,000 nodes
  EXPECT_OK(Filter::Parse(conditions));
  EXPECT_STATUS(kInvalidArgument, "too many conditions at position 54997: limit=10000",
                Filter::Parse(conditions + "OR a=''"));

  std::string path = "a";
  for (size_t i = 1; i < kFilterPathStepsMax; ++i) path += ".a";
  EXPECT_OK(Filter::Parse(path + " = 1"));
  EXPECT_STATUS(kInvalidArgument, "too many steps in a path", Filter::Parse(path + ".a = 1"));
}

TEST_F(FilterParser, SurvivesEveryPrefixAndEveryChangedByte) {
  constexpr std::string_view kText =
      "NOT (a.\"b\" <= -1.5e3 OR c IN ('x''y', 2)) AND t BETWEEN TIMESTAMP '2026-11-22' AND '' OR "
      "`q` "
      "NOT LIKE '%_' AND z IS NOT NULL";
  ASSERT_OK(Filter::Parse(kText));
  for (size_t length = 0; length < kText.size(); ++length) {
    static_cast<void>(Filter::Parse(kText.substr(0, length)));
  }
  Random random(6);
  for (int i = 0; i < 20'000; ++i) {
    std::string changed(kText);
    for (uint64_t change = random.Uniform(3); change < 3; ++change) {
      changed[random.Uniform(changed.size())] = static_cast<char>(random.Uniform(128));
    }
    const Result<Filter> filter = Filter::Parse(changed);
    if (!filter.ok()) continue;
    ASSERT_OK_AND_ASSIGN(const Filter again, Filter::Parse(filter->ToString()));
    ASSERT_EQ(again.ToString(), filter->ToString());
  }
}

}  // namespace
}  // namespace viper
