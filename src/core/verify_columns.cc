#include "core/verify_columns.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "columnar/field_conversion.h"
#include "core/part.h"
#include "core/table_schema.h"
#include "parquet/column_bounds.h"
#include "storage/part_sidecar.h"

namespace viper::core {
namespace {

using columnar::Column;
using columnar::ColumnBounds;

/// Rows of which the ids are told.
constexpr uint64_t kNamedRowsMax = 5;

/// What is wrong with an id; empty if nothing.
std::string_view IdProblem(const Column& ids, size_t i) {
  if (!ids.IsPresent(i)) return "is absent";
  const std::string_view id = ids.strings()[i];
  if (id.empty()) return "is empty";
  if (id.size() > kIdBytesMax) return "is too long";
  if (!IsValidUtf8(id)) return "is no valid UTF-8";
  return {};
}

/// The first of the rows of a page with something wrong, and how many there are.
struct BadRows {
  uint64_t count = 0;
  uint64_t first = 0;
  std::string what;

  void Note(uint64_t row, std::string_view problem) {
    if (problem.empty()) return;
    if (count++ == 0) {
      first = row;
      what = problem;
    }
  }
};

class ColumnVerifier {
 public:
  ColumnVerifier(const PartSubject& subject, const OpenedPart& part, IdAudit* ids,
                 Verification& verification)
      : subject_(subject), part_(part), ids_(ids), verification_(verification) {
    for (const parquet::ColumnLayout& column : part.layout->columns) {
      columns_in_file_.insert(column.path.substr(0, column.path.find('.')));
    }
  }

  Status Run() {
    ReadPayloadKeys();
    OpenBloomFilters();
    VIPER_RETURN_IF_ERROR(VerifyColumn(columnar::kIdColumn));
    for (const std::string_view name : {columnar::kTimestampColumn, columnar::kIngestedAtColumn,
                                        columnar::kExpiresAtColumn, columnar::kPayloadColumn}) {
      VIPER_RETURN_IF_ERROR(VerifyColumn(name));
    }
    for (const Field& field : subject_.schema->fields) {
      VIPER_RETURN_IF_ERROR(VerifyColumn(field.name));
    }
    CheckKnownColumns();
    CheckStatistics();
    return {};
  }

 private:
  Status VerifyColumn(std::string_view name) {
    const bool is_in_file = columns_in_file_.contains(name);
    if (!is_in_file && name != columnar::kIdColumn) return {};
    const parquet::PartReader& reader = *part_.reader;
    const std::vector<RowRange> groups = reader.RowGroups();
    std::vector<ColumnBounds> of_groups(groups.size());
    bool is_whole = true;
    for (size_t page = 0, group = 0; page < reader.PageCount(name); ++page) {
      VIPER_RETURN_IF_ERROR(verification_.AddBytes(0));
      const RowRange rows = reader.PageRows(name, page);
      auto column = reader.ReadPage(name, page);
      if (!column.ok()) {
        is_whole = false;
        verification_.AddTruth({part_.path, {}}, column.status().message(),
                               NamedRowsText(reader, rows.first, rows.count));
        continue;
      }
      while (group + 1 < groups.size() && rows.first >= groups[group].end()) ++group;
      CheckPage(name, rows, group, *column);
      if (is_in_file && !groups.empty()) {
        parquet::MergeBounds(parquet::BoundsOfColumn(*column), of_groups[group]);
      }
    }
    if (is_in_file && is_whole) CheckBounds(name, of_groups);
    return {};
  }

  void CheckPage(std::string_view name, const RowRange& rows, size_t group, const Column& column) {
    BadRows bad;
    if (name == columnar::kIdColumn) {
      CheckIds(rows, group, column, bad);
    } else if (name == columnar::kPayloadColumn) {
      for (size_t i = 0; i < column.row_count(); ++i) {
        if (column.IsPresent(i)) bad.Note(rows.first + i, PayloadProblem(column.strings()[i]));
      }
    } else if (name == columnar::kTimestampColumn || name == columnar::kIngestedAtColumn) {
      if (column.null_count() > 0 && !part_.is_foreign) bad.Note(rows.first, "is absent");
    }
    if (bad.count == 0) return;
    verification_.AddTruth(
        {part_.path, {}},
        fmt::format("column {}: the value of row {} {}; bad rows of this page: {}", name, bad.first,
                    bad.what, bad.count),
        NamedRowsText(*part_.reader, bad.first, 1));
  }

