#include "parquet/logical_bytes.h"

#include <gtest/gtest.h>

#include "parquet/part_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

// The same from the rows as values.
uint64_t FromValues(const PartRows& rows, const CollectionSchema& schema) {
  uint64_t bytes = 0;
  for (size_t row = 0; row < rows.row_count(); ++row) {
    Value::Object metadata;
    if (rows.payload.IsPresent(row)) {
      metadata = *Value::FromJson(rows.payload.strings()[row]).value().as_object();
    }
    for (size_t i = 0; i < rows.fields.size(); ++i) {
      if (rows.fields[i].IsPresent(row)) {
        metadata[schema.fields[i].name] = rows.fields[i].ValueAt(row);
      }
    }
    bytes += 4 * schema.dim + rows.ids[row].size() + 16;
    if (!metadata.empty()) bytes += Value(std::move(metadata)).ToJson().size();
    if (rows.expires_at.IsPresent(row)) bytes += 8;
  }
  return bytes;
}

TEST(LogicalBytes, AreThoseOfTheRowsAsValues) {
  const ExampleRows example = MakeExampleRows(500, 3, 7);
  const CollectionSchema schema = ExampleSchema(3);
  const uint64_t expected = FromValues(example.rows, schema);
  EXPECT_EQ(LogicalBytes(example.rows, schema), expected);
  ASSERT_OK_AND_ASSIGN(auto reader, OpenPart(WritePart(example.rows, schema), schema));
  EXPECT_EQ(reader->key_values().at(std::string(kLogicalBytesKey)), std::to_string(expected));
}

TEST(LogicalBytes, OfARowWithoutMetadataHaveNone) {
  ExampleRows example = MakeExampleRows(0, 2, 1);
  const std::vector<float> vector = {1, 2};
  example.rows.ids.Append("a");
  example.rows.timestamps.push_back(1);
  example.rows.ingested_at.push_back(1);
  example.rows.expires_at.AppendNull();
  example.rows.payload.AppendNull();
  for (auto& field : example.rows.fields) field.AppendNull();
  example.rows.vectors.push_back(reinterpret_cast<const std::byte*>(vector.data()));
  EXPECT_EQ(LogicalBytes(example.rows, ExampleSchema(2)), 8u + 1u + 16u);
}

}  // namespace
}  // namespace viper::parquet
