#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "columnar/column.h"

namespace viper::columnar {

/// Characters of a string as JSON, its quotes among them.
uint64_t JsonLengthOf(std::string_view text);
/// Characters of a value as canonical JSON (Value::ToJson). The row must be present.
uint64_t JsonLengthAt(const Column& column, size_t row);

}  // namespace viper::columnar
