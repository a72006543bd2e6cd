#include "platform/background_thread.h"

#include <utility>

#include "platform/thread_name.h"

namespace viper {

BackgroundThread::BackgroundThread(std::string name, std::chrono::milliseconds interval,
                                   std::function<void()> work)
    : interval_(interval),
      work_(std::move(work)),
      thread_([this, thread_name = std::move(name)] { Run(thread_name); }) {}

void BackgroundThread::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyOne();
  if (thread_.joinable()) thread_.join();
}

void BackgroundThread::Notify() {
  {
    MutexLock lock(mutex_);
    notified_ = true;
  }
  wake_.NotifyOne();
}

void BackgroundThread::Run(const std::string& name) {
  SetThreadName(name);
  while (WaitForWork()) work_();
}

bool BackgroundThread::WaitForWork() {
  const auto deadline = std::chrono::steady_clock::now() + interval_;
  MutexLock lock(mutex_);
  while (!notified_ && !stopping_) {
    if (interval_.count() == 0) {
      wake_.Wait(mutex_);
    } else if (!wake_.WaitUntil(mutex_, deadline)) {
      break;
    }
  }
  notified_ = false;
  return !stopping_;
}

}  // namespace viper
