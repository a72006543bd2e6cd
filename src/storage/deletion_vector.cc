#include "storage/deletion_vector.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <roaring/roaring.h>
#include <zlib.h>

#include "base/assert.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "storage/data_path.h"
#include "storage/file_names.h"

namespace viper::storage {
namespace {

constexpr std::string_view kInFileOfTable = "u";
constexpr std::string_view kInFileByPath = "p";
constexpr std::string_view kInline = "i";
/// Of the "Portable" serialization; the other one, "Native", is none that readers share.
constexpr uint32_t kPortableMagic = 1'681'511'377;
constexpr uint8_t kFileVersion = 1;
constexpr size_t kSizeBytes = 4;
constexpr size_t kCrcBytes = 4;
constexpr size_t kUuidBytes = 16;
constexpr size_t kEncodedUuidChars = 20;

struct FreeRoaring {
  void operator()(roaring_bitmap_t* bitmap) const { roaring_bitmap_free(bitmap); }
};
using RoaringPointer = std::unique_ptr<roaring_bitmap_t, FreeRoaring>;

uint32_t ZlibCrc(std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

uint32_t FromBigEndian(const std::byte* bytes) {
  return __builtin_bswap32(LoadFixed<uint32_t>(bytes));
}

void PutBigEndian(uint32_t value, std::vector<std::byte>& out) {
  ByteWriter(out).PutFixed32(__builtin_bswap32(value));
}

// -- Z85: five characters for four bytes, big-endian (ZeroMQ RFC 32) ------------------------------

constexpr std::string_view kZ85Digits =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
constexpr uint32_t kZ85Base = 85;
constexpr size_t kZ85Bytes = 4;
constexpr size_t kZ85Chars = 5;
static_assert(kZ85Digits.size() == kZ85Base);

std::string EncodeZ85(std::span<const std::byte> bytes) {
  VIPER_ASSERT(bytes.size() % kZ85Bytes == 0);
  std::string text(bytes.size() / kZ85Bytes * kZ85Chars, '\0');
  for (size_t group = 0; group * kZ85Bytes < bytes.size(); ++group) {
    uint32_t value = FromBigEndian(bytes.data() + group * kZ85Bytes);
    for (size_t digit = kZ85Chars; digit-- > 0; value /= kZ85Base) {
      text[group * kZ85Chars + digit] = kZ85Digits[value % kZ85Base];
    }
  }
  return text;
}

std::optional<std::vector<std::byte>> DecodeZ85(std::string_view text) {
  if (text.size() % kZ85Chars != 0) return std::nullopt;
  std::vector<std::byte> bytes;
  for (size_t begin = 0; begin < text.size(); begin += kZ85Chars) {
    uint64_t value = 0;
    for (const char character : text.substr(begin, kZ85Chars)) {
      const size_t digit = kZ85Digits.find(character);
      if (digit == std::string_view::npos) return std::nullopt;
      value = value * kZ85Base + digit;
    }
    if (value > std::numeric_limits<uint32_t>::max()) return std::nullopt;
    PutBigEndian(static_cast<uint32_t>(value), bytes);
  }
  return bytes;
}

// -- Names ----------------------------------------------------------------------------------------

std::array<std::byte, kUuidBytes> BytesOfUuid(std::string_view uuid) {
  std::array<std::byte, kUuidBytes> bytes{};
  size_t digits = 0;
  for (const char character : uuid) {
    if (character == '-') continue;
    const int value = character <= '9' ? character - '0' : character - 'a' + 10;
    VIPER_ASSERT(value >= 0 && value < 16 && digits < 2 * kUuidBytes);
    bytes[digits / 2] = (bytes[digits / 2] << 4) | static_cast<std::byte>(value);
    ++digits;
  }
  VIPER_ASSERT(digits == 2 * kUuidBytes);
  return bytes;
}

std::string TextOfUuid(std::span<const std::byte> bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned>(bytes[i]));
  }
  return text;
}

Status BadDescriptor(const DeletionVectorDescriptor& descriptor, std::string_view what) {
  return Status::Corruption(fmt::format("deletion vector '{}{}': {}", descriptor.storage_type,
                                        descriptor.path_or_inline, what));
}

Result<std::string> PathOfPrefixAndUuid(const DeletionVectorDescriptor& descriptor) {
  const std::string_view name = descriptor.path_or_inline;
  if (name.size() < kEncodedUuidChars) return BadDescriptor(descriptor, "its name is too short");
  const size_t prefix_size = name.size() - kEncodedUuidChars;
  const auto uuid = DecodeZ85(name.substr(prefix_size));
  if (!uuid) return BadDescriptor(descriptor, "its name is no uuid in Z85");
  const std::string file = DeletionVectorName(TextOfUuid(*uuid));
  if (prefix_size == 0) return file;
  return JoinPath(name.substr(0, prefix_size), file);
}

// -- Reading --------------------------------------------------------------------------------------

Result<std::vector<std::byte>> ReadInline(const DeletionVectorDescriptor& descriptor) {
  auto bytes = DecodeZ85(descriptor.path_or_inline);
  if (!bytes) return BadDescriptor(descriptor, "it is not Z85");
  const auto size = static_cast<size_t>(std::max(0, descriptor.size_bytes));
  if (size > bytes->size()) return BadDescriptor(descriptor, "it is shorter than it says");
  bytes->resize(size);
  return std::move(*bytes);
}

Result<std::vector<std::byte>> ReadFromFile(FileSystem& file_system, const std::string& path,
                                            const DeletionVectorDescriptor& descriptor) {
  VIPER_ASSIGN_OR_RETURN(const auto file, file_system.OpenForRead(path));
  const uint64_t offset = static_cast<uint64_t>(std::max(0, descriptor.offset.value_or(1)));
  const uint64_t size = static_cast<uint64_t>(std::max(0, descriptor.size_bytes));
  const uint64_t stored_bytes = kSizeBytes + size + kCrcBytes;
  if (offset > file->size() || stored_bytes > file->size() - offset) {
    return Status::Corruption(fmt::format(
        "the file ends before the vector: offset={} size={} file={}", offset, size, file->size()));
  }
  std::byte version{};
  VIPER_RETURN_IF_ERROR(file->ReadAt(0, std::span(&version, 1)));
  if (version != std::byte{kFileVersion}) {
    return Status::Unsupported(fmt::format("file version: supported={} actual={}", kFileVersion,
                                           static_cast<unsigned>(version)));
  }
  std::vector<std::byte> bytes(stored_bytes);
  VIPER_RETURN_IF_ERROR(file->ReadAt(offset, bytes));
  const uint32_t stored_size = FromBigEndian(bytes.data());
  if (stored_size != size) {
    return Status::Corruption(
        fmt::format("size at offset {}: expected={} actual={}", offset, size, stored_size));
  }
  const uint32_t stored_crc = FromBigEndian(bytes.data() + kSizeBytes + size);
  bytes.resize(kSizeBytes + size);
  bytes.erase(bytes.begin(), bytes.begin() + kSizeBytes);
  if (const uint32_t crc = ZlibCrc(bytes); crc != stored_crc) {
    return Status::Corruption(
        fmt::format("checksum of {} bytes at {}: expected={:08x} actual={:08x}", size,
                    offset + kSizeBytes, stored_crc, crc));
  }
  return bytes;
}

struct RowTaker {
  Bitmap& rows;
  uint64_t bucket_first = 0;
  std::optional<uint64_t> past_end;

