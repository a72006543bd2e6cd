/// Collections that are hard to index, and index files that go bad: answers are those of comparing
/// with every row, or as near as the recall asks.

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/indexed_collection_fixture.h"
#include "index/model.h"
#include "index/segment.h"
#include "testing/temp_directory.h"

namespace viper::core {
namespace {

class IndexHardCasesTest : public IndexedCollectionFixture {
 protected:
  void CreateOf(size_t dim, Metric metric, size_t count,
                const std::function<std::vector<float>(size_t)>& vector_of) {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    CollectionSchema schema = Schema();
    schema.dim = static_cast<uint32_t>(dim);
    schema.metric = metric;
    ASSERT_OK_AND_ASSIGN(collection_, engine.CreateCollection("docs", schema));
    std::vector<Record> records(count);
    for (size_t i = 0; i < count; ++i) {
      records[i].id = "id" + std::to_string(1'000'000 + i);
      records[i].vector = vector_of(i);
    }
    ASSERT_OK(collection_->Upsert(records));
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
    ASSERT_EQ(collection_->Statistics().indexed_rows, count);
  }

  void Remove() {
    collection_.reset();
    ASSERT_OK(files_.RemoveDirectoryTree("/db"));
  }

  std::vector<float> Noise(size_t dim) {
    std::vector<float> vector(dim);
    for (float& x : vector) x = static_cast<float>(random_.UniformDouble() * 2 - 1);
    return vector;
  }

  /// Search through the index (every cluster of it) and by comparing with every row: the same.
  void ExpectExactly(const std::vector<float>& query, size_t k) {
    ASSERT_OK_AND_ASSIGN(const Hits truth, collection_->Search(query, {.k = k, .exact = true}));
    ASSERT_OK_AND_ASSIGN(
        const Hits found,
        collection_->Search(query, {.k = k, .recall = 0.999, .nprobe = 1'000'000}));
    ASSERT_EQ(found.size(), truth.size());
    // The 1-bit codes may lose one row in some hundred.
    size_t same = 0;
    for (const Hit& hit : found) {
      same += hit.distance <= truth.back().distance ? 1 : 0;
    }
    EXPECT_GE(same + 1 + truth.size() / 100, truth.size());
    ASSERT_OK_AND_ASSIGN(const Hits usual, collection_->Search(query, {.k = k}));
    EXPECT_EQ(usual.size(), truth.size()) << "k answers whenever there are k rows";
  }

  double RecallOf(const std::function<std::vector<float>()>& next_query, double wanted,
                  int queries = 50) {
    double found = 0;
    double all = 0;
    for (int i = 0; i < queries; ++i) {
      const std::vector<float> query = next_query();
      const Hits truth = collection_->Search(query, {.exact = true}).value();
      const Hits answer = collection_->Search(query, {.recall = wanted}).value();
      for (const Hit& hit : answer) found += hit.distance <= truth.back().distance ? 1 : 0;
      all += static_cast<double>(truth.size());
    }
    return found / all;
  }
};

/// What a float can hold: records and queries are only asked to be finite.
TEST_F(IndexHardCasesTest, RecordsAndQueriesOfAnyLength) {
  const std::vector<float> lengths = {1e-42F, 1e-38F, 1e-30F, 1e9F, 1e15F, 1e20F, 1e30F, 3e38F};
  for (const bool byte_rows : {true, false}) {
    options_.index_byte_rows = byte_rows;
    for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
      constexpr size_t kShort = 32;
      constexpr size_t kCount = 3000;
      // From the beginning on, as long as the others of the sample are most.
      CreateOf(kShort, metric, kCount, [&](size_t i) {
        std::vector<float> vector = Noise(kShort);
        if (i % 500 == 7) {
          for (float& x : vector) x *= lengths[i / 500 % lengths.size()];
        }
        return vector;
      });
      // And later, when there is a model.
      for (size_t i = 0; i < lengths.size(); ++i) {
        std::vector<float> vector = Noise(kShort);
        for (float& x : vector) x *= lengths[i];
        ASSERT_OK(collection_->Upsert(Record{.id = "far" + std::to_string(i), .vector = vector}));
      }
      ASSERT_OK(collection_->Flush());
      ASSERT_OK(collection_->BuildIndex());
      EXPECT_EQ(collection_->Statistics().indexed_rows, kCount + lengths.size());
      for (const float length : lengths) {
        SCOPED_TRACE(::testing::Message()
                     << MetricName(metric) << ", a query of length " << length);
        std::vector<float> query = Noise(kShort);
        ExpectExactly(query, 10);
        ExpectExactly(query, kCount + lengths.size());
        for (float& x : query) x *= length;
        ExpectExactly(query, 10);
        // Beyond single precision all rows are compared.
        if (length > 1e17F && metric != Metric::kCosine) {
          const Hits truth = collection_->Search(query, {.exact = true}).value();
          const Hits usual = collection_->Search(query, {.nprobe = 1}).value();
          for (size_t i = 0; i < truth.size(); ++i) EXPECT_EQ(usual[i].id, truth[i].id);
        }
        ASSERT_OK(collection_->PredictRelevantClusters(query));
        ASSERT_OK_AND_ASSIGN(const auto prediction, collection_->PredictOptimalCluster(query));
        EXPECT_TRUE(std::isfinite(prediction.margin));
      }
      Remove();
    }
  }
}

TEST_F(IndexHardCasesTest, EveryDimension) {
  for (const size_t dim : {1, 2, 3, 7, 33, 4096}) {
    for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
      // Of the widest one metric: that many floats take their time.
      if (dim == 4096 && metric != Metric::kCosine) continue;
      SCOPED_TRACE(std::to_string(dim) + std::string(MetricName(metric)));
      CreateOf(dim, metric, dim == 4096 ? 1000 : 2000, [&](size_t) { return Noise(dim); });
      for (int i = 0; i < 3; ++i) ExpectExactly(Noise(dim), 10);
      Remove();
    }
  }
}

