#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viper/options.h"
#include "viper/record.h"
#include "viper/schema.h"

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
  std::optional<SparseVector> sparse_vector;
};

/// Hits of one query, best first; equal distances in the order of their ids (bytewise).
using Hits = std::vector<Hit>;

/// How a search finds its rows.
enum class SearchPlan : uint8_t {
  /// By comparing the query with every row that takes part.
  kExact = 0,
  /// Through the index, over the rows that take part: clusters and blocks without any are left out.
  kIndex = 1,
};

/// Return "exact" or "index".
VIPER_EXPORT std::string_view SearchPlanName(SearchPlan plan);

/// How one search was answered. Counted and measured while it ran, except the estimates; absent
/// where it does not apply.
struct SearchExplanation {
  SearchPlan plan = SearchPlan::kExact;
  /// Estimated microseconds of one thread for each plan, which the choice goes by unless the
  /// options name the plan. That of the index is absent without one.
  double exact_estimate_us = 0;
  std::optional<double> index_estimate_us;

  /// Physical rows, dead and expired ones included; those of them that are alive and match.
  uint64_t rows = 0;
  uint64_t selected_rows = 0;
  /// Which rows these are was known from an earlier read.
  bool selection_was_cached = false;

  /// Through the index: its clusters, those in which some row takes part, those looked into.
  std::optional<uint64_t> clusters;
  std::optional<uint64_t> selected_clusters;
  std::optional<uint64_t> probed_clusters;
  /// Rows of the blocks whose codes were scanned; rows then compared by their bytes; rows whose
  /// floats were read.
  std::optional<uint64_t> scanned_rows;
  std::optional<uint64_t> byte_rows;
  std::optional<uint64_t> float_rows;
  /// Rows that were compared with the query one by one, beside the index or without it.
  uint64_t compared_rows = 0;

  /// Microseconds of finding out which rows take part, of finding the nearest of them, and of
  /// reading ids and metadata.
  double selection_us = 0;
  double search_us = 0;
  double hits_us = 0;
  /// What was found.
  Hits hits;
};

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

/// A version of the table, as the commit that made it tells.
struct TableVersion {
  int64_t version = 0;
  Timestamp committed_at = {};
  /// "WRITE", "OPTIMIZE", ... as in Delta's commitInfo; and why, where a compaction made it.
  std::string operation;
  std::string reason;
  uint64_t files_added = 0;
  uint64_t files_removed = 0;
  /// Files of this version, their bytes, and the rows that are alive in them, expired ones
  /// included; absent if a file's statistics do not tell.
  uint64_t files = 0;
  uint64_t bytes = 0;
  std::optional<uint64_t> rows;
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
  /// The k nearest records. InvalidArgument: wrong dimension, not finite, bad filter. Cancelled and
  /// DeadlineExceeded, with how far it had got, as the options ask.
  Result<Hits> Search(std::span<const float> query, const SearchOptions& options = {}) const;
  /// The same for a sparse query: answers as its dense vector does. InvalidArgument also as
  /// SparseVector::ToDense.
  Result<Hits> Search(const SparseVector& query, const SearchOptions& options = {}) const;
  /// The k nearest records of each query; reads the data once for many queries. Exact answers equal
  /// those of single searches; through the index both reach the recall asked for, and may differ
  /// in what they miss.
  Result<std::vector<Hits>> SearchBatch(QueryBatch queries,
                                        const SearchOptions& options = {}) const;
  /// Search, and tell how: which plan was chosen, what was looked at, and how long it took.
  Result<SearchExplanation> Explain(std::span<const float> query,
                                    const SearchOptions& options = {}) const;
  /// How many records match.
  Result<uint64_t> Count(const Filter& filter = {}) const;
  /// Records in the order of their ids, a page at a time.
  Result<ScrollPage> Scroll(const ScrollOptions& options = {}) const;

  /// Version of the Delta table under this snapshot.
  int64_t table_version() const;
  /// Of this state: an older version may have had fewer fields.
  const CollectionSchema& schema() const;
  /// Sequence number of the newest write it sees.
  uint64_t sequence() const;

  static const Projection kEverything;

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace viper
