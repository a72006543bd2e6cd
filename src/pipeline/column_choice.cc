#include "pipeline/column_choice.h"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <vector>

#include <fmt/core.h>

#include "base/status_macros.h"

namespace viper::pipeline {
namespace {

// A wide CSV file has thousands of columns.
constexpr size_t kNamesShownMax = 20;

std::string NamesOf(std::span<const Column> columns) {
  if (columns.empty()) return "(none)";
  std::string names;
  for (const Column& column : columns.first(std::min(columns.size(), kNamesShownMax))) {
    names += names.empty() ? "" : ", ";
    names += column.name;
  }
  if (columns.size() > kNamesShownMax) {
    names += fmt::format(", ... ({} in all)", columns.size());
  }
  return names;
}

bool Has(std::span<const Column> columns, std::string_view name) {
  return std::ranges::find(columns, name, &Column::name) != columns.end();
}

std::string FirstOf(std::span<const Column> columns,
                    std::initializer_list<std::string_view> candidates) {
  for (const std::string_view candidate : candidates) {
    if (Has(columns, candidate)) return std::string(candidate);
  }
  return {};
}

Status CheckWanted(std::span<const Column> columns, std::string_view what,
                   std::string_view wanted) {
  if (Has(columns, wanted)) return Status::Ok();
  return Status::InvalidArgument(fmt::format(
      "no column of that name for the {}: wanted={} there={}", what, wanted, NamesOf(columns)));
}

}  // namespace

Result<std::string> ChooseIdColumn(std::span<const Column> columns, std::string_view wanted) {
  if (wanted.empty()) return FirstOf(columns, {"_id", "id"});
  VIPER_RETURN_IF_ERROR(CheckWanted(columns, "id", wanted));
  return std::string(wanted);
}

Result<std::string> ChooseVectorColumn(std::span<const Column> columns, std::string_view wanted) {
  if (!wanted.empty()) {
    VIPER_RETURN_IF_ERROR(CheckWanted(columns, "vector", wanted));
    return std::string(wanted);
  }
  std::string usual = FirstOf(columns, {"_vector", "vector", "embedding"});
  if (!usual.empty()) return usual;
  std::vector<Column> candidates;
  std::ranges::copy_if(columns, std::back_inserter(candidates), &Column::holds_numbers);
  if (candidates.size() == 1) return candidates.front().name;
  if (candidates.empty()) {
    return Status::InvalidArgument(
        fmt::format("no column holds a vector (a list of numbers): there={}", NamesOf(columns)));
  }
  return Status::InvalidArgument(fmt::format(
      "several columns hold lists of numbers, name the vector's: there={}", NamesOf(candidates)));
}

}  // namespace viper::pipeline