TEST_F(IndexHardCasesTest, AllVectorsEqual) {
  for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
    SCOPED_TRACE(MetricName(metric));
    const std::vector<float> same = Noise(kDim);
    CreateOf(kDim, metric, 1500, [&](size_t) { return same; });
    EXPECT_EQ(collection_->Statistics().index_clusters, 1U);
    for (const size_t k : {1U, 10U, 2000U}) ExpectExactly(Noise(kDim), k);
    ASSERT_OK_AND_ASSIGN(const auto predicted, collection_->PredictOptimalCluster(same));
    EXPECT_EQ(predicted.margin, 1);
    EXPECT_FALSE(predicted.second_distance.has_value());
    Remove();
  }
}

TEST_F(IndexHardCasesTest, ManyDuplicates) {
  std::vector<std::vector<float>> distinct;
  for (int i = 0; i < 7; ++i) distinct.push_back(Noise(kDim));
  CreateOf(kDim, Metric::kL2, 5000, [&](size_t i) { return distinct[i % 7]; });
  for (const auto& query : distinct) {
    ASSERT_OK_AND_ASSIGN(const Hits hits, collection_->Search(query, {.k = 20}));
    ASSERT_EQ(hits.size(), 20U);
    for (const Hit& hit : hits) EXPECT_EQ(hit.distance, 0);
    ExpectExactly(query, 1000);
  }
}

/// Rows in groups, or copies of few, and queries that come from none of the groups: no stored row
/// shows what those need.
TEST_F(IndexHardCasesTest, QueriesFromOutsideOfAllGroups) {
  struct Case {
    size_t groups = 0;
    size_t rows = 0;
    float noise = 0;
    Metric metric = Metric::kL2;
  };
  for (const auto& [groups, rows, noise, metric] :
       {Case{.groups = 200, .rows = 6000, .noise = 0.2F, .metric = Metric::kL2},
        Case{.groups = 200, .rows = 6000, .noise = 0.2F, .metric = Metric::kCosine},
        Case{.groups = 200, .rows = 6000, .noise = 0, .metric = Metric::kL2},
        Case{.groups = 500, .rows = 5000, .noise = 0, .metric = Metric::kL2},
        Case{.groups = 600, .rows = 6000, .noise = 0.1F, .metric = Metric::kCosine}}) {
    SCOPED_TRACE(std::to_string(groups) + " groups, noise " + std::to_string(noise));
    std::vector<std::vector<float>> middles;
    for (size_t i = 0; i < groups; ++i) middles.push_back(Noise(kDim));
    CreateOf(kDim, metric, rows, [&, of = noise](size_t i) {
      std::vector<float> vector = middles[i % middles.size()];
      const std::vector<float> moved = Noise(kDim);
      for (size_t d = 0; d < kDim; ++d) vector[d] += of * moved[d];
      return vector;
    });
    for (const double wanted : {0.9, 0.95, 0.99}) {
      // Of copies a query finds all or nothing.
      EXPECT_GT(RecallOf([this] { return Noise(kDim); }, wanted, 300), wanted - 0.12) << wanted;
    }
    Remove();
  }
}

