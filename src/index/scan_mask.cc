#include "index/scan_mask.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "kernels/code_block.h"

namespace viper::index {
namespace {

using kernels::kBlockRows;

/// Bit i: whether row `numbers[i]` is selected. At most one block of numbers. They may have been
/// overwritten since they were checked: one that leads nowhere is not.
uint64_t WordOf(const std::byte* numbers, size_t count, const Bitmap& selection) {
  const uint64_t* words = selection.words().data();
  uint64_t word = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto number = LoadFixed<uint32_t>(numbers + i * sizeof(uint32_t));
    if (number >= selection.size()) continue;
    word |= ((words[number / 64] >> (number % 64)) & 1) << i;
  }
  return word;
}

}  // namespace

Result<std::shared_ptr<const ScanMask>> ScanMask::Make(const Segment& segment,
                                                       const Bitmap& selection) {
  VIPER_ASSERT(selection.size() == segment.row_count());
  VIPER_RETURN_IF_ERROR(segment.CheckNumbers());
  std::shared_ptr<ScanMask> mask(new ScanMask());  // NOLINT: the constructor is private
  mask->words_.reserve(segment.row_count() / kBlockRows + segment.cluster_count());
  mask->first_words_.reserve(segment.cluster_count() + 1);
  mask->selected_.reserve(segment.cluster_count());
  for (size_t i = 0; i < segment.cluster_count(); ++i) {
    mask->AddCluster(segment.cluster(i), selection);
  }
  mask->first_words_.push_back(static_cast<uint32_t>(mask->words_.size()));
  for (const uint32_t number : segment.zero_rows()) {
    if (selection.Test(number)) mask->zero_rows_.push_back(number);
  }
  mask->selected_count_ += mask->zero_rows_.size();
  return std::shared_ptr<const ScanMask>(std::move(mask));
}

void ScanMask::AddCluster(const ClusterView& cluster, const Bitmap& selection) {
  first_words_.push_back(static_cast<uint32_t>(words_.size()));
  uint32_t selected = 0;
  for (size_t first = 0; first < cluster.row_count; first += kBlockRows) {
    const uint64_t word =
        WordOf(cluster.numbers + first * sizeof(uint32_t),
               std::min<size_t>(kBlockRows, cluster.row_count - first), selection);
    words_.push_back(word);
    selected += static_cast<uint32_t>(std::popcount(word));
    block_count_ += word != 0 ? 1 : 0;
  }
  selected_.push_back(selected);
  selected_count_ += selected;
}

size_t ScanMask::memory_bytes() const {
  return sizeof(*this) + words_.capacity() * sizeof(uint64_t) +
         (first_words_.capacity() + selected_.capacity() + zero_rows_.capacity()) *
             sizeof(uint32_t);
}

void ClusterSelection::Add(const Segment& segment, const ScanMask* mask) {
  VIPER_ASSERT(counts_.use_count() == 1);
  Counts& counts = *counts_;
  VIPER_ASSERT(segment.cluster_count() == counts.rows.size());
  for (size_t i = 0; i < counts.rows.size(); ++i) {
    const uint64_t rows = segment.cluster(i).row_count;
    const uint64_t selected = mask == nullptr ? rows : mask->SelectedIn(i);
    if (counts.selected[i] == 0 && selected != 0) {
      ++counts.count;
      counts.words[i / 64] |= uint64_t{1} << (i % 64);
      counts.reached_rows += counts.rows[i];
    }
    counts.rows[i] += rows;
    counts.selected[i] += selected;
    selected_count_ += selected;
    if (counts.selected[i] != 0) counts.reached_rows += rows;
  }
}

size_t ClusterSelection::memory_bytes() const {
  return sizeof(*this) + sizeof(Counts) +
         (2 * counts_->rows.size() + counts_->words.size()) * sizeof(uint64_t);
}

}  // namespace viper::index
