/// Reads look only at the columns that they need, by the pages of memory that they touch.

#include <functional>

#include "base/random.h"
#include "core/collection_fixture.h"
#include "testing/touched_file_system.h"

namespace viper::core {
namespace {

constexpr size_t kRows = 4000;
constexpr size_t kDim = 256;

/// A table of one file: vectors, a small field, and a long text that is not declared.
class ColumnPruningTest : public CollectionFixture {
 protected:
  void Write() {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    CollectionSchema schema;
    schema.dim = kDim;
    schema.fields = {{"year", FieldType::kInt64}};
    ASSERT_OK_AND_ASSIGN(const auto collection, engine.CreateCollection("docs", schema));
    Random random(7);
    std::vector<Record> records(kRows);
    for (size_t i = 0; i < kRows; ++i) {
      records[i].id = std::to_string(i);
      for (size_t d = 0; d < kDim; ++d)
        records[i].vector.push_back(static_cast<float>(random.Uniform(1000)));
      std::string text;
      for (int word = 0; word < 8; ++word) text += std::to_string(random.Next());
      records[i].metadata = {{"year", static_cast<int64_t>(1900 + i % 100)}, {"text", text}};
    }
    ASSERT_OK(collection->Upsert(records));
    ASSERT_OK(collection->Flush());
  }

  /// The share of the file that is looked at by opening the collection and what `read` does.
  double ShareTouchedBy(const std::function<void(const Collection&)>& read) {
    TouchedFileSystem touched(files_, ".parquet");
    EngineOptions options = options_;
    options.file_system = &touched;
    options.read_only = true;
    auto engine = Engine::Open("/db", options);
    EXPECT_OK(engine);
    auto collection = engine->OpenCollection("docs");
    EXPECT_OK(collection);
    read(**collection);
    collection->reset();
    EXPECT_GT(touched.mapped_bytes(), kRows * kDim * sizeof(float));
    return static_cast<double>(touched.touched_bytes()) /
           static_cast<double>(touched.mapped_bytes());
  }

  static void ScrollAll(const Collection& collection, const Projection& projection) {
    ScrollOptions options;
    options.limit = kRows;
    options.projection = projection;
    const auto page = collection.Scroll(options);
    ASSERT_OK(page);
    EXPECT_EQ(page->records.size(), kRows);
  }
};

TEST_F(ColumnPruningTest, C12_ReadsOfMetadataDoNotLookAtVectorsNorAtOtherColumns) {
  Write();
  const double of_field = ShareTouchedBy([](const Collection& collection) {
    ScrollAll(collection, {.vector = false, .metadata = true, .fields = {"year"}});
  });
  const double of_filter = ShareTouchedBy([](const Collection& collection) {
    EXPECT_EQ(collection.Count(Filter::Parse("year = 1950").value()).value(), kRows / 100);
  });
  const double of_metadata = ShareTouchedBy([](const Collection& collection) {
    ScrollAll(collection, {.vector = false, .metadata = true, .fields = {}});
  });
  const double of_everything = ShareTouchedBy([](const Collection& collection) {
    ScrollAll(collection, {.vector = true, .metadata = true, .fields = {}});
  });
  RecordProperty("share_of_field", std::to_string(of_field));
  RecordProperty("share_of_metadata", std::to_string(of_metadata));
  // Opening reads the last 64 KiB, for their checksum.
  EXPECT_LT(of_field, 0.06);
  EXPECT_LT(of_filter, 0.06);
  EXPECT_LT(of_metadata, 0.15);
  EXPECT_GT(of_metadata, of_field + 0.04);
  EXPECT_GT(of_everything, 0.95);
}

}  // namespace
}  // namespace viper::core
