#include "testing/cow_bytes.h"

#include <algorithm>

#include "base/assert.h"

namespace viper {

CowBytes::Content& CowBytes::MakeUnique() {
  if (content_ != nullptr && content_.use_count() == 1) {
    content_->flat.reset();
    return *content_;
  }
  auto copy = std::make_shared<Content>();
  if (content_ != nullptr) {
    copy->chunks = content_->chunks;
    copy->size = content_->size;
  }
  content_ = std::move(copy);
  return *content_;
}

CowBytes::Chunk& CowBytes::MakeUnique(std::shared_ptr<Chunk>& chunk) {
  if (chunk == nullptr) {
    chunk = std::make_shared<Chunk>();
  } else if (chunk.use_count() != 1) {
    chunk = std::make_shared<Chunk>(*chunk);
  }
  return *chunk;
}

void CowBytes::Write(uint64_t offset, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  Extend(std::max(size(), offset + bytes.size()));
  Content& content = MakeUnique();
  while (!bytes.empty()) {
    const size_t start = offset % kChunkBytes;
    const size_t count = std::min(bytes.size(), kChunkBytes - start);
    Chunk& chunk = MakeUnique(content.chunks[offset / kChunkBytes]);
    std::copy_n(bytes.begin(), count, chunk.begin() + start);
    offset += count;
    bytes = bytes.subspan(count);
  }
}

void CowBytes::Extend(uint64_t size) {
  if (size <= this->size()) return;
  Content& content = MakeUnique();
  content.chunks.resize((size + kChunkBytes - 1) / kChunkBytes);
  content.size = size;
}

void CowBytes::Read(uint64_t offset, std::span<std::byte> out) const {
  VIPER_ASSERT(offset <= size());
  VIPER_ASSERT(out.size() <= size() - offset);
  while (!out.empty()) {
    const size_t start = offset % kChunkBytes;
    const size_t count = std::min(out.size(), kChunkBytes - start);
    const std::shared_ptr<Chunk>& chunk = content_->chunks[offset / kChunkBytes];
    if (chunk == nullptr) {
      std::fill_n(out.begin(), count, std::byte{0});
    } else {
      std::copy_n(chunk->begin() + start, count, out.begin());
    }
    offset += count;
    out = out.subspan(count);
  }
}

std::shared_ptr<const std::vector<std::byte>> CowBytes::Flatten() const {
  if (content_ == nullptr) return std::make_shared<const std::vector<std::byte>>();
  std::lock_guard lock(content_->mutex);
  if (content_->flat == nullptr) {
    std::vector<std::byte> flat(content_->size);
    Read(0, flat);
    content_->flat = std::make_shared<const std::vector<std::byte>>(std::move(flat));
  }
  return content_->flat;
}

}  // namespace viper
