#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/line_reader.h"
#include "viper/result.h"
#include "viper/status.h"

namespace viper::pipeline {

/// Splits a CSV file into records and cells (RFC 4180): commas between cells, line feeds (after a
/// carriage return or not) between records, double quotes around cells that hold any of those, two
/// double quotes for one inside. Records with nothing in them are passed over. Not thread-safe.
class CsvReader {
 public:
  explicit CsvReader(InputFile input) : lines_(std::move(input)) {}

  const std::string& name() const { return lines_.name(); }
  /// "file, line 17": where the record that Next returned last begins.
  std::string Place() const;
  double fraction_read() const { return lines_.fraction_read(); }

  /// Move to the next record; false at the end. InvalidArgument naming file, line and column for a
  /// quote out of place or bytes that are not UTF-8.
  Result<bool> Next();
  /// The same without splitting it into cells.
  Result<bool> SkipRecord();
  /// The cells of the record, without quotes. Valid until the next call.
  const std::vector<std::string_view>& cells() const { return cells_; }
  /// Bytes of the record.
  size_t record_bytes() const { return record_.size(); }
  void Rewind() { lines_.Rewind(); }

 private:
  Result<bool> NextRecord();
  Status SplitCells();
  Result<size_t> ReadQuotedCell(size_t begin);

  LineReader lines_;
  uint64_t record_line_ = 0;  // line on which the record begins
  std::string joined_;        // the record when it spans several lines
  std::string_view record_;
  std::string unquoted_;  // cells that held doubled quotes
  std::vector<std::string_view> cells_;
};

}  // namespace viper::pipeline
