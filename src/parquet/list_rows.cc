#include "parquet/list_rows.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <fmt/core.h>
#include <parquet/column_reader.h>

#include "base/status_macros.h"
#include "parquet/page_decoder.h"

namespace viper::parquet {
namespace {

constexpr size_t kListBatch = 1024;

Status AtListRow(uint64_t row, const std::string& what) {
  return Status::Corruption(fmt::format("row={}: {}", row, what));
}

/// Puts levels and values of one run of pages together, and passes over the rows before those that
/// are wanted.
template <typename T>
class ListCollector {
 public:
  ListCollector(const ::parquet::ColumnDescriptor& leaf, uint64_t first_row, RowRange wanted,
                size_t length_max)
      : element_level_(ElementDefinitionLevel(leaf)),
        max_definition_(leaf.max_definition_level()),
        first_row_(first_row),
        next_row_(first_row),
        wanted_(wanted),
        length_max_(length_max) {
    lists_.lengths.reserve(wanted.count);
  }

  /// Whether the rows wanted are complete.
  bool is_done() const { return next_row_ > wanted_.end(); }
  ListRows<T>& lists() { return lists_; }

  /// Take one level; `value` is the next value, used up if the result is true.
  Result<bool> Add(int16_t repetition, int16_t definition, const T* value) {
    if (repetition == 0) {
      is_wanted_ = next_row_ >= wanted_.first && next_row_ < wanted_.end();
      ++next_row_;
      if (is_done()) return false;
      if (is_wanted_) lists_.lengths.push_back(0);
    } else if (next_row_ == first_row_) {
      return Status::Corruption("a page begins in the middle of a list");
    }
    const bool has_value = definition == max_definition_;
    if (!is_wanted_) return has_value;
    const uint64_t row = next_row_ - 1;
    uint32_t& length = lists_.lengths.back();
    if (definition < element_level_ - 1) length = ListRows<T>::kNull;
    if (definition < element_level_) return false;
    if (!has_value) return AtListRow(row, fmt::format("list holds a null: element={}", length));
    if (length >= length_max_) {
      return AtListRow(row,
                       fmt::format("list is longer than the dimension: maximum={}", length_max_));
    }
    if (value == nullptr) return Status::Corruption("a page holds fewer values than it says");
    ++length;
    lists_.values.push_back(*value);
    return true;
  }

 private:
  const int16_t element_level_;
  const int16_t max_definition_;
  const uint64_t first_row_;
  uint64_t next_row_;
  const RowRange wanted_;
  const size_t length_max_;
  bool is_wanted_ = false;
  ListRows<T> lists_;
};

/// The first of `pages`, which are in the order of their rows, that holds `row`.
std::span<const EncodedPage>::iterator PageOf(std::span<const EncodedPage> pages, uint64_t row) {
  const auto after = std::upper_bound(
      pages.begin(), pages.end(), row,
      [](uint64_t wanted, const EncodedPage& page) { return wanted < page.rows.first; });
  return after == pages.begin() ? pages.end() : after - 1;
}

template <typename DType>
Result<ListRows<typename DType::c_type>> ReadLists(const LeafPages& leaf,
                                                   std::span<const EncodedPage> pages,
                                                   RowRange rows, size_t length_max) {
  using T = typename DType::c_type;
  const auto first = PageOf(pages, rows.first);
  const auto last = PageOf(pages, rows.end() - 1);
  if (first == pages.end() || last == pages.end() || rows.end() > last->rows.end()) {
    return Status::Corruption(
        fmt::format("no pages hold the rows {} to {}", rows.first, rows.end() - 1));
  }
  const FileRange place{first->place.offset, last->place.end() - first->place.offset};
  VIPER_ASSIGN_OR_RETURN(auto run, leaf.OpenRun(first->row_group, place));
  const auto column =
      ::parquet::ColumnReader::Make(&leaf.descriptor(), WithoutEmptyPages(std::move(run)));
  auto& reader = static_cast<::parquet::TypedColumnReader<DType>&>(*column);
  ListCollector<T> collector(leaf.descriptor(), first->rows.first, rows, length_max);
  int16_t repetition[kListBatch] = {};
  int16_t definition[kListBatch] = {};
  T values[kListBatch] = {};
  while (!collector.is_done() && reader.HasNext()) {
    int64_t value_count = 0;
    const int64_t levels =
        reader.ReadBatch(kListBatch, definition, repetition, values, &value_count);
    if (levels <= 0) break;
    int64_t next = 0;
    for (int64_t i = 0; i < levels && !collector.is_done(); ++i) {
      VIPER_ASSIGN_OR_RETURN(const bool used,
                             collector.Add(repetition[i], definition[i],
                                           next < value_count ? values + next : nullptr));
      next += used ? 1 : 0;
    }
  }
  if (collector.lists().lengths.size() == rows.count) return std::move(collector.lists());
  return Status::Corruption(
      fmt::format("pages hold fewer rows than they say: rows {} to {} are missing",
                  rows.first + collector.lists().lengths.size(), rows.end() - 1));
}

template <typename DType>
Result<uint64_t> CountRows(const LeafPages& leaf, size_t row_group) {
  const uint64_t expected = leaf.footer().row_groups()[row_group].count;
  const auto empty_level = static_cast<int16_t>(ElementDefinitionLevel(leaf.descriptor()) - 1);
  VIPER_ASSIGN_OR_RETURN(auto pages, leaf.OpenChunk(row_group, /*verify=*/true));
  const auto column =
      ::parquet::ColumnReader::Make(&leaf.descriptor(), WithoutEmptyPages(std::move(pages)));
  auto& reader = static_cast<::parquet::TypedColumnReader<DType>&>(*column);
  int16_t repetition[kListBatch] = {};
  int16_t definition[kListBatch] = {};
  typename DType::c_type values[kListBatch] = {};
  uint64_t rows = 0;
  uint64_t present = 0;
  while (reader.HasNext()) {
    int64_t value_count = 0;
    const int64_t levels =
        reader.ReadBatch(kListBatch, definition, repetition, values, &value_count);
    if (levels <= 0) break;
    for (int64_t i = 0; i < levels; ++i) {
      if (repetition[i] != 0) continue;
      ++rows;
      if (definition[i] >= empty_level) ++present;
    }
    if (rows > expected) break;
  }
  if (rows == expected) return present;
  return Status::Corruption(
      fmt::format("pages hold another number of rows: row_group={} expected={} actual={}{}",
                  row_group, expected, rows > expected ? ">=" : "", rows));
}

}  // namespace

Result<ListRows<int32_t>> ReadIntegerLists(const LeafPages& leaf,
                                           std::span<const EncodedPage> pages, RowRange rows,
                                           size_t length_max) {
  return ReadLists<::parquet::Int32Type>(leaf, pages, rows, length_max);
}

Result<ListRows<float>> ReadFloatLists(const LeafPages& leaf, std::span<const EncodedPage> pages,
                                       RowRange rows, size_t length_max) {
  return ReadLists<::parquet::FloatType>(leaf, pages, rows, length_max);
}

Result<uint64_t> CountListRows(const LeafPages& leaf, size_t row_group) {
  return leaf.descriptor().physical_type() == ::parquet::Type::FLOAT
             ? CountRows<::parquet::FloatType>(leaf, row_group)
             : CountRows<::parquet::Int32Type>(leaf, row_group);
}

}  // namespace viper::parquet
