// Random filters over random rows, against a row-by-row evaluator written the plain way:
// three-valued logic over the unbound tree, numbers compared as long double (whose 64 bits hold
// both an int64 and a float64), LIKE by recursion over code points.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <set>

#include "base/random.h"
#include "columnar/filter_node.h"
#include "columnar/predicate.h"
#include "columnar/test_rows.h"
#include "testing/status_matchers.h"

namespace viper::columnar {
namespace {

static_assert(std::numeric_limits<long double>::digits >= 64);

constexpr int64_t kTwoTo53 = int64_t{1} << 53;

CollectionSchema TestSchema() {
  CollectionSchema schema;
  schema.dim = 1;
  schema.fields = {{"flag", FieldType::kBool},      {"year", FieldType::kInt64},
                   {"price", FieldType::kFloat64},  {"name", FieldType::kString},
                   {"when", FieldType::kTimestamp}, {"tags", FieldType::kStringList}};
  return schema;
}

template <typename T>
const T& Pick(Random& random, const std::vector<T>& from) {
  return from[random.Uniform(from.size())];
}

const std::vector<int64_t> kIntegers = {0,
                                        1,
                                        2,
                                        3,
                                        -1,
                                        kTwoTo53,
                                        kTwoTo53 + 1,
                                        -kTwoTo53 - 1,
                                        std::numeric_limits<int64_t>::max(),
                                        std::numeric_limits<int64_t>::min()};
const std::vector<double> kReals = {0.0,    -0.0,       0.5,    1.0,     1.5,   2.0,    -1.0,
                                    0x1p53, 0x1p53 + 2, 0x1p63, -0x1p63, 1e300, -1e300, 5e-324};
const std::vector<std::string> kTexts = {
    "",   "a",   "ab",   "abc", "b",   "ba",  "é",
    "aé", "aéb", "日本", "a%b", "a_b", "x'y", "b\xF0\x9F\x98\x80"};
const std::vector<std::string> kPatterns = {"%",   "a%",  "%b",  "_",     "__",  "a_",
                                            "%a%", "a%b", "_b%", "a\\%b", "%_b", "",
                                            "abc", "%é%", "a__", "%日%",  "%_%_"};
const std::vector<std::string> kTimes = {"2000-01-01", "2020-02-29T12:00:00Z", "1969-12-31",
                                         "2020-02-29T12:00:00.000001Z"};

Value RandomInteger(Random& random) { return Pick(random, kIntegers); }
Value RandomReal(Random& random) { return Pick(random, kReals); }
Value RandomNumber(Random& random) {
  return random.Chance(0.5) ? RandomInteger(random) : RandomReal(random);
}
Value RandomString(Random& random) { return Pick(random, kTexts); }
Timestamp RandomTime(Random& random) { return *Timestamp::Parse(Pick(random, kTimes)); }
Value RandomScalar(Random& random) {
  switch (random.Uniform(3)) {
    case 0:
      return RandomNumber(random);
    case 1:
      return RandomString(random);
    default:
      return random.Chance(0.5);
  }
}

Value RandomList(Random& random, Value (*element)(Random&)) {
  Value::List list;
  for (uint64_t i = random.Uniform(4); i > 0; --i) list.push_back(element(random));
  return list;
}

Record RandomRow(Random& random, size_t number) {
  Record record;
  record.id = random.Chance(0.1) ? Pick(random, kTexts) + "!" : "id" + std::to_string(number);
  record.timestamp = RandomTime(random);
  if (random.Chance(0.5)) record.expires_at = RandomTime(random);
  const auto maybe = [&](const char* key, Value value) {
    if (random.Chance(0.75)) record.metadata[key] = std::move(value);
  };
  maybe("flag", random.Chance(0.5));
  maybe("year", RandomInteger(random));
  maybe("price", RandomReal(random));
  maybe("name", RandomString(random));
  maybe("when", RandomTime(random));
  maybe("tags", RandomList(random, RandomString));
  maybe("mixed", RandomScalar(random));
  maybe("many", random.Chance(0.2) ? RandomScalar(random) : RandomList(random, RandomScalar));
  if (random.Chance(0.2)) record.metadata["mixed"] = Value();
  Value::Object author;
  if (random.Chance(0.8)) author["name"] = RandomScalar(random);
  maybe("author", random.Chance(0.9) ? Value(author) : Value(7));
  return record;
}

TestRows RandomRows(Random& random, size_t count) {
  std::vector<Record> records;
  for (size_t i = 0; i < count; ++i) records.push_back(RandomRow(random, i));
  return {TestSchema(), std::move(records)};
}

// -- Random filters
// -----------------------------------------------------------------------------------

const std::vector<FilterOp> kEqualities = {FilterOp::kEqual, FilterOp::kNotEqual, FilterOp::kIn};
const std::vector<FilterOp> kOrders = {
    FilterOp::kEqual,     FilterOp::kNotEqual, FilterOp::kIn,           FilterOp::kLess,
    FilterOp::kLessEqual, FilterOp::kGreater,  FilterOp::kGreaterEqual, FilterOp::kBetween};

Filter Condition(Random& random, std::vector<std::string> path, const std::vector<FilterOp>& ops,
                 Value (*literal)(Random&)) {
  auto node = std::make_shared<FilterNode>();
  node->path = std::move(path);
  node->op = Pick(random, ops);
  size_t count = 1;
  if (node->op == FilterOp::kIn) count = random.Uniform(4);
  if (node->op == FilterOp::kBetween) count = 2;
  for (size_t i = 0; i < count; ++i) node->values.push_back(literal(random));
  return Filter(std::move(node));
}

Filter RandomStringCondition(Random& random, const std::string& name) {
  switch (random.Uniform(4)) {
    case 0:
      return where::Field::Path({name}).Like(Pick(random, kPatterns));
    case 1:
      return where::Field::Path({name}).Contains(RandomString(random));
    default:
      return Condition(random, {name}, kOrders, RandomString);
  }
}

Filter RandomDynamicCondition(Random& random) {
  const std::vector<std::string> path =
      Pick(random, std::vector<std::vector<std::string>>{
                       {"mixed"}, {"many"}, {"author", "name"}, {"author"}, {"mixed", "no"}});
  switch (random.Uniform(5)) {
    case 0:
      return where::Field::Path(path).Like(Pick(random, kPatterns));
    case 1:
      return where::Field::Path(path).Contains(RandomScalar(random));
    case 2:
      return Condition(random, path, kOrders, RandomNumber);
    case 3:
      return Condition(random, path, kOrders, RandomString);
    default:
      return Condition(random, path, kEqualities, RandomScalar);
  }
}

Value RandomTimeLiteral(Random& random) {
  return random.Chance(0.5) ? Value(RandomTime(random)) : Value(Pick(random, kTimes));
}

Filter RandomCondition(Random& random) {
  static const std::vector<std::string> kNames = {"flag", "year",  "price", "name",       "when",
                                                  "tags", "mixed", "_id",   "_expires_at"};
  switch (random.Uniform(10)) {
    case 0:
      return where::Field(Pick(random, kNames)).IsNull();
    case 1:
      return Condition(random, {"flag"}, kEqualities,
                       [](Random& r) { return Value(r.Chance(0.5)); });
    case 2:
      return Condition(random, {"year"}, kOrders, RandomNumber);
    case 3:
      return Condition(random, {"price"}, kOrders, RandomNumber);
    case 4:
      return RandomStringCondition(random, "name");
    case 5:
      return Condition(random,
                       {Pick(random, std::vector<std::string>{"when", "_timestamp", "_ingested_at",
                                                              "_expires_at"})},
                       kOrders, RandomTimeLiteral);
    case 6:
      return where::Field("tags").Contains(RandomString(random));
    case 7:
      return random.Chance(0.5) ? RandomStringCondition(random, "_id")
                                : Condition(random, {"_id"}, kEqualities, [](Random& r) {
                                    return Value("id" + std::to_string(r.Uniform(20)));
                                  });
    default:
      return RandomDynamicCondition(random);
  }
}

Filter RandomFilter(Random& random, int depth) {
  switch (depth == 0 ? 0 : random.Uniform(5)) {
    case 1:
      return RandomFilter(random, depth - 1) && RandomFilter(random, depth - 1);
    case 2:
      return RandomFilter(random, depth - 1) || RandomFilter(random, depth - 1);
    case 3:
      return !RandomFilter(random, depth - 1);
    default:
      return random.Chance(0.02) ? !Filter() : RandomCondition(random);
  }
}

// -- The reference
// ------------------------------------------------------------------------------------

using Tri = std::optional<bool>;

std::optional<long double> NumberOf(const Value& value) {
  if (value.as_int64() != nullptr) return static_cast<long double>(*value.as_int64());
  if (value.as_float64() != nullptr) return static_cast<long double>(*value.as_float64());
  return std::nullopt;
}

/// -1, 0 or 1; nothing for kinds that do not compare.
std::optional<int> Order(const Value& a, const Value& b) {
  const auto sign = [](const auto& x, const auto& y) { return x < y ? -1 : (y < x ? 1 : 0); };
  if (NumberOf(a) && NumberOf(b)) return sign(*NumberOf(a), *NumberOf(b));
  if (a.as_string() && b.as_string()) return sign(*a.as_string(), *b.as_string());
  if (a.as_bool() && b.as_bool()) return sign(*a.as_bool(), *b.as_bool());
  if (a.as_timestamp() && b.as_timestamp()) return sign(*a.as_timestamp(), *b.as_timestamp());
  if (a.as_timestamp() && b.as_string()) return Order(a, *Timestamp::Parse(*b.as_string()));
  return std::nullopt;
}

std::vector<std::string> Characters(const std::string& text) {
  std::vector<std::string> characters;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) {
      characters.back() += c;
    } else {
      characters.emplace_back(1, c);
    }
  }
  return characters;
}

