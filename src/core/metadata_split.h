#pragma once

#include <vector>

#include "columnar/column.h"
#include "viper/record.h"
#include "viper/schema.h"
#include "viper/value.h"

namespace viper::core {

/// How the metadata of a row are split between the columns of declared fields and `_payload`.
///
/// The payload has what is not declared, explicit nulls of declared fields, and values that were
/// written before their field was declared and do not fit it ("parked"): together the two give back
/// what was written, but for what a field's rules convert.

/// Append a row's values of the declared fields to their columns, in the order of the fields, null
/// where it has none that fits. Returns what is left for the payload.
Value::Object SplitMetadata(const Metadata& metadata, const std::vector<Field>& fields,
                            std::vector<columnar::Column>& columns);

/// Leave out of a payload what belongs into the columns of these fields.
void DropDeclared(Value::Object& payload, const std::vector<Field>& fields);

/// Convert in place what was written before its field was declared; what is parked stays as it is.
void ConvertDeclared(Metadata& metadata, const std::vector<Field>& fields);

}  // namespace viper::core
