#pragma once

#include <cstddef>
#include <cstdint>

namespace viper::index {

/// Sizes shared by the writer and the reader of segments (docs/format/index.md).

// "VIPERSEG" in the order of the bytes.
inline constexpr uint64_t kSegmentMagic = 0x4745535245504956;
inline constexpr uint32_t kSegmentVersion = 2;
/// Offset and bytes of the footer (u64 each), its CRC-32C, the version (u32 each), the magic.
inline constexpr size_t kSegmentTrailerBytes = 32;
/// Clusters begin at multiples of this.
inline constexpr size_t kClusterAlignment = 64;

/// Where the pieces of a cluster lie, from its beginning.
struct ClusterLayout {
  size_t block_count = 0;
  size_t numbers_offset = 0;
  size_t byte_rows_offset = 0;
  size_t bytes = 0;
};
ClusterLayout LayOutCluster(uint64_t row_count, size_t planes, size_t row_bytes);

}  // namespace viper::index
