#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viper/file_system.h"

namespace viper::storage {

/// The derived file beside a part (`_viper/index/<part>.vidx`): where each page's floats lie, and
/// which rows an id may be in. Checksummed, mapped, bound to its part by size and footer checksum.
/// It can be lost at any time: the caller builds it again from the part. docs/format/sidecar.md has
/// the bytes.

/// Rows of one part: row numbers are 32 bits.
inline constexpr uint64_t kSidecarRowsMax = (uint64_t{1} << 32) - 1;

/// Where the floats of a run of rows lie in the part file.
struct PagePlace {
  uint64_t first_row = 0;
  uint64_t row_count = 0;
  uint64_t float_offset = 0;
  /// CRC-32C of the page's floats.
  uint32_t float_crc = 0;
  friend bool operator==(const PagePlace&, const PagePlace&) = default;
};

/// What binds a sidecar to one state of one part file.
struct PartFingerprint {
  uint64_t file_bytes = 0;
  /// CRC-32C of the last min(64 KiB, size) bytes of the part (its footer).
  uint32_t footer_crc = 0;
  friend bool operator==(const PartFingerprint&, const PartFingerprint&) = default;
};
PartFingerprint FingerprintPart(std::span<const std::byte> part_bytes);

struct SidecarContent {
  PartFingerprint part;
  uint64_t row_count = 0;
  double max_norm = 0;
  /// In row order, without gaps; or none, if the floats cannot be read in place.
  std::vector<PagePlace> pages;
  /// One hash per row (HashId of the row's id), in row order.
  std::vector<uint64_t> id_hashes;
};

/// The hash of an id that the id table goes by.
uint64_t HashId(std::string_view id);

/// Serialise; 5.5 bytes a row and 28 a page. InvalidArgument if the content contradicts itself.
Result<std::vector<std::byte>> EncodeSidecar(const SidecarContent& content);

/// A mapped sidecar. Immutable, thread-safe.
class PartSidecar {
 public:
  virtual ~PartSidecar() = default;
  /// NotFound; Corruption (checksum, bounds); FailedPrecondition if it belongs to another state of
  /// the part or is of another format version: in each case the caller rebuilds. All checksums are
  /// verified here.
  static Result<std::unique_ptr<PartSidecar>> Open(FileSystem& file_system, const std::string& path,
                                                   const PartFingerprint& part);
  /// Over bytes in memory (just encoded).
  static Result<std::unique_ptr<PartSidecar>> FromBytes(std::vector<std::byte> bytes);

  virtual uint64_t row_count() const = 0;
  virtual uint64_t file_bytes() const = 0;
  virtual double max_norm() const = 0;
  virtual std::vector<PagePlace> pages() const = 0;
  /// Rows that may hold an id of this hash (all that do, and rarely others); the caller compares
  /// ids. Rising order. Typically none or one.
  virtual std::vector<uint32_t> FindRows(uint64_t id_hash) const = 0;
  /// Whether the file has lost something since it was opened: then what FindRows gave is worth
  /// nothing.
  virtual bool is_cut() const = 0;
};

}  // namespace viper::storage
