#include "base/random.h"

#include <random>

#include <fmt/format.h>

namespace viper {

uint64_t RandomSeed() {
  std::random_device entropy;
  return uint64_t{entropy()} << 32 | entropy();
}

std::string MakeUuid() {
  std::random_device entropy;
  std::array<uint32_t, 4> words{};
  for (uint32_t& word : words) word = entropy();
  words[1] = (words[1] & 0xFFFF0FFF) | 0x00004000;  // version 4
  words[2] = (words[2] & 0x3FFFFFFF) | 0x80000000;  // variant of RFC 4122
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}", words[0], words[1] >> 16,
                     words[1] & 0xFFFF, words[2] >> 16, words[2] & 0xFFFF, words[3]);
}

}  // namespace viper
