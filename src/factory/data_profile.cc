#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "columnar/field_conversion.h"
#include "index/clustering.h"
#include "viper/factory.h"

namespace viper {
namespace {

constexpr size_t kTendencyRowsMin = 100;
constexpr size_t kTendencyClustersMax = 64;
constexpr uint64_t kProfileSeed = 17;

/// Squared distances to the nearest of k centroids, summed.
Result<double> WithinClusters(const std::vector<float>& rows, size_t row_count, size_t dim) {
  index::ClusteringOptions options;
  options.cluster_count =
      std::min<size_t>(kTendencyClustersMax,
                       static_cast<size_t>(std::lround(std::sqrt(static_cast<double>(row_count)))));
  options.seed = kProfileSeed;
  VIPER_ASSIGN_OR_RETURN(const index::Clustering clustering,
                         index::TrainClustering(rows.data(), row_count, dim, options));
  std::vector<uint32_t> clusters(row_count);
  std::vector<float> distances(row_count);
  clustering.AssignExactly(rows.data(), row_count, clusters.data(), distances.data());
  return std::accumulate(distances.begin(), distances.end(), 0.0);
}

/// Each component among the rows anew, on its own.
void ShuffleComponents(std::vector<float>& rows, size_t row_count, size_t dim) {
  Random random(kProfileSeed);
  for (size_t d = 0; d < dim; ++d) {
    for (size_t row = row_count - 1; row > 0; --row) {
      std::swap(rows[row * dim + d], rows[random.Uniform(row + 1) * dim + d]);
    }
  }
}

Result<std::optional<double>> ClusterTendency(std::vector<float> rows, size_t row_count,
                                              size_t dim) {
  if (row_count < kTendencyRowsMin) return std::optional<double>();
  VIPER_ASSIGN_OR_RETURN(const double within, WithinClusters(rows, row_count, dim));
  ShuffleComponents(rows, row_count, dim);
  VIPER_ASSIGN_OR_RETURN(const double shuffled, WithinClusters(rows, row_count, dim));
  if (!(shuffled > 0)) return std::optional<double>();
  return std::optional<double>(1 - within / shuffled);
}

bool HoldsTime(const Value& value) {
  if (value.as_timestamp() != nullptr) return true;
  return value.as_string() != nullptr && Timestamp::Parse(*value.as_string()).ok();
}

/// What is known of a key so far: the type of its values (absent: they have none in common). Text
/// that is a time is text all the same: as a time it would come back changed, and the next text
/// might be none.
struct KeyCount {
  std::optional<FieldType> type;
  uint64_t rows = 0;
  /// Rows whose value is, or says, a time.
  uint64_t times = 0;
};

void CountKeys(const Record& record, std::map<std::string, KeyCount, std::less<>>& keys) {
  for (const auto& [key, value] : record.metadata) {
    if (value.is_null()) continue;
    const auto type = columnar::FieldTypeOf(value);
    const auto [place, is_new] = keys.try_emplace(key, KeyCount{type});
    ++place->second.rows;
    if (HoldsTime(value)) ++place->second.times;
    if (is_new || place->second.type == type) continue;
    const auto both = std::minmax(place->second.type, type);
    // Integers among floats are floats.
    if (both == std::minmax(std::optional(FieldType::kInt64), std::optional(FieldType::kFloat64))) {
      place->second.type = FieldType::kFloat64;
    } else {
      place->second.type.reset();
    }
  }
}

void ProfileKeys(std::span<const Record> records, DataProfile& profile) {
  std::map<std::string, KeyCount, std::less<>> keys;
  for (const Record& record : records) CountKeys(record, keys);
  for (const auto& [key, count] : keys) {
    if (!profile.time_key && count.times == records.size()) profile.time_key = key;
    if (!count.type) continue;
    profile.keys.push_back({{key, *count.type},
                            static_cast<double>(count.rows) / static_cast<double>(records.size())});
  }
}

size_t DimOfFirst(std::span<const Record> records) {
  const auto dense = std::find_if(records.begin(), records.end(),
                                  [](const Record& record) { return !record.vector.empty(); });
  return dense == records.end() ? 0 : dense->vector.size();
}

Status CheckFloats(std::span<const float> vector, size_t dim) {
  if (vector.size() != dim || dim == 0) {
    return Status::InvalidArgument(fmt::format(
        "the dimension is not that of the sample: expected={} actual={}", dim, vector.size()));
  }
  if (std::all_of(vector.begin(), vector.end(), [](float x) { return std::isfinite(x); }))
    return {};
  return Status::InvalidArgument("the vector is not finite");
}

Result<std::vector<float>> FloatsOfRecords(std::span<const Record> records, size_t dim) {
  std::vector<float> floats;
  for (size_t i = 0; i < records.size(); ++i) {
    const Record& record = records[i];
    auto spread = record.sparse_vector ? record.sparse_vector->ToDense(dim)
                                       : Result<std::vector<float>>(record.vector);
    const Status checked = spread.ok() ? CheckFloats(*spread, dim) : spread.status();
    if (!checked.ok()) {
      return checked.WithContext(fmt::format("record {} (id '{}')", i, record.id));
    }
    floats.insert(floats.end(), spread->begin(), spread->end());
  }
  return floats;
}

}  // namespace

Result<DataProfile> ProfileRecords(std::span<const Record> records, size_t dim) {
  DataProfile profile;
  profile.sampled_rows = records.size();
  profile.dim = dim > 0 ? dim : DimOfFirst(records);
  if (profile.dim > kDimMax) {
    return Status::InvalidArgument(
        fmt::format("the dimension is out of range: max={} actual={}", kDimMax, profile.dim));
  }
  if (records.empty()) return profile;
  VIPER_ASSIGN_OR_RETURN(std::vector<float> rows, FloatsOfRecords(records, profile.dim));
  profile.zero_share = static_cast<double>(std::count(rows.begin(), rows.end(), 0.0F)) /
                       static_cast<double>(rows.size());
  ProfileKeys(records, profile);
  VIPER_ASSIGN_OR_RETURN(profile.cluster_tendency,
                         ClusterTendency(std::move(rows), records.size(), profile.dim));
  return profile;
}

}  // namespace viper
