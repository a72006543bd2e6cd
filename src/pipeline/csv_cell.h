#pragma once

#include <string_view>
#include <vector>

#include "viper/result.h"
#include "viper/value.h"

namespace viper::pipeline {

/// The value of a CSV cell that is not empty, by its text (quoted or not):
/// - true, True, TRUE, false, False, FALSE: a boolean;
/// - an integer of 64 bits, written as it would be printed (so 007 and 1e3 are none);
/// - a number with a point or an exponent: a float;
/// - anything else: a string, also integers too long for 64 bits, nan and inf.
Value TypeCsvCell(std::string_view cell);

/// Read a vector: numbers separated by commas, semicolons or white space, in square brackets or
/// not. InvalidArgument naming the component.
Result<std::vector<float>> ParseVectorCell(std::string_view cell);

/// Read one number into the nearest float. InvalidArgument if it is none or beyond its range.
Result<float> ParseFloatCell(std::string_view cell);

}  // namespace viper::pipeline
