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

/// Decoded floats of a run of rows.
struct DecodedFloats {
  std::vector<float> floats;
  size_t memory_bytes() const { return floats.capacity() * sizeof(float); }
};

/// Decoded runs of columns, of scalars or of vectors, under a limit of bytes. What has not been
/// used since the last look goes first (the clock algorithm: a hit only sets a mark). A hit takes
/// no lock that other runs share: a search reads the ids of all its answers. What readers still
/// hold when it goes does not count. Thread-safe.
class ColumnCache {
 public:
  using ColumnPointer = std::shared_ptr<const columnar::Column>;
  using FloatsPointer = std::shared_ptr<const DecodedFloats>;

 private:
  using RunPointer = std::shared_ptr<const void>;
  /// The place of one run.
  class Slot {
   public:
    /// Null if it is not held.
    RunPointer Use();
    void Set(RunPointer run);
    /// Whether it was used since the last time.
    bool TakeMark();

   private:
    /// Held for a copy of the pointer.
    class Lock;
    std::atomic<bool> is_locked_ = false;
    bool was_used_ = false;
    RunPointer run_;
  };

  /// The places of runs 0 to count - 1. Forgets them when it goes.
  class Slots {
   public:
    Slots(ColumnCache& cache, size_t count) : cache_(&cache), slots_(count) {}
    ~Slots() { cache_->Forget(*this); }
    Slots(const Slots&) = delete;
    Slots& operator=(const Slots&) = delete;

   protected:
    friend class ColumnCache;
    ColumnCache* cache_;
    mutable std::vector<Slot> slots_;
  };

 public:
  /// Runs 0 to count - 1 of something, such as the pages of a column. Forgets them when it goes;
  /// the cache must outlive it. Thread-safe.
  template <typename Run>
  class RunsOf : public Slots {
   public:
    using Slots::Slots;

    /// The cached run, or what `decode` makes: a function that returns a Result<Run>, called
    /// outside all locks (two threads may decode the same run; one copy stays). Errors are returned
    /// and not cached.
    template <typename Decode>
    Result<std::shared_ptr<const Run>> Get(size_t number, const Decode& decode) const {
      if (RunPointer cached = slots_[number].Use()) {
        return std::static_pointer_cast<const Run>(std::move(cached));
      }
      VIPER_ASSIGN_OR_RETURN(Run decoded, decode());
      const size_t bytes = decoded.memory_bytes();
      RunPointer kept =
          cache_->Keep(*this, number, std::make_shared<const Run>(std::move(decoded)), bytes);
      return std::static_pointer_cast<const Run>(std::move(kept));
    }
  };
  using Runs = RunsOf<columnar::Column>;
  using FloatRuns = RunsOf<DecodedFloats>;

  explicit ColumnCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  /// Bytes held now.
  size_t bytes() const VIPER_EXCLUDES(mutex_);

 private:
  struct Entry {
    const Slots* runs = nullptr;
    size_t number = 0;
    size_t bytes = 0;
  };
  RunPointer Keep(const Slots& runs, size_t number, RunPointer decoded, size_t run_bytes);
  void Forget(const Slots& runs);
  /// Let go until at most this many bytes are held.
  void EvictLocked(size_t bytes_left) VIPER_REQUIRES(mutex_);

  const size_t bytes_max_;
  /// Taken before the lock of a slot.
  mutable Mutex mutex_;
  /// The back is looked at next when room is needed.
  std::list<Entry> clock_ VIPER_GUARDED_BY(mutex_);
  size_t bytes_ VIPER_GUARDED_BY(mutex_) = 0;
};

}  // namespace viper::core
