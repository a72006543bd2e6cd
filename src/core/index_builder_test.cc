#include "core/index_builder.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "core/collection_fixture.h"

namespace viper::core {
namespace {

/// Wide enough that a few thousand rows are searched through the index.
constexpr size_t kDim = 96;

class IndexBuilderTest : public CollectionFixture {
 protected:
  IndexBuilderTest() {
    options_.background_index = false;
    options_.index_min_rows = 1000;
    options_.flush_bytes = size_t{256} << 20;
  }

  void CreateIndexed(Metric metric = Metric::kL2) {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    CollectionSchema schema = Schema();
    schema.dim = kDim;
    schema.metric = metric;
    ASSERT_OK_AND_ASSIGN(collection_, engine.CreateCollection("docs", schema));
  }

  std::vector<float> RandomVector() {
    std::vector<float> vector(kDim);
    const double centre = static_cast<double>(random_.Uniform(20));
    for (size_t i = 0; i < kDim; ++i) {
      const double noise = static_cast<double>(random_.Uniform(1000)) / 400;
      vector[i] = static_cast<float>(centre * (i % 3 == 0 ? 1 : -0.5) + noise);
    }
    return vector;
  }

  /// Upsert records number first .. last - 1, some of them again.
  void Write(int first, int last) {
    std::vector<Record> records;
    for (int i = first; i < last; ++i) {
      Record record;
      record.id = "id" + std::to_string(i);
      record.vector = RandomVector();
      record.metadata = {{"year", 2000 + i % 50}};
      records.push_back(std::move(record));
    }
    ASSERT_OK(collection_->Upsert(records));
  }

  std::vector<std::string> Ids(const std::vector<float>& query, const SearchOptions& options) {
    auto hits = collection_->Search(query, options);
    EXPECT_OK(hits);
    std::vector<std::string> ids;
    if (!hits.ok()) return ids;
    for (const Hit& hit : *hits) ids.push_back(hit.id);
    return ids;
  }

  /// Share of the exact answers that the index finds, over some queries.
  double Recall(double wanted, const std::string& filter_text = "") {
    SearchOptions options;
    options.filter = Filter::Parse(filter_text).value();
    size_t found = 0;
    size_t all = 0;
    for (int i = 0; i < 100; ++i) {
      const std::vector<float> query = RandomVector();
      options.exact = true;
      const auto truth = Ids(query, options);
      options.exact = false;
      options.recall = wanted;
      const auto answer = Ids(query, options);
      EXPECT_EQ(answer.size(), truth.size());
      EXPECT_EQ(std::set<std::string>(answer.begin(), answer.end()).size(), answer.size());
      for (const std::string& id : answer) {
        found += static_cast<size_t>(std::count(truth.begin(), truth.end(), id));
      }
      all += truth.size();
    }
    return static_cast<double>(found) / static_cast<double>(std::max<size_t>(all, 1));
  }

  std::vector<std::string> IndexFiles() {
    auto names = files_.List("/db/docs/_viper/index").value();
    std::erase_if(names, [](const std::string& name) { return name.ends_with(".vidx"); });
    return names;
  }

