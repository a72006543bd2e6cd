#include "platform/memory_budget.h"

#include <algorithm>

#include "base/assert.h"

namespace viper {
namespace {

using std::chrono::steady_clock;

constexpr uint64_t kFollowStep = uint64_t{64} << 10;
/// Givers may have had nothing to give when they were asked.
constexpr std::chrono::milliseconds kAskAgain{50};

}  // namespace

uint64_t MemoryBudget::room() const {
  const uint64_t used = used_.load();
  return used >= limit_ ? 0 : limit_ - used;
}

void MemoryBudget::Take(MemoryUse use, uint64_t bytes) {
  used_.fetch_add(bytes);
  used_for_[static_cast<size_t>(use)].fetch_add(bytes);
}

bool MemoryBudget::TakeIfRoom(MemoryUse use, uint64_t bytes, uint64_t spare) {
  if (is_limited() && (bytes > limit_ || spare > limit_ - bytes)) return false;
  uint64_t used = used_.load();
  do {
    if (is_limited() && used > limit_ - bytes - spare) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  used_for_[static_cast<size_t>(use)].fetch_add(bytes);
  return true;
}

uint64_t MemoryBudget::TakeUpTo(MemoryUse use, uint64_t bytes) {
  uint64_t used = used_.load();
  uint64_t taken = 0;
  do {
    taken = std::min(bytes, used >= limit_ ? 0 : limit_ - used);
  } while (!used_.compare_exchange_weak(used, used + taken));
  used_for_[static_cast<size_t>(use)].fetch_add(taken);
  return taken;
}

void MemoryBudget::Give(MemoryUse use, uint64_t bytes) {
  const uint64_t before = used_for_[static_cast<size_t>(use)].fetch_sub(bytes);
  VIPER_ASSERT(before >= bytes);
  used_.fetch_sub(bytes);
  // Who begins to wait after this sees what was given.
  if (waiting_.load() == 0) return;
  MutexLock lock(mutex_);
  given_.NotifyAll();
}

void MemoryBudget::AskGivers() {
  MutexLock lock(givers_mutex_);
  for (const auto& give : givers_) give();
}

bool MemoryBudget::TakeBefore(steady_clock::time_point deadline, MemoryUse use, uint64_t bytes,
                              uint64_t spare) {
  while (!TakeIfRoom(use, bytes, spare)) {
    AskGivers();
    const auto next = std::min(deadline, steady_clock::now() + kAskAgain);
    waiting_.fetch_add(1);
    {
      MutexLock lock(mutex_);
      bool in_time = true;
      while (bytes + spare > room() && in_time) in_time = given_.WaitUntil(mutex_, next);
    }
    waiting_.fetch_sub(1);
    if (steady_clock::now() >= deadline) return TakeIfRoom(use, bytes, spare);
  }
  return true;
}

MemoryBudget::Giver::Giver(std::shared_ptr<MemoryBudget> budget, std::function<void()> give)
    : budget_(std::move(budget)) {
  MutexLock lock(budget_->givers_mutex_);
  place_ = budget_->givers_.insert(budget_->givers_.end(), std::move(give));
}

MemoryBudget::Giver::~Giver() {
  MutexLock lock(budget_->givers_mutex_);
  budget_->givers_.erase(place_);
}

MemoryCharge& MemoryCharge::operator=(MemoryCharge&& other) noexcept {
  if (this == &other) return *this;
  Set(0);
  budget_ = std::move(other.budget_);
  use_ = other.use_;
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

void MemoryCharge::Set(uint64_t bytes) {
  if (budget_ == nullptr) return;
  if (bytes > bytes_) budget_->Take(use_, bytes - bytes_);
  if (bytes < bytes_) budget_->Give(use_, bytes_ - bytes);
  bytes_ = bytes;
}

void MemoryCharge::TakeOver(MemoryCharge& other) {
  if (budget_ == nullptr || other.budget_ == nullptr) return;
  VIPER_ASSERT(budget_ == other.budget_ && use_ == other.use_);
  bytes_ += std::exchange(other.bytes_, 0);
}

void MemoryCharge::Follow(uint64_t bytes) {
  const uint64_t difference = bytes > bytes_ ? bytes - bytes_ : bytes_ - bytes;
  if (difference >= kFollowStep) Set(bytes);
}

}  // namespace viper
