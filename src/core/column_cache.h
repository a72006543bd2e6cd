#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "columnar/column.h"
#include "platform/mutex.h"
#include "viper/result.h"

namespace viper::core {

/// Decoded runs of columns under a limit of bytes. What has not been used since the last look goes
/// first (the clock algorithm: a hit only sets a mark). A hit takes no lock that other runs share:
/// a search reads the ids of all its answers. Thread-safe.
class ColumnCache {
 public:
  using ColumnPointer = std::shared_ptr<const columnar::Column>;

 private:
  /// The place of one run.
  class Slot {
   public:
    /// Null if it is not held.
    ColumnPointer Use();
    void Set(ColumnPointer column);
    /// Whether it was used since the last time.
    bool TakeMark();

   private:
    /// Held for a copy of the pointer.
    class Lock;
    std::atomic<bool> is_locked_ = false;
    bool was_used_ = false;
    ColumnPointer column_;
  };

 public:
  /// Runs 0 to count - 1 of something, such as the pages of a column. Forgets them when it goes;
  /// the cache must outlive it. Thread-safe.
  class Runs {
   public:
    Runs(ColumnCache& cache, size_t count) : cache_(&cache), slots_(count) {}
    ~Runs() { cache_->Forget(*this); }
    Runs(const Runs&) = delete;
    Runs& operator=(const Runs&) = delete;

    /// The cached run, or what `decode` makes: a function that returns a Result<columnar::Column>,
    /// called outside all locks (two threads may decode the same run; one copy stays). Errors are
    /// returned and not cached.
    template <typename Decode>
    Result<ColumnPointer> Get(size_t number, const Decode& decode) const {
      if (ColumnPointer cached = slots_[number].Use()) return cached;
      VIPER_ASSIGN_OR_RETURN(columnar::Column decoded, decode());
      return cache_->Keep(*this, number, std::move(decoded));
    }

   private:
    friend class ColumnCache;
    ColumnCache* cache_;
    mutable std::vector<Slot> slots_;
  };

  explicit ColumnCache(size_t bytes_max) : bytes_max_(bytes_max) {}

 private:
  struct Entry {
    const Runs* runs = nullptr;
    size_t number = 0;
    size_t bytes = 0;
  };
  ColumnPointer Keep(const Runs& runs, size_t number, columnar::Column decoded);
  void Forget(const Runs& runs);
  void EvictLocked() VIPER_REQUIRES(mutex_);

  const size_t bytes_max_;
  /// Taken before the lock of a slot.
  Mutex mutex_;
  /// The back is looked at next when room is needed.
  std::list<Entry> clock_ VIPER_GUARDED_BY(mutex_);
  size_t bytes_ VIPER_GUARDED_BY(mutex_) = 0;
};

}  // namespace viper::core
