#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "columnar/column.h"
#include "platform/mutex.h"
#include "viper/result.h"

namespace viper::core {

/// Decoded runs of columns under a limit of bytes. What has not been used since the last look goes
/// first (the clock algorithm: a hit only sets a mark). Thread-safe; a miss is decoded outside the
/// lock (two threads may decode the same run; one copy stays).
class ColumnCache {
 public:
  /// What kind of run: one page, one whole row group, or rows of a part in the order of their ids.
  enum class Unit : uint8_t { kPage, kRowGroup, kIdOrder };
  struct Key {
    uint64_t part = 0;
    Unit unit = Unit::kPage;
    std::string column;
    uint64_t number = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  using ColumnPointer = std::shared_ptr<const columnar::Column>;

  explicit ColumnCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  /// The cached run, or what `decode` makes. Errors are returned and not cached.
  Result<ColumnPointer> Get(const Key& key,
                            const std::function<Result<columnar::Column>()>& decode);
  /// Forget the runs of a part that is gone.
  void DropPart(uint64_t part);

 private:
  struct Entry {
    Key key;
    ColumnPointer column;
    size_t bytes = 0;
    bool was_used = false;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };
  void EvictLocked() VIPER_REQUIRES(mutex_);

  const size_t bytes_max_;
  Mutex mutex_;
  /// The back is looked at next when room is needed.
  std::list<Entry> clock_ VIPER_GUARDED_BY(mutex_);
  std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> entries_ VIPER_GUARDED_BY(mutex_);
  size_t bytes_ VIPER_GUARDED_BY(mutex_) = 0;
};

}  // namespace viper::core
