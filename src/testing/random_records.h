#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "viper/record.h"

namespace viper {

/// Text of up to `character_count_max` characters from all over Unicode, in valid UTF-8: ASCII,
/// quotes and control characters, accents, scripts of three bytes, emoji of four.
std::string RandomText(Random& random, size_t character_count_max);

/// A JSON value nested at most `depth` deep: every kind but timestamp, edges of each among them.
Value RandomValue(Random& random, size_t depth);

/// `dim` finite floats; about one in eight is an edge: -0.0, denormal, +-FLT_MAX, FLT_MIN.
std::vector<float> RandomVector(Random& random, size_t dim);

/// A record that every collection of that dimension without declared fields takes: any id of 1 to
/// 1,024 bytes, nested metadata, optional times. Equal seeds give equal records.
Record RandomRecord(Random& random, size_t dim);

/// `count` records with ids of their own.
std::vector<Record> RandomRecords(uint64_t seed, size_t count, size_t dim);

}  // namespace viper