TEST_F(IndexHardCasesTest, ZeroVectorsUnderCosine) {
  CreateOf(kDim, Metric::kCosine, 4000,
           [&](size_t i) { return i % 3 == 0 ? std::vector<float>(kDim, 0) : Noise(kDim); });
  for (int i = 0; i < 5; ++i) {
    ExpectExactly(Noise(kDim), 10);
    // More than half: zeros are at distance one, nearer than what points away.
    ExpectExactly(Noise(kDim), 2500);
  }
  const std::vector<float> zero(kDim, 0);
  ASSERT_OK_AND_ASSIGN(const Hits hits, collection_->Search(zero, {.k = 3}));
  ASSERT_EQ(hits.size(), 3U);
  EXPECT_EQ(hits[0].id, "id1000000") << "all are as far: by id";
}

/// One row far from all others, in each of a hundred directions.
TEST_F(IndexHardCasesTest, ClustersOfOne) {
  CreateOf(kDim, Metric::kL2, 4000, [&](size_t i) {
    std::vector<float> vector = Noise(kDim);
    if (i % 40 == 0) vector[i / 40 % kDim] += 1000.0F * static_cast<float>(1 + i / 40);
    return vector;
  });
  for (size_t i = 0; i < 100; i += 9) {
    std::vector<float> query(kDim, 0);
    query[i % kDim] = 1000.0F * static_cast<float>(1 + i);
    ExpectExactly(query, 1);
    ASSERT_OK_AND_ASSIGN(const Hits hits, collection_->Search(query, {.k = 1}));
    EXPECT_EQ(hits[0].id, "id" + std::to_string(1'000'000 + 40 * i));
    ExpectExactly(query, 4100);
  }
}

TEST_F(IndexHardCasesTest, KOfNoneAndOfMoreThanThereAre) {
  CreateOf(kDim, Metric::kL2, 3000, [&](size_t) { return Noise(kDim); });
  EXPECT_TRUE(collection_->Search(Noise(kDim), {.k = 0})->empty());
  EXPECT_EQ(collection_->Search(Noise(kDim), {.k = 3000})->size(), 3000U);
  EXPECT_EQ(collection_->Search(Noise(kDim), {.k = 1'000'000})->size(), 3000U);
  ASSERT_OK_AND_ASSIGN(const auto all,
                       collection_->PredictRelevantClusters(Noise(kDim), 0.9, 1'000'000));
  EXPECT_EQ(all.size(), collection_->Statistics().index_clusters);
}

