#pragma once

// For tests: arrays from JSON text, and Parquet files of other writers.

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/io/memory.h>
#include <arrow/json/from_string.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <fmt/core.h>
#include <parquet/arrow/writer.h>

namespace viper::parquet {

/// The value, or the end of the test program: fixtures do not fail.
template <typename T>
T ValueOrAbort(::arrow::Result<T> result) {
  if (result.ok()) return std::move(result).ValueUnsafe();
  fmt::print(stderr, "{}\n", result.status().ToString());
  std::abort();
}

inline std::shared_ptr<::arrow::Array> FromJson(const std::shared_ptr<::arrow::DataType>& type,
                                                const std::string& json) {
  return ValueOrAbort(::arrow::json::ArrayFromJSONString(type, json));
}

struct JsonColumn {
  std::shared_ptr<::arrow::Field> field;
  std::string json;
};

inline std::shared_ptr<::arrow::Table> TableFromJson(const std::vector<JsonColumn>& columns) {
  std::vector<std::shared_ptr<::arrow::Field>> fields;
  std::vector<std::shared_ptr<::arrow::Array>> arrays;
  for (const JsonColumn& column : columns) {
    fields.push_back(column.field);
    arrays.push_back(FromJson(column.field->type(), column.json));
  }
  return ::arrow::Table::Make(::arrow::schema(fields), arrays);
}

struct ForeignFile {
  std::shared_ptr<::parquet::WriterProperties> properties = ::parquet::default_writer_properties();
  std::shared_ptr<::parquet::ArrowWriterProperties> arrow_properties =
      ::parquet::default_arrow_writer_properties();
  int64_t rows_per_group = 1'000'000;
};

/// The table as another writer would write it.
inline std::vector<std::byte> WriteForeign(const ::arrow::Table& table,
                                           const ForeignFile& file = {}) {
  const auto sink = ValueOrAbort(::arrow::io::BufferOutputStream::Create());
  const auto written =
      ::parquet::arrow::WriteTable(table, ::arrow::default_memory_pool(), sink, file.rows_per_group,
                                   file.properties, file.arrow_properties);
  if (!written.ok()) {
    fmt::print(stderr, "{}\n", written.ToString());
    std::abort();
  }
  const auto buffer = ValueOrAbort(sink->Finish());
  const auto* data = reinterpret_cast<const std::byte*>(buffer->data());
  return {data, data + buffer->size()};
}

}  // namespace viper::parquet
