#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "viper/export.h"
#include "viper/value.h"

namespace viper {

/// How often an operation took about so long.
struct LatencyBucket {
  /// The shortest time of the bucket, in nanoseconds; it is a 32nd of that wide, or one nanosecond.
  uint64_t low_nanoseconds = 0;
  uint64_t count = 0;
};

/// What the calls of one operation of a collection came to. Every call is counted, whatever thread
/// it came from; counts and sums are exact, percentiles within a 64th.
struct OperationSummary {
  /// "upsert", "insert", "replace", "update", "delete", "get", "search", "search_batch", "count",
  /// "scroll", "load", "flush", "compact", "background_flush" or "background_compact". The last two
  /// count runs of the background that found something to do.
  std::string name;
  uint64_t count = 0;
  /// Of them, those that returned an error.
  uint64_t failures = 0;
  /// Records that were written, deleted or returned.
  uint64_t records = 0;
  uint64_t total_nanoseconds = 0;
  uint64_t max_nanoseconds = 0;
  double mean_nanoseconds = 0;
  double p50_nanoseconds = 0;
  double p95_nanoseconds = 0;
  double p99_nanoseconds = 0;
  /// Those that are not empty, rising.
  std::vector<LatencyBucket> buckets;
};

/// How often filters named a field, in reads and in writes by filter.
struct FilterFieldUse {
  /// Steps of a path joined by dots.
  std::string field;
  uint64_t count = 0;
};

/// What searches asked for.
struct SearchTraffic {
  uint64_t searches = 0;
  /// With a filter.
  uint64_t filtered = 0;
  /// Means over the searches; absent before the first.
  std::optional<double> mean_k;
  std::optional<double> mean_recall;
};

/// What a collection was asked to do (Collection::Operations).
struct CollectionOperations {
  std::string collection;
  /// Names this count: it begins at zero when the engine is opened, and anew when the collection is
  /// dropped. Unique within the process.
  uint64_t epoch = 0;
  /// Those that were called at least once.
  std::vector<OperationSummary> operations;
  SearchTraffic searches;
  /// The most frequent first. At most 256 fields are told apart.
  std::vector<FilterFieldUse> filter_fields;
  /// Uses of fields beyond those.
  uint64_t other_filter_fields = 0;
};

/// As a JSON object, for programs; keys are those of the members. Without buckets.
VIPER_EXPORT Value ToValue(const CollectionOperations& operations);

}  // namespace viper
