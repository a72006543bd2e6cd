#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace viper::cli {

/// Aligned columns for people. Cells are made printable.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns);
  /// `cells` holds one per column.
  void AddRow(std::vector<std::string> cells);
  /// The lines, each ended by a line feed, clipped at `width` columns unless that is 0.
  std::string Render(size_t width) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;  // the titles first
};

}  // namespace viper::cli
