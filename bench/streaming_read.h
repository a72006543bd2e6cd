#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace viper::bench {

/// Read all bytes once, in order, and do as little as possible with them: the sum of their words
/// (of the last few bytes: nothing). The yardstick for scans.
uint64_t SumWords(std::span<const std::byte> bytes);

}  // namespace viper::bench
