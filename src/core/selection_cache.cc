#include "core/selection_cache.h"

#include <iterator>

namespace viper::core {
namespace {

bool IsSameOwner(const std::weak_ptr<const void>& a, const std::shared_ptr<const void>& b) {
  return !a.owner_before(b) && !b.owner_before(a);
}

}  // namespace

std::shared_ptr<const void> SelectionCache::FindEntry(const Key& key,
                                                      const std::shared_ptr<const void>& owner) {
  MutexLock lock(mutex_);
  const auto found = places_.find(key);
  if (found == places_.end() || !IsSameOwner(found->second->owner, owner)) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->value;
}

void SelectionCache::PutEntry(const Key& key, const std::shared_ptr<const void>& owner,
                              std::shared_ptr<const void> value, size_t bytes) {
  // The filter is counted for each entry that shares it: which of them will be the last nobody
  // knows.
  bytes += key.filter.memory_bytes() + sizeof(Entry) + 4 * sizeof(void*);
  Entries dropped;
  MutexLock lock(mutex_);
  if (const auto found = places_.find(key); found != places_.end()) {
    EraseLocked(found->second, dropped);
  }
  if (bytes > bytes_max_) return;
  entries_.push_front({key, owner, std::move(value), bytes});
  places_.emplace(key, entries_.begin());
  bytes_ += bytes;
  // Every write leaves entries of a view that is gone: their memory is wanted for the next ones,
  // while it is still in the processor's caches.
  if (++puts_since_sweep_ >= entries_.size() || bytes_ > bytes_max_) SweepLocked(dropped);
  while (bytes_ > bytes_max_) EraseLocked(std::prev(entries_.end()), dropped);
}

SelectionCache::Entries::iterator SelectionCache::EraseLocked(Entries::iterator entry,
                                                              Entries& dropped) {
  bytes_ -= entry->bytes;
  places_.erase(entry->key);
  const auto next = std::next(entry);
  dropped.splice(dropped.begin(), entries_, entry);
  return next;
}

void SelectionCache::SweepLocked(Entries& dropped) {
  puts_since_sweep_ = 0;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    entry = entry->owner.expired() ? EraseLocked(entry, dropped) : std::next(entry);
  }
}

size_t SelectionCache::bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace viper::core
