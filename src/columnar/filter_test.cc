#include "viper/filter.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "columnar/filter_node.h"
#include "testing/random_records.h"
#include "testing/status_matchers.h"

namespace viper {
namespace {

using where::Field;

TEST(Filter, IsBuiltAsItIsWritten) {
  const Filter built = Field("category") == "text" && Field("year") >= 2000 &&
                       Field("tags").Contains("x") &&
                       !(Field("price") < 5 || Field("note").IsNull());
  EXPECT_EQ(
      built.ToString(),
      "category = 'text' AND year >= 2000 AND tags CONTAINS 'x' AND NOT (price < 5 OR note IS "
      "NULL)");
}

TEST(Filter, HasEveryOperatorOfTheText) {
  const std::vector<std::pair<Filter, std::string>> cases = {
      {Field("a") == 1, "a = 1"},
      {Field("a") != 1.5, "a != 1.5"},
      {Field("a") < -1, "a < -1"},
      {Field("a") <= 1, "a <= 1"},
      {Field("a") > 1, "a > 1"},
      {Field("a") >= true, "a >= TRUE"},
      {Field("a").In({1, "x"}), "a IN (1, 'x')"},
      {!Field("a").In({1}), "a NOT IN (1)"},
      {Field("a").In({}), "a IN ()"},
      {Field("a").Between(1, 2), "a BETWEEN 1 AND 2"},
      {!Field("a").Between(1, 2), "a NOT BETWEEN 1 AND 2"},
      {Field("a").Like("x%"), "a LIKE 'x%'"},
      {Field("a").Contains("x"), "a CONTAINS 'x'"},
      {!Field("a").Contains("x"), "a NOT CONTAINS 'x'"},
      {Field("a").IsNull(), "a IS NULL"},
      {!Field("a").IsNull(), "a IS NOT NULL"},
      {Field("a") == Timestamp{0}, "a = TIMESTAMP '1970-01-01T00:00:00Z'"},
      {Field("author.name") == "x", "author.name = 'x'"},
      {Field::Path({"author.name", "and"}) == "x", "\"author.name\".\"and\" = 'x'"}};
  for (const auto& [filter, text] : cases) {
    EXPECT_EQ(filter.ToString(), text);
    ASSERT_OK_AND_ASSIGN(const Filter parsed, Filter::Parse(text));
    EXPECT_TRUE(*parsed.root() == *filter.root()) << text;
  }
}

TEST(Filter, DefaultMatchesEverythingAndIsNeutralInAnd) {
  EXPECT_TRUE(Filter().matches_all());
  EXPECT_EQ((Filter() && Field("a") == 1).ToString(), "a = 1");
  EXPECT_TRUE((Filter() || Field("a") == 1).matches_all());
  EXPECT_EQ((!Filter()).ToString(), "FALSE");
  EXPECT_TRUE((!!Filter()).matches_all());
  EXPECT_EQ((!Filter() || Field("a") == 1).ToString(), "a = 1");
}

TEST(Filter, CombiningLeavesTheOperandsAsTheyWere) {
  const Filter a = Field("a") == 1 && Field("b") == 2;
  const Filter copy = a;
  const Filter more = a && Field("c") == 3;
  EXPECT_EQ(a.ToString(), "a = 1 AND b = 2");
  EXPECT_EQ(copy.root(), a.root());
  EXPECT_EQ(more.ToString(), "a = 1 AND b = 2 AND c = 3");
}

TEST(Filter, TreesDoNotDependOnHowTheyWereGrouped) {
  const Filter a = Field("a") == 1;
  const Filter b = Field("b") == 1;
  const Filter c = Field("c") == 1;
  EXPECT_TRUE(*((a && b) && c).root() == *(a && (b && c)).root());
  EXPECT_TRUE(*((a || b) || c).root() == *(a || (b || c)).root());
  EXPECT_FALSE(*(a && b).root() == *(b && a).root());
  EXPECT_FALSE(*(a && b).root() == *(a || b).root());
  EXPECT_TRUE(*(!!a).root() == *a.root());
}

TEST(Filter, EqualityLooksAtOperatorPathAndValues) {
  const Filter a = Field("a") == 1;
  EXPECT_FALSE(*a.root() == *(Field("a") != 1).root());
  EXPECT_FALSE(*a.root() == *(Field("b") == 1).root());
  EXPECT_FALSE(*a.root() == *(Field("a") == 1.0).root());
  EXPECT_FALSE(*Field("a").In({1}).root() == *Field("a").In({1, 1}).root());
}

TEST(Filter, AnyNameAndAnyStringSurvivePrinting) {
  Random random(7);
  for (int i = 0; i < 5000; ++i) {
    std::vector<std::string> path;
    for (uint64_t steps = random.Uniform(3); steps < 3; ++steps) {
      path.push_back(RandomText(random, 6));
    }
    const Filter filter = Field::Path(path) == RandomText(random, 12);
    ASSERT_OK_AND_ASSIGN(const Filter parsed, Filter::Parse(filter.ToString()));
    ASSERT_TRUE(*parsed.root() == *filter.root())
        << "seed 7, round " << i << ": " << filter.ToString();
  }
}

TEST(Filter, AnyFiniteNumberSurvivesPrinting) {
  Random random(8);
  for (int i = 0; i < 5000; ++i) {
    const uint64_t bits = random.Next();
    const auto real = std::bit_cast<double>(bits);
    if (!std::isfinite(real)) continue;
    const Filter filter = Field("a").In({real, static_cast<int64_t>(bits)});
    ASSERT_OK_AND_ASSIGN(const Filter parsed, Filter::Parse(filter.ToString()));
    ASSERT_TRUE(*parsed.root() == *filter.root()) << filter.ToString();
  }
}

}  // namespace
}  // namespace viper
