#include "core/collection_index.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/assert.h"

namespace viper::core {
namespace {

constexpr size_t kDamagedFilesMax = 100;

bool IsSame(const std::vector<CodedRows>& a, const std::vector<CodedRows>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const CodedRows& x, const CodedRows& y) { return x.open == y.open; });
}

class ViewIndexBuilder {
 public:
  ViewIndexBuilder(std::shared_ptr<const IndexFiles> files, const ReadView& view) : view_(view) {
    result_.files = std::move(files);
    for (size_t i = 0; i < view.parts.size(); ++i) {
      sources_[view.parts[i].part->added().path] = i;
    }
  }

  ViewIndex Build(std::span<const CodedRows> coded) && {
    for (const auto& open : result_.files->segments) AddSegmentOfParts(open);
    for (const auto& [path, source] : sources_) result_.others.push_back({source, 0});
    for (size_t source = view_.parts.size(); source < view_.source_count(); ++source) {
      const uint64_t first = AddSegmentsOfMemtable(source, coded);
      if (first < view_.source_rows(source)) result_.others.push_back({source, first});
    }
    std::sort(result_.others.begin(), result_.others.end(),
              [](const SourceRows& a, const SourceRows& b) { return a.source < b.source; });
    for (const SourceRows& rows : result_.others) {
      result_.other_rows += view_.source_rows(rows.source) - rows.first;
    }
    return std::move(result_);
  }

 private:
  void AddSegmentOfParts(const std::shared_ptr<const OpenSegment>& open) {
    BeginSegment(open);
    for (const index::SegmentPart& part : open->segment->parts()) {
      const auto found = sources_.find(part.path);
      const bool is_there = found != sources_.end() &&
                            view_.parts[found->second].part->row_count() == part.row_count &&
                            view_.parts[found->second].part->added().size == part.file_bytes;
      AddRun({is_there ? found->second : 0, 0}, part.row_count, !is_there);
      // A part is read through the first segment that has it.
      if (is_there) sources_.erase(found);
    }
  }

  /// Those that follow each other from its first row on and that the view sees whole. Returns where
  /// they end.
  uint64_t AddSegmentsOfMemtable(size_t source, std::span<const CodedRows> coded) {
    uint64_t next = 0;
    for (const CodedRows& rows : coded) {
      const bool fits = rows.memtable.lock() == view_.memtable_of(source).memtable &&
                        rows.open->segment->model_id() == result_.files->model->id() &&
                        rows.rows.first == next && rows.rows.end() <= view_.source_rows(source);
      if (!fits) continue;
      BeginSegment(rows.open);
      AddRun({source, next}, rows.rows.count, false);
      next = rows.rows.end();
    }
    return next;
  }

  void BeginSegment(const std::shared_ptr<const OpenSegment>& open) {
    result_.segments.push_back({open, open->segment.get(), next_row_, result_.runs.size(), 0});
  }

  /// Of the last segment.
  void AddRun(const SourceRows& rows, uint64_t count, bool is_gone) {
    result_.runs.push_back({next_row_, count, rows, is_gone});
    next_row_ += count;
    ++result_.segments.back().run_count;
  }

  const ReadView& view_;
  ViewIndex result_;
  uint64_t next_row_ = 0;
  /// Parts of the view that no segment was found for yet.
  std::map<std::string, size_t, std::less<>> sources_;
};

}  // namespace

ViewIndex MakeViewIndex(std::shared_ptr<const IndexFiles> files, const ReadView& view,
                        std::span<const CodedRows> coded) {
  return ViewIndexBuilder(std::move(files), view).Build(coded);
}

std::optional<Location> ViewIndex::FindRow(uint64_t row) const {
  const auto after =
      std::upper_bound(runs.begin(), runs.end(), row,
                       [](uint64_t wanted, const Run& run) { return wanted < run.first_row; });
  if (after == runs.begin()) return std::nullopt;
  const Run& run = *std::prev(after);
  if (run.is_gone || row - run.first_row >= run.row_count) return std::nullopt;
  return Location{run.rows.source, run.rows.first + row - run.first_row};
}

bool ViewIndex::Holds(const index::Segment& segment) const {
  return std::any_of(segments.begin(), segments.end(),
                     [&segment](const Segment& used) { return used.segment == &segment; });
}

const index::Segment* ViewIndex::FindCut() const {
  for (const Segment& used : segments) {
    if (used.segment->is_cut()) return used.segment;
  }
  return nullptr;
}

std::shared_ptr<const IndexFiles> CollectionIndex::files() const {
  MutexLock lock(mutex_);
  return files_;
}

