#include "base/bitmap.h"

#include <algorithm>
#include <span>

namespace viper {
namespace {

/// Set bits of some words. Without the instruction, which not every x86-64 processor has,
/// std::popcount is a call for each word; this counts all bits of a byte in place, adds up bytes
/// while they cannot overflow, and lets the compiler do several words at once.
size_t CountWords(std::span<const uint64_t> words) {
  // Eight bits at most a byte and word: 31 words fit.
  constexpr size_t kWordsAtOnce = 24;
  constexpr uint64_t kEvenBytes = 0x00ff00ff00ff00ff;
  size_t count = 0;
  while (!words.empty()) {
    const size_t some = std::min(words.size(), kWordsAtOnce);
    uint64_t bytes = 0;
    for (size_t w = 0; w < some; ++w) {
      uint64_t x = words[w];
      x -= (x >> 1) & 0x5555555555555555;
      x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333);
      bytes += (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
    }
    const uint64_t pairs = (bytes & kEvenBytes) + ((bytes >> 8) & kEvenBytes);
    count += static_cast<size_t>((pairs * 0x0001000100010001) >> 48);
    words = words.subspan(some);
  }
  return count;
}

/// The 64 bits from bit `first` on of a bitmap's words; zeros past their end.
uint64_t BitsFrom(std::span<const uint64_t> words, size_t first) {
  const size_t word = first / 64;
  const size_t shift = first % 64;
  uint64_t bits = words[word] >> shift;
  if (shift != 0 && word + 1 < words.size()) bits |= words[word + 1] << (64 - shift);
  return bits;
}

}  // namespace

size_t Bitmap::CountSet() const { return CountWords(words_); }

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
  const size_t ends = static_cast<size_t>(std::popcount(words_[first_word] & head)) +
                      static_cast<size_t>(std::popcount(words_[last_word] & tail));
  return ends + CountWords(std::span(words_).subspan(first_word + 1, last_word - first_word - 1));
}

void Bitmap::CopyFrom(const Bitmap* from, size_t count, size_t first) {
  VIPER_ASSERT(first + count <= size_);
  VIPER_ASSERT(from == nullptr || count <= from->size());
  const auto bits_at = [&](size_t done) {
    return from == nullptr ? ~uint64_t{0} : BitsFrom(from->words_, done);
  };
  // Bits [at, at + some) of a word of this bitmap.
  const auto put = [&](size_t word, size_t at, size_t some, uint64_t bits) {
    const uint64_t room = (some == 64 ? ~uint64_t{0} : (uint64_t{1} << some) - 1) << at;
    words_[word] = (words_[word] & ~room) | ((bits << at) & room);
  };
  size_t done = 0;
  if (first % 64 != 0 && count > 0) {
    done = std::min(64 - first % 64, count);
    put(first / 64, first % 64, done, bits_at(0));
  }
  for (; done + 64 <= count; done += 64) words_[(first + done) / 64] = bits_at(done);
  if (done < count) put((first + done) / 64, 0, count - done, bits_at(done));
}

Bitmap Bitmap::Slice(size_t first, size_t count) const {
  VIPER_ASSERT(first + count <= size_);
  Bitmap slice(count);
  for (size_t w = 0; w < slice.words_.size(); ++w) {
    slice.words_[w] = BitsFrom(words_, first + w * 64);
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
  VIPER_ASSERT(other.size_ <= size_);
  for (size_t w = 0; w < other.words_.size(); ++w) words_[w] &= ~other.words_[w];
  return *this;
}

void Bitmap::Invert() {
  for (uint64_t& word : words_) word = ~word;
  ClearTail();
}

}  // namespace viper
