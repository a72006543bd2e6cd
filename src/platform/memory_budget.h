#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <memory>
#include <utility>

#include "platform/mutex.h"

namespace viper {

/// What memory is taken for.
enum class MemoryUse : uint8_t {
  /// Rows that are not in the table yet, and their codes.
  kRows = 0,
  /// Caches, by what they may grow to.
  kCaches = 1,
  /// Training an index, and coding rows for it.
  kIndexBuilds = 2,
  /// Files being written, by flushes and compactions.
  kFiles = 3,
};
inline constexpr size_t kMemoryUseCount = 4;

/// The bytes that the collections of an engine take together, under one limit. It counts what it is
/// told; whoever can wait or do with less asks before taking. Thread-safe.
class MemoryBudget {
 public:
  static constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

  /// `limit` in bytes, or kUnlimited: then there is always room, and all is counted the same.
  explicit MemoryBudget(uint64_t limit) : limit_(limit) {}

  bool is_limited() const { return limit_ != kUnlimited; }
  uint64_t limit() const { return limit_; }
  uint64_t used() const { return used_.load(); }
  uint64_t used(MemoryUse use) const { return used_for_[static_cast<size_t>(use)].load(); }
  /// Bytes to the limit.
  uint64_t room() const;

  /// Take, whether there is room or not: for what was promised already.
  void Take(MemoryUse use, uint64_t bytes);
  /// Take all of it if that leaves `spare` bytes of room, else nothing. Whether it did.
  bool TakeIfRoom(MemoryUse use, uint64_t bytes, uint64_t spare);
  /// Take as much as there is room for, `bytes` at most.
  uint64_t TakeUpTo(MemoryUse use, uint64_t bytes);
  void Give(MemoryUse use, uint64_t bytes);

  /// Somebody who can give memory back, such as by a flush: called when room is short, on any
  /// thread, with no lock held that matters here. It must return soon; the memory may come later.
  class Giver {
   public:
    Giver(std::shared_ptr<MemoryBudget> budget, std::function<void()> give);
    /// Waits for calls that are running.
    ~Giver();
    Giver(const Giver&) = delete;
    Giver& operator=(const Giver&) = delete;

   private:
    const std::shared_ptr<MemoryBudget> budget_;
    std::list<std::function<void()>>::iterator place_;
  };

  /// As TakeIfRoom, at once or, once all givers were asked, before the deadline.
  bool TakeBefore(std::chrono::steady_clock::time_point deadline, MemoryUse use, uint64_t bytes,
                  uint64_t spare);

 private:
  void AskGivers() VIPER_EXCLUDES(givers_mutex_);

  const uint64_t limit_;
  std::atomic<uint64_t> used_{0};
  std::array<std::atomic<uint64_t>, kMemoryUseCount> used_for_{};

  Mutex givers_mutex_;
  std::list<std::function<void()>> givers_ VIPER_GUARDED_BY(givers_mutex_);

  /// Somebody waits: whoever gives takes the mutex only then.
  std::atomic<uint32_t> waiting_{0};
  Mutex mutex_;
  ConditionVariable given_;
};

/// What one thing has taken of a budget, given back when it goes. Null budget = nothing is counted.
/// Not thread-safe.
class MemoryCharge {
 public:
  MemoryCharge() = default;
  /// `taken` bytes have been taken already.
  MemoryCharge(std::shared_ptr<MemoryBudget> budget, MemoryUse use, uint64_t taken = 0)
      : budget_(std::move(budget)), use_(use), bytes_(taken) {}
  ~MemoryCharge() { Set(0); }
  MemoryCharge(MemoryCharge&& other) noexcept
      : budget_(std::move(other.budget_)),
        use_(other.use_),
        bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryCharge& operator=(MemoryCharge&& other) noexcept;

  uint64_t bytes() const { return bytes_; }
  /// Have so many bytes, whether there is room or not.
  void Set(uint64_t bytes);
  /// Have those of another one of the same budget and use, too.
  void TakeOver(MemoryCharge& other);
  /// The same, with an error of up to 64 KiB: for what grows in small steps.
  void Follow(uint64_t bytes);

 private:
  std::shared_ptr<MemoryBudget> budget_;
  MemoryUse use_ = MemoryUse::kRows;
  uint64_t bytes_ = 0;
};

}  // namespace viper
