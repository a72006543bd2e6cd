#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/random.h"
#include "platform/mutex.h"
#include "viper/clock.h"
#include "viper/service.h"
#include "viper/status.h"

namespace viper {

/// A named thread that does one piece of work every so often, and keeps account of how that goes. A
/// run that fails is noted, and the next one comes at its time. Thread-safe.
class PeriodicService {
 public:
  /// Does the work once. Returns soon, with whatever status, when it is asked to stop. Must not
  /// throw.
  using Work = std::function<Status(std::stop_token stop)>;

  /// Runs belong to the multiples of `interval` (at least 1 ms) after Start, so that they do not
  /// drift, however long they take; what is missed meanwhile is left out. Each is due up to a tenth
  /// of the interval after its own, by chance, so that services that were started together, of many
  /// processes, do not work together. `clock` is for what Health tells; it must outlive the
  /// service.
  PeriodicService(std::string name, std::chrono::milliseconds interval, Work work,
                  const Clock& clock = Clock::System());
  ~PeriodicService() { Stop(); }
  PeriodicService(const PeriodicService&) = delete;
  PeriodicService& operator=(const PeriodicService&) = delete;

  /// Begin. Does nothing if it has begun.
  void Start() VIPER_EXCLUDES(control_mutex_, mutex_);
  /// Ask a run to end, wait for it, and begin no other. Does nothing if it is stopped. Not from the
  /// work.
  void Stop() VIPER_EXCLUDES(control_mutex_, mutex_);
  /// Have it run soon, once, whenever the next run is due. Does nothing while it is stopped.
  void Notify() VIPER_EXCLUDES(mutex_);

  ServiceHealth Health() const VIPER_EXCLUDES(mutex_);

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  void Run(const std::stop_token& stop) VIPER_EXCLUDES(mutex_);
  /// Wait until a run is due; false when it is time to stop.
  bool WaitUntilDue() VIPER_EXCLUDES(mutex_);
  /// The run that belongs to `slot` is next.
  void SetSlot(SteadyTime slot) VIPER_REQUIRES(mutex_);

  const std::string name_;
  const std::chrono::milliseconds interval_;
  const Work work_;
  const Clock& clock_;

  /// Held by Start and Stop throughout, so that there is one thread at most.
  Mutex control_mutex_;
  mutable Mutex mutex_;
  ConditionVariable wake_;
  ServiceHealth health_ VIPER_GUARDED_BY(mutex_);
  Random random_ VIPER_GUARDED_BY(mutex_);
  SteadyTime slot_ VIPER_GUARDED_BY(mutex_);
  SteadyTime due_ VIPER_GUARDED_BY(mutex_);
  bool notified_ VIPER_GUARDED_BY(mutex_) = false;
  bool stopping_ VIPER_GUARDED_BY(mutex_) = false;
  std::jthread thread_ VIPER_GUARDED_BY(control_mutex_);
};

}  // namespace viper
