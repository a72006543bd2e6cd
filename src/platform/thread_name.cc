#include "platform/thread_name.h"

#include <string>

#include <pthread.h>
#if defined(__linux__)
#include <sys/resource.h>
#endif

namespace viper {

void SetThreadName(std::string_view name) {
#if defined(__linux__)
  constexpr size_t kNameBytesMax = 15;
  pthread_setname_np(pthread_self(), std::string(name.substr(0, kNameBytesMax)).c_str());
#elif defined(__APPLE__)
  pthread_setname_np(std::string(name).c_str());
#else
  static_cast<void>(name);
#endif
}

void LowerThreadPriority() {
#if defined(__linux__)
  // Linux keeps the nice value for each thread; 19 is the lowest priority. It cannot fail.
  constexpr int kNiceMax = 19;
  setpriority(PRIO_PROCESS, 0, kNiceMax);
#endif
}

}  // namespace viper