bool IsLike(const std::vector<std::string>& text, size_t t, const std::vector<std::string>& pattern,
            size_t p) {
  if (p == pattern.size()) return t == text.size();
  if (pattern[p] == "%") {
    return IsLike(text, t, pattern, p + 1) || (t < text.size() && IsLike(text, t + 1, pattern, p));
  }
  const bool escaped = pattern[p] == "\\";
  if (t == text.size()) return false;
  if (!escaped && pattern[p] == "_") return IsLike(text, t + 1, pattern, p + 1);
  return text[t] == pattern[p + (escaped ? 1 : 0)] &&
         IsLike(text, t + 1, pattern, p + (escaped ? 2 : 1));
}

Tri Contains(const Value& value, const Value& literal) {
  if (value.as_list() != nullptr) {
    for (const Value& element : *value.as_list()) {
      if (Order(element, literal) == 0) return true;
    }
    return false;
  }
  if (!value.as_string() || !literal.as_string()) return std::nullopt;
  return value.as_string()->find(*literal.as_string()) != std::string::npos;
}

Tri And(Tri a, Tri b) {
  if (a == false || b == false) return false;
  return a && b ? Tri(true) : std::nullopt;
}
Tri Not(Tri a) { return a ? Tri(!*a) : std::nullopt; }
Tri Or(Tri a, Tri b) { return Not(And(Not(a), Not(b))); }

