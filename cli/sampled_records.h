#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "viper/result.h"
#include "viper/snapshot.h"

namespace viper::cli {

/// Pick `count` ids of a snapshot at random, each equally likely, or all if there are fewer. The
/// same snapshot gives the same ids. Reads every id once, holds `count` of them.
Result<std::vector<std::string>> SampleIds(const Snapshot& snapshot, size_t count);

}  // namespace viper::cli
