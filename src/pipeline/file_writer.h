#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/row.h"
#include "pipeline/file_columns.h"
#include "pipeline/new_file.h"
#include "viper/pipeline.h"

namespace viper::pipeline {

/// Rows of a file that have row groups of their own.
struct RowWindow {
  /// Places in the order of the file.
  size_t first = 0;
  size_t count = 0;
  /// When the window begins; absent if the rows are not divided by time.
  std::optional<Timestamp> begin = {};
};

/// Divide rows that are in the order of their times by windows of this length; 0 = not at all.
std::vector<RowWindow> DivideByTime(std::span<const core::Row> rows,
                                    std::span<const uint32_t> order, int64_t window_ms);

/// Windows of one file at most: its footer has the bounds of every column for each.
inline constexpr size_t kWindowsMax = 4096;
/// Double the length, in milliseconds, until so many windows are enough.
int64_t LengthenWindows(std::span<const core::Row> rows, std::span<const uint32_t> order,
                        int64_t window_ms);

/// What a file is written of. Nothing is owned.
struct FileContent {
  std::span<const core::Row> rows;
  /// Numbers of the rows that are in the file, in their order.
  std::span<const uint32_t> order;
  std::span<const RowWindow> windows;
  const FileColumns* columns = nullptr;
  /// More of the footer's keys.
  std::map<std::string, std::string> key_values;
};

/// How long parts of the work took, in milliseconds.
struct WriteTimes {
  double convert_ms = 0;
  double write_ms = 0;
  double sync_ms = 0;
};

/// Write a file, not committed yet, and tell what is in it as its footer has it.
Result<WrittenFile> WriteFile(FileSystem& file_system, const PipelineConfig& config,
                              const FileContent& content, NewFile& file, WriteTimes& times);

}  // namespace viper::pipeline