/// Less than a new model takes: the old one has to serve rows that it has not seen the like of.
TEST_F(IndexHardCasesTest, AModelWhoseDataHasDrifted) {
  CreateIndexed();
  Write(0, 8000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  const auto elsewhere = [this] {
    std::vector<float> vector = RandomVector();
    for (float& x : vector) x = 30 - 2 * x;
    return vector;
  };
  std::vector<Record> records(300);
  for (size_t i = 0; i < records.size(); ++i) {
    records[i].id = "far" + std::to_string(i);
    records[i].vector = elsewhere();
  }
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(collection_->Statistics().index_trainings, 1U);
  ASSERT_OK_AND_ASSIGN(const IndexReport report, collection_->ReportIndex());
  EXPECT_GT(report.distance_growth, 1.06);
  EXPECT_FALSE(report.retrain_reason.has_value()) << "too few for that";
  EXPECT_GT(RecallOf(elsewhere, 0.95), 0.9);
  EXPECT_GT(RecallOf([this] { return RandomVector(); }, 0.95), 0.9);
}

/// On the real file system, where a map shows what happens to the file under it.
class IndexFilesOnDiskTest : public IndexHardCasesTest {
 protected:
  IndexFilesOnDiskTest() { options_.file_system = nullptr; }

  void Build() {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open(directory_ / "db", options_));
    CollectionSchema schema = Schema();
    schema.dim = kDim;
    ASSERT_OK_AND_ASSIGN(collection_, engine.CreateCollection("docs", schema));
    Write(0, 4000);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
  }
  std::string Folder() { return directory_ / "db/docs/_viper/index/"; }
  std::string PathOf(const std::string& ending) {
    const std::vector<std::string> names = FileSystem::Local().List(Folder()).value();
    for (const std::string& name : names) {
      if (name.ends_with(ending)) return Folder() + name;
    }
    return {};
  }
  void FlipBytes(const std::string& path, size_t step) {
    FileSystem& files = FileSystem::Local();
    std::vector<std::byte> bytes(files.FileSize(path).value());
    ASSERT_OK(files.OpenForRead(path).value()->ReadAt(0, bytes));
    for (size_t i = 0; i < bytes.size() / 2; i += step) bytes[i] ^= std::byte{0x21};
    ASSERT_OK(files.OpenForWrite(path).value()->WriteAt(0, bytes));
  }
  void ExpectExactAnswers() {
    for (int i = 0; i < 10; ++i) {
      const std::vector<float> query = RandomVector();
      ASSERT_OK_AND_ASSIGN(const Hits truth, collection_->Search(query, {.exact = true}));
      ASSERT_OK_AND_ASSIGN(const Hits found, collection_->Search(query, {.recall = 0.9}));
      ASSERT_EQ(found.size(), truth.size());
      for (size_t j = 0; j < found.size(); ++j) EXPECT_EQ(found[j].id, truth[j].id);
    }
  }

  TempDirectory directory_;
};

TEST_F(IndexFilesOnDiskTest, FlippedWhileOpenAreNoticedNamedAndMadeAgain) {
  Build();
  const std::string segment = PathOf(".vseg");
  // Before any cluster was compared with its checksum, as after opening; the map sees the change.
  collection_.reset();
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open(directory_ / "db", options_));
  ASSERT_OK_AND_ASSIGN(collection_, engine.OpenCollection("docs"));
  ASSERT_EQ(collection_->Statistics().indexed_rows, 4000U);
  FlipBytes(segment, 61);
  ExpectExactAnswers();
  EXPECT_EQ(collection_->Statistics().indexed_rows, 0U);
  EXPECT_NE(log_.find(segment), std::string::npos);
  EXPECT_EQ(collection_->ReportIndex()->damaged_files, std::vector<std::string>{segment});
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(collection_->Statistics().indexed_rows, 4000U);
  EXPECT_FALSE(FileSystem::Local().Exists(segment).value());
  EXPECT_GT(Recall(0.99), 0.93);
}

TEST_F(IndexFilesOnDiskTest, FlippedAfterSearchesHaveSeenThemLeadNowhere) {
  options_.audit_share = 1;
  Build();
  const std::string segment = PathOf(".vseg");
  EXPECT_GT(Recall(0.999), 0.97);
  FlipBytes(segment, 61);
  const auto is_noticed = [&] { return !collection_->ReportIndex()->damaged_files.empty(); };
  for (int i = 0; i < 100'000 && !is_noticed(); ++i) {
    ASSERT_OK_AND_ASSIGN(const Hits found, collection_->Search(RandomVector(), {.recall = 0.9}));
    std::set<std::string> ids;
    for (const Hit& hit : found) ids.insert(hit.id);
    ASSERT_EQ(ids.size(), 10U);
  }
  EXPECT_TRUE(is_noticed());
  ExpectExactAnswers();
}

/// Codes that say something else hide rows; only their checksum tells.
TEST_F(IndexFilesOnDiskTest, FlippedCodesAreNoticedByTheAudit) {
  options_.audit_share = 1;
  Build();
  const std::string segment = PathOf(".vseg");
  EXPECT_GT(Recall(0.999), 0.97);
  // One byte in the middle of the file.
  FlipBytes(segment, FileSystem::Local().FileSize(segment).value() / 2 - 1);
  const auto is_noticed = [&] { return !collection_->ReportIndex()->damaged_files.empty(); };
  for (int i = 0; i < 100'000 && !is_noticed(); ++i) {
    ASSERT_OK(collection_->Search(RandomVector(), {.recall = 0.9}));
  }
  EXPECT_TRUE(is_noticed());
  EXPECT_EQ(collection_->Statistics().indexed_rows, 0U);
}

