#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace viper::crc32c {

/// The CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`.
uint32_t Value(std::span<const std::byte> bytes);

/// The CRC-32C of A followed by `bytes`, where `crc` is that of A (0 for nothing).
uint32_t Extend(uint32_t crc, std::span<const std::byte> bytes);

/// The same by table look-up alone, which every machine has: what the fast path is tested against.
uint32_t ExtendPortable(uint32_t crc, std::span<const std::byte> bytes);

}  // namespace viper::crc32c
