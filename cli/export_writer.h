#pragma once

#include <memory>
#include <string>

#include "viper/record.h"
#include "viper/result.h"
#include "viper/schema.h"

namespace viper::cli {

/// Writes the records of an export in one format. What is not finished leaves no file behind.
class ExportWriter {
 public:
  virtual ~ExportWriter() = default;
  virtual Status Add(const Record& record) = 0;
  virtual Status Finish() = 0;
};

/// RecordJson on each line.
Result<std::unique_ptr<ExportWriter>> OpenJsonlWriter(const std::string& path);
/// _id, _timestamp, _expires_at, the declared fields, _metadata (what no cell can hold exactly, as
/// a JSON object), _vector.
Result<std::unique_ptr<ExportWriter>> OpenCsvWriter(const std::string& path,
                                                    const CollectionSchema& schema);
/// Vectors as .npy (float32 matrix) or .fvecs, and everything else as JSON Lines in
/// `path`.metadata.jsonl, line i for row i. Needs a path.
Result<std::unique_ptr<ExportWriter>> OpenNpyWriter(const std::string& path, size_t dim);
Result<std::unique_ptr<ExportWriter>> OpenFvecsWriter(const std::string& path, size_t dim);

}  // namespace viper::cli
