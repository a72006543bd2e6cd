#pragma once

#include <span>

#include "storage/table_log.h"
#include "viper/schema.h"

namespace viper::core {

/// The schema with further fields; those that it has already, of the same type, are passed over.
/// InvalidArgument names a field that cannot be added, and why.
Result<CollectionSchema> WithFields(const CollectionSchema& schema, std::span<const Field> added);

/// The schema with another type of a field. Only int64 can become float64: every other change would
/// give back other values than were written. NotFound; InvalidArgument with the reason.
Result<CollectionSchema> WithWidenedField(const CollectionSchema& schema, const Field& field);

/// Whether a field of `before` has another type in `after`.
bool ChangesTypes(const CollectionSchema& before, const CollectionSchema& after);

}  // namespace viper::core
