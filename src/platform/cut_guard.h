#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace viper {

/// Lets a process outlive that a file is cut while it is mapped. To read what the file has lost
/// raises SIGBUS, which ends a process; while a guard of the range lives, such reads give zeros
/// instead, and the guard tells. Whoever reads a guarded range asks the guard afterwards, and
/// throws away what was read if the file was cut.
///
/// The first guard installs a handler of SIGBUS for the process, which stays. What it does not know
/// goes to the handler that was there before. A handler that the program installs later comes
/// first; if it does not pass the signal on, cuts end the process as they would without a guard.
class CutGuard {
 public:
  /// `bytes` must be a map of a file, or memory, that outlives the guard, and does not end with
  /// zeros.
  explicit CutGuard(std::span<const std::byte> bytes);
  ~CutGuard();
  CutGuard(const CutGuard&) = delete;
  CutGuard& operator=(const CutGuard&) = delete;

  /// Whether the file has lost something of the range: by the end of the range, which is looked at.
  /// What it has lost reads as zeros from then on.
  bool is_cut() const;

  struct Range;

 private:
  uint64_t ReadEnd() const;

  const std::span<const std::byte> bytes_;
  /// What the range ended with. Of a page that the file has a part of, the rest reads as zeros
  /// without a signal.
  const uint64_t end_;
  Range* const range_;
};

}  // namespace viper