  Random random_{41};
};

TEST_F(IndexBuilderTest, NothingIsBuiltForFewRows) {
  CreateIndexed();
  Write(0, 900);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(collection_->Statistics().index_clusters, 0U);
  EXPECT_TRUE(IndexFiles().empty());
}

TEST_F(IndexBuilderTest, FindsTheNeighboursAndOutlivesReopening) {
  for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
    SCOPED_TRACE(MetricName(metric));
    CreateIndexed(metric);
    Write(0, 6000);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
    const CollectionStatistics built = collection_->Statistics();
    EXPECT_GT(built.index_clusters, 5U);
    EXPECT_EQ(built.index_segments, 1U);
    EXPECT_EQ(built.indexed_rows, 6000U);
    EXPECT_GT(Recall(0.99), 0.93);
    ASSERT_OK(Reopen());
    EXPECT_EQ(collection_->Statistics().indexed_rows, 6000U);
    EXPECT_TRUE(collection_->recovery().rebuilt_files.empty());
    EXPECT_GT(Recall(0.99), 0.93);
    collection_.reset();
    ASSERT_OK(files_.RemoveDirectoryTree("/db"));
  }
}

TEST_F(IndexBuilderTest, RowsOutsideTheIndexAreFoundAndDeadOnesAreNot) {
  CreateIndexed();
  Write(0, 5000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  Write(4000, 5500);  // overwrites a fifth, in memory
  std::vector<std::string> gone;
  for (int i = 0; i < 1000; ++i) gone.push_back("id" + std::to_string(i));
  ASSERT_OK(collection_->Delete(gone));
  EXPECT_GT(Recall(0.99), 0.93);
  SearchOptions all;
  all.k = 10'000;
  const auto found = Ids(RandomVector(), all);
  EXPECT_EQ(found.size(), 4500U);
  for (const std::string& id : found) EXPECT_GE(std::stoi(id.substr(2)), 1000);
  // The flush rewrites the part: the segment's rows are gone from the view, the new part is not in
  // the index yet.
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(collection_->Statistics().indexed_rows, 0U);
  EXPECT_GT(Recall(0.99), 0.93);
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(collection_->Statistics().indexed_rows, 4500U);
  EXPECT_EQ(IndexFiles().size(), 2U);
  EXPECT_GT(Recall(0.99), 0.93);
}

TEST_F(IndexBuilderTest, NewPartsGetSegmentsOfTheirOwnUntilThereAreMany) {
  CreateIndexed();
  Write(0, 6000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  const auto model_of = [&] {
    const auto files = IndexFiles();
    return *std::find_if(files.begin(), files.end(),
                         [](const std::string& name) { return name.ends_with(".vmodel"); });
  };
  const std::string model = model_of();
  size_t most = 0;
  for (int i = 0; i < 6; ++i) {
    Write(6000 + 200 * i, 6200 + 200 * i);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
    const CollectionStatistics now = collection_->Statistics();
    EXPECT_EQ(now.indexed_rows, 6200U + 200 * static_cast<unsigned>(i));
    most = std::max<size_t>(most, now.index_segments);
    EXPECT_GT(Recall(0.99), 0.93);
  }
  EXPECT_EQ(model_of(), model) << "a fifth more rows need no new model";
  EXPECT_EQ(most, 4U);
  Write(10'000, 30'000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_NE(model_of(), model) << "several times the rows do";
  EXPECT_EQ(IndexFiles().size(), 2U);
}

TEST_F(IndexBuilderTest, FiltersGiveKOfThoseThatMatch) {
  CreateIndexed();
  Write(0, 20'000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  for (const char* filter :
       {"year < 2025", "year < 2010", "year = 2003", "year = 2003 OR year = 2007", "year = 1"}) {
    SCOPED_TRACE(filter);
    const double recall = Recall(0.95, filter);
    if (Count(filter) > 0) {
      EXPECT_GT(recall, 0.93);
    }
  }
}

TEST_F(IndexBuilderTest, LostAndDamagedFilesAreLeftOutAndMadeAgain) {
  CreateIndexed();
  Write(0, 4000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  const std::vector<std::string> files = IndexFiles();
  ASSERT_EQ(files.size(), 2U);
  for (const std::string& name : files) {
    const std::string path = "/db/docs/_viper/index/" + name;
    const std::string good = ReadFile(path);
    for (const int spoil : {0, 1, 2}) {
      SCOPED_TRACE(name + " " + std::to_string(spoil));
      collection_.reset();
      std::string bad = good;
      if (spoil == 1) bad.resize(bad.size() / 2);
      if (spoil == 2) bad[bad.size() - 50] = static_cast<char>(bad[bad.size() - 50] ^ 1);
      if (spoil == 0) {
        ASSERT_OK(files_.RemoveFile(path));
      } else {
        WriteFile(path, bad);
      }
      ASSERT_OK(Reopen());
      EXPECT_EQ(collection_->recovery().rebuilt_files.empty(), spoil == 0);
      EXPECT_EQ(collection_->Statistics().indexed_rows, 0U);
      EXPECT_EQ(Recall(0.9), 1) << "all rows are compared meanwhile";
      ASSERT_OK(collection_->BuildIndex());
      EXPECT_EQ(collection_->Statistics().indexed_rows, 4000U);
      EXPECT_EQ(IndexFiles().size(), 2U);
      if (spoil == 0) break;
      collection_.reset();
      // Back to the state of before, for the next way to spoil it.
      for (const std::string& made : IndexFiles()) {
        ASSERT_OK(files_.RemoveFile("/db/docs/_viper/index/" + made));
      }
      ASSERT_OK(Reopen());
      ASSERT_OK(collection_->BuildIndex());
    }
    break;
  }
}

TEST_F(IndexBuilderTest, AClusterDamagedWhileClosedIsNoticedByTheSearchThatMeetsIt) {
  CreateIndexed();
  Write(0, 4000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  collection_.reset();
  const std::string segment = FilesEndingIn("/db/docs/_viper/index", ".vseg").front();
  std::string bytes = ReadFile(segment);
  for (size_t i = 0; i < bytes.size() / 2; i += 97) bytes[i] = static_cast<char>(bytes[i] ^ 0x11);
  WriteFile(segment, bytes);
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->Statistics().indexed_rows, 4000U);
  EXPECT_EQ(Recall(0.9), 1) << "the damaged segment is dropped, and every row compared";
  EXPECT_EQ(collection_->Statistics().indexed_rows, 0U);
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(collection_->Statistics().indexed_rows, 4000U);
}

TEST_F(IndexBuilderTest, ABuildStopsWhenToldTo) {
  CreateIndexed();
  Write(0, 4000);
  ASSERT_OK(collection_->Flush());
  for (const double at : {0.0, 0.3, 0.5, 0.7, 0.95}) {
    EXPECT_STATUS(kCancelled, "",
                  collection_->BuildIndex([at](double share) { return share < at; }));
    EXPECT_EQ(collection_->Statistics().indexed_rows, 0U);
    EXPECT_TRUE(FilesEndingIn("/db/docs/_viper/tmp", "").empty());
  }
  ASSERT_OK(collection_->BuildIndex());
}

TEST_F(IndexBuilderTest, RecallMustBeAShare) {
  CreateIndexed();
  Write(0, 10);
  const std::vector<float> query(kDim, 1);
  for (const double recall : {0.0, 1.0, -1.0, 2.0, std::numeric_limits<double>::quiet_NaN()}) {
    SearchOptions options;
    options.recall = recall;
    EXPECT_STATUS(kInvalidArgument, "recall", collection_->Search(query, options));
  }
}

TEST_F(IndexBuilderTest, ReadersUseTheIndexOfTheWriter) {
  CreateIndexed();
  Write(0, 3000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  EngineOptions reading = options_;
  reading.read_only = true;
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", reading));
  ASSERT_OK_AND_ASSIGN(auto reader, engine.OpenCollection("docs"));
  EXPECT_EQ(reader->Statistics().indexed_rows, 3000U);
  EXPECT_STATUS(kFailedPrecondition, "read-only", reader->BuildIndex());
}

}  // namespace
}  // namespace viper::core
