#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "viper/result.h"
#include "viper/value.h"

namespace viper::bench {

/// Machine (processor, cores, kernel, memory), build (type, compiler, version) and source revision.
Value::Object DescribeEnvironment(std::string_view revision);

/// A line such as "RssAnon:  1234 kB" of /proc/self/status, in bytes; IoError if it is not there.
Result<int64_t> ProcessMemory(std::string_view key);

/// Sum of the sizes of the files below a folder whose path, relative to it, starts with `prefix`.
Result<uint64_t> BytesBelow(const std::string& folder, std::string_view prefix = "");

/// Remove a folder with all that is in it, and make it again.
Status MakeEmptyFolder(const std::string& folder);

}  // namespace viper::bench
