// The smallest program on the installed library: it compiles against the installed headers, links
// and starts.

#include <cstdio>

#include "viper/version.h"

int main() {
  std::printf("viper %s\n", viper::kVersionString);
  return viper::kVersionMajor >= 0 ? 0 : 1;
}