Tri Compare(FilterOp op, const Value& value, const Value& literal) {
  const std::optional<int> order = Order(value, literal);
  if (!order) return std::nullopt;
  switch (op) {
    case FilterOp::kEqual:
      return *order == 0;
    case FilterOp::kNotEqual:
      return *order != 0;
    case FilterOp::kLess:
      return *order < 0;
    case FilterOp::kLessEqual:
      return *order <= 0;
    case FilterOp::kGreater:
      return *order > 0;
    default:
      return *order >= 0;
  }
}

Tri Judge(const FilterNode& node, const Value& value) {
  Tri result = false;
  switch (node.op) {
    case FilterOp::kIsNull:
      return value.is_null();
    case FilterOp::kIn:
      for (const Value& literal : node.values) {
        result = Or(result, Compare(FilterOp::kEqual, value, literal));
      }
      return result;
    case FilterOp::kBetween:
      return And(Compare(FilterOp::kGreaterEqual, value, node.values[0]),
                 Compare(FilterOp::kLessEqual, value, node.values[1]));
    case FilterOp::kContains:
      return Contains(value, node.values[0]);
    case FilterOp::kLike:
      if (!value.as_string()) return std::nullopt;
      return IsLike(Characters(*value.as_string()), 0, Characters(*node.values[0].as_string()), 0);
    default:
      return Compare(node.op, value, node.values[0]);
  }
}

