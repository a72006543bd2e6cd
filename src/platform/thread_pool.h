#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/mutex.h"

namespace viper {

/// Named worker threads for work that is split, not queued: searches and batches.
/// Thread-safe. The destructor joins.
class ThreadPool {
 public:
  /// `thread_count` threads in all take part in a ParallelFor, the caller among them; 0 = one per
  /// core.
  ThreadPool(std::string name, size_t thread_count);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  size_t thread_count() const { return workers_.size() + 1; }

  /// Call `work(i)` for every i in [0, count), on this thread and the workers, and return when all
  /// are done. `work` must not throw. May be called from several threads at once and from inside
  /// `work`.
  void ParallelFor(size_t count, const std::function<void(size_t)>& work) VIPER_EXCLUDES(mutex_);

 private:
  class Split;
  void RunWorker(const std::string& name) VIPER_EXCLUDES(mutex_);

  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<std::shared_ptr<Split>> offers_ VIPER_GUARDED_BY(mutex_);
  bool stopping_ VIPER_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> workers_;  // last: they use the members above
};

}  // namespace viper
