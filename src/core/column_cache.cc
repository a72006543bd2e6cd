#include "core/column_cache.h"

#include <iterator>
#include <utility>

#include "base/status_macros.h"

namespace viper::core {

Result<ColumnCache::ColumnPointer> ColumnCache::Get(
    const Key& key, const std::function<Result<columnar::Column>()>& decode) {
  {
    MutexLock lock(mutex_);
    auto found = entries_.find(key);
    if (found != entries_.end()) {
      found->second->was_used = true;
      return found->second->column;
    }
  }
  VIPER_ASSIGN_OR_RETURN(columnar::Column decoded, decode());
  auto column = std::make_shared<const columnar::Column>(std::move(decoded));
  const size_t bytes = column->memory_bytes() + sizeof(Entry) + key.column.size();
  MutexLock lock(mutex_);
  auto found = entries_.find(key);
  if (found != entries_.end()) return found->second->column;
  if (bytes > bytes_max_) return column;
  clock_.push_front({key, column, bytes});
  entries_[key] = clock_.begin();
  bytes_ += bytes;
  EvictLocked();
  return column;
}

void ColumnCache::EvictLocked() {
  while (bytes_ > bytes_max_) {
    Entry& oldest = clock_.back();
    if (oldest.was_used) {
      oldest.was_used = false;
      clock_.splice(clock_.begin(), clock_, std::prev(clock_.end()));
      continue;
    }
    bytes_ -= oldest.bytes;
    entries_.erase(oldest.key);
    clock_.pop_back();
  }
}

void ColumnCache::DropPart(uint64_t part) {
  MutexLock lock(mutex_);
  std::erase_if(clock_, [&](const Entry& entry) VIPER_REQUIRES(mutex_) {
    if (entry.key.part != part) return false;
    bytes_ -= entry.bytes;
    entries_.erase(entry.key);
    return true;
  });
}

size_t ColumnCache::KeyHash::operator()(const Key& key) const {
  const uint64_t place = key.part << 40 ^ static_cast<uint64_t>(key.unit) << 38 ^ key.number;
  return static_cast<size_t>(place * 0x9E3779B97F4A7C15 ^ std::hash<std::string>()(key.column));
}

}  // namespace viper::core
