#pragma once

#include <cstddef>
#include <functional>

#include "platform/thread_pool.h"

namespace viper::index {

/// Call `work(i)` for every i in [0, count), by the pool, or on this thread if there is none.
inline void ForEach(ThreadPool* pool, size_t count, const std::function<void(size_t)>& work) {
  if (pool != nullptr) return pool->ParallelFor(count, work);
  for (size_t i = 0; i < count; ++i) work(i);
}

}  // namespace viper::index
