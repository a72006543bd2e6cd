#include "testing/random_records.h"

#include <array>
#include <cfloat>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "base/limits.h"

namespace viper {
namespace {

constexpr std::array<std::string_view, 24> kCharacters = {
    "a", "b", "Z",  "0",  "9",    " ",    "_", "-", ".",  "/", "\"", "\\",
    "'", "`", "\n", "\t", "\x01", "\x7f", "é", "ß", "中", "�", "𝄞",  "😀"};

constexpr std::array kFloatEdges = {-0.0F,   0.0F,   FLT_MAX, -FLT_MAX,
                                    FLT_MIN, 1e-45F, -1e-40F, 1.0F + FLT_EPSILON};

constexpr std::array kDoubleEdges = {-0.0,    0.0,     1.0,    1e22, -1e-7,
                                     DBL_MAX, DBL_MIN, 5e-324, 0.1,  1e16};

constexpr std::array kIntegerEdges = {std::numeric_limits<int64_t>::min(),
                                      std::numeric_limits<int64_t>::max(),
                                      int64_t{0},
                                      int64_t{-1},
                                      int64_t{1} << 53,
                                      (int64_t{1} << 53) + 1};

template <typename Array>
auto Pick(Random& random, const Array& choices) {
  return choices[random.Uniform(choices.size())];
}

int64_t RandomInteger(Random& random) {
  if (random.Chance(0.25)) return Pick(random, kIntegerEdges);
  return static_cast<int64_t>(random.Next()) >> random.Uniform(64);
}

double RandomDouble(Random& random) {
  if (random.Chance(0.25)) return Pick(random, kDoubleEdges);
  return (random.UniformDouble() - 0.5) * 1000;
}

Value::Object RandomObject(Random& random, size_t depth) {
  Value::Object object;
  for (uint64_t i = random.Uniform(5); i > 0; --i) {
    object.insert_or_assign(RandomText(random, 8), RandomValue(random, depth));
  }
  return object;
}

std::string RandomId(Random& random) {
  // Now and then an id of the full length.
  if (random.Chance(0.02)) return std::string(kIdBytesMax, 'x');
  std::string id = RandomText(random, 24);
  return id.empty() ? "0" : id;
}

}  // namespace

std::string RandomText(Random& random, size_t character_count_max) {
  std::string text;
  for (uint64_t i = random.Uniform(character_count_max + 1); i > 0; --i) {
    text += Pick(random, kCharacters);
  }
  return text;
}

Value RandomValue(Random& random, size_t depth) {
  switch (random.Uniform(depth > 0 ? 7 : 5)) {
    case 0:
      return {};
    case 1:
      return random.Chance(0.5);
    case 2:
      return RandomInteger(random);
    case 3:
      return RandomDouble(random);
    case 4:
      return RandomText(random, 16);
    case 5: {
      Value::List list;
      for (uint64_t i = random.Uniform(5); i > 0; --i)
        list.push_back(RandomValue(random, depth - 1));
      return list;
    }
    default:
      return RandomObject(random, depth - 1);
  }
}

std::vector<float> RandomVector(Random& random, size_t dim) {
  std::vector<float> vector(dim);
  for (float& component : vector) {
    component = random.Chance(0.125) ? Pick(random, kFloatEdges)
                                     : static_cast<float>(random.UniformDouble() * 2 - 1);
  }
  return vector;
}

Record RandomRecord(Random& random, size_t dim) {
  Record record;
  record.id = RandomId(random);
  record.vector = RandomVector(random, dim);
  record.metadata = RandomObject(random, 3);
  constexpr uint64_t kTimes = uint64_t{4'000'000'000} * 1'000'000;  // up to the year 2096
  if (random.Chance(0.5))
    record.timestamp = Timestamp{static_cast<int64_t>(random.Uniform(kTimes))};
  if (random.Chance(0.1))
    record.expires_at = Timestamp{static_cast<int64_t>(random.Uniform(kTimes))};
  return record;
}

std::vector<Record> RandomRecords(uint64_t seed, size_t count, size_t dim) {
  Random random(seed);
  std::set<std::string, std::less<>> ids;
  std::vector<Record> records;
  records.reserve(count);
  while (records.size() < count) {
    Record record = RandomRecord(random, dim);
    if (!ids.insert(record.id).second) continue;
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace viper
