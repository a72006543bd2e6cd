#pragma once

#include <cstddef>
#include <cstdint>

// How vectors lie in memory for KernelTable::nearest and mask_not_below. Included by the sources of
// every instruction set, so nothing here may be an inline function (see level_functions.h).

namespace viper::kernels {

/// Vectors that share a panel.
constexpr size_t kPanelLanes = 16;

/// One component of every vector of a panel, on one cache line.
struct alignas(64) PanelLine {
  float lanes[kPanelLanes];
};

/// A panel is `dim + 1` lines: the bias of its vectors, then their components, dimension-major. A
/// lane that holds no vector has the bias -infinity and any finite components. Vector `i` of a list
/// lies in lane `i % kPanelLanes` of panel `i / kPanelLanes`, which is its *slot*.
///
/// The score of a vector for a row is the bias plus the dot product, summed from the bias on in the
/// order of the components. With the bias -|v|^2 / 2 it is (|row|^2 - |row - v|^2) / 2, so that the
/// nearest vector has the highest score.
struct PanelList {
  const PanelLine* lines;
  size_t count;
};

/// `count` rows of floats, one behind the other from any address on.
struct RowRun {
  const std::byte* floats;
  size_t count;
};

/// The vector of the highest score for a row.
struct NearestSlot {
  float score;
  uint32_t slot;
};

}  // namespace viper::kernels
