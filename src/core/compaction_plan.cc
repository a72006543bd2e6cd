#include "core/compaction_plan.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <utility>

#include <fmt/core.h>

#include "base/assert.h"

namespace viper::core {
namespace {

/// Sizes are alike up to this factor, the number of files that are merged.
constexpr auto kSizeClassBits = std::bit_width(kMergeMin) - 1;
/// Files smaller than this are all alike: what they cost is to be opened.
constexpr uint64_t kSmallestClassBytes = uint64_t{256} << 10;
/// What a file that is gone is worth in bytes: about what a search reads in the time that it spends
/// on one more file.
constexpr uint64_t kFileWorthBytes = uint64_t{64} << 10;

uint64_t SizeClass(uint64_t bytes) {
  return static_cast<uint64_t>(std::bit_width(std::max(bytes, kSmallestClassBytes))) /
         static_cast<uint64_t>(kSizeClassBits);
}

class Planner {
 public:
  Planner(std::span<const CompactionFile> files, const CompactionLimits& limits)
      : files_(files), limits_(limits) {}

  std::vector<CompactionTask> Plan() {
    std::map<uint64_t, std::vector<size_t>> small;
    std::vector<size_t> expired;
    std::vector<size_t> dead;
    for (size_t i = 0; i < files_.size(); ++i) {
      const CompactionFile& file = files_[i];
      if (file.rows == file.dead_rows) {
        (file.is_expired ? expired : dead).push_back(i);
      } else if (file.has_unread_columns) {
        continue;
      } else if (limits_.expired_share_min) {
        if (!file.is_rewritten && IsExpiredEnough(file)) Add({i}, ReasonOf(file));
      } else if (2 * file.live_size() < limits_.target_bytes) {
        small[limits_.everything ? 0 : SizeClass(file.live_size())].push_back(i);
      } else if (IsWorthRewriting(file)) {
        Add({i}, ReasonOf(file));
      }
    }
    Drop(std::move(expired), "all rows expired");
    Drop(std::move(dead), "nothing alive");
    for (const auto& [size_class, files] : small) Merge(files);
    std::sort(tasks_.begin(), tasks_.end(), [&](const CompactionTask& a, const CompactionTask& b) {
      return Gain(a) != Gain(b) ? Gain(a) > Gain(b) : a.files.front() < b.files.front();
    });
    return std::move(tasks_);
  }

 private:
  bool IsWorthRewriting(const CompactionFile& file) const {
    if (file.is_rewritten) return false;
    if (file.is_asked_for) return true;
    if (limits_.fold_vectors && file.has_vector) return true;
    if (limits_.everything && file.is_back_filled) return true;
    if (file.dead_share() >= (limits_.everything ? 1e-9 : kDeadShareMax)) return true;
    return CostsSearchesMore(file);
  }

  bool IsExpiredEnough(const CompactionFile& file) const {
    return file.expired_rows > 0 && static_cast<double>(file.expired_rows) >=
                                        *limits_.expired_share_min * static_cast<double>(file.rows);
  }

  /// Than writing it anew takes.
  bool CostsSearchesMore(const CompactionFile& file) const {
    return file.dead_rows > 0 &&
           BytesWasted(file.wasted_seconds) > static_cast<double>(file.live_bytes());
  }
  /// What could have been copied meanwhile.
  double BytesWasted(double seconds) const {
    return seconds * limits_.copy_bytes_per_second.value_or(0);
  }

  std::string ReasonOf(const CompactionFile& file) const {
    if (limits_.expired_share_min) {
      return fmt::format("{:.3g} % expired rows", 100 * static_cast<double>(file.expired_rows) /
                                                      static_cast<double>(file.rows));
    }
    if (file.dead_rows == 0) {
      if (limits_.fold_vectors && file.has_vector) return "a deletion vector";
      return file.is_back_filled ? "fields without columns" : "asked for";
    }
    if (file.dead_share() >= kDeadShareMax || !CostsSearchesMore(file)) {
      return fmt::format("{:.3g} % dead rows", 100 * file.dead_share());
    }
    return fmt::format("{:.3g} % dead rows, which cost searches {:.3g} s", 100 * file.dead_share(),
                       file.wasted_seconds);
  }

  /// Files of which nothing is left, in one task, so that they go with one commit.
  void Drop(std::vector<size_t> files, std::string reason) {
    if (files.empty()) return;
    std::sort(files.begin(), files.end(), [this](size_t a, size_t b) {
      return files_[a].bytes != files_[b].bytes ? files_[a].bytes > files_[b].bytes : a < b;
    });
    Add(std::move(files), std::move(reason));
  }

  /// Files of one size: as many together as fill a new file.
  void Merge(const std::vector<size_t>& files) {
    std::vector<size_t> together;
    uint64_t bytes = 0;
    const auto close = [&] {
      const size_t enough = limits_.everything ? 2 : std::min(kMergeMin, FilesMax());
      if (together.size() >= enough || bytes >= limits_.target_bytes) {
        Add(together, fmt::format("{} small files", together.size()));
      } else {
        for (const size_t i : together) {
          if (IsWorthRewriting(files_[i])) Add({i}, ReasonOf(files_[i]));
        }
      }
      together.clear();
      bytes = 0;
    };
    for (const size_t i : files) {
      together.push_back(i);
      bytes += files_[i].live_size();
      if (bytes >= limits_.target_bytes || together.size() == FilesMax()) close();
    }
    close();
  }

  size_t FilesMax() const {
    return limits_.merged_files_max > 0 ? limits_.merged_files_max
                                        : std::numeric_limits<size_t>::max();
  }

  void Add(std::vector<size_t> files, std::string reason) {
    CompactionTask task;
    uint64_t live_size = 0;
    for (const size_t i : files) {
      live_size += files_[i].live_size();
      task.live_bytes += files_[i].live_bytes();
      task.dead_bytes += files_[i].bytes - files_[i].live_bytes();
      task.wasted_seconds += files_[i].wasted_seconds;
    }
    task.files = std::move(files);
    task.reason = std::move(reason);
    task.files_after =
        static_cast<size_t>((live_size + limits_.target_bytes - 1) / limits_.target_bytes);
    tasks_.push_back(std::move(task));
  }

  /// Bytes given back for each byte copied; and what searches lost on them, in bytes that could
  /// have been copied meanwhile.
  double Gain(const CompactionTask& task) const {
    const size_t fewer = task.files.size() - std::min(task.files.size(), task.files_after);
    return (static_cast<double>(task.dead_bytes + fewer * kFileWorthBytes) +
            BytesWasted(task.wasted_seconds)) /
           static_cast<double>(task.live_bytes + 1);
  }

  const std::span<const CompactionFile> files_;
  const CompactionLimits& limits_;
  std::vector<CompactionTask> tasks_;
};

}  // namespace

std::vector<CompactionTask> PlanCompaction(std::span<const CompactionFile> files,
                                           const CompactionLimits& limits) {
  VIPER_ASSERT(limits.target_bytes > 0);
  return Planner(files, limits).Plan();
}

}  // namespace viper::core
