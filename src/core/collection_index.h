#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/row_range.h"
#include "core/read_view.h"
#include "index/model.h"
#include "index/segment.h"
#include "platform/mutex.h"
#include "viper/file_system.h"

namespace viper::core {

/// A segment of the index and the file that it reads, or bytes in memory in place of one.
struct OpenSegment {
  /// Empty in memory.
  std::string path;
  std::unique_ptr<MappedFile> file;
  std::unique_ptr<const index::Segment> segment;
};

/// The files of an index that are open: a model and the segments under it. Immutable.
struct IndexFiles {
  std::string model_path;
  std::shared_ptr<const index::Model> model;
  std::vector<std::shared_ptr<const OpenSegment>> segments;
};

/// Rows of a memtable that a segment in memory holds.
struct CodedRows {
  /// Does not keep it alive: once it is flushed nobody searches these rows.
  std::weak_ptr<const Memtable> memtable;
  RowRange rows;
  std::shared_ptr<const OpenSegment> open;
};

/// The rows of a source from one on.
struct SourceRows {
  size_t source = 0;
  uint64_t first = 0;
};

/// What of one view is in the index, and what is not. The rows of the segments, in order, are in
/// one numbering.
struct ViewIndex {
  std::shared_ptr<const IndexFiles> files;

  /// A run of numbers, and the rows of a source of the view that it leads to.
  struct Run {
    uint64_t first_row = 0;
    uint64_t row_count = 0;
    SourceRows rows;
    /// Its part is gone from the view: none of its rows take part.
    bool is_gone = false;
  };
  std::vector<Run> runs;
  struct Segment {
    std::shared_ptr<const OpenSegment> open;
    const index::Segment* segment = nullptr;
    uint64_t first_row = 0;
    /// Of `runs`.
    size_t first_run = 0;
    size_t run_count = 0;
  };
  std::vector<Segment> segments;
  /// Rows that are in no segment; of each source at most one run, to its end.
  std::vector<SourceRows> others;
  uint64_t other_rows = 0;

  /// Absent if its part is gone, or if there is no such row: only numbers of a damaged segment lead
  /// there.
  std::optional<Location> FindRow(uint64_t row) const;
  /// Of a row that is there.
  Location LocationOf(uint64_t row) const { return FindRow(row).value(); }
  bool Holds(const index::Segment& segment) const;
  /// A segment whose file was cut, if there is one: what was read from it is worth nothing.
  const index::Segment* FindCut() const;
};

/// What these files, and segments in memory, know of a view.
ViewIndex MakeViewIndex(std::shared_ptr<const IndexFiles> files, const ReadView& view,
                        std::span<const CodedRows> coded = {});

/// The index as reads see it: replaced as a whole by whoever builds it. Thread-safe.
class CollectionIndex {
 public:
  /// So many calls of CheckNextClusters see all of them.
  static constexpr size_t kChecksPerPass = 64;

  /// Null = no index.
  std::shared_ptr<const IndexFiles> files() const;
  void Replace(std::shared_ptr<const IndexFiles> files);
  /// Segments in memory, by memtable and rows; those under another model are not used.
  std::vector<CodedRows> coded_rows() const;
  void ReplaceCodedRows(std::vector<CodedRows> coded);
  /// Take a segment out that was found to be damaged, and tell the listener. True if it was there.
  bool Drop(const index::Segment* segment);
  /// Compare the next clusters, one in kChecksPerPass, with their checksums again, and drop a
  /// segment that was overwritten since searches have first seen them.
  void CheckNextClusters();
  /// Told the path of each segment that is dropped, on the thread that found it; none = silent.
  /// When this returns, the one before is not being called any more.
  void SetListener(std::function<void(const std::string& path)> listener);
  /// Paths of segments that were dropped, oldest first; of many the last hundred.
  std::vector<std::string> damaged_files() const;
  /// What the index knows of a view; null if nothing. Made once for each pair of the two. As long
  /// as a view lives that was asked for, what was known of it then is not forgotten: where the
  /// index has moved on to files that the view does not have, it is searched through the older one.
  std::shared_ptr<const ViewIndex> For(const std::shared_ptr<const ReadView>& view);

 private:
  struct KnownView {
    std::weak_ptr<const ReadView> view;
    std::shared_ptr<const ViewIndex> index;
    /// Whether the index has changed since.
    bool is_stale = false;
  };
  KnownView* FindKnown(const std::shared_ptr<const ReadView>& view) VIPER_REQUIRES(mutex_);
  void MakeKnownStale() VIPER_REQUIRES(mutex_);
  /// The segment, if it was there.
  std::shared_ptr<const OpenSegment> TakeOut(const index::Segment* segment) VIPER_EXCLUDES(mutex_);

  Mutex listener_mutex_;
  std::function<void(const std::string&)> listener_ VIPER_GUARDED_BY(listener_mutex_);

  /// Never held together with the other.
  mutable Mutex mutex_;
  std::vector<std::string> damaged_ VIPER_GUARDED_BY(mutex_);
  std::shared_ptr<const IndexFiles> files_ VIPER_GUARDED_BY(mutex_);
  std::vector<CodedRows> coded_ VIPER_GUARDED_BY(mutex_);
  /// Of the model's clusters.
  size_t next_checked_ VIPER_GUARDED_BY(mutex_) = 0;
  /// The newest last.
  std::vector<KnownView> known_ VIPER_GUARDED_BY(mutex_);
};

}  // namespace viper::core
