#include "index/rotation.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "base/assert.h"
#include "base/random.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

constexpr uint32_t kSignBit = 0x80000000U;

/// A transform over all components mixes them in one round; two make the distribution of each
/// component close to normal. Windows that only overlap need four to mix each with each.
size_t RoundsFor(size_t code_dim) { return std::has_single_bit(code_dim) ? 2 : 4; }

}  // namespace

Rotation::Rotation(size_t dim, size_t code_dim, uint64_t seed)
    : dim_(dim),
      code_dim_(code_dim),
      span_(std::bit_floor(code_dim)),
      rounds_(RoundsFor(code_dim)),
      flips_(rounds_ * code_dim) {
  VIPER_ASSERT(dim >= 1 && dim <= code_dim);
  Random random(seed);
  for (uint32_t& flip : flips_) flip = (random.Next() >> 63) != 0 ? kSignBit : 0;
}

void Rotation::Apply(const float* in, float* out) const {
  std::memcpy(out, in, dim_ * sizeof(float));
  std::memset(out + dim_, 0, (code_dim_ - dim_) * sizeof(float));
  const float scale = 1 / std::sqrt(static_cast<float>(span_));
  const auto hadamard = kernels::Active().hadamard;
  for (size_t round = 0; round < rounds_; ++round) {
    const uint32_t* flips = flips_.data() + round * code_dim_;
    // Even rounds transform the first span_ components, odd ones the last.
    const size_t first = round % 2 == 0 ? 0 : code_dim_ - span_;
    for (size_t i = 0; i < code_dim_; ++i) {
      out[i] = std::bit_cast<float>(std::bit_cast<uint32_t>(out[i]) ^ flips[i]);
    }
    hadamard(out + first, span_);
    for (size_t i = first; i < first + span_; ++i) out[i] *= scale;
  }
}

}  // namespace viper::index
