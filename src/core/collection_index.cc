#include "core/collection_index.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/assert.h"

namespace viper::core {
namespace {

constexpr size_t kDamagedFilesMax = 100;

class ViewIndexBuilder {
 public:
  ViewIndexBuilder(std::shared_ptr<const IndexFiles> files, const ReadView& view) : view_(view) {
    result_.files = std::move(files);
    for (size_t i = 0; i < view.parts.size(); ++i) {
      sources_[view.parts[i].part->added().path] = i;
    }
  }

  ViewIndex Build() && {
    for (const auto& open : result_.files->segments) AddSegment(*open->segment);
    for (size_t source = 0; source < view_.source_count(); ++source) {
      const bool indexed =
          view_.is_part(source) && !sources_.contains(view_.parts[source].part->added().path);
      if (indexed) continue;
      result_.other_sources.push_back(source);
      result_.other_first_rows.push_back(next_row_);
      AddRun(source, view_.source_rows(source), false);
    }
    return std::move(result_);
  }

 private:
  void AddSegment(const index::Segment& segment) {
    ViewIndex::Segment use;
    use.segment = &segment;
    use.first_row = next_row_;
    use.first_run = result_.runs.size();
    for (const index::SegmentPart& part : segment.parts()) {
      const auto found = sources_.find(part.path);
      const bool is_there = found != sources_.end() &&
                            view_.parts[found->second].part->row_count() == part.row_count &&
                            view_.parts[found->second].part->added().size == part.file_bytes;
      AddRun(is_there ? found->second : 0, part.row_count, !is_there);
      // A part is read through the first segment that has it.
      if (is_there) sources_.erase(found);
    }
    use.run_count = result_.runs.size() - use.first_run;
    result_.segments.push_back(use);
  }

  void AddRun(size_t source, uint64_t count, bool is_gone) {
    result_.runs.push_back({next_row_, source, is_gone});
    next_row_ += count;
  }

  const ReadView& view_;
  ViewIndex result_;
  uint64_t next_row_ = 0;
  /// Parts of the view that no segment was found for yet.
  std::map<std::string, size_t, std::less<>> sources_;
};

}  // namespace

ViewIndex MakeViewIndex(std::shared_ptr<const IndexFiles> files, const ReadView& view) {
  return ViewIndexBuilder(std::move(files), view).Build();
}

Location ViewIndex::LocationOf(uint64_t row) const {
  const auto after =
      std::upper_bound(runs.begin(), runs.end(), row,
                       [](uint64_t wanted, const Run& run) { return wanted < run.first_row; });
  VIPER_ASSERT(after != runs.begin());
  const Run& run = *std::prev(after);
  VIPER_ASSERT(!run.is_gone);
  return {run.source, row - run.first_row};
}

std::shared_ptr<const IndexFiles> CollectionIndex::files() const {
  MutexLock lock(mutex_);
  return files_;
}

void CollectionIndex::Replace(std::shared_ptr<const IndexFiles> files) {
  MutexLock lock(mutex_);
  files_ = std::move(files);
  last_view_.reset();
  last_.reset();
}

bool CollectionIndex::Drop(const index::Segment* segment) {
  const std::string path = TakeOut(segment);
  if (path.empty()) return false;
  MutexLock lock(listener_mutex_);
  if (listener_) listener_(path);
  return true;
}

std::string CollectionIndex::TakeOut(const index::Segment* segment) {
  MutexLock lock(mutex_);
  if (files_ == nullptr) return {};
  auto kept = std::make_shared<IndexFiles>(*files_);
  const auto found = std::find_if(kept->segments.begin(), kept->segments.end(),
                                  [&](const auto& open) { return open->segment.get() == segment; });
  if (found == kept->segments.end()) return {};
  const std::string path = (*found)->path;
  kept->segments.erase(found);
  if (damaged_.size() == kDamagedFilesMax) damaged_.erase(damaged_.begin());
  damaged_.push_back(path);
  files_ = std::move(kept);
  last_view_.reset();
  last_.reset();
  return path;
}

void CollectionIndex::SetListener(std::function<void(const std::string& path)> listener) {
  MutexLock lock(listener_mutex_);
  listener_ = std::move(listener);
}

std::vector<std::string> CollectionIndex::damaged_files() const {
  MutexLock lock(mutex_);
  return damaged_;
}

std::shared_ptr<const ViewIndex> CollectionIndex::For(const std::shared_ptr<const ReadView>& view) {
  std::shared_ptr<const IndexFiles> files;
  {
    MutexLock lock(mutex_);
    if (files_ == nullptr || files_->segments.empty()) return nullptr;
    if (last_view_.lock() == view) return last_;
    files = files_;
  }
  auto made = std::make_shared<const ViewIndex>(MakeViewIndex(files, *view));
  MutexLock lock(mutex_);
  if (files_ == files) {
    last_view_ = view;
    last_ = made;
  }
  return made;
}

}  // namespace viper::core
