#include "viper/narrow_numbers.h"

#include <algorithm>
#include <bit>

#include "base/half.h"

namespace viper {
namespace {

template <typename T, typename Convert>
std::vector<float> Converted(std::span<const T> numbers, Convert convert) {
  std::vector<float> floats(numbers.size());
  std::transform(numbers.begin(), numbers.end(), floats.begin(), convert);
  return floats;
}

}  // namespace

std::vector<float> FloatsOfHalf(std::span<const uint16_t> bits) {
  return Converted(bits, HalfToFloat);
}

std::vector<float> FloatsOfBfloat16(std::span<const uint16_t> bits) {
  return Converted(
      bits, [](uint16_t half) { return std::bit_cast<float>(static_cast<uint32_t>(half) << 16); });
}

std::vector<float> FloatsOfInt8(std::span<const int8_t> numbers) {
  return Converted(numbers, [](int8_t number) { return static_cast<float>(number); });
}

std::vector<float> FloatsOfUint8(std::span<const uint8_t> numbers) {
  return Converted(numbers, [](uint8_t number) { return static_cast<float>(number); });
}

}  // namespace viper
