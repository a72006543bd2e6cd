#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

#include <gtest/gtest.h>

namespace viper {

/// Bytes that end where readable memory ends, so that code which reads too far stops the test.
class GuardedBytes {
 public:
  explicit GuardedBytes(size_t size) : size_(size) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    usable_ = (size + page - 1) / page * page + page;
    map_ =
        mmap(nullptr, usable_ + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(map_, MAP_FAILED);
    mapped_ = usable_ + page;
    EXPECT_EQ(mprotect(static_cast<std::byte*>(map_) + usable_, page, PROT_NONE), 0);
  }
  ~GuardedBytes() { munmap(map_, mapped_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  /// The last `size` bytes, moved `distance` bytes away from the guard.
  std::byte* begin(size_t distance = 0) const {
    return static_cast<std::byte*>(map_) + usable_ - size_ - distance;
  }

 private:
  size_t size_;
  size_t usable_ = 0;
  size_t mapped_ = 0;
  void* map_ = nullptr;
};

}  // namespace viper