  static bool Take(uint32_t value, void* taker) {
    auto& self = *static_cast<RowTaker*>(taker);
    const uint64_t row = self.bucket_first | value;
    if (row >= self.rows.size()) {
      self.past_end = row;
      return false;
    }
    self.rows.Set(row);
    return true;
  }
};

}  // namespace

std::string DeletionVectorId(const DeletionVectorDescriptor& descriptor) {
  std::string id = descriptor.storage_type + descriptor.path_or_inline;
  if (descriptor.offset) id += fmt::format("@{}", *descriptor.offset);
  return id;
}

Result<std::optional<std::string>> DeletionVectorPath(const DeletionVectorDescriptor& descriptor) {
  if (descriptor.storage_type == kInline) return std::optional<std::string>();
  if (descriptor.storage_type == kInFileByPath) {
    return Status::Unsupported(fmt::format("a deletion vector is not below the table: path={}",
                                           descriptor.path_or_inline));
  }
  if (descriptor.storage_type != kInFileOfTable) {
    return BadDescriptor(descriptor, "its storage type is unknown");
  }
  VIPER_ASSIGN_OR_RETURN(const std::string named, PathOfPrefixAndUuid(descriptor));
  // Climbs out of the table no more than a data file may.
  VIPER_ASSIGN_OR_RETURN(std::string path, DecodeDataPath(EncodeDataPath(named)));
  return std::optional(std::move(path));
}

DeletionVectorFile::DeletionVectorFile(std::string uuid)
    : uuid_(std::move(uuid)), bytes_{std::byte{kFileVersion}} {}

