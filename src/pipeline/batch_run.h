#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/write_batch.h"
#include "pipeline/file_columns.h"
#include "pipeline/file_writer.h"
#include "pipeline/row_sorting.h"
#include "viper/pipeline.h"

namespace viper::pipeline {

/// What one call of Pipeline::ProcessRecords works with; must outlive it.
struct BatchInput {
  const PipelineConfig& config;
  FileSystem& file_system;
  RecordProcessor& processor;
  const std::string& collection;
  const std::string& path;
};

/// Whether windows get files of their own: then there is none of the name that was given.
bool SplitsFiles(const ProcessingConfig& config);

/// One call, step by step. Not thread-safe.
class BatchRun {
 public:
  explicit BatchRun(const BatchInput& input) : in_(input) {}

  /// Let the processor change the records. They are the caller's, and stay where they are until
  /// Write has returned.
  Status Preprocess(std::vector<Record>& records);
  /// Check the records and turn them into rows by this schema.
  Status Check(const std::vector<Record>& records, const CollectionSchema& schema);
  /// Put the rows in order, choose the columns, and write the files.
  Result<ProcessResult> Write();

 private:
  Status CheckLayout() const;
  Status ChooseColumns();
  Result<std::string> PathOf(const RowWindow& window) const;
  Status WriteFiles(const SortedRows& sorted, const std::vector<RowWindow>& windows);
  Result<std::unique_ptr<NewFile>> WriteOne(const SortedRows& sorted,
                                            std::span<const RowWindow> windows,
                                            const std::string& path, WriteTimes& times);
  std::map<std::string, std::string> KeyValues(const SortedRows& sorted) const;
  void Sum();

  const BatchInput in_;
  CollectionSchema schema_;
  core::WriteBatch batch_;
  FileColumns columns_;
  std::map<std::string, std::string> added_keys_;
  SortingStrategy sorting_;
  /// Of the windows that the rows are divided by; 0 = they are not.
  int64_t window_ms_ = 0;
  ProcessResult result_;
};

}  // namespace viper::pipeline
