#pragma once

#include <cstdint>

#include "viper/optimization.h"
#include "viper/schema.h"

namespace viper::utilities {

/// What to do about the fields of a collection: keys that filters name and a type takes are
/// promoted; integers of which some are written as floats are widened; fields that no filter of
/// many named, and few records have, are demoted.
SchemaAdvice AdviseOnSchema(const SchemaReport& report, const CollectionOperations& traffic);

/// Below so many filtered searches nothing is said about fields that no filter names.
inline constexpr uint64_t kFilteredSearchesMin = 100;
/// And filters have to name a key so often to have it promoted.
inline constexpr uint64_t kPromotingFilters = 10;

}  // namespace viper::utilities
