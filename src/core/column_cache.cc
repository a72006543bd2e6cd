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

ColumnCache::RunPointer ColumnCache::Slot::Use() {
  Lock lock(*this);
  was_used_ = run_ != nullptr;
  return run_;
}

void ColumnCache::Slot::Set(RunPointer run) {
  {
    Lock lock(*this);
    was_used_ = false;
    run_.swap(run);
  }
  // What was there goes outside the lock.
}

bool ColumnCache::Slot::TakeMark() {
  Lock lock(*this);
  return std::exchange(was_used_, false);
}

size_t ColumnCache::bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

ColumnCache::RunPointer ColumnCache::Keep(const Slots& runs, size_t number, RunPointer decoded,
                                          size_t run_bytes) {
  const size_t bytes = run_bytes + sizeof(Entry);
  if (bytes > bytes_max_) return decoded;
  MutexLock lock(mutex_);
  if (RunPointer first = runs.slots_[number].Use()) return first;
  // Room is made first, so that the limit holds at every moment.
  EvictLocked(bytes_max_ - bytes);
  runs.slots_[number].Set(decoded);
  clock_.push_front({&runs, number, bytes});
  bytes_ += bytes;
  return decoded;
}

void ColumnCache::EvictLocked(size_t bytes_left) {
  while (bytes_ > bytes_left) {
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

void ColumnCache::Forget(const Slots& runs) {
  MutexLock lock(mutex_);
  std::erase_if(clock_, [&](const Entry& entry) VIPER_REQUIRES(mutex_) {
    if (entry.runs != &runs) return false;
    bytes_ -= entry.bytes;
    return true;
  });
}

}  // namespace viper::core
