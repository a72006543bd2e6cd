#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "core/compaction_plan.h"
#include "core/search_costs.h"

namespace viper::core {

/// What writing files anew costs, and what leaving them as they are has cost: both in seconds, as
/// measured. A file is worth writing anew for the sake of its dead rows once searches have spent
/// on them as long as that would take: nobody has to know what searches will come, and whatever
/// comes, at most twice the time of the best choice is spent (the ski-rental argument of Karlin,
/// Manasse, Rudolph and Sleator, "Competitive snoopy caching", 1988). Not thread-safe.
class CompactionCost {
 public:
  /// Add what searches have spent on the dead rows of these files since the last call, and tell it
  /// (CompactionFile::wasted_seconds). A search scans the rows of a file as it finds answers there,
  /// the dead ones with the others. What is known about other files is forgotten.
  void Observe(const SearchCosts::Summary& searches, std::span<CompactionFile> files);

  /// A step copied so many bytes in so long, the time apart that it was told to wait.
  void NoteCopied(uint64_t bytes, double seconds);
  /// Absent before the first step.
  std::optional<double> copy_bytes_per_second() const;

 private:
  uint64_t searches_seen_ = 0;
  std::map<std::string, double, std::less<>> wasted_seconds_;
  double copied_bytes_ = 0;
  double copied_seconds_ = 0;
};

}  // namespace viper::core
