#include "pipeline/row_sorting.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <numeric>
#include <utility>

#include "base/status_macros.h"
#include "columnar/value_compare.h"
#include "pipeline/similarity_order.h"

namespace viper::pipeline {
namespace {

/// Values of different kinds come one kind after the other; what is absent comes last.
enum class KindRank : uint8_t { kBool, kNumber, kNaN, kTimestamp, kText, kNested, kNull, kAbsent };

KindRank RankOf(const Value* value) {
  if (value == nullptr) return KindRank::kAbsent;
  switch (value->kind()) {
    case Value::Kind::kBool:
      return KindRank::kBool;
    case Value::Kind::kInt64:
      return KindRank::kNumber;
    case Value::Kind::kFloat64:
      return std::isnan(*value->as_float64()) ? KindRank::kNaN : KindRank::kNumber;
    case Value::Kind::kTimestamp:
      return KindRank::kTimestamp;
    case Value::Kind::kString:
      return KindRank::kText;
    case Value::Kind::kList:
    case Value::Kind::kObject:
      return KindRank::kNested;
    case Value::Kind::kNull:
      break;
  }
  return KindRank::kNull;
}

/// What a row is sorted by, for one metadata key.
struct SortKey {
  KindRank rank = KindRank::kAbsent;
  const Value* value = nullptr;
  /// Of a list or object its JSON.
  std::string text = {};
};

SortKey KeyOf(const core::Row& row, const std::string& field) {
  const auto found = row.metadata.find(field);
  const Value* value = found == row.metadata.end() ? nullptr : &found->second;
  SortKey key{RankOf(value), value};
  if (key.rank == KindRank::kNested) key.text = value->ToJson();
  return key;
}

/// Negative, zero or positive.
int CompareKeys(const SortKey& a, const SortKey& b) {
  if (a.rank != b.rank) return a.rank < b.rank ? -1 : 1;
  if (a.rank == KindRank::kNested) return a.text.compare(b.text);
  if (a.rank >= KindRank::kNull || a.rank == KindRank::kNaN) return 0;
  const std::partial_ordering order = columnar::CompareScalars(*a.value, *b.value);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

void SortByTime(std::span<const core::Row> rows, std::vector<uint32_t>& order) {
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(rows[a].timestamp, a) < std::pair(rows[b].timestamp, b);
  });
}

void SortByMetadata(std::span<const core::Row> rows, const std::vector<std::string>& fields,
                    std::vector<uint32_t>& order) {
  std::vector<SortKey> keys;
  keys.reserve(rows.size() * fields.size());
  for (const core::Row& row : rows) {
    for (const std::string& field : fields) keys.push_back(KeyOf(row, field));
  }
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    for (size_t i = 0; i < fields.size(); ++i) {
      const int compared = CompareKeys(keys[a * fields.size() + i], keys[b * fields.size() + i]);
      if (compared != 0) return compared < 0;
    }
    return a < b;
  });
}

}  // namespace

Result<SortedRows> SortRows(std::span<const core::Row> rows, const SortingStrategy& strategy,
                            const CollectionSchema& schema, bool use_models) {
  SortedRows sorted;
  sorted.order.resize(rows.size());
  std::iota(sorted.order.begin(), sorted.order.end(), 0U);
  switch (strategy.order) {
    case SortingOrder::kNone:
      break;
    case SortingOrder::kByTime:
      SortByTime(rows, sorted.order);
      break;
    case SortingOrder::kByMetadata:
      SortByMetadata(rows, strategy.fields, sorted.order);
      break;
    case SortingOrder::kBySimilarity: {
      std::vector<const std::byte*> vectors;
      vectors.reserve(rows.size());
      for (const core::Row& row : rows) vectors.push_back(row.vector);
      if (!use_models) {
        sorted.order = OrderByHyperplanes(vectors, schema.dim, schema.metric);
        break;
      }
      VIPER_ASSIGN_OR_RETURN(SimilarityOrder similar,
                             OrderByClusters(vectors, schema.dim, schema.metric));
      sorted.order = std::move(similar.order);
      sorted.model = std::move(similar.model);
      break;
    }
  }
  return sorted;
}

}  // namespace viper::pipeline
