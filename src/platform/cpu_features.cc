// Bits from the Intel 64 manual, volume 2A, CPUID, and volume 1, section 13.3 (XCR0).

#include "platform/cpu_features.h"

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace viper {
namespace {

#if defined(__x86_64__)

struct CpuidRegisters {
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
};

// All zero when the processor does not know the leaf.
CpuidRegisters Cpuid(uint32_t leaf, uint32_t subleaf) {
  CpuidRegisters registers;
  if (__get_cpuid_count(leaf, subleaf, &registers.eax, &registers.ebx, &registers.ecx,
                        &registers.edx) == 0) {
    return {};
  }
  return registers;
}

constexpr bool HasBits(uint64_t value, uint64_t bits) { return (value & bits) == bits; }
constexpr uint64_t Bit(int index) { return uint64_t{1} << index; }

// The register states that the operating system saves for each thread.
uint64_t ReadXcr0() {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t{high} << 32) | low;
}

CpuFeatures Detect() {
  constexpr uint64_t kFma = Bit(12);
  constexpr uint64_t kOsXsave = Bit(27);
  constexpr uint64_t kAvx = Bit(28);
  constexpr uint64_t kXmmYmmState = Bit(1) | Bit(2);
  constexpr uint64_t kMaskZmmState = Bit(5) | Bit(6) | Bit(7);
  constexpr uint64_t kAvx2 = Bit(5);
  constexpr uint64_t kAvx512FDqBwVl = Bit(16) | Bit(17) | Bit(30) | Bit(31);

  CpuFeatures features;
  const CpuidRegisters basic = Cpuid(1, 0);
  if (!HasBits(basic.ecx, kOsXsave | kAvx)) return features;
  const uint64_t saved = ReadXcr0();
  if (!HasBits(saved, kXmmYmmState)) return features;
  const CpuidRegisters extended = Cpuid(7, 0);
  features.avx2_fma = HasBits(extended.ebx, kAvx2) && HasBits(basic.ecx, kFma);
  features.f16c = features.avx2_fma && HasBits(basic.ecx, Bit(29));
  features.avx512 =
      features.avx2_fma && HasBits(saved, kMaskZmmState) && HasBits(extended.ebx, kAvx512FDqBwVl);
  features.avx512_vbmi = features.avx512 && HasBits(extended.ecx, Bit(1));
  features.avx512_vnni = features.avx512 && HasBits(extended.ecx, Bit(11));
  return features;
}

#elif defined(__aarch64__)

CpuFeatures Detect() { return {.neon = true}; }

#else

CpuFeatures Detect() { return {}; }

#endif

}  // namespace

const CpuFeatures& GetCpuFeatures() {
  static const CpuFeatures features = Detect();
  return features;
}

}  // namespace viper
