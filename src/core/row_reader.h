#pragma once

#include <optional>
#include <vector>

#include "core/read_view.h"
#include "core/row.h"
#include "viper/options.h"
#include "viper/record.h"
#include "viper/sparse_vector.h"

namespace viper::core {

/// OK, or InvalidArgument for a projection that names a key neither declared nor in use.
Status CheckProjection(const ReadView& view, const Projection& projection);

/// The metadata of a row, as far as the projection asks.
Result<Metadata> ReadMetadata(const ReadView& view, const Location& location,
                              const Projection& projection);

/// The vector of a row, in the forms that the projection asks for.
Status ReadVector(const ReadView& view, const Location& location, const Projection& projection,
                  std::vector<float>& dense, std::optional<SparseVector>& sparse);

/// The record at a location, as far as the projection asks; the id always.
Result<Record> ReadRecord(const ReadView& view, const Location& location,
                          const Projection& projection);

/// Record::version of the row at a location.
Result<int64_t> ReadVersion(const ReadView& view, const Location& location);

/// All of the row at a location; its vector stays the view's. `metadata_bytes` is not filled in.
/// Times that another writer's file lacks are that of the file, as when it is rewritten.
Result<Row> ReadRow(const ReadView& view, const Location& location);

}  // namespace viper::core
