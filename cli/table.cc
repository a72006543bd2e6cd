#include "table.h"

#include <algorithm>
#include <utility>

#include "terminal.h"

namespace viper::cli {
namespace {

constexpr size_t kGap = 2;
// A long id must not push everything else off the terminal: columns before the last one get at most
// this share of it.
constexpr size_t kWidestShare = 2;

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  rows_.push_back(std::move(titles));
}

void Table::AddRow(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = Printable(cell);
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::Render(size_t width) const {
  std::vector<size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  if (width > 0) {
    for (size_t& column : widths)
      column = std::min(column, std::max<size_t>(width / kWidestShare, 1));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const bool is_last = i + 1 == row.size();
      const std::string cell = is_last ? row[i] : Clip(row[i], widths[i]);
      const size_t padding = widths[i] - std::min(widths[i], DisplayWidth(cell));
      if (columns_[i].align == Align::kRight) line.append(padding, ' ');
      line += cell;
      if (!is_last) line.append(kGap + (columns_[i].align == Align::kLeft ? padding : 0), ' ');
    }
    text += width > 0 ? Clip(line, width) : line;
    text += '\n';
  }
  return text;
}

}  // namespace viper::cli
