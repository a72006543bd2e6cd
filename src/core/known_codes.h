#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bitmap.h"
#include "core/collection_index.h"
#include "core/part.h"
#include "core/rows_of_parts.h"
#include "index/segment.h"

namespace viper::core {

/// Rows of a new part that were copied from another one: its live rows from the `first_live`-th on,
/// `count` of them, are rows [first_row, ...) of the new part.
struct CopiedRows {
  uint64_t first_row = 0;
  uint64_t count = 0;
  std::shared_ptr<const Part> from;
  /// As many bits as it has rows; not null.
  std::shared_ptr<const Bitmap> dead;
  uint64_t first_live = 0;
};

/// The codes that rows have already, in segments of the model that they are to be coded under:
/// because their part was in one, or the part that they were copied from. Such a row is neither
/// read nor compared with centroids: its code goes from segment to segment as it is.
class KnownCodes {
 public:
  using Segments = std::span<const std::shared_ptr<const OpenSegment>>;
  /// Where rows of a part were copied from; empty if that is not known. By path.
  using CopiesOf = std::function<std::vector<CopiedRows>(const std::string& path)>;

  /// None.
  KnownCodes() = default;
  /// Look for the rows in `segments`, which are of one model. Corruption: a segment is damaged.
  static Result<KnownCodes> Find(const RowsOfParts& rows, Segments segments,
                                 const CopiesOf& copies_of);
  /// What Find takes in memory, at most, and what it gives back holds.
  static uint64_t FindingBytes(const RowsOfParts& rows, Segments segments);
  static uint64_t Bytes(const RowsOfParts& rows) { return rows.count() * sizeof(uint32_t); }

  bool empty() const { return runs_.empty(); }
  bool Has(uint64_t row) const { return !empty() && positions_[row] != kUnknownCluster; }
  /// Null if the row is unknown.
  index::KnownCode Of(uint64_t row) const;
  uint64_t count() const { return count_; }
  /// Of the known rows, the mean over their segments (Segment::mean_squared_distance).
  double mean_squared_distance() const {
    return count_ == 0 ? 0 : squared_ / static_cast<double>(count_);
  }
  /// Whether all known rows have byte rows of this kind.
  bool AllAre(index::ByteRows kind) const;
  /// Whether what was copied may be zeros (Segment::is_cut).
  bool is_cut() const;

  /// The cluster of each row, kUnknownCluster where it is not known; to be taken once.
  std::vector<uint32_t> TakeClusters() { return std::move(clusters_); }

 private:
  /// Rows [first, first + count) are, or were copied from, rows of one segment.
  struct Run {
    uint64_t first = 0;
    uint64_t count = 0;
    std::shared_ptr<const OpenSegment> open;
    /// Of the first of them, or of the part that they were copied from, in the segment.
    uint64_t number = 0;
    /// How they were copied; null `from`: not at all.
    CopiedRows copied = {};
  };
  void AddRuns(const RowsOfParts& rows, Segments segments, const CopiesOf& copies_of);
  Status ReadPlaces(const std::shared_ptr<const OpenSegment>& open);

  std::vector<Run> runs_;  // rising
  std::vector<uint32_t> clusters_;
  std::vector<uint32_t> positions_;
  uint64_t count_ = 0;
  double squared_ = 0;
};

}  // namespace viper::core
