#pragma once

#include <string>

#include "viper/engine.h"

namespace viper::cli {

/// The report as one JSON object, and as a table for people.
std::string IndexReportJson(const IndexReport& report);
std::string IndexReportTable(const IndexReport& report);

}  // namespace viper::cli
