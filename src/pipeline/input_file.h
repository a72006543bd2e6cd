#pragma once

#include <memory>
#include <string>

#include "viper/file_system.h"

namespace viper::pipeline {

/// An opened file and the name that messages call it by.
struct InputFile {
  std::string name;
  std::unique_ptr<RandomAccessFile> file;
};

}  // namespace viper::pipeline
