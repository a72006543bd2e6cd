#include "core/metadata_split.h"

#include <algorithm>
#include <utility>

#include "columnar/field_conversion.h"

namespace viper::core {

Value::Object SplitMetadata(const Metadata& metadata, const std::vector<Field>& fields,
                            std::vector<columnar::Column>& columns) {
  std::vector<const Value*> taken;
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto found = metadata.find(fields[i].name);
    if (found == metadata.end()) {
      columns[i].AppendNull();
    } else if (columnar::AppendFitting(fields[i], found->second, columns[i])) {
      taken.push_back(&found->second);
    }
  }
  Value::Object payload;
  for (const auto& [key, value] : metadata) {
    if (std::find(taken.begin(), taken.end(), &value) != taken.end()) continue;
    payload.emplace_hint(payload.end(), key, value);
  }
  return payload;
}

void DropDeclared(Value::Object& payload, const std::vector<Field>& fields) {
  for (const Field& field : fields) {
    const auto found = payload.find(field.name);
    if (found != payload.end() && columnar::FitToField(field, found->second)) payload.erase(found);
  }
}

void ConvertDeclared(Metadata& metadata, const std::vector<Field>& fields) {
  for (const Field& field : fields) {
    const auto found = metadata.find(field.name);
    if (found == metadata.end() || columnar::IsHeldAsIs(field.type, found->second)) continue;
    if (auto value = columnar::FitToField(field, found->second)) found->second = std::move(*value);
  }
}

}  // namespace viper::core