TEST_F(IndexFilesOnDiskTest, FlippedOnesAreAsGoodAsNoneForPredictionsToo) {
  Build();
  ASSERT_OK_AND_ASSIGN(const auto some, collection_->Sample(1000));
  std::vector<std::string> ids;
  for (const Record& record : some) ids.push_back(record.id);
  ASSERT_OK(collection_->Delete(ids));
  const std::string segment = PathOf(".vseg");
  collection_.reset();
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open(directory_ / "db", options_));
  ASSERT_OK_AND_ASSIGN(collection_, engine.OpenCollection("docs"));
  FlipBytes(segment, 61);
  EXPECT_STATUS(kFailedPrecondition, "", collection_->PredictRelevantClusters(RandomVector()));
  EXPECT_EQ(collection_->ReportIndex()->damaged_files, std::vector<std::string>{segment});
}

TEST_F(IndexFilesOnDiskTest, DeletedWhileOpenAreMissedByNobodyUntilTheNextOpening) {
  Build();
  for (const char* ending : {".vseg", ".vmodel"}) {
    ASSERT_OK(FileSystem::Local().RemoveFile(PathOf(ending)));
  }
  EXPECT_GT(Recall(0.99), 0.93) << "the map holds them";
  EXPECT_EQ(collection_->Statistics().indexed_rows, 4000U);
  collection_.reset();
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open(directory_ / "db", options_));
  ASSERT_OK_AND_ASSIGN(collection_, engine.OpenCollection("docs"));
  ExpectExactAnswers();
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(collection_->Statistics().indexed_rows, 4000U);
}

/// After every cluster was seen to be good: nothing but the end of the file tells. Codes of zeros
/// pass every bound, those of rows that the last block of a cluster lacks too.
TEST_F(IndexFilesOnDiskTest, CutWhileOpenAreNoticedNamedAndMadeAgain) {
  for (const uint64_t left : {uint64_t{0}, uint64_t{5000}, uint64_t{200'000}}) {
    SCOPED_TRACE(left);
    Build();
    EXPECT_GT(Recall(0.999), 0.97);
    const std::string segment = PathOf(".vseg");
    ASSERT_GT(FileSystem::Local().FileSize(segment).value(), left);
    ASSERT_EQ(truncate(segment.c_str(), static_cast<off_t>(left)), 0);
    ExpectExactAnswers();
    EXPECT_EQ(collection_->Statistics().indexed_rows, 0U);
    EXPECT_EQ(collection_->ReportIndex()->damaged_files, std::vector<std::string>{segment});
    ASSERT_OK(collection_->BuildIndex());
    EXPECT_EQ(collection_->Statistics().indexed_rows, 4000U);
    EXPECT_GT(Recall(0.99), 0.93);
    collection_.reset();
    ASSERT_OK(FileSystem::Local().RemoveDirectoryTree(directory_ / "db"));
  }
}

/// Codes are copied from the old segment to the new one: not those that are lost.
TEST_F(IndexFilesOnDiskTest, CutWhileCodesAreCopiedFromThem) {
  for (const bool is_cut : {false, true}) {
    SCOPED_TRACE(is_cut);
    options_.delete_mode = DeleteMode::kRewrite;
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open(directory_ / "db", options_));
    CollectionSchema schema = Schema();
    schema.dim = kDim;
    ASSERT_OK_AND_ASSIGN(collection_, engine.CreateCollection("docs", schema));
    Write(0, 1500);
    ASSERT_OK(collection_->Flush());
    Write(1500, 4000);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
    // All clusters and all numbers have been seen to be good.
    EXPECT_GT(Recall(0.999), 0.97);
    EXPECT_GT(Recall(0.999, "year >= 2010"), 0.9);
    // More than half of the segment goes: what is left is taken into the next.
    std::vector<std::string> gone;
    for (int i = 1500; i < 4000; ++i) gone.push_back("id" + std::to_string(i));
    ASSERT_OK(collection_->Delete(gone));
    Write(4000, 4100);
    ASSERT_OK(collection_->Flush());
    if (is_cut) {
      ASSERT_EQ(truncate(PathOf(".vseg").c_str(), 5000), 0);
    }
    ASSERT_OK(collection_->BuildIndex());
    EXPECT_EQ(collection_->Statistics().indexed_rows, 1600U);
    EXPECT_EQ(collection_->Statistics().index_copied_rows, is_cut ? 0U : 1500U);
    EXPECT_GT(Recall(0.99), 0.93);
    collection_.reset();
    ASSERT_OK(FileSystem::Local().RemoveDirectoryTree(directory_ / "db"));
  }
}

TEST_F(IndexFilesOnDiskTest, FlippedNumbersGiveNoRowThatDoesNotMatch) {
  Build();
  SearchOptions options;
  options.recall = 0.999;
  options.filter = where::Field("year") == int64_t{2004};
  SearchOptions exactly = options;
  exactly.exact = true;
  const std::vector<float> query = RandomVector();
  ASSERT_OK_AND_ASSIGN(const Hits truth, collection_->Search(query, exactly));
  ASSERT_OK(collection_->Search(query, options));  // which rows match is known from now on
  const std::string path = PathOf(".vseg");
  FileSystem& files = FileSystem::Local();
  const auto model = index::Model::Decode(files.Map(PathOf(".vmodel")).value()->bytes()).value();
  const auto mapped = files.Map(path).value();
  const auto segment = index::Segment::Open(mapped->bytes(), *model).value();
  const auto file = files.OpenForWrite(path).value();
  for (size_t cluster = 0; cluster < segment->cluster_count(); ++cluster) {
    // Each row becomes its neighbour.
    const index::ClusterView& view = segment->cluster(cluster);
    std::vector<std::byte> numbers(view.numbers, view.numbers + view.row_count * 4);
    for (size_t i = 0; i < numbers.size(); i += 4) numbers[i] ^= std::byte{1};
    ASSERT_OK(file->WriteAt(static_cast<uint64_t>(view.numbers - mapped->bytes().data()), numbers));
  }
  ASSERT_OK_AND_ASSIGN(const Hits found, collection_->Search(query, options));
  ASSERT_EQ(found.size(), truth.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].id, truth[i].id);
  EXPECT_EQ(collection_->ReportIndex()->damaged_files, std::vector<std::string>{path});
}

