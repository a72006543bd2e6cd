#pragma once

namespace viper {

/// Instruction sets that both the processor and the operating system support.
struct CpuFeatures {
  /// AVX2 with FMA.
  bool avx2_fma = false;
  /// Beyond `avx2_fma`: conversion of half precision.
  bool f16c = false;
  /// AVX-512 F, BW, DQ and VL together.
  bool avx512 = false;
  /// Beyond `avx512`: byte permutes, and dot products of bytes.
  bool avx512_vbmi = false;
  bool avx512_vnni = false;
  /// Always there on 64-bit ARM.
  bool neon = false;
};

/// What this machine has; looked up once.
const CpuFeatures& GetCpuFeatures();

}  // namespace viper
