#include "streaming_read.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace viper::bench {

namespace {

// Several sums at once, so that no add waits for the one before it.
constexpr size_t kLanes = 16;
using Lanes = std::array<uint64_t, kLanes>;

uint64_t Total(const Lanes& lanes) {
  uint64_t total = 0;
  for (uint64_t lane : lanes) total += lane;
  return total;
}

uint64_t SumWithAnyProcessor(const std::byte* bytes, size_t size) {
  Lanes sums{};
  for (size_t at = 0; at + sizeof(Lanes) <= size; at += sizeof(Lanes)) {
    Lanes words;
    std::memcpy(words.data(), bytes + at, sizeof(Lanes));
    for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += words[lane];
  }
  return Total(sums);
}

#if defined(__x86_64__)
// Loads of 16 bytes are bound by the core, not by memory: a yardstick that is slower than the
// search.
__attribute__((target("avx2"))) uint64_t SumWithAvx2(const std::byte* bytes, size_t size) {
  constexpr size_t kCacheLine = 64;
  constexpr size_t kFetchAhead = 4096;
  constexpr size_t kVectors = sizeof(Lanes) / sizeof(__m256i);
  __m256i sums[kVectors] = {};
  for (size_t at = 0; at + sizeof(Lanes) <= size; at += sizeof(Lanes)) {
    for (size_t line = 0; line < sizeof(Lanes); line += kCacheLine) {
      _mm_prefetch(bytes + at + kFetchAhead + line, _MM_HINT_T0);
    }
    for (size_t i = 0; i < kVectors; ++i) {
      const void* words = bytes + at + i * sizeof(__m256i);
      sums[i] = _mm256_add_epi64(sums[i], _mm256_loadu_si256(static_cast<const __m256i*>(words)));
    }
  }
  Lanes lanes;
  std::memcpy(lanes.data(), sums, sizeof lanes);
  return Total(lanes);
}
#endif

}  // namespace

uint64_t SumWords(std::span<const std::byte> bytes) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return SumWithAvx2(bytes.data(), bytes.size());
#endif
  return SumWithAnyProcessor(bytes.data(), bytes.size());
}

}  // namespace viper::bench
