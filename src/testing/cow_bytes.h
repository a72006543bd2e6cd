#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace viper {

/// The content of a file that is cheap to copy: copies share their chunks until one of them is
/// written. Bytes that were never written are zero. Distinct copies may be used from distinct
/// threads.
class CowBytes {
 public:
  uint64_t size() const { return content_ == nullptr ? 0 : content_->size; }
  /// Write at `offset`, growing where needed.
  void Write(uint64_t offset, std::span<const std::byte> bytes);
  /// Grow to `size` with zeros; never shrinks.
  void Extend(uint64_t size);
  /// Copy `out.size()` bytes from `offset`; all of them must be there.
  void Read(uint64_t offset, std::span<std::byte> out) const;
  /// The whole content in one piece; made once for all copies that share it.
  std::shared_ptr<const std::vector<std::byte>> Flatten() const;

 private:
  static constexpr size_t kChunkBytes = 16 << 10;
  using Chunk = std::array<std::byte, kChunkBytes>;
  struct Content {
    std::vector<std::shared_ptr<Chunk>> chunks;  // null = zeros; zero after the end
    uint64_t size = 0;
    std::mutex mutex;
    std::shared_ptr<const std::vector<std::byte>> flat;  // guarded by mutex
  };

  Content& MakeUnique();
  static Chunk& MakeUnique(std::shared_ptr<Chunk>& chunk);

  std::shared_ptr<Content> content_;
};

}  // namespace viper
