#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "core/collection_context.h"
#include "core/collection_index.h"
#include "core/read_view.h"
#include "platform/mutex.h"
#include "viper/result.h"

namespace viper::core {

/// Keeps the rows of large memtables coded under the collection's model, in segments in memory, so
/// that a search does not compare with each of them. The rows that came last, fewer than `MinRows`,
/// are compared one by one.
///
/// A memtable has a few segments of rows that follow each other, each larger than the next: new
/// rows are coded together with segments before them that hold no more. So a row is coded at most
/// as often as the memtable doubles. Thread-safe.
class MemtableCoder {
 public:
  explicit MemtableCoder(const CollectionContext& context) : context_(context) {}

  /// From so many rows without codes on it pays to code them.
  static uint64_t MinRows(const index::Model& model);

  /// Code what is due of the memtables of `view`, the newest state, and forget those that are gone
  /// from it. `progress` (share done of a segment) stops it when it returns false: Cancelled.
  /// Nothing to do without a model.
  Status Code(const ReadView& view, const std::function<bool(double)>& progress)
      VIPER_EXCLUDES(mutex_);
  /// Forget the memtables that are gone from `view`: for whom nobody calls Code after a flush.
  void ForgetFlushed(const ReadView& view) VIPER_EXCLUDES(mutex_);
  /// Bytes of the segments.
  size_t memory_bytes() const;

 private:
  /// `known`: segments of the first of these rows, one after the other.
  Result<CodedRows> CodeRows(const std::shared_ptr<const index::Model>& model,
                             const MemtableView& memtable, const RowRange& rows,
                             std::span<const CodedRows> known,
                             const std::function<bool(double)>& progress) const;

  const CollectionContext& context_;
  /// One at a time.
  Mutex mutex_;
};

}  // namespace viper::core
