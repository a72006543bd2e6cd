#include "core/column_cache.h"

#include <utility>

#include "base/status_macros.h"

namespace viper::core {

Result<ColumnCache::ColumnPointer> ColumnCache::Get(
    const Key& key, const std::function<Result<columnar::Column>()>& decode) {
  {
    MutexLock lock(mutex_);
    auto found = entries_.find(key);
    if (found != entries_.end()) {
      recent_first_.splice(recent_first_.begin(), recent_first_, found->second);
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
  recent_first_.push_front({key, column, bytes});
  entries_[key] = recent_first_.begin();
  bytes_ += bytes;
  EvictLocked();
  return column;
}

void ColumnCache::EvictLocked() {
  while (bytes_ > bytes_max_) {
    const Entry& oldest = recent_first_.back();
    bytes_ -= oldest.bytes;
    entries_.erase(oldest.key);
    recent_first_.pop_back();
  }
}

void ColumnCache::DropPart(uint64_t part) {
  MutexLock lock(mutex_);
  auto first = entries_.lower_bound(Key{part, Unit::kPage, "", 0});
  while (first != entries_.end() && first->first.part == part) {
    bytes_ -= first->second->bytes;
    recent_first_.erase(first->second);
    first = entries_.erase(first);
  }
}

}  // namespace viper::core
