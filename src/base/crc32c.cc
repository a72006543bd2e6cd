// The fast path follows V. Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32
// Instruction" (Intel, 2011): the instruction has a latency of three cycles but starts every cycle,
// so three lanes of one buffer are computed side by side and joined by a carry-less multiplication.

#include "base/crc32c.h"

#include <array>

#include "base/coding.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif
#endif

namespace viper::crc32c {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // bit-reflected

using ExtendFunction = uint32_t (*)(uint32_t crc, std::span<const std::byte> bytes);
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr uint32_t TimesX(uint32_t value) {
  return (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
}

// tables[k][b] is the CRC register after byte b and k zero bytes ("slicing by 8", Kounavis and
// Berry).
constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t value = b;
    for (int bit = 0; bit < 8; ++bit) value = TimesX(value);
    tables[0][b] = value;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t b = 0; b < 256; ++b) {
      const uint32_t previous = tables[k - 1][b];
      tables[k][b] = (previous >> 8) ^ tables[0][previous & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

#if defined(__x86_64__)

constexpr size_t kLongLane = 2048;
constexpr size_t kShortLane = 256;

// x^exponent mod P, bit-reflected.
constexpr uint32_t PowerOfX(size_t exponent) {
  uint32_t value = 0x80000000;
  for (size_t i = 0; i < exponent; ++i) value = TimesX(value);
  return value;
}

// The factor that moves a CRC over `bytes` zero bytes. The reflected product is one bit short of 64
// and the reducing CRC instruction multiplies by x^32: both are taken off here.
constexpr uint32_t ShiftFactor(size_t bytes) { return PowerOfX(8 * bytes - 33); }

__attribute__((target("sse4.2,pclmul"))) uint64_t Shift(uint64_t crc, uint32_t factor) {
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<int64_t>(crc)),
                                               _mm_cvtsi32_si128(static_cast<int>(factor)), 0);
  return _mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(product)));
}

template <size_t kLane>
__attribute__((target("sse4.2,pclmul"))) uint64_t ExtendByThreeLanes(uint64_t crc,
                                                                     const std::byte*& bytes,
                                                                     size_t& size) {
  constexpr uint32_t kOverOne = ShiftFactor(kLane);
  constexpr uint32_t kOverTwo = ShiftFactor(2 * kLane);
  for (; size >= 3 * kLane; bytes += 3 * kLane, size -= 3 * kLane) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < kLane; i += 8) {
      crc = _mm_crc32_u64(crc, LoadFixed<uint64_t>(bytes + i));
      second = _mm_crc32_u64(second, LoadFixed<uint64_t>(bytes + kLane + i));
      third = _mm_crc32_u64(third, LoadFixed<uint64_t>(bytes + 2 * kLane + i));
    }
    crc = Shift(crc, kOverTwo) ^ Shift(second, kOverOne) ^ third;
  }
  return crc;
}

__attribute__((target("sse4.2,pclmul"))) uint32_t ExtendBySse42(uint32_t start,
                                                                std::span<const std::byte> span) {
  const std::byte* bytes = span.data();
  size_t size = span.size();
  uint64_t crc = ~start;
  crc = ExtendByThreeLanes<kLongLane>(crc, bytes, size);
  crc = ExtendByThreeLanes<kShortLane>(crc, bytes, size);
  for (; size >= 8; bytes += 8, size -= 8) crc = _mm_crc32_u64(crc, LoadFixed<uint64_t>(bytes));
  auto last = static_cast<uint32_t>(crc);
  for (; size > 0; ++bytes, --size) last = _mm_crc32_u8(last, LoadFixed<uint8_t>(bytes));
  return ~last;
}

ExtendFunction ChooseExtend() {
  __builtin_cpu_init();
  const bool fast = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
  return fast ? ExtendBySse42 : ExtendPortable;
}

#elif defined(__aarch64__)

__attribute__((target("+crc"))) uint32_t ExtendByArmCrc(uint32_t start,
                                                        std::span<const std::byte> span) {
  const std::byte* bytes = span.data();
  size_t size = span.size();
  uint32_t crc = ~start;
  for (; size >= 8; bytes += 8, size -= 8) crc = __crc32cd(crc, LoadFixed<uint64_t>(bytes));
  for (; size > 0; ++bytes, --size) crc = __crc32cb(crc, LoadFixed<uint8_t>(bytes));
  return ~crc;
}

ExtendFunction ChooseExtend() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0 ? ExtendByArmCrc : ExtendPortable;
#else
  return ExtendByArmCrc;  // every Apple processor of this kind has it
#endif
}

#else

ExtendFunction ChooseExtend() { return ExtendPortable; }

#endif

}  // namespace

uint32_t ExtendPortable(uint32_t crc, std::span<const std::byte> bytes) {
  uint32_t value = ~crc;
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    const uint64_t word = LoadFixed<uint64_t>(bytes.data() + i) ^ value;
    value = 0;
    for (size_t k = 0; k < 8; ++k) value ^= kTables[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; i < bytes.size(); ++i) {
    value = (value >> 8) ^ kTables[0][(value ^ std::to_integer<uint32_t>(bytes[i])) & 0xff];
  }
  return ~value;
}

uint32_t Extend(uint32_t crc, std::span<const std::byte> bytes) {
  static const ExtendFunction extend = ChooseExtend();
  return extend(crc, bytes);
}

uint32_t Value(std::span<const std::byte> bytes) { return Extend(0, bytes); }

}  // namespace viper::crc32c
