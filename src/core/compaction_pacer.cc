#include "core/compaction_pacer.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/status_macros.h"

namespace viper::core {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// Who waits looks so often whether it is to stop.
constexpr std::chrono::milliseconds kBetweenLooks(50);

}  // namespace

void CompactionPacer::Expect(uint64_t bytes) {
  MutexLock lock(mutex_);
  expected_bytes_ = bytes;
}

void CompactionPacer::Stop() {
  MutexLock lock(mutex_);
  stopped_ = true;
}

Result<SteadyClock::time_point> CompactionPacer::Due(uint64_t bytes) {
  MutexLock lock(mutex_);
  copied_bytes_ += bytes;
  const uint64_t all = std::max({expected_bytes_, copied_bytes_, uint64_t{1}});
  const double share = static_cast<double>(copied_bytes_) / static_cast<double>(all);
  if (stopped_) return Status::Cancelled("compaction: another of its workers failed");
  if (options_.progress && !options_.progress(share)) {
    stopped_ = true;
    return Status::Cancelled("compaction: stopped by its caller");
  }
  if (bytes_per_second_ == 0) return begin_;
  return begin_ + std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(
                      static_cast<double>(copied_bytes_) / static_cast<double>(bytes_per_second_)));
}

Result<double> CompactionPacer::Advance(uint64_t bytes) {
  const SteadyClock::time_point arrived = SteadyClock::now();
  while (true) {
    VIPER_ASSIGN_OR_RETURN(const SteadyClock::time_point due, Due(std::exchange(bytes, 0)));
    const SteadyClock::time_point now = SteadyClock::now();
    if (now >= due) return std::chrono::duration<double>(now - arrived).count();
    std::this_thread::sleep_until(std::min(due, now + kBetweenLooks));
  }
}

}  // namespace viper::core
