#include "core/selection_cache.h"

#include <iterator>

namespace viper::core {
namespace {

bool IsSameOwner(const std::weak_ptr<const void>& a, const std::shared_ptr<const void>& b) {
  return !a.owner_before(b) && !b.owner_before(a);
}

}  // namespace

std::shared_ptr<const void> SelectionCache::FindEntry(const std::shared_ptr<const void>& owner,
                                                      const FilterKey& filter) {
  MutexLock lock(mutex_);
  const auto found = places_.find({owner.get(), filter});
  if (found == places_.end() || !IsSameOwner(found->second->owner, owner)) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->value;
}

void SelectionCache::Put(const std::shared_ptr<const void>& owner, const FilterKey& filter,
                         std::shared_ptr<const void> value, size_t bytes) {
  bytes += sizeof(Entry) + 4 * sizeof(void*);
  Entries dropped;
  MutexLock lock(mutex_);
  const Key key = {owner.get(), filter};
  if (const auto found = places_.find(key); found != places_.end()) {
    EraseLocked(found->second, dropped);
  }
  if (bytes > bytes_max_) return;
  entries_.push_front({key, owner, std::move(value), bytes});
  places_.emplace(key, entries_.begin());
  bytes_ += bytes;
  if (bytes_ > bytes_max_) EvictLocked(dropped);
}

SelectionCache::Entries::iterator SelectionCache::EraseLocked(Entries::iterator entry,
                                                              Entries& dropped) {
  bytes_ -= entry->bytes;
  places_.erase(entry->key);
  const auto next = std::next(entry);
  dropped.splice(dropped.begin(), entries_, entry);
  return next;
}

void SelectionCache::EvictLocked(Entries& dropped) {
  // What nobody can find any more is the first to go.
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    entry = entry->owner.expired() ? EraseLocked(entry, dropped) : std::next(entry);
  }
  while (bytes_ > bytes_max_) EraseLocked(std::prev(entries_.end()), dropped);
}

size_t SelectionCache::bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace viper::core
