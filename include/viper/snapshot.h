#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viper/options.h"
#include "viper/record.h"

namespace viper {

/// One answer of a search.
struct Hit {
  std::string id;
  /// Bigger is better, for every metric.
  double score = 0;
  /// The metric's own distance, smaller is better (Metric).
  double distance = 0;
  /// Filled as the projection asks.
  Metadata metadata;
  std::vector<float> vector;
};

/// Hits of one query, best first; equal distances in the order of their ids (bytewise).
using Hits = std::vector<Hit>;

/// Queries of one batch: `count x dim` floats, row-major. Not owned.
struct QueryBatch {
  std::span<const float> floats;
  size_t count = 0;
};

/// One page of a scroll.
struct ScrollPage {
  /// In bytewise order of their ids.
  std::vector<Record> records;
  /// Pass as ScrollOptions::after for the next page; empty when this was the last.
  std::string next;
};

/// A consistent state of a collection: it sees every write that was acknowledged before it was
/// taken and none after. Cheap to take and to copy; holds the files and the memory it needs for as
/// long as it lives. Expiry is judged at the moment of each call. Safe to use from many threads.
class VIPER_EXPORT Snapshot {
 public:
  class Impl;
  explicit Snapshot(std::shared_ptr<const Impl> impl);

  /// The record of that id; NotFound if there is none (never written, deleted or expired).
  Result<Record> Get(std::string_view id, const Projection& projection = kEverything) const;
  /// The k nearest records. InvalidArgument: wrong dimension, not finite, bad filter.
  Result<Hits> Search(std::span<const float> query, const SearchOptions& options = {}) const;
  /// The k nearest records of each query; reads the data once for many queries. Exact answers equal
  /// those of single searches; through the index both reach the recall asked for, and may differ
  /// in what they miss.
  Result<std::vector<Hits>> SearchBatch(QueryBatch queries,
                                        const SearchOptions& options = {}) const;
  /// How many records match.
  Result<uint64_t> Count(const Filter& filter = {}) const;
  /// Records in the order of their ids, a page at a time.
  Result<ScrollPage> Scroll(const ScrollOptions& options = {}) const;

  /// Version of the Delta table under this snapshot.
  int64_t table_version() const;
  /// Sequence number of the newest write it sees.
  uint64_t sequence() const;

  static const Projection kEverything;

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace viper
