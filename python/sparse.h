#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "viper/sparse_vector.h"

namespace viper::python {

/// Rows of `dim` floats that were sparse.
struct SpreadRows {
  size_t rows = 0;
  std::vector<float> floats;
};

/// Spread a sparse vector (`dimensions` 1) or several (2) over rows of `dim` components: a
/// viper.SparseVector, a dict of `indices` and `values`, or what has a `tocsr` as SciPy's sparse
/// matrices and arrays do; for several also a list of these and of dense vectors. Absent if
/// `object` is none of it. Raises InvalidArgument; `what` names it in messages.
std::optional<SpreadRows> SpreadSparse(nanobind::handle object, int dimensions, size_t dim,
                                       const char* what);

/// Add SparseVector and determine_storage_format.
void BindSparse(nanobind::module_& module);

}  // namespace viper::python
