// Every ParallelFor is one Split, from which the caller and any worker that is free draw indexes
// until none are left. The caller never waits for work that nobody has begun, so calls may nest.

#include "platform/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "platform/thread_name.h"

namespace viper {

class ThreadPool::Split {
 public:
  Split(size_t count, const std::function<void(size_t)>& work) : count_(count), work_(work) {}

  /// Draw and do work until none is left to draw.
  void Help() {
    // After the last index was drawn the caller may be gone, and `work_` with it.
    for (size_t i = next_.fetch_add(1, std::memory_order_relaxed); i < count_;
         i = next_.fetch_add(1, std::memory_order_relaxed)) {
      work_(i);
      if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == count_) done_.notify_all();
    }
  }

  void WaitUntilDone() const {
    for (size_t done = done_.load(std::memory_order_acquire); done != count_;
         done = done_.load(std::memory_order_acquire)) {
      done_.wait(done, std::memory_order_acquire);
    }
  }

 private:
  const size_t count_;
  const std::function<void(size_t)>& work_;
  std::atomic<size_t> next_{0};
  std::atomic<size_t> done_{0};
};

ThreadPool::ThreadPool(std::string name, size_t thread_count) {
  if (thread_count == 0) thread_count = std::max(1U, std::thread::hardware_concurrency());
  workers_.reserve(thread_count - 1);
  for (size_t i = 1; i < thread_count; ++i) {
    workers_.emplace_back([this, name] { RunWorker(name); });
  }
}

ThreadPool::~ThreadPool() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::ParallelFor(size_t count, const std::function<void(size_t)>& work) {
  if (count <= 1 || workers_.empty()) {
    for (size_t i = 0; i < count; ++i) work(i);
    return;
  }
  const auto split = std::make_shared<Split>(count, work);
  const size_t helpers = std::min(count - 1, workers_.size());
  {
    MutexLock lock(mutex_);
    offers_.insert(offers_.end(), helpers, split);
  }
  helpers == 1 ? wake_.NotifyOne() : wake_.NotifyAll();
  split->Help();
  split->WaitUntilDone();
}

void ThreadPool::RunWorker(const std::string& name) {
  SetThreadName(name);
  while (true) {
    std::shared_ptr<Split> split;
    {
      MutexLock lock(mutex_);
      while (offers_.empty() && !stopping_) wake_.Wait(mutex_);
      if (offers_.empty()) return;
      split = std::move(offers_.front());
      offers_.pop_front();
    }
    split->Help();
  }
}

}  // namespace viper