Tri Evaluate(const FilterNode* node, const TestRows& rows, size_t row) {
  if (node == nullptr) return true;
  Tri result = node->op == FilterOp::kAnd;
  switch (node->op) {
    case FilterOp::kAnd:
      for (const auto& child : node->children) {
        result = And(result, Evaluate(child.get(), rows, row));
      }
      return result;
    case FilterOp::kOr:
      for (const auto& child : node->children) {
        result = Or(result, Evaluate(child.get(), rows, row));
      }
      return result;
    case FilterOp::kNot:
      return Not(Evaluate(node->children.front().get(), rows, row));
    default:
      return Judge(*node, rows.ValueAt(row, node->path));
  }
}

// -- Bounds
// -------------------------------------------------------------------------------------------

/// Bounds of some rows' column, made wider or left out at random, strings cut as file statistics
/// are.
class RandomBounds {
 public:
  RandomBounds(Random& random, const TestRows& rows) {
    for (const Field& field : rows.schema().fields) Add(random, rows, field.name, field.type);
    Add(random, rows, std::string(kIdColumn), FieldType::kString);
    Add(random, rows, std::string(kTimestampColumn), FieldType::kTimestamp);
    Add(random, rows, std::string(kExpiresAtColumn), FieldType::kTimestamp);
  }

  const ColumnBounds* Of(std::string_view name) const {
    const auto found = bounds_.find(name);
    return found == bounds_.end() ? nullptr : &found->second;
  }

 private:
  void Add(Random& random, const TestRows& rows, const std::string& name, FieldType type) {
    if (random.Chance(0.1)) return;
    ColumnBounds& bounds = bounds_[name];
    bounds.row_count = rows.row_count();
    for (size_t row = 0; row < rows.row_count(); ++row) {
      const Value value = rows.ValueAt(row, {name});
      if (value.is_null()) {
        ++bounds.null_count;
      } else if (type != FieldType::kStringList) {
        if (!bounds.min || *Order(value, *bounds.min) < 0) bounds.min = value;
        if (!bounds.max || *Order(value, *bounds.max) > 0) bounds.max = value;
      }
    }
    if (type == FieldType::kString && random.Chance(0.5)) Widen(bounds);
    if (random.Chance(0.1)) bounds.min.reset();
    if (random.Chance(0.1)) bounds.max.reset();
    if (random.Chance(0.1)) bounds.row_count = bounds.null_count = 0;
  }

  static void Widen(ColumnBounds& bounds) {
    if (bounds.min) bounds.min = bounds.min->as_string()->substr(0, 1);
    if (!bounds.max || bounds.max->as_string()->empty()) return;
    std::string up = bounds.max->as_string()->substr(0, 1);
    up.back() = static_cast<char>(up.back() + 1);
    bounds.max = up;
  }

  std::map<std::string, ColumnBounds, std::less<>> bounds_;
};

// -- The properties
// -----------------------------------------------------------------------------------

uint64_t Seed() {
  const char* given = std::getenv("VIPER_SEED");
  return given == nullptr ? 20261122 : std::strtoull(given, nullptr, 10);
}