void CollectionIndex::Replace(std::shared_ptr<const IndexFiles> files) {
  MutexLock lock(mutex_);
  files_ = std::move(files);
  MakeKnownStale();
}

std::vector<CodedRows> CollectionIndex::coded_rows() const {
  MutexLock lock(mutex_);
  return coded_;
}

void CollectionIndex::ReplaceCodedRows(std::vector<CodedRows> coded) {
  MutexLock lock(mutex_);
  coded_.swap(coded);
  MakeKnownStale();
}

bool CollectionIndex::Drop(const index::Segment* segment) {
  const auto dropped = TakeOut(segment);
  if (dropped == nullptr) return false;
  MutexLock lock(listener_mutex_);
  if (listener_) listener_(dropped->path);
  return true;
}

void CollectionIndex::CheckNextClusters() {
  const auto files = this->files();
  if (files == nullptr || files->model == nullptr) return;
  const size_t clusters = files->model->cluster_count();
  const size_t count = (clusters + kChecksPerPass - 1) / kChecksPerPass;
  size_t first = 0;
  {
    MutexLock lock(mutex_);
    first = next_checked_ < clusters ? next_checked_ : 0;
    next_checked_ = first + count;
  }
  for (const auto& open : files->segments) {
    for (size_t i = first; i < std::min(first + count, clusters); ++i) {
      if (open->segment->CheckClusterAgain(i).ok()) continue;
      Drop(open->segment.get());
      break;
    }
  }
}

std::shared_ptr<const OpenSegment> CollectionIndex::TakeOut(const index::Segment* segment) {
  MutexLock lock(mutex_);
  MakeKnownStale();
  for (KnownView& known : known_) {
    if (known.index != nullptr && known.index->Holds(*segment)) known.index = nullptr;
  }
  if (files_ == nullptr) return nullptr;
  const auto coded = std::find_if(coded_.begin(), coded_.end(), [&](const CodedRows& rows) {
    return rows.open->segment.get() == segment;
  });
  if (coded != coded_.end()) {
    const auto dropped = coded->open;
    coded_.erase(coded);
    return dropped;
  }
  auto kept = std::make_shared<IndexFiles>(*files_);
  const auto found = std::find_if(kept->segments.begin(), kept->segments.end(),
                                  [&](const auto& open) { return open->segment.get() == segment; });
  if (found == kept->segments.end()) return nullptr;
  const auto dropped = *found;
  kept->segments.erase(found);
  if (damaged_.size() == kDamagedFilesMax) damaged_.erase(damaged_.begin());
  damaged_.push_back(dropped->path);
  files_ = std::move(kept);
  return dropped;
}

void CollectionIndex::SetListener(std::function<void(const std::string& path)> listener) {
  MutexLock lock(listener_mutex_);
  listener_ = std::move(listener);
}

std::vector<std::string> CollectionIndex::damaged_files() const {
  MutexLock lock(mutex_);
  return damaged_;
}

CollectionIndex::KnownView* CollectionIndex::FindKnown(
    const std::shared_ptr<const ReadView>& view) {
  // Compares what counts the references, which stays as long as the weak pointer.
  const auto known = std::find_if(known_.rbegin(), known_.rend(), [&view](const KnownView& other) {
    return !other.view.owner_before(view) && !view.owner_before(other.view);
  });
  return known == known_.rend() ? nullptr : &*known;
}

void CollectionIndex::MakeKnownStale() {
  for (KnownView& known : known_) known.is_stale = true;
}

std::shared_ptr<const ViewIndex> CollectionIndex::For(const std::shared_ptr<const ReadView>& view) {
  std::shared_ptr<const IndexFiles> files;
  std::vector<CodedRows> coded;
  std::shared_ptr<const ViewIndex> before;
  {
    MutexLock lock(mutex_);
    if (const KnownView* known = FindKnown(view)) {
      if (!known->is_stale) return known->index;
      before = known->index;
    }
    files = files_;
    coded = coded_;
  }
  std::shared_ptr<const ViewIndex> made;
  if (files != nullptr && !files->segments.empty()) {
    made = std::make_shared<const ViewIndex>(MakeViewIndex(files, *view, coded));
  }
  if (before != nullptr && (made == nullptr || before->other_rows < made->other_rows)) {
    made = std::move(before);
  }
  MutexLock lock(mutex_);
  if (files_ != files || !IsSame(coded_, coded)) return made;
  std::erase_if(known_, [](const KnownView& known) { return known.view.expired(); });
  if (KnownView* known = FindKnown(view)) {
    *known = {view, made, false};
  } else {
    known_.push_back({view, made, false});
  }
  return made;
}

}  // namespace viper::core
