#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace viper {

/// Floats of one or several rows, row-major at any byte address, and what keeps them there.
struct HeldFloats {
  // Implicit: what lies in a map or a memtable is held by its snapshot.
  HeldFloats(const std::byte* bytes = nullptr) : floats(bytes) {}  // NOLINT
  HeldFloats(const std::byte* bytes, std::shared_ptr<const void> keeper)
      : floats(bytes), holder(std::move(keeper)) {}

  const std::byte* floats = nullptr;
  /// Null if they stay as long as the snapshot (or the caller's rows) that they were asked of; else
  /// they are there as long as this pointer.
  std::shared_ptr<const void> holder;
};

}  // namespace viper
