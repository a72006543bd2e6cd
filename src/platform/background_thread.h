#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "platform/mutex.h"

namespace viper {

/// A thread that calls one function again and again: after each Notify, and when `interval` has
/// passed since the last call ended. Thread-safe.
class BackgroundThread {
 public:
  /// `interval` 0 = only when notified. `work` must not throw.
  BackgroundThread(std::string name, std::chrono::milliseconds interval,
                   std::function<void()> work);
  ~BackgroundThread() { Stop(); }
  BackgroundThread(const BackgroundThread&) = delete;
  BackgroundThread& operator=(const BackgroundThread&) = delete;

  /// Have the function called soon, once for any number of notifications that came before the call
  /// starts. One that comes during a call leads to another call. Never waits for the function.
  void Notify() VIPER_EXCLUDES(mutex_);
  /// Wait for a call that is running; there are no more, whoever notifies. Not from the function.
  void Stop() VIPER_EXCLUDES(mutex_);

 private:
  void Run(const std::string& name);
  /// Wait for a reason to call the function; false when it is time to stop.
  bool WaitForWork() VIPER_EXCLUDES(mutex_);

  const std::chrono::milliseconds interval_;
  const std::function<void()> work_;
  Mutex mutex_;
  ConditionVariable wake_;
  bool notified_ VIPER_GUARDED_BY(mutex_) = false;
  bool stopping_ VIPER_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the members above
};

}  // namespace viper
