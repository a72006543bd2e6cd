#include "core/search_costs.h"

#include <algorithm>

namespace viper::core {
namespace {

/// A measurement counts half as much after about seven hundred more.
constexpr double kMemory = 1 - 1.0 / 1024;
/// Answers are halved when there are so many, and those of files that are gone forgotten in time.
constexpr double kAnswersMax = 1 << 16;

}  // namespace

void SearchCosts::Note(uint64_t scanned_rows, double seconds,
                       std::span<const std::string_view> files) {
  const auto rows = static_cast<double>(scanned_rows);
  MutexLock lock(mutex_);
  ++measurements_;
  sums_.count = sums_.count * kMemory + 1;
  sums_.rows = sums_.rows * kMemory + rows;
  sums_.seconds = sums_.seconds * kMemory + seconds;
  sums_.rows_rows = sums_.rows_rows * kMemory + rows * rows;
  sums_.rows_seconds = sums_.rows_seconds * kMemory + rows * seconds;
  for (const std::string_view path : files) {
    const auto known = answers_.find(path);
    if (known != answers_.end()) {
      ++known->second;
    } else {
      answers_.emplace(path, 1);
    }
  }
  answer_count_ += static_cast<double>(files.size());
  if (answer_count_ < kAnswersMax) return;
  std::erase_if(answers_, [](const auto& answers) { return answers.second < 2; });
  answer_count_ = 0;
  for (auto& [path, count] : answers_) answer_count_ += count /= 2;
}

SearchCosts::Summary SearchCosts::Summarize() const {
  Summary summary;
  summary.searches = searches_.load(std::memory_order_relaxed);
  MutexLock lock(mutex_);
  if (measurements_ < kMeasurementsMin) return summary;
  const double spread = sums_.count * sums_.rows_rows - sums_.rows * sums_.rows;
  // Of equal numbers of rows the difference is rounding.
  if (spread > 1e-9 * sums_.rows * sums_.rows) {
    const double row_seconds =
        (sums_.count * sums_.rows_seconds - sums_.rows * sums_.seconds) / spread;
    const double share_max = sums_.seconds / sums_.count;
    summary.scan_seconds = std::clamp(row_seconds * sums_.rows / sums_.count, 0.0, share_max);
  }
  for (const auto& [path, count] : answers_) summary.answer_shares[path] = count / answer_count_;
  return summary;
}

}  // namespace viper::core
