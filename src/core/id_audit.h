#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace viper::core {

/// Finds rows of equal id among many parts, by the hashes of the ids, in bounded memory: the hashes
/// are divided into ranges, and each pass over all ids keeps one range. Who gets a pair compares
/// the ids themselves. Not thread-safe.
class IdAudit {
 public:
  struct Place {
    uint32_t part = 0;
    uint32_t row = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Pair {
    Place first;
    Place second;
    friend auto operator<=>(const Pair&, const Pair&) = default;
  };
  /// Bytes that a row takes.
  static constexpr size_t kRowBytes = 16;

  /// For about `row_count` rows in about so much memory (at least one row a pass).
  IdAudit(uint64_t row_count, size_t memory_bytes);

  uint64_t pass_count() const { return pass_count_; }
  /// Forget all rows, and keep from now on those of a pass. The first pass has begun already.
  void BeginPass(uint64_t pass);
  /// Take note of a row if its hash is of this pass.
  void Add(const Place& place, uint64_t hash);
  /// Rows of this pass with equal hashes: each with the first of its hash, by parts and rows. Of
  /// very many the first `count_max`.
  std::vector<Pair> EqualHashes(size_t count_max);

 private:
  struct Row {
    uint64_t hash = 0;
    Place place;
    friend auto operator<=>(const Row&, const Row&) = default;
  };
  static_assert(sizeof(Row) == kRowBytes);

  const uint64_t pass_count_;
  uint64_t pass_ = 0;
  std::vector<Row> rows_;
};

}  // namespace viper::core
