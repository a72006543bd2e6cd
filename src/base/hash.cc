#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/coding.h"

namespace viper {

uint64_t Hash64(std::span<const std::byte> bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

uint64_t Hash64(std::string_view text, uint64_t seed) { return Hash64(AsBytes(text), seed); }

}  // namespace viper
