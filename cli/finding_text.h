#pragma once

#include <string>

#include "viper/verify.h"

namespace viper::cli {

/// A finding for people, in one to three lines, each ended by a line feed and made printable.
std::string FindingText(const VerifyFinding& finding);

/// What a verification read and found, in one line each, likewise.
std::string VerifySummaryText(const VerifyReport& report);

}  // namespace viper::cli
