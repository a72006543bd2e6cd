#pragma once

#include <chrono>

namespace viper::pipeline {

/// Milliseconds since it was made, by a monotonic clock.
class Stopwatch {
 public:
  double ElapsedMs() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace viper::pipeline