TEST_F(IndexFilesOnDiskTest, SidecarsThatAreCutWhileOpenAreNamedAndMadeAgain) {
  Build();
  const std::string sidecar = PathOf(".vidx");
  const uint64_t size = FileSystem::Local().FileSize(sidecar).value();
  // As a whole, and a little of its last page.
  for (const uint64_t left : {size - 5, uint64_t{100}, uint64_t{0}}) {
    // The first opening makes it anew, and holds it in memory.
    for (int opening = 0; opening < 2; ++opening) {
      collection_.reset();
      ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open(directory_ / "db", options_));
      ASSERT_OK_AND_ASSIGN(collection_, engine.OpenCollection("docs"));
      ASSERT_OK(collection_->Get("id7"));
    }
    ASSERT_EQ(truncate(sidecar.c_str(), static_cast<off_t>(left)), 0);
    EXPECT_STATUS(kCorruption, "sidecar was cut", collection_->Get("id7"));
  }
}

/// They are refused by their length.
TEST_F(IndexFilesOnDiskTest, CutWhileClosedAreNamedAndMadeAgain) {
  for (const char* ending : {".vseg", ".vmodel"}) {
    SCOPED_TRACE(ending);
    Build();
    const std::string path = PathOf(ending);
    collection_.reset();
    const uint64_t size = FileSystem::Local().FileSize(path).value();
    std::vector<std::byte> bytes(size - 40);
    ASSERT_OK(FileSystem::Local().OpenForRead(path).value()->ReadAt(0, bytes));
    ASSERT_OK(FileSystem::Local().RemoveFile(path));
    ASSERT_OK(FileSystem::Local().CreateFile(path).value()->Append(bytes));
    log_.clear();
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open(directory_ / "db", options_));
    ASSERT_OK_AND_ASSIGN(collection_, engine.OpenCollection("docs"));
    EXPECT_NE(log_.find(path), std::string::npos);
    ExpectExactAnswers();
    ASSERT_OK(collection_->BuildIndex());
    EXPECT_EQ(collection_->Statistics().indexed_rows, 4000U);
    collection_.reset();
    ASSERT_OK(engine.DropCollection("docs"));
  }
}

}  // namespace
}  // namespace viper::core
