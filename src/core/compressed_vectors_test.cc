// Collections whose files have compressed vectors: everything that reads floats works on them, with
// a cache that holds little, and notices damage.

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "core/collection_fixture.h"
#include "core/collection_impl.h"
#include "core/part.h"
#include "core/part_builder.h"
#include "storage/table_log.h"
#include "testing/status_matchers.h"
#include "viper/inspect.h"

namespace viper::core {
namespace {

constexpr size_t kDim = 32;
constexpr size_t kRows = 12'000;
const Projection kWithVector = {.vector = true, .metadata = true, .fields = {}};

class CompressedVectorsTest : public CollectionFixture {
 protected:
  CompressedVectorsTest() {
    options_.storage_policy = StoragePolicy::kSize;
    options_.vector_cache_bytes = size_t{2} << 20;
    options_.index_min_rows = 1000;
    options_.background_index = false;
  }

  static CollectionSchema WideSchema() {
    CollectionSchema schema = Schema();
    schema.dim = kDim;
    return schema;
  }

  /// Few bits a component, so that they compress; all rows differ.
  static std::vector<float> VectorOf(size_t row) {
    Random random(row + 1);
    std::vector<float> vector(kDim);
    for (float& component : vector) {
      component = static_cast<float>(random.Uniform(2000)) / 64 - 15;
    }
    return vector;
  }

  void Fill(const std::string& name) {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    ASSERT_OK_AND_ASSIGN(collection_, engine.CreateCollection(name, WideSchema()));
    std::vector<Record> records;
    for (size_t row = 0; row < kRows; ++row) {
      Record record;
      record.id = "id" + std::to_string(row);
      record.vector = VectorOf(row);
      record.metadata["year"] = static_cast<int64_t>(row % 100);
      records.push_back(std::move(record));
    }
    ASSERT_OK(collection_->Upsert(records));
    ASSERT_OK(collection_->Flush());
  }

  static std::string IdsOf(const Result<Hits>& hits) {
    if (!hits.ok()) return hits.status().ToString();
    std::string text;
    for (const Hit& hit : *hits) text += hit.id + "=" + std::to_string(hit.distance) + " ";
    return text;
  }

  /// What a collection answers in many ways.
  std::vector<std::string> Answers() {
    std::vector<std::string> answers;
    for (size_t query = 0; query < 20; ++query) {
      const std::vector<float> vector = VectorOf(kRows + query);
      SearchOptions exact;
      exact.exact = true;
      answers.push_back(IdsOf(collection_->Search(vector, exact)));
      exact.filter = where::Field("year") == int64_t{7};
      exact.projection.vector = true;
      const auto hits = collection_->Search(vector, exact);
      answers.push_back(IdsOf(hits));
      for (const Hit& hit : *hits) {
        EXPECT_EQ(hit.vector, VectorOf(std::stoul(hit.id.substr(2))));
      }
    }
    return answers;
  }

  /// What writing the collection's files anew is said to take in memory, so many rows at once.
  uint64_t RewriteBytes(const std::string& name, uint64_t group_rows) {
    collection_.reset();
    CollectionContext context;
    context.name = name;
    context.directory = "/db/" + name;
    context.options = options_;
    context.file_system = &files_;
    context.clock = &clock_;
    auto collection = Collection::Impl::Open(std::move(context)).value();
    const auto view = collection->View();
    FlushPlan plan;
    plan.schema = view->schema;
    for (const PartView& part : view->parts) {
      const uint64_t rows = part.part->row_count();
      plan.sources.push_back({.part = part.part,
                              .memtable = nullptr,
                              .row_count = rows,
                              .dead = std::make_shared<const Bitmap>(rows)});
    }
    PartBuildOptions options;
    options.row_group_bytes = group_rows * kDim * sizeof(float);
    return BuildMemoryBytes(plan, options);
  }

  bool AreVectorsCompressed(const std::string& name) {
    auto engine = Engine::Open("/db", options_);
    const auto told = engine->Inspect(name).value();
    bool are_compressed = !told.parts.empty();
    for (const PartInspection& part : told.parts) {
      const ColumnInspection& column = part.columns.back();
      EXPECT_FALSE(column.chosen.empty() || column.reason.empty()) << part.file;
      are_compressed &= column.chosen != "plain none";
    }
    return are_compressed;
  }
};

TEST_F(CompressedVectorsTest, ToWriteThemAnewTakesTheMemoryOfTheirFloats) {
  Fill("small");
  options_.storage_policy = StoragePolicy::kSpeed;
  Fill("fast");
  constexpr uint64_t kGroup = 8'000;
  constexpr uint64_t kFloats = kGroup * kDim * sizeof(float);
  const uint64_t in_place = RewriteBytes("fast", kGroup);
  const uint64_t decoded = RewriteBytes("small", kGroup);
  EXPECT_GT(decoded, in_place + kFloats / 2);
  EXPECT_LT(decoded, in_place + 2 * kFloats);
}

TEST_F(CompressedVectorsTest, AnswerAsVectorsInPlaceDo) {
  Fill("small");
  EXPECT_TRUE(AreVectorsCompressed("small"));
  const auto small = Answers();
  collection_.reset();
  options_.storage_policy = StoragePolicy::kSpeed;
  Fill("fast");
  EXPECT_FALSE(AreVectorsCompressed("fast"));
  EXPECT_EQ(Answers(), small);
}

TEST_F(CompressedVectorsTest, WithoutRoomInTheCacheTheyAreDecodedEachTime) {
  options_.vector_cache_bytes = 0;
  Fill("docs");
  ASSERT_OK_AND_ASSIGN(const auto record, collection_->Get("id77", kWithVector));
  EXPECT_EQ(record.vector, VectorOf(77));
  EXPECT_EQ(Answers().size(), 40U);
}

TEST_F(CompressedVectorsTest, AnIndexIsBuiltOfThemAndFindsThem) {
  Fill("docs");
  ASSERT_OK(collection_->BuildIndex());
  size_t found = 0;
  for (size_t row = 0; row < 100; ++row) {
    ASSERT_OK_AND_ASSIGN(const Hits hits, collection_->Search(VectorOf(row * 113)));
    found += hits[0].id == "id" + std::to_string(row * 113) && hits[0].distance == 0;
  }
  EXPECT_GE(found, 98U);
}

TEST_F(CompressedVectorsTest, UpdatesAndCompactionCopyThemBitForBit) {
  Fill("docs");
  MetadataChange change;
  change.set["category"] = "changed";
  ASSERT_OK(collection_->UpdateMetadata(where::Field("year") < int64_t{30}, change));
  std::vector<std::string> gone;
  for (size_t row = 0; row < kRows; row += 2) gone.push_back("id" + std::to_string(row));
  ASSERT_OK(collection_->Delete(gone));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Compact());
  ASSERT_OK(Reopen());
  for (size_t row = 1; row < kRows; row += 202) {
    ASSERT_OK_AND_ASSIGN(const auto record,
                         collection_->Get("id" + std::to_string(row), kWithVector));
    EXPECT_EQ(record.vector, VectorOf(row));
    EXPECT_EQ(record.metadata.contains("category"), row % 100 < 30);
  }
}

class CompressedPartTest : public CompressedVectorsTest {
 protected:
  Result<std::shared_ptr<const Part>> OpenPart(ColumnCache& vectors) {
    storage::AddedFile added;
    added.path = path_.substr(path_.rfind('/') + 1);
    Part::OpenOptions options;
    options.file_system = &files_;
    options.table_directory = "/db/docs";
    options.schema = &schema_;
    options.cache = &columns_;
    options.vector_cache = &vectors;
    return Part::Open(added, options);
  }

