/// Reads the metadata of the live rows once, a row group at a time, and counts: under declared
/// fields what is a value, parked, null or absent; under other keys the kinds of values.

#include "core/schema_reader.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "columnar/field_conversion.h"
#include "columnar/value_compare.h"
#include "core/distinct_estimate.h"
#include "core/row_selection.h"

namespace viper::core {
namespace {

/// Keys that are told apart.
constexpr size_t kKeysMax = 4096;
/// A key that fewer of the records have is not worth a column of all of them.
constexpr double kRowShareMin = 0.01;
/// A type that takes fewer of the values would leave too much to the payload.
constexpr double kFittingShareMin = 0.95;
constexpr size_t kExampleBytesMax = 80;

/// The types that a key may be declared as, the narrowest first.
constexpr FieldType kTypes[] = {FieldType::kBool,    FieldType::kInt64,  FieldType::kTimestamp,
                                FieldType::kFloat64, FieldType::kString, FieldType::kStringList};

double ShareOf(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string Example(const Value& value) {
  std::string text = value.ToJson();
  if (text.size() <= kExampleBytesMax) return text;
  size_t end = kExampleBytesMax - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

/// Counts the values of one undeclared key.
class KeyCount {
 public:
  void Add(const Value& value) {
    ++report_.rows;
    const std::string json = value.ToJson();
    report_.json_bytes += json.size();
    switch (value.kind()) {
      case Value::Kind::kNull:
        ++report_.nulls;
        return;
      case Value::Kind::kBool:
        ++report_.bools;
        break;
      case Value::Kind::kInt64:
        ++report_.integers;
        exact_integers_ += columnar::IsExactFloat64(*value.as_int64()) ? 1 : 0;
        break;
      case Value::Kind::kFloat64:
        ++report_.floats;
        break;
      case Value::Kind::kString:
        ++report_.strings;
        report_.times += LooksLikeTime(*value.as_string()) ? 1 : 0;
        break;
      case Value::Kind::kTimestamp:
        // Of a field that another writer has taken from the table: JSON says it as a string.
        ++report_.strings;
        ++report_.times;
        break;
      case Value::Kind::kList:
        ++(columnar::IsHeldAsIs(FieldType::kStringList, value) ? report_.string_lists
                                                               : report_.other_lists);
        break;
      case Value::Kind::kObject:
        ++report_.objects;
        break;
    }
    distinct_.Add(Hash64(json));
  }

  KeyReport Finish(std::string key, uint64_t rows_read, const CollectionSchema& schema) {
    report_.key = std::move(key);
    report_.distinct_values = distinct_.count();
    report_.distinct_is_exact = distinct_.is_exact();
    for (const FieldType type : kTypes) {
      if (Fitting(type) <= report_.fitting) continue;
      report_.type = type;
      report_.fitting = Fitting(type);
    }
    report_.reason = WhyNot(rows_read, schema);
    report_.is_worth_declaring = report_.reason.empty();
    if (report_.is_worth_declaring) report_.reason = Why();
    return std::move(report_);
  }

 private:
  /// Most strings are no times, and a parser that fails says why at length.
  static bool LooksLikeTime(std::string_view text) {
    return text.size() >= 10 && text[4] == '-' && Timestamp::Parse(text).ok();
  }

  uint64_t Fitting(FieldType type) const {
    switch (type) {
      case FieldType::kBool:
        return report_.bools;
      case FieldType::kInt64:
        return report_.integers;
      case FieldType::kFloat64:
        return report_.floats + exact_integers_;
      case FieldType::kString:
        return report_.strings;
      case FieldType::kTimestamp:
        return report_.times;
      case FieldType::kStringList:
        return report_.string_lists;
    }
    return 0;
  }

  uint64_t present() const { return report_.rows - report_.nulls; }

  /// Empty if nothing speaks against declaring it.
  std::string WhyNot(uint64_t rows_read, const CollectionSchema& schema) const {
    if (present() == 0) return "all its values are null";
    if (!report_.type) return "no field type takes any of its values";
    if (ShareOf(report_.fitting, present()) < kFittingShareMin) {
      return fmt::format("only {} of {} values fit {}", report_.fitting, present(),
                         FieldTypeName(*report_.type));
    }
    if (ShareOf(present(), rows_read) < kRowShareMin) {
      return fmt::format("only {} of {} records have a value", present(), rows_read);
    }
    if (report_.distinct_values == 1 && present() == rows_read) {
      return "every record has the same value";
    }
    CollectionSchema with_it = schema;
    with_it.fields.push_back({report_.key, *report_.type});
    const Status valid = with_it.Validate();
    return valid.ok() ? "" : valid.message();
  }

  std::string Why() const {
    const std::string_view type = FieldTypeName(*report_.type);
    if (report_.fitting == present()) return fmt::format("all {} values fit {}", present(), type);
    return fmt::format("{} of {} values fit {}, {} would be parked", report_.fitting, present(),
                       type, present() - report_.fitting);
  }

  KeyReport report_;
  uint64_t exact_integers_ = 0;
  DistinctEstimate distinct_;
};

/// Reads the rows of a view.
class SchemaReader {
 public:
  struct Options {
    /// Of the view's fields.
    std::vector<Field> fields;
    bool counts_keys = false;
    uint64_t sample_rows = 0;
  };
  SchemaReader(const ReadView& view, Options options) : view_(view), options_(std::move(options)) {
    for (const Field& field : options_.fields) fields_.emplace_back().field = field;
  }

  Status Run(int64_t now) {
    std::vector<std::shared_ptr<const Bitmap>> alive;
    for (size_t source = 0; source < view_.source_count(); ++source) {
      VIPER_ASSIGN_OR_RETURN(SelectedRows selection, LiveRows(view_, source, now));
      rows_ += selection.count;
      alive.push_back(std::move(selection.rows));
    }
    if (options_.sample_rows > 0) stride_ = std::max<uint64_t>(1, rows_ / options_.sample_rows);
    for (size_t source = 0; source < view_.source_count(); ++source) {
      if (view_.is_part(source)) {
        VIPER_RETURN_IF_ERROR(ReadPart(*view_.parts[source].part, alive[source].get()));
      } else {
        ReadMemtable(view_.memtable_of(source), alive[source].get());
      }
    }
    return {};
  }

  std::vector<FieldReport> TakeFields() { return std::move(fields_); }

  SchemaReport Finish() {
    SchemaReport report;
    report.table_version = view_.table_version;
    report.rows = rows_;
    report.rows_read = rows_read_;
    report.fields = TakeFields();
    for (auto& [key, count] : keys_) {
      report.keys.push_back(count.Finish(key, rows_read_, *view_.schema));
    }
    std::sort(report.keys.begin(), report.keys.end(), [](const KeyReport& a, const KeyReport& b) {
      if (a.is_worth_declaring != b.is_worth_declaring) return a.is_worth_declaring;
      return a.rows != b.rows ? a.rows > b.rows : a.key < b.key;
    });
    report.has_more_keys = has_more_keys_;
    report.json_bytes = json_bytes_;
    return report;
  }

 private:
  /// Whether the next live row is in the sample.
  bool IsChosen() { return (seen_++ % stride_) == 0; }

  Status ReadPart(const Part& part, const Bitmap* alive) {
    for (size_t group = 0; group < part.row_groups().size(); ++group) {
      VIPER_RETURN_IF_ERROR(ReadRowGroup(part, group, alive));
    }
    return {};
  }

  Status ReadRowGroup(const Part& part, size_t group, const Bitmap* alive) {
    const RowRange rows = part.row_groups()[group];
    std::vector<ColumnCache::ColumnPointer> columns;
    for (const FieldReport& report : fields_) {
      VIPER_ASSIGN_OR_RETURN(columns.emplace_back(), part.RowGroup(report.field.name, group));
    }
    ColumnCache::ColumnPointer payloads;
    for (size_t i = 0; i < rows.count; ++i) {
      const uint64_t row = rows.first + i;
      if ((alive != nullptr && !alive->Test(row)) || !IsChosen()) continue;
      ++rows_read_;
      Value::Object payload;
      if (WantsPayload(part, columns, i)) {
        if (payloads == nullptr) {
          VIPER_ASSIGN_OR_RETURN(payloads, part.RowGroup(columnar::kPayloadColumn, group));
        }
        VIPER_ASSIGN_OR_RETURN(payload, ReadPayload(part, *payloads, i, row));
      }
      for (size_t f = 0; f < fields_.size(); ++f) {
        if (columns[f]->IsPresent(i)) {
          ++fields_[f].values;
        } else if (CountWithoutValue(payload, fields_[f])) {
          VIPER_ASSIGN_OR_RETURN(fields_[f].parked_id, part.IdOf(row));
        }
      }
      CountKeys(payload);
    }
    return {};
  }

  bool WantsPayload(const Part& part, const std::vector<ColumnCache::ColumnPointer>& columns,
                    size_t i) const {
    if (options_.counts_keys) return true;
    for (size_t f = 0; f < fields_.size(); ++f) {
      if (!columns[f]->IsPresent(i) && part.MayHaveKey(fields_[f].field.name)) return true;
    }
    return false;
  }

  Result<Value::Object> ReadPayload(const Part& part, const columnar::Column& payloads, size_t i,
                                    uint64_t row) {
    if (!payloads.IsPresent(i)) return Value::Object();
    const std::string_view text = payloads.strings()[i];
    json_bytes_ += text.size();
    return part.PayloadObject(text, row);
  }

  void ReadMemtable(const MemtableView& memtable, const Bitmap* alive) {
    for (uint32_t number = 0; number < memtable.row_count; ++number) {
      if ((alive != nullptr && !alive->Test(number)) || !IsChosen()) continue;
      ++rows_read_;
      const Row& row = memtable.row(number);
      for (FieldReport& report : fields_) {
        const auto found = row.metadata.find(report.field.name);
        if (found != row.metadata.end() && columnar::FitToField(report.field, found->second)) {
          ++report.values;
        } else if (CountWithoutValue(row.metadata, report)) {
          report.parked_id = row.id;
        }
      }
      CountKeys(row.metadata);
    }
  }

  /// Count a row that has no value of the field. Whether it is the example of a parked one.
  static bool CountWithoutValue(const Value::Object& metadata, FieldReport& report) {
    const auto found = metadata.find(report.field.name);
    if (found == metadata.end()) {
      ++report.absent;
    } else if (found->second.is_null()) {
      ++report.nulls;
    } else if (report.parked++ == 0) {
      report.parked_example = Example(found->second);
      return true;
    }
    return false;
  }

  void CountKeys(const Value::Object& metadata) {
    if (!options_.counts_keys) return;
    for (const auto& [key, value] : metadata) {
      if (view_.schema->FindField(key) != nullptr) continue;
      auto place = keys_.find(key);
      if (place == keys_.end()) {
        if (keys_.size() == kKeysMax) {
          has_more_keys_ = true;
          continue;
        }
        place = keys_.emplace(key, KeyCount()).first;
      }
      place->second.Add(value);
    }
  }

  const ReadView& view_;
  const Options options_;
  uint64_t stride_ = 1;
  uint64_t seen_ = 0;
  uint64_t rows_ = 0;
  uint64_t rows_read_ = 0;
  uint64_t json_bytes_ = 0;
  std::vector<FieldReport> fields_;
  std::map<std::string, KeyCount, std::less<>> keys_;
  bool has_more_keys_ = false;
};

}  // namespace

Result<SchemaReport> ReportSchema(const ReadView& view, int64_t now,
                                  const SchemaReportOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  SchemaReader reader(
      view,
      {.fields = view.schema->fields, .counts_keys = true, .sample_rows = options.sample_rows});
  VIPER_RETURN_IF_ERROR(reader.Run(now));
  SchemaReport report = reader.Finish();
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

Result<std::vector<FieldReport>> ReportFields(const ReadView& view, int64_t now,
                                              const std::vector<Field>& fields) {
  SchemaReader reader(view, {.fields = fields});
  VIPER_RETURN_IF_ERROR(reader.Run(now));
  return reader.TakeFields();
}

}  // namespace viper::core
