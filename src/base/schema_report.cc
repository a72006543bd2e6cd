#include "viper/schema_report.h"

#include <utility>

namespace viper {
namespace {

Value TallyValue(uint64_t count) { return static_cast<int64_t>(count); }

Value ValueOf(const FieldReport& report) {
  return Value::Object{{"field", report.field.name},
                       {"type", FieldTypeName(report.field.type)},
                       {"values", TallyValue(report.values)},
                       {"parked", TallyValue(report.parked)},
                       {"nulls", TallyValue(report.nulls)},
                       {"absent", TallyValue(report.absent)},
                       {"parked_example", report.parked_example},
                       {"parked_id", report.parked_id}};
}

Value ValueOf(const KeyReport& report) {
  return Value::Object{{"key", report.key},
                       {"rows", TallyValue(report.rows)},
                       {"nulls", TallyValue(report.nulls)},
                       {"bools", TallyValue(report.bools)},
                       {"integers", TallyValue(report.integers)},
                       {"floats", TallyValue(report.floats)},
                       {"strings", TallyValue(report.strings)},
                       {"times", TallyValue(report.times)},
                       {"string_lists", TallyValue(report.string_lists)},
                       {"other_lists", TallyValue(report.other_lists)},
                       {"objects", TallyValue(report.objects)},
                       {"distinct_values", TallyValue(report.distinct_values)},
                       {"distinct_is_exact", report.distinct_is_exact},
                       {"json_bytes", TallyValue(report.json_bytes)},
                       {"type", report.type ? Value(FieldTypeName(*report.type)) : Value()},
                       {"fitting", TallyValue(report.fitting)},
                       {"is_worth_declaring", report.is_worth_declaring},
                       {"reason", report.reason}};
}

template <typename Report>
Value ListOfReports(const std::vector<Report>& reports) {
  Value::List list;
  for (const Report& report : reports) list.push_back(ValueOf(report));
  return list;
}

}  // namespace

Value ToValue(const SchemaReport& report) {
  return Value::Object{
      {"table_version", report.table_version},       {"rows", TallyValue(report.rows)},
      {"rows_read", TallyValue(report.rows_read)},   {"fields", ListOfReports(report.fields)},
      {"keys", ListOfReports(report.keys)},          {"has_more_keys", report.has_more_keys},
      {"json_bytes", TallyValue(report.json_bytes)}, {"seconds", report.seconds}};
}

Value ToValue(const SchemaChangeReport& report) {
  return Value::Object{{"table_version", report.table_version},
                       {"fields", ListOfReports(report.fields)}};
}

}  // namespace viper
