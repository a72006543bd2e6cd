#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bitmap.h"
#include "index/segment.h"
#include "viper/result.h"

namespace viper::index {

/// Which rows of a segment take part in searches, in the order in which they are scanned.
/// Immutable.
class ScanMask {
 public:
  /// Of the rows of `segment` that are set in `selection`, which has a bit for each. Corruption if
  /// the segment's row numbers are damaged. About 2 ns a row.
  static Result<std::shared_ptr<const ScanMask>> Make(const Segment& segment,
                                                      const Bitmap& selection);

  /// For each block of a cluster a word: bit i for row i of the block.
  std::span<const uint64_t> WordsOf(size_t cluster) const {
    return std::span(words_).subspan(first_words_[cluster],
                                     first_words_[cluster + 1] - first_words_[cluster]);
  }
  uint32_t SelectedIn(size_t cluster) const { return selected_[cluster]; }
  /// Those of the segment's zero_rows() that take part.
  std::span<const uint32_t> zero_rows() const { return zero_rows_; }
  /// Rows that take part, zero rows included.
  uint64_t selected_count() const { return selected_count_; }
  /// Blocks in which some row takes part.
  uint64_t block_count() const { return block_count_; }
  size_t memory_bytes() const;

 private:
  ScanMask() = default;
  void AddCluster(const ClusterView& cluster, const Bitmap& selection);

  std::vector<uint64_t> words_;
  /// Per cluster, and the end.
  std::vector<uint32_t> first_words_;
  std::vector<uint32_t> selected_;
  std::vector<uint32_t> zero_rows_;
  uint64_t selected_count_ = 0;
  uint64_t block_count_ = 0;
};

/// What masks leave of each cluster of a model, over all segments. Immutable once filled; copies
/// are cheap.
class ClusterSelection {
 public:
  explicit ClusterSelection(size_t cluster_count)
      : counts_(std::make_shared<Counts>(cluster_count)) {}
  /// Add a segment; `mask` null = all of its rows take part. Not once it has been copied.
  void Add(const Segment& segment, const ScanMask* mask);
  /// How many rows are wanted of those that the masks hold, where masks are older than that.
  void set_selected_count(uint64_t count) { selected_count_ = count; }

  /// Whether some row of the cluster takes part.
  bool Has(size_t cluster) const { return counts_->selected[cluster] != 0; }
  /// The same, bit by bit, for all clusters.
  std::span<const uint64_t> words() const { return counts_->words; }
  /// Clusters of which some row takes part.
  size_t count() const { return counts_->count; }
  uint64_t RowsIn(size_t cluster) const { return counts_->rows[cluster]; }
  uint64_t SelectedIn(size_t cluster) const { return counts_->selected[cluster]; }
  /// Rows of those clusters.
  uint64_t reached_rows() const { return counts_->reached_rows; }
  /// The share of the rows of those clusters that takes part, in (0, 1]; 1 if there are none.
  double selected_share() const {
    // Zero rows are in no cluster, but may be among the wanted.
    if (selected_count_ >= reached_rows()) return 1;
    return static_cast<double>(selected_count_) / static_cast<double>(reached_rows());
  }
  size_t memory_bytes() const;

 private:
  struct Counts {
    explicit Counts(size_t cluster_count)
        : rows(cluster_count), selected(cluster_count), words((cluster_count + 63) / 64) {}
    std::vector<uint64_t> rows;
    std::vector<uint64_t> selected;
    std::vector<uint64_t> words;
    size_t count = 0;
    /// Rows of the clusters of which some row takes part.
    uint64_t reached_rows = 0;
  };
  std::shared_ptr<Counts> counts_;
  uint64_t selected_count_ = 0;
};

}  // namespace viper::index
