#include "schema.h"

#include <nanobind/stl/string.h>

#include "python_error.h"
#include "python_value.h"
#include "text.h"

namespace viper::python {

namespace nb = nanobind;

std::vector<Field> ToFields(nb::handle fields) {
  std::vector<Field> declared;
  for (const auto& [name, type] : ToDict(fields, "fields")) {
    if (!PyUnicode_Check(name.ptr())) RaiseWrongType("fields", "names as text", name);
    if (!PyUnicode_Check(type.ptr())) RaiseWrongType("fields", "types as text", type);
    declared.push_back({std::string(TextOf(name)), ValueOrRaise(ParseFieldType(TextOf(type)))});
  }
  return declared;
}

nb::dict FromFields(const std::vector<Field>& fields) {
  nb::dict told;
  for (const Field& field : fields) told[ToText(field.name)] = ToText(FieldTypeName(field.type));
  return told;
}

nb::object AddFields(Collection& collection, nb::handle fields) {
  const std::vector<Field> added = ToFields(fields);
  return FromValue(
      viper::ToValue(ValueOrRaise(Unlocked([&] { return collection.AddFields(added); }))));
}

nb::object WidenField(Collection& collection, const std::string& name, const std::string& type) {
  const Field field{name, ValueOrRaise(ParseFieldType(type))};
  return FromValue(
      viper::ToValue(ValueOrRaise(Unlocked([&] { return collection.WidenField(field); }))));
}

nb::object ReportSchema(const Collection& collection, uint64_t sample_rows) {
  return FromValue(viper::ToValue(ValueOrRaise(
      Unlocked([&] { return collection.ReportSchema({.sample_rows = sample_rows}); }))));
}

}  // namespace viper::python