  void CheckIds(const RowRange& rows, size_t group, const Column& column, BadRows& bad) {
    uint64_t missed = 0;
    for (size_t i = 0; i < column.row_count(); ++i) {
      bad.Note(rows.first + i, IdProblem(column, i));
      const std::string_view id = column.strings()[i];
      if (blooms_ && !blooms_->MayHold(group, id)) ++missed;
      // Another writer's file may hold an id again: the newest row counts.
      if (part_.is_foreign || ids_ == nullptr) continue;
      // A dead row's id may live elsewhere.
      if (!part_.dead.empty() && part_.dead.Test(rows.first + i)) continue;
      ids_->Add({subject_.number, static_cast<uint32_t>(rows.first + i)}, storage::HashId(id));
    }
    if (missed == 0) return;
    verification_.AddTruth(
        {part_.path, {}},
        fmt::format("the bloom filter of _id misses ids of {}: {} of {}",
                    RowsText(rows.first, rows.count), missed, rows.count),
        "readers that use bloom filters may not find these rows; VIPER does not use them");
  }

  std::string PayloadProblem(std::string_view text) const {
    const auto payload = Value::FromJson(text);
    if (!payload.ok()) return "is no JSON: " + payload.status().message();
    if (payload->as_object() == nullptr) return "is no JSON object";
    for (const auto& [key, value] : *payload->as_object()) {
      if (payload_keys_ && !payload_keys_->contains(key)) {
        return fmt::format("has a key that the footer does not list: {}", key);
      }
      // What fits a declared field has its own column, if the file has that.
      const Field* field = subject_.schema->FindField(key);
      const bool knows_field =
          !part_.is_foreign && field != nullptr && columns_in_file_.contains(key);
      if (knows_field && columnar::FitToField(*field, value)) {
        return fmt::format("has a value of a declared field: {}", key);
      }
    }
    return {};
  }

  /// The statistics of row groups rule out what filters look for.
  void CheckBounds(std::string_view name, const std::vector<ColumnBounds>& actual) {
    ColumnBounds all;
    for (const ColumnBounds& group : actual) parquet::MergeBounds(group, all);
    bounds_[std::string(name)] = all;
    const std::vector<ColumnBounds> stored = part_.reader->RowGroupBounds(name);
    for (size_t group = 0; group < stored.size() && group < actual.size(); ++group) {
      ColumnBounds widened = stored[group];
      parquet::MergeBounds(actual[group], widened);
      const bool has_bounds = stored[group].min && stored[group].max;
      const bool fits =
          stored[group].null_count == actual[group].null_count &&
          (!has_bounds || !widened.min || !widened.max ||
           (*widened.min == *stored[group].min && *widened.max == *stored[group].max));
      if (fits) continue;
      verification_.AddTruth(
          {part_.path, {}},
          fmt::format("column {}: statistics of row group {} are not those of its rows", name,
                      group),
          "filters may pass over " + RowsText(part_.reader->RowGroups()[group].first,
                                              part_.reader->RowGroups()[group].count));
    }
  }

  void CheckKnownColumns() {
    if (part_.is_foreign) return;
    std::set<std::string, std::less<>> known = {
        std::string(columnar::kIdColumn),         std::string(columnar::kTimestampColumn),
        std::string(columnar::kIngestedAtColumn), std::string(columnar::kExpiresAtColumn),
        std::string(columnar::kPayloadColumn),    std::string(columnar::kVectorColumn)};
    if (subject_.has_sparse_column) known.emplace(columnar::kSparseColumn);
    for (const Field& field : subject_.schema->fields) known.insert(field.name);
    for (const std::string& name : columns_in_file_) {
      if (known.contains(name)) continue;
      verification_.AddTruth({part_.path, subject_.schema_origin},
                             fmt::format("the table's schema does not have its column {}", name),
                             fmt::format("the values of {} are not read", name));
    }
  }

  void CheckStatistics() {
    const std::string& text = subject_.added->stats_json;
    const auto fail = [&](const std::string& what) {
      verification_.AddTruth({part_.path, subject_.origin},
                             "the statistics in the table log are not those of its rows: " + what,
                             "readers may pass over rows that match");
    };
    if (text.empty()) {
      if (!part_.is_foreign) fail("there are none");
      return;
    }
    const auto stored = Value::FromJson(text);
    if (!stored.ok() || stored->as_object() == nullptr) return fail("they are no JSON object");
    parquet::PartSummary summary;
    summary.row_count = part_.reader->row_count();
    for (const auto& [name, bounds] : bounds_) {
      if (name != columnar::kPayloadColumn) summary.bounds[name] = bounds;
    }
    const Value actual = Value::FromJson(MakeStatistics(summary, *subject_.schema)).value();
    if (std::string what = StatisticsDifference(*stored->as_object(), *actual.as_object());
        !what.empty()) {
      fail(what);
    }
  }

