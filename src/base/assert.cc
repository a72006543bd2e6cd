#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace viper {

void FailAssertion(std::string_view expression, std::string_view file, int line) {
  std::fprintf(stderr, "VIPER: broken promise `%.*s` at %.*s:%d\n",
               static_cast<int>(expression.size()), expression.data(),
               static_cast<int>(file.size()), file.data(), line);
  std::abort();
}

}  // namespace viper
