// Parses arbitrary text as a filter. What parses must print to a text that parses to an equal tree;
// bound to a fixed schema it must evaluate over a few fixed rows, and bounds and required ids must
// never exclude a row that matches. A broken promise aborts.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/bitmap.h"
#include "base/limits.h"
#include "columnar/column.h"
#include "columnar/filter_node.h"
#include "columnar/predicate.h"
#include "columnar/test_rows.h"
#include "columnar/value_compare.h"
#include "viper/filter.h"
#include "viper/record.h"
#include "viper/result.h"
#include "viper/schema.h"
#include "viper/value.h"

namespace viper::columnar {
namespace {

Record MakeRecord(std::string id, Metadata metadata) {
  Record record;
  record.id = std::move(id);
  record.metadata = std::move(metadata);
  record.timestamp = Timestamp{1'000'000};
  return record;
}

/// Three rows: everything present, other values and kinds, everything absent.
TestRows MakeRows() {
  CollectionSchema schema;
  schema.dim = 1;
  schema.fields = {{"b", FieldType::kBool},      {"i", FieldType::kInt64},
                   {"f", FieldType::kFloat64},   {"s", FieldType::kString},
                   {"t", FieldType::kTimestamp}, {"l", FieldType::kStringList}};
  std::vector<Record> records;
  records.push_back(MakeRecord("one", {{"b", true},
                                       {"i", 2000},
                                       {"f", 0.5},
                                       {"s", "text"},
                                       {"t", Timestamp{0}},
                                       {"l", Value::List{"x", "y"}},
                                       {"u", 5},
                                       {"o", Value::Object{{"p", "q"}}}}));
  records.push_back(MakeRecord("two", {{"b", false},
                                       {"i", -1},
                                       {"f", 1e300},
                                       {"s", "\xC3\xA9%_"},
                                       {"t", Timestamp{-1}},
                                       {"l", Value::List{}},
                                       {"u", "text"},
                                       {"o", Value::List{1, 2.5, "z", Value()}}}));
  records.push_back(MakeRecord("three", {}));
  return {std::move(schema), std::move(records)};
}

std::map<std::string, ColumnBounds, std::less<>> MakeBounds(const TestRows& rows) {
  std::map<std::string, ColumnBounds, std::less<>> bounds;
  for (const Field& field : rows.schema().fields) {
    ColumnBounds& of_field = bounds[field.name];
    of_field.row_count = rows.row_count();
    for (size_t row = 0; row < rows.row_count(); ++row) {
      const Value value = rows.ValueAt(row, {field.name});
      if (value.is_null()) {
        ++of_field.null_count;
      } else if (field.type != FieldType::kStringList) {
        if (!of_field.min || CompareScalars(value, *of_field.min) < 0) of_field.min = value;
        if (!of_field.max || CompareScalars(value, *of_field.max) > 0) of_field.max = value;
      }
    }
  }
  return bounds;
}

void CheckPrinting(const Filter& filter) {
  const std::string printed = filter.ToString();
  // Printing adds spaces, which may push a text at the limit over it.
  if (printed.size() > kFilterTextBytesMax) return;
  const Result<Filter> again = Filter::Parse(printed);
  VIPER_ASSERT(again.ok());
  VIPER_ASSERT(again->matches_all() == filter.matches_all());
  VIPER_ASSERT(filter.matches_all() || *again->root() == *filter.root());
}

void CheckEvaluation(const Filter& filter) {
  static const TestRows kRows = MakeRows();
  static const auto kBounds = MakeBounds(kRows);
  const Result<Predicate> predicate = Predicate::Bind(filter, kRows.names());
  if (!predicate.ok()) return;
  const Result<Bitmap> matches = predicate->Evaluate(kRows);
  VIPER_ASSERT(matches.ok());
  VIPER_ASSERT(matches->size() == kRows.row_count());
  const bool may_match = predicate->MayMatch([](std::string_view column) -> const ColumnBounds* {
    const auto found = kBounds.find(column);
    return found == kBounds.end() ? nullptr : &found->second;
  });
  VIPER_ASSERT(may_match || !matches->AnySet());
  if (const auto ids = predicate->RequiredIds()) {
    matches->ForEachSet([&](size_t row) {
      VIPER_ASSERT(std::binary_search(ids->begin(), ids->end(), kRows.records()[row].id));
    });
  }
  // What matches and what matches the negation never meet. One more NOT may be one too many.
  const Result<Predicate> opposite = Predicate::Bind(!filter, kRows.names());
  if (!opposite.ok()) return;
  Bitmap both = opposite->Evaluate(kRows).value();
  both &= *matches;
  VIPER_ASSERT(!both.AnySet());
}

}  // namespace
}  // namespace viper::columnar

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(data, data + size);
  const viper::Result<viper::Filter> filter = viper::Filter::Parse(text);
  if (!filter.ok()) return 0;
  viper::columnar::CheckPrinting(*filter);
  viper::columnar::CheckEvaluation(*filter);
  return 0;
}
