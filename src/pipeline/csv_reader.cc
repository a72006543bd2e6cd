#include "pipeline/csv_reader.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "base/utf8.h"
#include "pipeline/source_limits.h"

namespace viper::pipeline {
namespace {

// In a well-formed record every quote has its partner; a line with an odd number ends inside a
// cell.
bool EndsInsideQuotes(std::string_view text) { return std::ranges::count(text, '"') % 2 != 0; }

}  // namespace

std::string CsvReader::Place() const { return fmt::format("{}, line {}", name(), record_line_); }

Result<bool> CsvReader::NextRecord() {
  while (true) {
    VIPER_ASSIGN_OR_RETURN(auto line, lines_.Next());
    if (!line.has_value()) return false;
    record_line_ = lines_.line_number();
    record_ = *line;
    if (EndsInsideQuotes(record_)) {
      joined_ = record_;
      do {
        VIPER_ASSIGN_OR_RETURN(line, lines_.Next());
        if (!line.has_value()) {
          return Status::InvalidArgument(
              fmt::format("{}: a quoted cell is not closed before the end of the file", Place()));
        }
        if (joined_.size() + line->size() > kLineBytesMax) {
          return Status::InvalidArgument(
              fmt::format("{}: a quoted cell is not closed: max_bytes={}", Place(), kLineBytesMax));
        }
        joined_.append("\n").append(*line);
      } while (!EndsInsideQuotes(*line));
      record_ = joined_;
    }
    if (record_.ends_with('\r')) record_.remove_suffix(1);
    if (!IsBlank(record_)) return true;
  }
}

Result<bool> CsvReader::SkipRecord() { return NextRecord(); }

Result<bool> CsvReader::Next() {
  VIPER_ASSIGN_OR_RETURN(const bool there, NextRecord());
  if (!there) return false;
  if (!IsValidUtf8(record_)) {
    return Status::InvalidArgument(fmt::format("{}: the record is not UTF-8", Place()));
  }
  const Status status = SplitCells();
  if (!status.ok()) return status.WithContext(Place());
  return true;
}

Status CsvReader::SplitCells() {
  cells_.clear();
  unquoted_.clear();
  unquoted_.reserve(record_.size());  // so that views into it stay valid
  size_t begin = 0;
  while (true) {
    if (cells_.size() >= kCsvColumnsMax) {
      return Status::InvalidArgument(fmt::format("too many columns: max={}", kCsvColumnsMax));
    }
    size_t end = 0;
    if (begin < record_.size() && record_[begin] == '"') {
      VIPER_ASSIGN_OR_RETURN(end, ReadQuotedCell(begin + 1));
    } else {
      end = std::min(record_.find(',', begin), record_.size());
      const std::string_view cell = record_.substr(begin, end - begin);
      const size_t quote = cell.find('"');
      if (quote != std::string_view::npos) {
        return Status::InvalidArgument(
            fmt::format("a quote inside a cell that does not begin with one: column={} byte={}",
                        cells_.size() + 1, begin + quote + 1));
      }
      cells_.push_back(cell);
    }
    if (end == record_.size()) return Status::Ok();
    begin = end + 1;
  }
}

// Read the cell whose opening quote is before `begin`; return where it ends: at a comma or the end.
Result<size_t> CsvReader::ReadQuotedCell(size_t begin) {
  const size_t unquoted_begin = unquoted_.size();
  size_t from = begin;
  while (true) {
    const size_t quote = record_.find('"', from);
    if (quote == std::string_view::npos) {
      return Status::InvalidArgument(
          fmt::format("a quoted cell is not closed: column={}", cells_.size() + 1));
    }
    const size_t after = quote + 1;
    if (after < record_.size() && record_[after] == '"') {
      unquoted_.append(record_, from, after - from);  // one of the two quotes belongs to the text
      from = after + 1;
      continue;
    }
    if (after < record_.size() && record_[after] != ',') {
      return Status::InvalidArgument(
          fmt::format("text after the closing quote of a cell: column={} byte={}",
                      cells_.size() + 1, after + 1));
    }
    if (from == begin) {
      cells_.push_back(record_.substr(begin, quote - begin));
    } else {
      unquoted_.append(record_, from, quote - from);
      cells_.push_back(std::string_view(unquoted_).substr(unquoted_begin));
    }
    return after;
  }
}

}  // namespace viper::pipeline
