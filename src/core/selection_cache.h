#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <typeindex>
#include <unordered_map>
#include <utility>

#include "columnar/filter_node.h"
#include "platform/mutex.h"
#include "viper/filter.h"

namespace viper::core {

/// A filter as what is derived from it is kept by: equal filters are one key, however they were
/// written. Hashed once. A value.
class FilterKey {
 public:
  explicit FilterKey(Filter filter)
      : filter_(std::move(filter)),
        hash_(filter_.matches_all() ? 0 : HashOf(*filter_.root())),
        memory_bytes_(filter_.matches_all() ? 0 : MemoryBytesOf(*filter_.root())) {}

  const Filter& filter() const { return filter_; }
  uint64_t hash() const { return hash_; }
  /// Of the filter, which all entries under this key share.
  size_t memory_bytes() const { return memory_bytes_; }
  friend bool operator==(const FilterKey& a, const FilterKey& b) {
    const auto& left = a.filter_.root();
    const auto& right = b.filter_.root();
    if (left == right) return true;
    return a.hash_ == b.hash_ && left != nullptr && right != nullptr && *left == *right;
  }

 private:
  Filter filter_;
  uint64_t hash_;
  size_t memory_bytes_;
};

/// What was derived from immutable things (parts, memtables, views, segments) and filters, under a
/// limit of bytes. An entry belongs to one owner, one filter and one type; it does not keep its
/// owner alive, and nobody finds it once the owner is gone. What has not been used for longest goes
/// first. Thread-safe. Two threads that miss the same entry both make it; the later one stays.
class SelectionCache {
 public:
  explicit SelectionCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  /// Null if there is none.
  template <typename T>
  std::shared_ptr<const T> Find(const std::shared_ptr<const void>& owner, const FilterKey& filter) {
    return std::static_pointer_cast<const T>(FindEntry({owner.get(), filter, typeid(T)}, owner));
  }
  /// Keep `value`, which takes `bytes`, in place of what was there.
  template <typename T>
  void Put(const std::shared_ptr<const void>& owner, const FilterKey& filter,
           std::shared_ptr<const T> value, size_t bytes) {
    PutEntry({owner.get(), filter, typeid(T)}, owner, std::move(value), bytes);
  }
  /// Bytes of what is kept.
  size_t bytes() const;

 private:
  struct Key {
    const void* owner;
    FilterKey filter;
    std::type_index type;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const {
      const auto owner = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(key.owner));
      const uint64_t type = key.type.hash_code();
      return static_cast<size_t>((owner ^ key.filter.hash() ^ type) * 0x9E3779B97F4A7C15);
    }
  };
  struct Entry {
    Key key;
    /// Tells an owner from another that came to lie at its address.
    std::weak_ptr<const void> owner;
    std::shared_ptr<const void> value;
    size_t bytes = 0;
  };
  using Entries = std::list<Entry>;

  std::shared_ptr<const void> FindEntry(const Key& key, const std::shared_ptr<const void>& owner);
  void PutEntry(const Key& key, const std::shared_ptr<const void>& owner,
                std::shared_ptr<const void> value, size_t bytes);
  /// Take an entry out; its value goes to `dropped`, to be destroyed without the lock.
  Entries::iterator EraseLocked(Entries::iterator entry, Entries& dropped) VIPER_REQUIRES(mutex_);
  /// Take out what nobody can find any more.
  void SweepLocked(Entries& dropped) VIPER_REQUIRES(mutex_);

  const size_t bytes_max_;
  mutable Mutex mutex_;
  /// The front was used last.
  Entries entries_ VIPER_GUARDED_BY(mutex_);
  std::unordered_map<Key, Entries::iterator, KeyHash> places_ VIPER_GUARDED_BY(mutex_);
  size_t bytes_ VIPER_GUARDED_BY(mutex_) = 0;
  size_t puts_since_sweep_ VIPER_GUARDED_BY(mutex_) = 0;
};

}  // namespace viper::core