  void SetUp() override {
    Fill("docs");
    collection_.reset();
    path_ = FilesEndingIn("/db/docs", ".parquet").front();
  }

  const CollectionSchema schema_ = WideSchema();
  ColumnCache columns_{1 << 20};
  std::string path_;
};

TEST_F(CompressedPartTest, TheCacheHoldsItsLimitWhateverIsHeld) {
  for (const size_t limit : {size_t{0}, size_t{600} << 10, size_t{1200} << 10}) {
    ColumnCache vectors(limit);
    ASSERT_OK_AND_ASSIGN(const auto part, OpenPart(vectors));
    ASSERT_GT(part->reader().vector_pages().size(), 2U);
    std::vector<HeldFloats> held;
    size_t most = 0;
    for (size_t i = 0; i < 200; ++i) {
      const uint64_t row = i * 7919 % kRows;
      ASSERT_OK_AND_ASSIGN(held.emplace_back(), part->Floats(row));
      most = std::max(most, vectors.bytes());
      ASSERT_LE(vectors.bytes(), limit);
      EXPECT_EQ(std::memcmp(held.back().floats, VectorOf(row).data(), kDim * sizeof(float)), 0);
    }
    EXPECT_EQ(most > 0, limit > 0);
    // What was given away stays as it was, whatever the cache has let go.
    for (size_t i = 0; i < held.size(); ++i) {
      const std::vector<float> expected = VectorOf(i * 7919 % kRows);
      EXPECT_EQ(std::memcmp(held[i].floats, expected.data(), kDim * sizeof(float)), 0);
    }
  }
}

TEST_F(CompressedPartTest, WhoKeepsManyRowsDoesNotKeepTheirPages) {
  ColumnCache vectors(0);
  ASSERT_OK_AND_ASSIGN(const auto part, OpenPart(vectors));
  const auto bytes_held = [](const HeldFloats& held) {
    return std::static_pointer_cast<const std::vector<std::byte>>(held.holder)->size();
  };
  for (const uint64_t row : {uint64_t{0}, uint64_t{1}, uint64_t{7777}}) {
    ASSERT_OK_AND_ASSIGN(const HeldFloats used, part->Floats(row));
    ASSERT_OK_AND_ASSIGN(const HeldFloats kept, part->FloatsToKeep(row));
    ASSERT_NE(kept.floats, used.floats);
    EXPECT_EQ(bytes_held(kept), kDim * sizeof(float));
    EXPECT_EQ(std::memcmp(kept.floats, VectorOf(row).data(), kDim * sizeof(float)), 0);
  }
}

TEST_F(CompressedPartTest, AFlippedBitIsAnErrorThatNamesPartAndRows) {
  const std::string good = ReadFile(path_);
  uint64_t place = 0;
  {
    ColumnCache vectors(0);
    ASSERT_OK_AND_ASSIGN(const auto part, OpenPart(vectors));
    place = part->reader().vector_pages()[1].offset + 5000;
  }
  std::string bytes = good;
  bytes[place] = static_cast<char>(bytes[place] ^ 4);
  WriteFile(path_, bytes);
  ASSERT_OK(Reopen());
  SearchOptions exact;
  exact.exact = true;
  const Status status = collection_->Search(VectorOf(3), exact).status();
  EXPECT_STATUS(kCorruption, path_.substr(path_.rfind('/') + 1), status);
  EXPECT_STATUS(kCorruption, "(rows ", status);
  EXPECT_STATUS(kCorruption, "part-", collection_->Get("id5000", kWithVector));
  EXPECT_OK(collection_->Get("id1", kWithVector)) << "another page";
  collection_.reset();
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  ASSERT_OK_AND_ASSIGN(const VerifyReport report, engine.Verify("docs"));
  EXPECT_FALSE(report.is_sound());
}

}  // namespace
}  // namespace viper::core