  std::string StatisticsDifference(const Value::Object& stored, const Value::Object& actual) const {
    const auto count = stored.find("numRecords");
    if (count == stored.end() ? !part_.is_foreign : count->second != actual.at("numRecords")) {
      return fmt::format("numRecords: expected={} actual={}",
                         count == stored.end() ? "none" : count->second.ToJson(),
                         actual.at("numRecords").ToJson());
    }
    // Others round bounds in ways of their own.
    if (part_.is_foreign) return {};
    for (const char* section : {"minValues", "maxValues", "nullCount"}) {
      const auto found = stored.find(section);
      if (found == stored.end() || found->second.as_object() == nullptr) {
        return fmt::format("no {}", section);
      }
      const Value::Object& of_rows = *actual.at(section).as_object();
      for (const auto& [name, value] : *found->second.as_object()) {
        const auto of_column = of_rows.find(name);
        if (of_column != of_rows.end() && of_column->second == value) continue;
        // Of a column that could not be read whole nothing is known.
        if (of_column == of_rows.end() && columns_in_file_.contains(name) &&
            !bounds_.contains(name))
          continue;
        return fmt::format("{} of {}: stated={} actual={}", section, name, value.ToJson(),
                           of_column == of_rows.end() ? "none" : of_column->second.ToJson());
      }
      for (const auto& [name, value] : of_rows) {
        if (!found->second.as_object()->contains(name)) {
          return fmt::format("{} of {}: stated=none actual={}", section, name, value.ToJson());
        }
      }
    }
    return {};
  }

  void ReadPayloadKeys() {
    const auto found = part_.reader->key_values().find(std::string(kPayloadKeysKey));
    if (found == part_.reader->key_values().end()) return;
    const auto parsed = Value::FromJson(found->second);
    if (!parsed.ok() || parsed->as_list() == nullptr) {
      verification_.AddTruth({part_.path, {}}, "the footer's list of payload keys is no JSON list");
      return;
    }
    payload_keys_.emplace();
    for (const Value& key : *parsed->as_list()) {
      if (key.as_string() != nullptr) payload_keys_->insert(*key.as_string());
    }
  }

  void OpenBloomFilters() {
    auto opened = parquet::ColumnBloomFilters::Open(part_.bytes, columnar::kIdColumn);
    if (opened.ok()) {
      blooms_.emplace(std::move(*opened));
    } else {
      verification_.AddTruth({part_.path, {}},
                             "the bloom filter of _id: " + opened.status().message(),
                             "readers that use bloom filters; VIPER does not");
    }
  }

  const PartSubject& subject_;
  const OpenedPart& part_;
  IdAudit* ids_;
  Verification& verification_;
  std::set<std::string, std::less<>> columns_in_file_;
  /// Of columns that were read whole.
  std::map<std::string, ColumnBounds> bounds_;
  std::optional<std::set<std::string, std::less<>>> payload_keys_;
  std::optional<parquet::ColumnBloomFilters> blooms_;
};

}  // namespace

std::string NamedRowsText(const parquet::PartReader& reader, uint64_t first, uint64_t count) {
  std::string text = RowsText(first, count);
  const uint64_t named = std::min(count, kNamedRowsMax);
  for (uint64_t row = first; row < first + named; ++row) {
    const size_t page = reader.PageOfRow(columnar::kIdColumn, row);
    const auto ids = reader.ReadPage(columnar::kIdColumn, page);
    if (!ids.ok()) return RowsText(first, count);
    const uint64_t page_first = reader.PageRows(columnar::kIdColumn, page).first;
    text += row == first ? (count == 1 ? ": id " : ": ids ") : ", ";
    text += ids->strings()[row - page_first];
  }
  if (named < count) text += fmt::format(" and {} more", count - named);
  return text;
}

Status VerifyColumns(const PartSubject& subject, const OpenedPart& part, IdAudit* ids,
                     Verification& verification) {
  return ColumnVerifier(subject, part, ids, verification).Run();
}

}  // namespace viper::core
