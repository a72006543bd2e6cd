#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace viper::columnar {

/// The name that `wanted` is most likely a misspelling of: the smallest number of letters to
/// insert, remove, replace or swap, case set aside, at most a third of its length. Absent if none
/// is so near.
std::optional<std::string> NearestName(std::string_view wanted, std::span<const std::string> names);

}  // namespace viper::columnar
