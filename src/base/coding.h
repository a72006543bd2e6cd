#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace viper {

/// Bytes on disk are little-endian, as are the floats of Parquet that are read in place.
static_assert(std::endian::native == std::endian::little, "VIPER needs a little-endian machine");

/// Longest varint of 64 bits.
inline constexpr size_t kVarintBytesMax = 10;

/// Read a fixed-size integer at any address. The bytes must be there.
template <std::integral T>
T LoadFixed(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

/// Write a fixed-size integer at any address. The room must be there.
template <std::integral T>
void StoreFixed(std::byte* bytes, T value) {
  std::memcpy(bytes, &value, sizeof(value));
}

/// See a string's characters as bytes, and back.
inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Appends encoded values to a vector of bytes, which must outlive it.
class ByteWriter {
 public:
  explicit ByteWriter(std::vector<std::byte>& out) : out_(out) {}

  size_t size() const { return out_.size(); }

  void PutU8(uint8_t value) { out_.push_back(std::byte{value}); }
  void PutFixed16(uint16_t value) { PutFixed(value); }
  void PutFixed32(uint32_t value) { PutFixed(value); }
  void PutFixed64(uint64_t value) { PutFixed(value); }
  /// Seven bits a byte, lowest first, as in protocol buffers: 1 to 10 bytes.
  void PutVarint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) PutU8(static_cast<uint8_t>(value | 0x80));
    PutU8(static_cast<uint8_t>(value));
  }
  void PutBytes(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    const size_t end = out_.size();
    out_.resize(end + bytes.size());
    std::memcpy(out_.data() + end, bytes.data(), bytes.size());
  }
  /// A varint with the length in bytes, then the bytes.
  void PutString(std::string_view text) {
    PutVarint(text.size());
    PutBytes(AsBytes(text));
  }

 private:
  template <std::integral T>
  void PutFixed(T value) {
    PutBytes(std::as_bytes(std::span(&value, 1)));
  }

  std::vector<std::byte>& out_;
};

/// Reads encoded values from bytes that nobody has checked: every read that would pass the end, and
/// every malformed varint, gives nullopt and moves nothing. Views into the bytes stay valid as long
/// as the bytes do.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }
  bool done() const { return remaining() == 0; }

  std::optional<uint8_t> ReadU8() { return ReadFixed<uint8_t>(); }
  std::optional<uint16_t> ReadFixed16() { return ReadFixed<uint16_t>(); }
  std::optional<uint32_t> ReadFixed32() { return ReadFixed<uint32_t>(); }
  std::optional<uint64_t> ReadFixed64() { return ReadFixed<uint64_t>(); }

  std::optional<uint64_t> ReadVarint() {
    uint64_t value = 0;
    for (size_t i = 0; i < kVarintBytesMax && i < remaining(); ++i) {
      const auto byte = std::to_integer<uint64_t>(bytes_[position_ + i]);
      if (i + 1 == kVarintBytesMax && byte > 1) return std::nullopt;  // more than 64 bits
      value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        position_ += i + 1;
        return value;
      }
    }
    return std::nullopt;
  }

  std::optional<std::span<const std::byte>> ReadBytes(uint64_t count) {
    if (count > remaining()) return std::nullopt;
    const auto result = bytes_.subspan(position_, static_cast<size_t>(count));
    position_ += static_cast<size_t>(count);
    return result;
  }

  /// What ByteWriter::PutString wrote. The text is not checked to be UTF-8.
  std::optional<std::string_view> ReadString() {
    const size_t start = position_;
    if (const auto length = ReadVarint()) {
      if (const auto bytes = ReadBytes(*length)) return AsText(*bytes);
    }
    position_ = start;
    return std::nullopt;
  }

 private:
  template <std::integral T>
  std::optional<T> ReadFixed() {
    if (sizeof(T) > remaining()) return std::nullopt;
    const T value = LoadFixed<T>(bytes_.data() + position_);
    position_ += sizeof(T);
    return value;
  }

  std::span<const std::byte> bytes_;
  size_t position_ = 0;
};

}  // namespace viper
