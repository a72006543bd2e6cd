#pragma once

// For tests: a part in memory.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "parquet/part_file.h"

namespace viper::parquet {

/// Collects what is written. Fails every write once `fail_after` bytes are there.
class CollectingFile : public WritableFile {
 public:
  Status Append(std::span<const std::byte> bytes) override {
    if (content.size() + bytes.size() > fail_after) {
      return Status::ResourceExhausted("no space left on the device");
    }
    content.insert(content.end(), bytes.begin(), bytes.end());
    ++append_count;
    return Status::Ok();
  }
  Status WriteAt(uint64_t, std::span<const std::byte>) override {
    return Status::IoError("unused");
  }
  Status Sync() override { return Status::Ok(); }
  void StartSync() override { ++start_count; }
  Status Close() override { return Status::Ok(); }

  std::vector<std::byte> content;
  size_t fail_after = SIZE_MAX;
  size_t append_count = 0;
  size_t start_count = 0;
};

/// Bytes in memory that look like a mapped file.
class BytesAsMap : public MappedFile {
 public:
  explicit BytesAsMap(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  std::span<const std::byte> bytes() const override { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

inline CollectionSchema ExampleSchema(size_t dim) {
  return {.dim = dim,
          .metric = Metric::kL2,
          .fields = {{"category", FieldType::kString},
                     {"year", FieldType::kInt64},
                     {"price", FieldType::kFloat64},
                     {"ok", FieldType::kBool},
                     {"seen", FieldType::kTimestamp},
                     {"tags", FieldType::kStringList}}};
}

/// Rows of ExampleSchema with something of everything, and the floats they point at.
struct ExampleRows {
  std::vector<float> floats;
  PartRows rows;
};

inline ExampleRows MakeExampleRows(size_t row_count, size_t dim, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  ExampleRows example;
  example.floats.resize(row_count * dim);
  for (float& component : example.floats) component = normal(random);
  PartRows& rows = example.rows;
  for (const Field& field : ExampleSchema(dim).fields) rows.fields.emplace_back(field.type);
  for (size_t row = 0; row < row_count; ++row) {
    const auto number = static_cast<int64_t>(row);
    rows.ids.Append(fmt::format("id-{}", row));
    rows.timestamps.push_back(1'700'000'000'000'000 + number);
    rows.ingested_at.push_back(1'764'000'000'000'000);
    random() % 10 == 0 ? rows.expires_at.AppendInt64(1'900'000'000'000'000 + number)
                       : rows.expires_at.AppendNull();
    random() % 2 == 0 ? rows.payload.AppendString(fmt::format("{{\"row\":{}}}", row))
                      : rows.payload.AppendNull();
    rows.vectors.push_back(reinterpret_cast<const std::byte*>(example.floats.data() + row * dim));

    random() % 5 == 0 ? rows.fields[0].AppendNull()
                      : rows.fields[0].AppendString(fmt::format("category {}", random() % 7));
    random() % 5 == 0 ? rows.fields[1].AppendNull()
                      : rows.fields[1].AppendInt64(static_cast<int64_t>(random()) - (1LL << 31));
    random() % 5 == 0 ? rows.fields[2].AppendNull()
                      : rows.fields[2].AppendFloat64(static_cast<double>(normal(random)));
    random() % 5 == 0 ? rows.fields[3].AppendNull() : rows.fields[3].AppendBool(random() % 2 == 0);
    random() % 5 == 0 ? rows.fields[4].AppendNull() : rows.fields[4].AppendInt64(number * 997);
    if (random() % 5 == 0) {
      rows.fields[5].AppendNull();
    } else {
      const std::string text = fmt::format("tag{}", random() % 30);
      const std::vector<std::string_view> tags(random() % 4, text);
      rows.fields[5].AppendStringList(tags);
    }
  }
  return example;
}

/// Write the rows as one part. Stops the test program if that fails.
inline std::vector<std::byte> WritePart(const PartRows& rows, const CollectionSchema& schema,
                                        const PartWriteOptions& options = {}) {
  CollectingFile file;
  auto writer = PartWriter::Make(file, schema, options).value();
  const Status appended = writer->Append(rows);
  if (!appended.ok()) AbortOnBadResult(appended);
  const PartSummary summary = writer->Finish({}).value();
  return std::move(file.content);
}

inline Result<std::unique_ptr<PartReader>> OpenPart(std::vector<std::byte> bytes,
                                                    const CollectionSchema& schema,
                                                    PartOpenOptions options = {}) {
  options.path = "part-test.parquet";
  return PartReader::Open(std::make_shared<BytesAsMap>(std::move(bytes)), schema, options);
}

/// All pages of a column as one.
inline Result<columnar::Column> ReadWholeColumn(const PartReader& reader, std::string_view name,
                                                FieldType type) {
  columnar::Column whole(type);
  for (size_t page = 0; page < reader.PageCount(name); ++page) {
    auto column = reader.ReadPage(name, page);
    if (!column.ok()) return column.status();
    whole.AppendRows(*column, 0, column->row_count());
  }
  return whole;
}

}  // namespace viper::parquet
