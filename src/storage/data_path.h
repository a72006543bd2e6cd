#pragma once

#include <string>
#include <string_view>

#include "viper/result.h"

namespace viper::storage {

/// Paths of data files as the Delta log spells them: relative to the table, percent-encoded as a
/// URI (RFC 3986). Everything but unreserved characters, sub-delimiters, ':', '@' and '/' is
/// encoded.
std::string EncodeDataPath(std::string_view path);

/// Corruption for a bad encoding or a path that climbs out of the table; Unsupported for an
/// absolute one (a shallow clone).
Result<std::string> DecodeDataPath(std::string_view encoded);

}  // namespace viper::storage
