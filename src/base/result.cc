#include "viper/result.h"

#include <cstdio>

namespace viper {

void AbortOnBadResult(const Status& status) {
  std::fprintf(stderr, "VIPER: %s\n",
               status.ok() ? "a Result was made of an OK status"
                           : ("value taken of a failed Result: " + status.ToString()).c_str());
  std::abort();
}

}  // namespace viper
