#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/collection_context.h"
#include "core/collection_index.h"
#include "core/read_view.h"
#include "platform/mutex.h"
#include "platform/thread_pool.h"

namespace viper::core {

/// Load the index files in a collection's directory: the newest model that is whole, and the
/// segments under it. What is damaged or of another model is left out, and named in `rejected` with
/// the reason. Null if there is no model.
std::shared_ptr<const IndexFiles> LoadIndex(const CollectionContext& context,
                                            std::vector<std::string>& rejected);

/// Keeps the index of a collection up with its parts. One build at a time; reads go on meanwhile
/// with what was there. Thread-safe.
///
/// A build (1) trains a model if there is none and the parts hold enough rows, or if they hold
/// several times as many as it was trained on; (2) writes one segment for the parts that are in
/// none, or one for all parts when segments have become many; (3) fits the probe curves; (4) puts
/// the files in place by renaming, hands them to the readers and removes those they replace. It
/// writes only what can be made again, so it does not sync.
class IndexBuilder {
 public:
  explicit IndexBuilder(const CollectionContext& context) : context_(context) {}

  /// Bring the index up to the parts of `view`. `threads` may be null; `progress` (share done)
  /// stops the build when it returns false: Cancelled.
  Status Build(const ReadView& view, ThreadPool* threads,
               const std::function<bool(double)>& progress) VIPER_EXCLUDES(mutex_);
  /// Whether Build would do something.
  bool IsBehind(const ReadView& view) const;

 private:
  /// The parts of a view that go into one segment, and their rows in one numbering.
  class Rows;
  struct Plan {
    bool trains = false;
    /// Of the view.
    std::vector<size_t> parts;
    /// Replaces all segments there are.
    bool replaces_all = false;
  };
  Plan MakePlan(const ReadView& view) const;
  Status Run(const ReadView& view, const Plan& plan, ThreadPool* threads,
             const std::function<bool(double)>& progress) VIPER_REQUIRES(mutex_);
  Result<std::shared_ptr<const OpenSegment>> WriteSegmentFile(
      const Rows& rows, const std::shared_ptr<const index::Model>& model, index::ByteRows byte_rows,
      std::vector<uint32_t> clusters, ThreadPool* threads,
      const std::function<bool(double)>& progress) const;
  Status WriteModelFile(const index::Model& model, const std::string& path) const;
  void RemoveUnused(const IndexFiles& files) const;

  const CollectionContext& context_;
  Mutex mutex_;
};

}  // namespace viper::core
