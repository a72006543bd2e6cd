#pragma once

#include <span>
#include <string>
#include <string_view>

#include "viper/record.h"

namespace viper::cli {

/// Append the float's shortest digits that read back the same, also through double.
void AppendFloat(float value, std::string& out);
/// "[0.1,0.2]".
std::string VectorJson(std::span<const float> vector);

/// The record as one JSON object that `viper import` reads back exactly:
///   {"_id":"a","_timestamp":"...","_expires_at":"...","title":"A title","_vector":[0.1,0.2]}
/// Metadata keys that mean something else there stand inside "_metadata". No vector, no "_vector".
std::string RecordJson(const Record& record);

/// A metadata key that a reader of flat records would take for something else.
bool IsReservedKey(std::string_view key);

}  // namespace viper::cli
