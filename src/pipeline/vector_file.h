#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "viper/record_source.h"
#include "viper/status.h"

namespace viper::pipeline {

/// A file of nothing but vectors, in rows of one size.
class VectorFile {
 public:
  virtual ~VectorFile() = default;
  virtual const std::string& name() const = 0;
  virtual size_t dim() const = 0;
  virtual uint64_t row_count() const = 0;
  /// Read `out.size() / dim()` whole rows from row `first` (counted from 0) on; they are there. An
  /// error names the row, not the file.
  virtual Status ReadRows(uint64_t first, std::span<float> out) = 0;
};

/// The records of such a file: ids are the prefix and the row's number, metadata there is none.
std::unique_ptr<RecordSource> MakeVectorFileSource(std::unique_ptr<VectorFile> file,
                                                   const RecordSourceOptions& options);

}  // namespace viper::pipeline
