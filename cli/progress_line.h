#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace viper::cli {

/// A line on standard error that shows how far some work is, with its rate and the time left. Shows
/// nothing if standard error is no terminal. Not thread-safe.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// `rows` done, `share` (0 to 1) of the whole if it is known. Drawn a few times a second at most.
  void Show(uint64_t rows, std::optional<double> share);
  /// `done` bytes of `total` as far as that is known; drawn likewise.
  void ShowBytes(uint64_t done, uint64_t total);
  /// Remove the line, so that other output begins at its place.
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;

  const bool enabled_;
  bool drawn_ = false;
  std::optional<uint64_t> first_rows_;  // those an earlier run had done do not count for the rate
  std::optional<double> first_share_;
  Clock::time_point begin_;
  Clock::time_point last_drawn_;
};

}  // namespace viper::cli
