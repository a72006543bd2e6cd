#include "core/id_audit.h"

#include <algorithm>

namespace viper::core {

IdAudit::IdAudit(uint64_t row_count, size_t memory_bytes)
    : pass_count_(row_count / std::max<uint64_t>(1, memory_bytes / kRowBytes) + 1) {
  // Hashes are spread evenly, so that this is about what a pass keeps.
  rows_.reserve(row_count / pass_count_ + 1);
}

void IdAudit::BeginPass(uint64_t pass) {
  pass_ = pass;
  rows_.clear();
}

void IdAudit::Add(const Place& place, uint64_t hash) {
  __extension__ using uint128 = unsigned __int128;
  const auto pass = static_cast<uint64_t>((static_cast<uint128>(hash) * pass_count_) >> 64);
  if (pass == pass_) rows_.push_back({hash, place});
}

std::vector<IdAudit::Pair> IdAudit::EqualHashes(size_t count_max) {
  std::sort(rows_.begin(), rows_.end());
  std::vector<Pair> pairs;
  size_t first = 0;
  for (size_t i = 1; i < rows_.size() && pairs.size() < count_max; ++i) {
    if (rows_[i].hash == rows_[first].hash) {
      pairs.push_back({rows_[first].place, rows_[i].place});
    } else {
      first = i;
    }
  }
  return pairs;
}

}  // namespace viper::core
