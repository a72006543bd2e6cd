#pragma once

#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "viper/record_source.h"

namespace viper::parquet {

/// What a column of a user's file is for.
enum class ColumnRole : uint8_t {
  kMetadata,
  kId,
  kVector,
  kTimestamp,
  kExpiresAt,
  kPayload,
  /// `_sparse` of our own files: where it is there, it is the vector.
  kSparse,
  kPassedOver
};

/// The columns of a user's file and their roles.
struct SourceColumns {
  /// One per top-level column of the file.
  std::vector<ColumnRole> roles;
  int vector = -1;
  /// The one that is kSparse, if any.
  int sparse = -1;
  /// Metadata columns that a field can be declared for.
  std::vector<Field> fields;
};

/// Assign roles by name and type (viper/record_source.h has the rules). InvalidArgument naming the
/// column for one that is asked for and missing, has a type that does not fit, or cannot be chosen.
Result<SourceColumns> ChooseColumns(const ::arrow::Schema& schema,
                                    const RecordSourceOptions& options);

}  // namespace viper::parquet
