#include "viper/index_report.h"

#include <fmt/core.h>

namespace viper {

std::string ClusterId::ToString() const {
  return fmt::format("{}/{:016x}/{}", collection, model, number);
}

}  // namespace viper
