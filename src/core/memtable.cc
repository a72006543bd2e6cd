#include "core/memtable.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "core/norm_bound.h"

namespace viper::core {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;
constexpr size_t kSlotsFirst = 1024;

/// Distinct metadata keys that are remembered, to tell a misspelt field in a filter.
constexpr size_t kKnownKeysMax = 4096;

}  // namespace

Memtable::Memtable(size_t dim, MemoryCharge charge)
    : dim_(dim),
      rows_per_chunk_(std::clamp<size_t>(kChunkBytes / (dim * sizeof(float)), 16, 4096)),
      charge_(std::move(charge)),
      slots_(kSlotsFirst, kNoRow) {}

uint32_t Memtable::Append(Row row) {
  VIPER_ASSERT(!is_full());
  const uint32_t number = row_count_;
  const size_t place = number % rows_per_chunk_;
  if (place == 0) AddChunk();
  Chunk& chunk = *chunks_.back();
  float* floats = chunk.floats.get() + place * dim_;
  std::memcpy(floats, row.vector, dim_ * sizeof(float));
  row.vector = reinterpret_cast<const std::byte*>(floats);
  row.vector_holder = nullptr;
  memory_bytes_ += row.id.size() + 3 * row.metadata_bytes + 2 * sizeof(uint32_t);
  max_norm_ = std::max(max_norm_, NormBound(row.vector, 1, dim_));
  first_expiry_ = std::min(first_expiry_, row.expires_at);
  chunk.rows[place] = std::move(row);
  ++row_count_;
  IndexRow(number);
  if (memory_bytes_ > charge_.bytes()) charge_.Follow(memory_bytes_);
  return number;
}

void Memtable::AddChunk() {
  auto chunk = std::make_shared<Chunk>();
  chunk->floats = std::make_unique_for_overwrite<float[]>(rows_per_chunk_ * dim_);
  chunk->rows = std::make_unique<Row[]>(rows_per_chunk_);
  chunk->previous = std::make_unique_for_overwrite<uint32_t[]>(rows_per_chunk_);
  memory_bytes_ += rows_per_chunk_ * (dim_ * sizeof(float) + sizeof(Row) + sizeof(uint32_t));
  // FindNewest walks the chunks beside the appender.
  MutexLock lock(index_mutex_);
  chunks_.push_back(std::move(chunk));
}

void Memtable::IndexRow(uint32_t number) {
  MutexLock lock(index_mutex_);
  if ((size_t{indexed_ids_} + 1) * 2 > slots_.size()) GrowIndex();
  const Row& added = row(number);
  uint32_t& previous = chunks_.back()->previous[number % rows_per_chunk_];
  previous = kNoRow;
  const size_t mask = slots_.size() - 1;
  size_t slot = added.id_hash & mask;
  while (slots_[slot] != kNoRow) {
    const Row& other = row(slots_[slot]);
    if (other.id_hash == added.id_hash && other.id == added.id) {
      previous = slots_[slot];
      break;
    }
    slot = (slot + 1) & mask;
  }
  if (previous == kNoRow) ++indexed_ids_;
  slots_[slot] = number;
  for (const auto& [key, value] : added.metadata) {
    if (known_keys_.size() < kKnownKeysMax && !known_keys_.contains(key)) known_keys_.insert(key);
  }
}

void Memtable::GrowIndex() {
  std::vector<uint32_t> grown(slots_.size() * 2, kNoRow);
  const size_t mask = grown.size() - 1;
  for (uint32_t number : slots_) {
    if (number == kNoRow) continue;
    size_t slot = row(number).id_hash & mask;
    while (grown[slot] != kNoRow) slot = (slot + 1) & mask;
    grown[slot] = number;
  }
  memory_bytes_ += (grown.size() - slots_.size()) * sizeof(grown[0]);
  slots_ = std::move(grown);
}

std::optional<uint32_t> Memtable::FindNewest(std::string_view id, uint64_t id_hash,
                                             uint32_t row_count) const {
  MutexLock lock(index_mutex_);
  const size_t mask = slots_.size() - 1;
  for (size_t slot = id_hash & mask; slots_[slot] != kNoRow; slot = (slot + 1) & mask) {
    uint32_t number = slots_[slot];
    if (row(number).id_hash != id_hash || row(number).id != id) continue;
    while (number != kNoRow && number >= row_count) {
      number = chunks_[number / rows_per_chunk_]->previous[number % rows_per_chunk_];
    }
    if (number == kNoRow) return std::nullopt;
    return number;
  }
  return std::nullopt;
}

bool Memtable::MayHaveKey(std::string_view key) const {
  MutexLock lock(index_mutex_);
  return known_keys_.size() >= kKnownKeysMax || known_keys_.contains(key);
}

std::optional<std::set<std::string, std::less<>>> Memtable::KnownKeys() const {
  MutexLock lock(index_mutex_);
  if (known_keys_.size() >= kKnownKeysMax) return std::nullopt;
  return known_keys_;
}

}  // namespace viper::core
