#pragma once

#include <string_view>

#include "viper/status.h"

namespace viper {

/// The status of a failed system call: "cannot <operation> '<path>': <reason> (<name of the
/// errno>)". ENOENT is NotFound, EEXIST AlreadyExists, ENOSPC and EDQUOT ResourceExhausted, the
/// rest IoError.
Status PosixError(std::string_view operation, std::string_view path, int error);

}  // namespace viper
