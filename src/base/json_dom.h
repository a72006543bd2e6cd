#pragma once

#include <cstddef>

#include <simdjson.h>

#include "viper/result.h"
#include "viper/value.h"

namespace viper {

/// The value of a part of a parsed JSON document, by the rules of Value::FromJson. `depth` is the
/// number of lists and objects around it.
Result<Value> ValueFromDom(const simdjson::dom::element& element, size_t depth);

}  // namespace viper
