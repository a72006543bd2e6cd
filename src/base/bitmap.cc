#include "base/bitmap.h"

#include <algorithm>

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

void Bitmap::CopyFrom(const Bitmap* from, size_t count, size_t first) {
  VIPER_ASSERT(first + count <= size_);
  VIPER_ASSERT(from == nullptr || count <= from->size());
  for (size_t done = 0; done < count;) {
    // As many bits as the word written has room for.
    const size_t at = (first + done) % 64;
    const size_t some = std::min(64 - at, count - done);
    const uint64_t room = (some == 64 ? ~uint64_t{0} : (uint64_t{1} << some) - 1) << at;
    uint64_t bits = ~uint64_t{0};
    if (from != nullptr) {
      const size_t word = done / 64;
      const size_t shift = done % 64;
      bits = from->words_[word] >> shift;
      if (shift != 0 && word + 1 < from->words_.size()) {
        bits |= from->words_[word + 1] << (64 - shift);
      }
    }
    uint64_t& target = words_[(first + done) / 64];
    target = (target & ~room) | ((bits << at) & room);
    done += some;
  }
}

Bitmap Bitmap::Slice(size_t first, size_t count) const {
  VIPER_ASSERT(first + count <= size_);
  Bitmap slice(count);
  const size_t shift = first % 64;
  for (size_t w = 0; w < slice.words_.size(); ++w) {
    const size_t word = first / 64 + w;
    slice.words_[w] = words_[word] >> shift;
    if (shift != 0 && word + 1 < words_.size()) slice.words_[w] |= words_[word + 1] << (64 - shift);
  }
  slice.ClearTail();
  return slice;
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
