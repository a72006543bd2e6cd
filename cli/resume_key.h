#pragma once

#include <string>

#include "viper/record_source.h"

namespace viper::cli {

/// What identifies an input: its absolute path, size and time of change (of the metadata file too)
/// and the options it is read with. An import of the same goes on where an interrupted one stopped.
std::string ResumeKey(const std::string& path, const RecordSourceOptions& options);

}  // namespace viper::cli
