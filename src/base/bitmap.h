#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace viper {

/// A fixed number of bits, in words of 64, lowest bit first. Bits past the end are always zero.
/// Used for selections (1 = in), validity (1 = present) and dead rows (1 = dead).
class Bitmap {
 public:
  Bitmap() = default;
  explicit Bitmap(size_t size, bool value = false)
      : size_(size), words_((size + 63) / 64, value ? ~uint64_t{0} : 0) {
    ClearTail();
  }
  /// Take over `words`, as many as `size` bits need; bits past the end are cleared.
  Bitmap(size_t size, std::vector<uint64_t> words) : size_(size), words_(std::move(words)) {
    VIPER_ASSERT(words_.size() == (size + 63) / 64);
    ClearTail();
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const std::vector<uint64_t>& words() const { return words_; }

  bool Test(size_t i) const {
    VIPER_DCHECK(i < size_);
    return ((words_[i / 64] >> (i % 64)) & 1) != 0;
  }
  void Set(size_t i) {
    VIPER_DCHECK(i < size_);
    words_[i / 64] |= uint64_t{1} << (i % 64);
  }
  void Clear(size_t i) {
    VIPER_DCHECK(i < size_);
    words_[i / 64] &= ~(uint64_t{1} << (i % 64));
  }
  void Assign(size_t i, bool value) { value ? Set(i) : Clear(i); }
  /// Grow by one bit.
  void Append(bool value) {
    if (size_ % 64 == 0) words_.push_back(0);
    words_.back() |= uint64_t{value} << (size_ % 64);
    ++size_;
  }
  /// Grow with zeros, or cut.
  void Resize(size_t size) {
    words_.resize((size + 63) / 64, 0);
    size_ = size;
    ClearTail();
  }

  /// Bits [first, first + count) become the first `count` bits of `from`; null = all set.
  void CopyFrom(const Bitmap* from, size_t count, size_t first);

  /// Bits [first, first + count), which must be there, as a bitmap of their own.
  Bitmap Slice(size_t first, size_t count) const;

  size_t CountSet() const;
  /// Set bits in [first, last).
  size_t CountSet(size_t first, size_t last) const;
  bool AnySet() const {
    for (uint64_t word : words_) {
      if (word != 0) return true;
    }
    return false;
  }

  /// Word-wise with a bitmap of the same size, in AndNot of this size or less.
  Bitmap& operator&=(const Bitmap& other);
  Bitmap& operator|=(const Bitmap& other);
  Bitmap& AndNot(const Bitmap& other);
  void Invert();

  /// Call `visit(i)` for each set bit in rising order.
  template <typename Visit>
  void ForEachSet(Visit&& visit) const {
    for (size_t w = 0; w < words_.size(); ++w) {
      for (uint64_t word = words_[w]; word != 0; word &= word - 1) {
        visit(w * 64 + static_cast<size_t>(std::countr_zero(word)));
      }
    }
  }

  friend bool operator==(const Bitmap&, const Bitmap&) = default;

 private:
  void ClearTail() {
    if (size_ % 64 != 0) words_.back() &= (uint64_t{1} << (size_ % 64)) - 1;
  }
  size_t size_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace viper
