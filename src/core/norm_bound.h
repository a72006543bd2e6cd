#pragma once

#include <cstddef>

namespace viper::core {

/// A finite upper bound, tight to about one percent, of the Euclidean norms of `row_count x dim`
/// finite floats, row-major, at any byte address. 0 for no rows.
double NormBound(const std::byte* rows, size_t row_count, size_t dim);

}  // namespace viper::core
