#include "index/top_rows.h"

#include <algorithm>
#include <utility>

namespace viper::index {

bool TopRows::Nearer(const ScoredRow& a, const ScoredRow& b) const {
  if (a.distance != b.distance) return a.distance < b.distance;
  if (*tie_less_) {
    if ((*tie_less_)(a.row, b.row)) return true;
    if ((*tie_less_)(b.row, a.row)) return false;
  }
  return a.row < b.row;
}

void TopRows::Offer(const ScoredRow& candidate) {
  const auto nearer = [this](const ScoredRow& a, const ScoredRow& b) { return Nearer(a, b); };
  if (!full()) {
    heap_.push_back(candidate);
    std::push_heap(heap_.begin(), heap_.end(), nearer);
    return;
  }
  if (k_ == 0 || !Nearer(candidate, heap_.front())) return;
  std::pop_heap(heap_.begin(), heap_.end(), nearer);
  heap_.back() = candidate;
  std::push_heap(heap_.begin(), heap_.end(), nearer);
}

void TopRows::Merge(const TopRows& other) {
  for (const ScoredRow& row : other.heap_) Offer(row);
}

std::vector<ScoredRow> TopRows::TakeSorted() && {
  std::sort_heap(heap_.begin(), heap_.end(),
                 [this](const ScoredRow& a, const ScoredRow& b) { return Nearer(a, b); });
  return std::move(heap_);
}

}  // namespace viper::index
