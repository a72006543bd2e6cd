#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "index/segment.h"
#include "kernels/code_block.h"

namespace viper::index {

/// The blocks of a cluster in one segment, and what a query adds to the bounds of their codes
/// (kernels::BlockBound). Some row of it takes part.
struct BlockRun {
  const ClusterView* cluster = nullptr;
  /// For each block the rows that take part; null = all.
  const uint64_t* words = nullptr;
  /// Of the request.
  uint32_t segment = 0;
  float base = 0;
  float shift = 0;
  /// Of a row's bytes (ByteRowBytes).
  size_t row_bytes = 0;
  /// Up to so many rows of a block cost less when all of them are compared by their bytes than when
  /// its codes are scanned first.
  uint32_t sparse_rows_max = 0;
};

/// Goes through the blocks of runs in which a row takes part, one after the other, and asks for the
/// memory of those to come.
class BlockCursor {
 public:
  /// How many blocks ahead their memory is asked for.
  static constexpr size_t kBlocksAhead = 8;

  BlockCursor(std::span<const BlockRun> runs, size_t block_bytes)
      : runs_(runs), block_bytes_(block_bytes) {
    SkipUnselected(here_);
    ahead_ = here_;
  }

  bool is_done() const { return here_.run == runs_.size(); }
  void Advance() { Move(here_); }
  const BlockRun& run() const { return runs_[here_.run]; }
  /// In the cluster.
  size_t block() const { return here_.block; }
  const std::byte* bytes() const { return BytesAt(here_); }
  /// The rows of the block that take part. None that the last block lacks, whatever its bytes say:
  /// they may have been overwritten since they were checked.
  uint64_t selected() const { return SelectedAt(here_) & RowsAt(here_); }
  /// Whether so few rows take part that their codes are not worth scanning.
  bool is_sparse() const {
    return run().words != nullptr &&
           static_cast<uint32_t>(std::popcount(selected())) <= run().sparse_rows_max;
  }

  /// Ask for the next `count` blocks that have not been asked for. Into the second-level cache:
  /// measured half as fast again as the first.
  void Prefetch(size_t count) {
    for (; count > 0 && ahead_.run < runs_.size(); --count) {
      const std::byte* bytes = BytesAt(ahead_);
#pragma GCC unroll 4
      for (size_t i = 0; i < block_bytes_; i += kLineBytes) __builtin_prefetch(bytes + i, 0, 2);
      Move(ahead_);
    }
  }

 private:
  static constexpr size_t kLineBytes = 64;
  struct Place {
    size_t run = 0;
    size_t block = 0;
  };

  const std::byte* BytesAt(const Place& place) const {
    return runs_[place.run].cluster->blocks + place.block * block_bytes_;
  }
  uint64_t SelectedAt(const Place& place) const {
    const uint64_t* words = runs_[place.run].words;
    return words == nullptr ? ~uint64_t{0} : words[place.block];
  }
  uint64_t RowsAt(const Place& place) const {
    const size_t left = runs_[place.run].cluster->row_count - place.block * kernels::kBlockRows;
    return left < kernels::kBlockRows ? (uint64_t{1} << left) - 1 : ~uint64_t{0};
  }
  void Move(Place& place) const {
    Step(place);
    SkipUnselected(place);
  }
  void Step(Place& place) const {
    if (++place.block < runs_[place.run].cluster->block_count) return;
    place.block = 0;
    ++place.run;
  }
  void SkipUnselected(Place& place) const {
    while (place.run < runs_.size() && SelectedAt(place) == 0) Step(place);
  }

  std::span<const BlockRun> runs_;
  size_t block_bytes_;
  Place here_;
  Place ahead_;
};

}  // namespace viper::index
