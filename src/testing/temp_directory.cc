#include "testing/temp_directory.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace viper {

TempDirectory::TempDirectory() {
  path_ = (std::filesystem::temp_directory_path() / "viper_test_XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr) {
    std::perror(path_.c_str());
    std::abort();
  }
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;  // a test that took away its own permissions has said so already
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace viper
