#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "testing/manual_clock.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"
#include "viper/engine.h"

namespace viper::core {

/// A source that has one batch of two dimensions to load.
class OneBatch final : public RecordSource {
 public:
  explicit OneBatch(RecordBatch batch) : batch_(std::move(batch)) {}
  size_t dim() const override { return 2; }
  std::optional<uint64_t> row_count() const override { return std::nullopt; }
  const std::vector<Field>& fields() const override { return fields_; }
  Result<RecordBatch> Next() override { return std::exchange(batch_, {}); }
  Status Skip(uint64_t) override { return {}; }

 private:
  RecordBatch batch_;
  std::vector<Field> fields_;
};

/// A collection of two dimensions on the in-memory file system, for tests of this folder.
class CollectionFixture : public ::testing::Test {
 protected:
  CollectionFixture() {
    clock_.Set(Timestamp{1'700'000'000'000'000});
    options_.file_system = &files_;
    options_.clock = &clock_;
    options_.background_flush = false;
    options_.background_compaction = false;
    options_.search_threads = 1;
    options_.log = [this](std::string_view line) { log_ += std::string(line) + "\n"; };
  }

  static CollectionSchema Schema() {
    CollectionSchema schema;
    schema.dim = 2;
    schema.metric = Metric::kL2;
    schema.fields = {{"category", FieldType::kString},
                     {"year", FieldType::kInt64},
                     {"price", FieldType::kFloat64},
                     {"seen", FieldType::kTimestamp},
                     {"tags", FieldType::kStringList}};
    return schema;
  }

  void Create() {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    ASSERT_OK_AND_ASSIGN(collection_, engine.CreateCollection("docs", Schema()));
  }

  /// Close and open again; the status of opening.
  Status Reopen() {
    collection_.reset();
    auto engine = Engine::Open("/db", options_);
    if (!engine.ok()) return engine.status();
    auto opened = engine->OpenCollection("docs");
    if (opened.ok()) collection_ = std::move(*opened);
    return opened.status();
  }

  static Record At(std::string id, float x, float y, Metadata metadata = {}) {
    Record record;
    record.id = std::move(id);
    record.vector = {x, y};
    record.metadata = std::move(metadata);
    return record;
  }

  /// Ids of the k nearest to (x, y).
  std::vector<std::string> Nearest(float x, float y, SearchOptions options = {}) {
    const std::vector<float> query = {x, y};
    auto hits = collection_->Search(query, options);
    EXPECT_OK(hits);
    std::vector<std::string> ids;
    if (!hits.ok()) return ids;
    for (const Hit& hit : *hits) ids.push_back(hit.id);
    return ids;
  }

  uint64_t Count(const std::string& filter_text = "") {
    auto filter = Filter::Parse(filter_text);
    EXPECT_OK(filter);
    auto count = collection_->Count(*filter);
    EXPECT_OK(count);
    return count.ok() ? *count : 0;
  }

  std::vector<std::string> FilesEndingIn(const std::string& directory, const std::string& ending) {
    std::vector<std::string> found;
    auto names = files_.List(directory);
    if (!names.ok()) return found;
    for (const std::string& name : *names) {
      if (name.ends_with(ending)) found.push_back(directory + "/" + name);
    }
    return found;
  }

  std::string ReadFile(const std::string& path) {
    auto file = files_.OpenForRead(path);
    EXPECT_OK(file);
    std::string bytes((*file)->size(), '\0');
    EXPECT_OK((*file)->ReadAt(0, std::as_writable_bytes(std::span(bytes))));
    return bytes;
  }

  void WriteFile(const std::string& path, const std::string& bytes) {
    (void)files_.RemoveFile(path).ok();
    auto file = files_.CreateFile(path);
    ASSERT_OK(file);
    ASSERT_OK((*file)->Append(std::as_bytes(std::span(bytes))));
  }

  MemoryFileSystem files_;
  ManualClock clock_;
  EngineOptions options_;
  std::string log_;
  std::shared_ptr<Collection> collection_;
};

}  // namespace viper::core
