#include "base/bitmap.h"

namespace viper {

size_t Bitmap::CountSet(size_t first, size_t last) const {
  VIPER_ASSERT(first <= last);
  VIPER_ASSERT(last <= size_);
  if (first == last) return 0;
  const size_t first_word = first / 64;
  const size_t last_word = (last - 1) / 64;
  const uint64_t head = ~uint64_t{0} << (first % 64);
  const uint64_t tail = ~uint64_t{0} >> (63 - (last - 1) % 64);
  if (first_word == last_word) {
    return static_cast<size_t>(std::popcount(words_[first_word] & head & tail));
  }
  auto count = static_cast<size_t>(std::popcount(words_[first_word] & head));
  for (size_t w = first_word + 1; w < last_word; ++w) {
    count += static_cast<size_t>(std::popcount(words_[w]));
  }
  return count + static_cast<size_t>(std::popcount(words_[last_word] & tail));
}

Bitmap& Bitmap::operator&=(const Bitmap& other) {
  VIPER_ASSERT(size_ == other.size_);
  for (size_t w = 0; w < words_.size(); ++w) words_[w] &= other.words_[w];
  return *this;
}

Bitmap& Bitmap::operator|=(const Bitmap& other) {
  VIPER_ASSERT(size_ == other.size_);
  for (size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
  return *this;
}

Bitmap& Bitmap::AndNot(const Bitmap& other) {
  VIPER_ASSERT(size_ == other.size_);
  for (size_t w = 0; w < words_.size(); ++w) words_[w] &= ~other.words_[w];
  return *this;
}

void Bitmap::Invert() {
  for (uint64_t& word : words_) word = ~word;
  ClearTail();
}

}  // namespace viper