class FilterProperty : public ::testing::Test {
 protected:
  FilterProperty() : seed_(Seed()), random_(seed_) {
    RecordProperty("seed", std::to_string(seed_));
  }

  uint64_t seed_;
  Random random_;
};

TEST_F(FilterProperty, PrintedFilterParsesToAnEqualTree) {
  for (int i = 0; i < 5000; ++i) {
    const Filter filter = RandomFilter(random_, 5);
    const std::string text = filter.ToString();
    SCOPED_TRACE("VIPER_SEED=" + std::to_string(seed_) + ": " + text);
    ASSERT_OK_AND_ASSIGN(const Filter parsed, Filter::Parse(text));
    ASSERT_EQ(filter.matches_all(), parsed.matches_all());
    if (filter.matches_all()) continue;
    ASSERT_TRUE(*filter.root() == *parsed.root()) << parsed.ToString();
  }
}

TEST_F(FilterProperty, EvaluationAgreesWithThePlainOne) {
  size_t matches = 0;
  size_t decisions = 0;
  for (const size_t row_count : {0, 1, 63, 64, 65, 200}) {
    const TestRows rows = RandomRows(random_, row_count);
    Predicate::Names names = rows.names();
    names.is_known_key = nullptr;
    for (int i = 0; i < 800; ++i) {
      const Filter filter = RandomFilter(random_, 4);
      SCOPED_TRACE("VIPER_SEED=" + std::to_string(seed_) + ": " + filter.ToString());
      ASSERT_OK_AND_ASSIGN(const Predicate predicate, Predicate::Bind(filter, names));
      ASSERT_OK_AND_ASSIGN(const Bitmap actual, predicate.Evaluate(rows));
      ASSERT_EQ(actual.size(), row_count);
      for (size_t row = 0; row < row_count; ++row) {
        const bool expected = Evaluate(filter.root().get(), rows, row) == true;
        ASSERT_EQ(actual.Test(row), expected) << Value(rows.records()[row].metadata).ToJson();
        matches += expected ? 1 : 0;
        ++decisions;
      }
    }
  }
  // The rows and filters are worth nothing if they hardly ever meet.
  EXPECT_GT(matches, decisions / 10);
  EXPECT_LT(matches, decisions / 10 * 9);
}

TEST_F(FilterProperty, BoundsAndIdsNeverExcludeARowThatMatches) {
  int excluded = 0;
  int with_ids = 0;
  for (int i = 0; i < 6000; ++i) {
    const TestRows rows = RandomRows(random_, 1 + random_.Uniform(4));
    const RandomBounds bounds(random_, rows);
    Predicate::Names names = rows.names();
    names.is_known_key = nullptr;
    const Filter filter = RandomFilter(random_, 3);
    SCOPED_TRACE("VIPER_SEED=" + std::to_string(seed_) + ": " + filter.ToString());
    ASSERT_OK_AND_ASSIGN(const Predicate predicate, Predicate::Bind(filter, names));
    ASSERT_OK_AND_ASSIGN(const Bitmap matches, predicate.Evaluate(rows));
    const bool may_match =
        predicate.MayMatch([&](std::string_view column) { return bounds.Of(column); });
    if (!may_match) {
      ++excluded;
      ASSERT_FALSE(matches.AnySet());
    }
    if (const auto ids = predicate.RequiredIds()) {
      ++with_ids;
      ASSERT_TRUE(std::is_sorted(ids->begin(), ids->end()));
      ASSERT_EQ(std::set<std::string>(ids->begin(), ids->end()).size(), ids->size());
      matches.ForEachSet([&](size_t row) {
        ASSERT_TRUE(std::binary_search(ids->begin(), ids->end(), rows.records()[row].id));
      });
    }
  }
  EXPECT_GT(excluded, 300);
  EXPECT_GT(with_ids, 100);
}

}  // namespace
}  // namespace viper::columnar
