#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/latency_histogram.h"
#include "viper/performance_stats.h"

namespace viper::utilities {

/// What was counted of one operation of one collection.
struct SeriesKey {
  OperationSource source = OperationSource::kRecorded;
  std::string collection;
  std::string operation;

  friend auto operator<=>(const SeriesKey&, const SeriesKey&) = default;
};

/// Sums of operations. Sums of sums are sums of all.
struct Rollup {
  LatencyCounts latency;
  uint64_t failures = 0;
  uint64_t records = 0;
  uint64_t bytes_written = 0;
  /// Of the operations that told a ratio: how many, the sum of the ratios, their stored bytes, and
  /// the logical bytes that these stand for.
  uint64_t ratios = 0;
  double ratio_sum = 0;
  uint64_t ratio_stored_bytes = 0;
  double ratio_logical_bytes = 0;

  void Add(const OperationMetrics& metrics);
  void Merge(const Rollup& other);
  std::optional<double> CompressionRatio() const;
  OperationTotals Totals() const;
};

/// A rollup, and which stretch of time it is of.
struct HistoryEntry {
  SeriesKey key;
  /// When the stretch began, in microseconds.
  int64_t begin = 0;
  Rollup rollup;
};

void EncodeEntry(const HistoryEntry& entry, std::vector<std::byte>& out);
/// Absent if the bytes are not those of an entry, or it has no operation or a ratio that cannot be.
std::optional<HistoryEntry> DecodeEntry(std::span<const std::byte> bytes);

}  // namespace viper::utilities
