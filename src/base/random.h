#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>

namespace viper {

/// A fast generator (xoshiro256**, Blackman and Vigna 2018; seeded by splitmix64): equal seeds give
/// equal sequences on every machine. Not for secrets. Not thread-safe.
class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) {
      seed += 0x9E3779B97F4A7C15;
      uint64_t mixed = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9;
      mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
      word = mixed ^ (mixed >> 31);
    }
  }

  /// 64 random bits.
  uint64_t Next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// A number of [0, bound); `bound` is 1 or more. The bias is below bound / 2^64.
  uint64_t Uniform(uint64_t bound) { return Next() % bound; }
  /// A number of [0, 1).
  double UniformDouble() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  /// True with this probability.
  bool Chance(double probability) { return UniformDouble() < probability; }

 private:
  std::array<uint64_t, 4> state_{};
};

/// A seed from the operating system's entropy, for what need not be told again. Thread-safe.
uint64_t RandomSeed();

/// A random UUID (version 4) from the operating system's entropy, for names of files that must
/// never meet: "9b2f4c1e-5d0a-4c7b-8e21-3f6a0d9c4b17". Thread-safe.
std::string MakeUuid();

}  // namespace viper
