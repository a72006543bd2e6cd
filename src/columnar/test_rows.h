#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "columnar/column.h"
#include "columnar/predicate.h"
#include "viper/record.h"
#include "viper/result.h"
#include "viper/schema.h"
#include "viper/value.h"

namespace viper::columnar {

/// Records as a predicate sees them, for tests and fuzz targets. Values of declared fields must
/// have the declared kind. Remembers what was fetched.
class TestRows : public RowAccess {
 public:
  TestRows(CollectionSchema schema, std::vector<Record> records)
      : schema_(std::move(schema)), records_(std::move(records)) {}

  const CollectionSchema& schema() const { return schema_; }
  const std::vector<Record>& records() const { return records_; }
  /// Every undeclared top-level key of the records is known, and none else.
  Predicate::Names names() const {
    std::map<std::string, bool> keys;
    for (const Record& record : records_) {
      for (const auto& [key, value] : record.metadata) keys[key] = true;
    }
    Predicate::Names names;
    names.schema = &schema_;
    for (const auto& [key, unused] : keys) names.known_names.push_back(key);
    names.is_known_key = [keys](std::string_view key) { return keys.contains(std::string(key)); };
    return names;
  }

  size_t row_count() const override { return records_.size(); }

  Result<FieldRows> Fetch(const FieldReference& field) const override {
    ++fetch_counts_[field.path.back()];
    if (field.type) {
      return FieldRows(
          std::make_shared<const Column>(TypedColumn(field.path.front(), *field.type)));
    }
    std::vector<Value> values;
    values.reserve(records_.size());
    for (size_t row = 0; row < records_.size(); ++row) values.push_back(ValueAt(row, field.path));
    return FieldRows(std::move(values));
  }

  /// How often a field (by its last step) was fetched.
  size_t FetchCount(const std::string& name) const {
    const auto found = fetch_counts_.find(name);
    return found == fetch_counts_.end() ? 0 : found->second;
  }

  /// A field's value in one row; null when absent. The times of a record must be set.
  Value ValueAt(size_t row, const std::vector<std::string>& path) const {
    const Record& record = records_[row];
    if (path.front() == kIdColumn) return record.id;
    if (path.front() == kTimestampColumn || path.front() == kIngestedAtColumn) {
      return record.timestamp.value();
    }
    if (path.front() == kExpiresAtColumn) {
      return record.expires_at ? Value(*record.expires_at) : Value();
    }
    const Metadata* object = &record.metadata;
    for (size_t step = 0; step < path.size(); ++step) {
      const auto found = object->find(path[step]);
      if (found == object->end()) return {};
      if (step + 1 == path.size()) return found->second;
      object = found->second.as_object();
      if (object == nullptr) return {};
    }
    return {};
  }

  Column TypedColumn(const std::string& name, FieldType type) const {
    Column column(type);
    for (size_t row = 0; row < records_.size(); ++row) column.AppendValue(ValueAt(row, {name}));
    return column;
  }

 private:
  CollectionSchema schema_;
  std::vector<Record> records_;
  mutable std::map<std::string, size_t> fetch_counts_;
};

}  // namespace viper::columnar
