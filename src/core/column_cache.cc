#include "core/column_cache.h"

#include <iterator>

namespace viper::core {

class ColumnCache::Slot::Lock {
 public:
  explicit Lock(Slot& slot) : slot_(slot) {
    while (slot_.is_locked_.exchange(true, std::memory_order_acquire)) {
    }
  }
  ~Lock() { slot_.is_locked_.store(false, std::memory_order_release); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Slot& slot_;
};

ColumnCache::ColumnPointer ColumnCache::Slot::Use() {
  Lock lock(*this);
  was_used_ = column_ != nullptr;
  return column_;
}

void ColumnCache::Slot::Set(ColumnPointer column) {
  {
    Lock lock(*this);
    was_used_ = false;
    column_.swap(column);
  }
  // What was there goes outside the lock.
}

bool ColumnCache::Slot::TakeMark() {
  Lock lock(*this);
  return std::exchange(was_used_, false);
}

ColumnCache::ColumnPointer ColumnCache::Keep(const Runs& runs, size_t number,
                                             columnar::Column decoded) {
  auto column = std::make_shared<const columnar::Column>(std::move(decoded));
  const size_t bytes = column->memory_bytes() + sizeof(Entry);
  if (bytes > bytes_max_) return column;
  MutexLock lock(mutex_);
  if (ColumnPointer first = runs.slots_[number].Use()) return first;
  runs.slots_[number].Set(column);
  clock_.push_front({&runs, number, bytes});
  bytes_ += bytes;
  EvictLocked();
  return column;
}

void ColumnCache::EvictLocked() {
  while (bytes_ > bytes_max_) {
    const Entry& oldest = clock_.back();
    Slot& slot = oldest.runs->slots_[oldest.number];
    if (slot.TakeMark()) {
      clock_.splice(clock_.begin(), clock_, std::prev(clock_.end()));
      continue;
    }
    slot.Set(nullptr);
    bytes_ -= oldest.bytes;
    clock_.pop_back();
  }
}

void ColumnCache::Forget(const Runs& runs) {
  MutexLock lock(mutex_);
  std::erase_if(clock_, [&](const Entry& entry) VIPER_REQUIRES(mutex_) {
    if (entry.runs != &runs) return false;
    bytes_ -= entry.bytes;
    return true;
  });
}

}  // namespace viper::core
