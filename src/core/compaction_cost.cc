#include "core/compaction_cost.h"

#include <utility>
#include <vector>

namespace viper::core {
namespace {

/// A step counts half as much once as many bytes as this have been copied after it.
constexpr double kCopiedHalfLifeBytes = 1 << 30;

/// Of the rows that searches scan, the share that is in each file. Live rows are scanned as answers
/// are found among them, or while none are known, as many as they are; of the dead ones of a file
/// as many for each live one as it has.
std::vector<double> ScannedShares(const SearchCosts::Summary& searches,
                                  std::span<const CompactionFile> files) {
  std::vector<double> shares;
  double sum = 0;
  for (const CompactionFile& file : files) {
    auto live = static_cast<double>(file.rows - file.dead_rows);
    if (live > 0 && !searches.answer_shares.empty()) {
      const auto answers = searches.answer_shares.find(file.path);
      live = answers == searches.answer_shares.end() ? 0 : answers->second;
    }
    shares.push_back(live == 0 ? 0 : live / (1 - file.dead_share()));
    sum += shares.back();
  }
  for (double& share : shares) share = sum > 0 ? share / sum : 0;
  return shares;
}

}  // namespace

void CompactionCost::Observe(const SearchCosts::Summary& searches,
                             std::span<CompactionFile> files) {
  const auto since = static_cast<double>(searches.searches - searches_seen_);
  searches_seen_ = searches.searches;
  const double scan_seconds = since * searches.scan_seconds.value_or(0);
  const std::vector<double> shares = ScannedShares(searches, files);
  std::map<std::string, double, std::less<>> wasted_seconds;
  for (size_t i = 0; i < files.size(); ++i) {
    const auto known = wasted_seconds_.find(files[i].path);
    files[i].wasted_seconds = (known == wasted_seconds_.end() ? 0 : known->second) +
                              scan_seconds * shares[i] * files[i].dead_share();
    wasted_seconds[files[i].path] = files[i].wasted_seconds;
  }
  wasted_seconds_ = std::move(wasted_seconds);
}

void CompactionCost::NoteCopied(uint64_t bytes, double seconds) {
  const double memory = kCopiedHalfLifeBytes / (kCopiedHalfLifeBytes + static_cast<double>(bytes));
  copied_bytes_ = copied_bytes_ * memory + static_cast<double>(bytes);
  copied_seconds_ = copied_seconds_ * memory + seconds;
}

std::optional<double> CompactionCost::copy_bytes_per_second() const {
  if (copied_bytes_ == 0 || copied_seconds_ <= 0) return {};
  return copied_bytes_ / copied_seconds_;
}

}  // namespace viper::core
