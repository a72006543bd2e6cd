#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

// clang checks at compile time that what is guarded is touched only under its lock.
#if defined(__clang__)
#define VIPER_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define VIPER_THREAD_ANNOTATION(x)
#endif

/// The member may be touched only while the mutex is held.
#define VIPER_GUARDED_BY(mutex) VIPER_THREAD_ANNOTATION(guarded_by(mutex))
/// The function must be called with the mutex held.
#define VIPER_REQUIRES(...) VIPER_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
/// The function must be called without the mutex.
#define VIPER_EXCLUDES(...) VIPER_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace viper {

/// A mutex that clang can reason about. Take it with MutexLock.
class VIPER_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void Lock() VIPER_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void Unlock() VIPER_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

/// Holds a mutex as long as it lives.
class VIPER_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) VIPER_THREAD_ANNOTATION(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() VIPER_THREAD_ANNOTATION(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// A condition variable. Waits may end without reason: call them in a loop that tests the
/// condition, which also lets clang see that the condition is read under the lock.
class ConditionVariable {
 public:
  void Wait(Mutex& mutex) VIPER_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  /// False when the time has come.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline)
      VIPER_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace viper