DeletionVectorDescriptor DeletionVectorFile::Add(const Bitmap& rows) {
  const std::vector<std::byte> vector = EncodeDeletionVector(rows);
  VIPER_ASSERT(bytes_.size() + vector.size() + kSizeBytes + kCrcBytes <
               static_cast<size_t>(std::numeric_limits<int32_t>::max()));
  DeletionVectorDescriptor descriptor{
      .storage_type = std::string(kInFileOfTable),
      .path_or_inline = std::string(kDeletionVectorFolder) + EncodeZ85(BytesOfUuid(uuid_)),
      .offset = static_cast<int32_t>(bytes_.size()),
      .size_bytes = static_cast<int32_t>(vector.size()),
      .cardinality = static_cast<int64_t>(rows.CountSet())};
  PutBigEndian(static_cast<uint32_t>(vector.size()), bytes_);
  bytes_.insert(bytes_.end(), vector.begin(), vector.end());
  PutBigEndian(ZlibCrc(vector), bytes_);
  return descriptor;
}

std::string DeletionVectorFile::path() const {
  return JoinPath(kDeletionVectorFolder, DeletionVectorName(uuid_));
}

Result<Bitmap> ReadDeletionVector(FileSystem& file_system, const std::string& table_directory,
                                  const DeletionVectorDescriptor& descriptor, uint64_t row_count) {
  VIPER_ASSIGN_OR_RETURN(const auto path, DeletionVectorPath(descriptor));
  auto bytes = path ? ReadFromFile(file_system, DataFilePath(table_directory, *path), descriptor)
                    : ReadInline(descriptor);
  const std::string where =
      fmt::format("deletion vector {}", path ? *path : DeletionVectorId(descriptor));
  if (!bytes.ok()) return bytes.status().WithContext(where);
  auto rows = DecodeDeletionVector(*bytes, row_count);
  if (!rows.ok()) return rows.status().WithContext(where);
  if (static_cast<int64_t>(rows->CountSet()) != descriptor.cardinality) {
    return Status::Corruption(fmt::format("{}: number of rows: expected={} actual={}", where,
                                          descriptor.cardinality, rows->CountSet()));
  }
  return rows;
}

std::vector<std::byte> EncodeDeletionVector(const Bitmap& rows) {
  // A part has fewer rows than 32 bits count, so there is one bucket.
  VIPER_ASSERT(rows.size() <= std::numeric_limits<uint32_t>::max());
  const RoaringPointer bitmap(roaring_bitmap_create());
  rows.ForEachSet(
      [&](size_t row) { roaring_bitmap_add(bitmap.get(), static_cast<uint32_t>(row)); });
  roaring_bitmap_run_optimize(bitmap.get());
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.PutFixed32(kPortableMagic);
  writer.PutFixed64(1);
  writer.PutFixed32(0);
  const size_t header = bytes.size();
  bytes.resize(header + roaring_bitmap_portable_size_in_bytes(bitmap.get()));
  roaring_bitmap_portable_serialize(bitmap.get(), reinterpret_cast<char*>(bytes.data() + header));
  return bytes;
}

Result<Bitmap> DecodeDeletionVector(std::span<const std::byte> bytes, uint64_t row_count) {
  ByteReader reader(bytes);
  const auto magic = reader.ReadFixed32();
  const auto buckets = reader.ReadFixed64();
  if (!magic || !buckets) return Status::Corruption("it ends within its head");
  if (*magic != kPortableMagic) {
    return Status::Corruption(
        fmt::format("magic number: expected={} actual={}", kPortableMagic, *magic));
  }
  Bitmap rows(row_count);
  for (uint64_t bucket = 0; bucket < *buckets; ++bucket) {
    const auto key = reader.ReadFixed32();
    if (!key) return Status::Corruption("it ends before its last bucket");
    const std::span<const std::byte> rest = bytes.subspan(reader.position());
    const auto* data = reinterpret_cast<const char*>(rest.data());
    const size_t size = roaring_bitmap_portable_deserialize_size(data, rest.size());
    const RoaringPointer bitmap(size == 0 ? nullptr
                                          : roaring_bitmap_portable_deserialize_safe(data, size));
    if (bitmap == nullptr || !reader.ReadBytes(size)) {
      return Status::Corruption("a bucket is not a Roaring bitmap");
    }
    RowTaker taker{.rows = rows, .bucket_first = uint64_t{*key} << 32, .past_end = std::nullopt};
    // The library's iterators trust a container's cardinality; this does not.
    if (!roaring_iterate(bitmap.get(), &RowTaker::Take, &taker)) {
      return Status::Corruption(fmt::format(
          "a row past the end of the data file: rows={} actual={}", row_count, *taker.past_end));
    }
  }
  return rows;
}

}  // namespace viper::storage
