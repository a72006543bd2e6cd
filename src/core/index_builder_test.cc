#include "core/index_builder.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/indexed_collection_fixture.h"

namespace viper::core {
namespace {

using IndexBuilderTest = IndexedCollectionFixture;

TEST_F(IndexBuilderTest, C03_WithoutClusteringEverySearchIsExact) {
  CreateIndexed();
  Write(0, 3000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_GT(collection_->Statistics().index_clusters, 1u);
  options_.enable_clustering = false;
  ASSERT_OK(Reopen());
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(collection_->Statistics().index_clusters, 0u);
  EXPECT_EQ(collection_->Statistics().active_clusters, 1u);
  for (int i = 0; i < 20; ++i) {
    const std::vector<float> query = RandomVector();
    ASSERT_OK_AND_ASSIGN(const auto told, collection_->Explain(query));
    EXPECT_EQ(told.plan, SearchPlan::kExact);
    ASSERT_OK_AND_ASSIGN(const Hits hits, collection_->Search(query));
    ASSERT_OK_AND_ASSIGN(const Hits exact, collection_->Search(query, {.exact = true}));
    ASSERT_EQ(hits.size(), exact.size());
    for (size_t h = 0; h < hits.size(); ++h) EXPECT_EQ(hits[h].id, exact[h].id);
  }
  // What is on disk is used again.
  options_.enable_clustering = true;
  ASSERT_OK(Reopen());
  EXPECT_GT(collection_->Statistics().index_clusters, 1u);
}

TEST_F(IndexBuilderTest, F13_AsManyClustersAsAskedFor) {
  for (const uint32_t asked : {2u, 5u, 60u}) {
    options_.index_clusters = asked;
    CreateIndexed();
    Write(0, 3000);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
    EXPECT_LE(collection_->Statistics().index_clusters, asked);
    EXPECT_GE(collection_->Statistics().index_clusters, asked / 2);
    collection_.reset();
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    ASSERT_OK(engine.DropCollection("docs"));
  }
}

TEST_F(IndexBuilderTest, NothingIsBuiltForFewRows) {
  CreateIndexed();
  Write(0, 900);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(collection_->Statistics().index_clusters, 0U);
  EXPECT_TRUE(IndexFiles().empty());
}

TEST_F(IndexBuilderTest, C16_A1_FindsTheNeighboursAndOutlivesReopening) {
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
  EXPECT_EQ(collection_->Statistics().index_trainings, 1U);
  Write(10'000, 30'000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_NE(model_of(), model) << "several times the rows do";
  EXPECT_EQ(IndexFiles().size(), 2U);
}

TEST_F(IndexBuilderTest, AddingOneInAHundredTrainsNothingAndCodesNoRowAgain) {
  CreateIndexed();
  Write(0, 6000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  const CollectionStatistics built = collection_->Statistics();
  EXPECT_EQ(built.index_coded_rows, 6000U);
  EXPECT_EQ(built.index_trainings, 1U);
  uint64_t coded = 6000;
  for (int i = 0; i < 4; ++i) {
    Write(6000 + 60 * i, 6060 + 60 * i);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
    const CollectionStatistics now = collection_->Statistics();
    EXPECT_EQ(now.index_trainings, 1U);
    EXPECT_EQ(now.indexed_rows, 6060U + 60 * static_cast<unsigned>(i));
    coded += 60;
    EXPECT_EQ(now.index_coded_rows, coded);
    // The small ones together once, the large one never.
    EXPECT_EQ(now.index_copied_rows, i < 3 ? 0U : 180U);
  }
  EXPECT_EQ(collection_->Statistics().index_segments, 2U);
  EXPECT_GT(Recall(0.99), 0.93);
}

TEST_F(IndexBuilderTest, A1_RowsThatLieElsewhereLeadToANewModel) {
  CreateIndexed();
  Write(0, 6000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const IndexReport before, collection_->ReportIndex());
  std::vector<Record> records;
  for (int i = 0; i < 1500; ++i) {
    Record record;
    record.id = "far" + std::to_string(i);
    record.vector = RandomVector();
    for (size_t j = 0; j < kDim; ++j) record.vector[j] = 60 - 3 * record.vector[kDim - 1 - j];
    records.push_back(std::move(record));
  }
  const std::vector<float> query = records.front().vector;
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(collection_->Statistics().index_trainings, 2U);
  ASSERT_OK_AND_ASSIGN(const IndexReport after, collection_->ReportIndex());
  EXPECT_NE(after.model, before.model);
  EXPECT_EQ(after.version, 2U);
  EXPECT_EQ(after.trained_rows, 7500U);
  EXPECT_EQ(after.added_rows, 0U);
  EXPECT_NEAR(after.distance_growth, 1, 1e-9);
  EXPECT_FALSE(after.retrain_reason.has_value());
  EXPECT_EQ(IndexFiles().size(), 2U);
  EXPECT_EQ(Ids(query, {}).front(), "far0");
  EXPECT_GT(Recall(0.99), 0.93);
}

TEST_F(IndexBuilderTest, NewRowsAreCodedUnderTheOldModelWhileAnotherIsTrained) {
  CreateIndexed();
  Write(0, 2000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  Write(2000, 7000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK_AND_ASSIGN(auto open, ReopenInside());
  const CollectionContext& context = open->context();
  const auto indexed_rows = [&] { return open->Statistics().indexed_rows; };
  const auto model = [&] { return context.read->index.files()->model->id(); };
  const uint64_t old_model = model();
  IndexBuilder builder(context);
  const auto write_and_keep_up = [&] {
    std::vector<Record> records(300);
    for (size_t i = 0; i < records.size(); ++i) {
      records[i].id = "new" + std::to_string(i);
      records[i].vector = RandomVector();
    }
    EXPECT_OK(open->UpsertRecords(records));
    EXPECT_OK(open->Flush());
    EXPECT_EQ(indexed_rows(), 2000U);
    EXPECT_OK(builder.KeepUp([&] { return open->View(); }, nullptr, {}));
    EXPECT_EQ(indexed_rows(), 7300U);
    EXPECT_EQ(model(), old_model);
  };
  bool has_written = false;
  const auto progress = [&](double share) {
    // The new segment is written, and not in place.
    if (share > 0.9 && !std::exchange(has_written, true)) write_and_keep_up();
    return true;
  };
  ASSERT_OK(builder.Build([&] { return open->View(); }, nullptr, progress));
  ASSERT_TRUE(has_written);
  EXPECT_NE(model(), old_model);
  EXPECT_EQ(builder.training_count(), 1U);
  EXPECT_EQ(indexed_rows(), 7300U) << "what came during the training is coded after it";
  EXPECT_EQ(IndexFiles().size(), 3U);
  ASSERT_OK_AND_ASSIGN(const auto staged, files_.List("/db/docs/_viper/tmp"));
  EXPECT_TRUE(staged.empty());
  open.reset();
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->Statistics().indexed_rows, 7300U);
  EXPECT_GT(Recall(0.99), 0.93);
}

TEST_F(IndexBuilderTest, PartsThatAreAboutToComeAreCodedAheadAndKept) {
  CreateIndexed();
  Write(0, 1200);
  ASSERT_OK(collection_->Flush());
  Write(1200, 1500);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK_AND_ASSIGN(const auto open, ReopenInside());
  ReadView before = *open->View();
  ASSERT_EQ(before.parts.size(), 2u);
  std::sort(before.parts.begin(), before.parts.end(),
            [](const auto& a, const auto& b) { return a.part->row_count() > b.part->row_count(); });
  const std::vector<IndexBuilder::ExpectedPart> coming = {{before.parts.back().part}};
  before.parts.pop_back();
  const auto view_before = [&] { return std::make_shared<const ReadView>(before); };
  IndexBuilder builder(open->context());
  const auto segment_count = [&] { return open->context().read->index.files()->segments.size(); };
  ASSERT_OK(builder.Build(view_before, nullptr, {}));
  ASSERT_OK(builder.CodeAhead(view_before, coming, {}));
  EXPECT_EQ(segment_count(), 2u);
  EXPECT_EQ(builder.coded_rows(), 1500u);
  EXPECT_EQ(open->context().read->index.files()->model->record().added_rows, 300u)
      << "new rows, of a flush";
  ASSERT_OK(builder.KeepUp(view_before, nullptr, {}));
  EXPECT_EQ(segment_count(), 2u) << "no view has its rows, and it is waited for";
  ASSERT_OK(builder.KeepUp([&] { return open->View(); }, nullptr, {}));
  EXPECT_EQ(builder.coded_rows(), 1500u);
  builder.ForgetAhead(std::vector{coming.front().part->added().path});
  ASSERT_OK(builder.KeepUp(view_before, nullptr, {}));
  EXPECT_EQ(segment_count(), 1u);
}

TEST_F(IndexBuilderTest, PartsThatComeDuringABuildAreInTheIndexWhenItEnds) {
  options_.index_min_rows = 1000;
  CreateIndexed();
  Write(0, 1200);
  ASSERT_OK(collection_->Flush());
  Write(1200, 1500);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK_AND_ASSIGN(const auto open, ReopenInside());
  ReadView before = *open->View();
  std::sort(before.parts.begin(), before.parts.end(),
            [](const auto& a, const auto& b) { return a.part->row_count() > b.part->row_count(); });
  before.parts.pop_back();
  IndexBuilder builder(open->context());
  int looks = 0;
  const auto view = [&]() -> std::shared_ptr<const ReadView> {
    return looks++ == 0 ? std::make_shared<const ReadView>(before) : open->View();
  };
  ASSERT_OK(builder.Build(view, nullptr, {}));
  EXPECT_EQ(builder.coded_rows(), 1500u) << "after the training";
  // Planned by a view that is old when the files may be changed.
  looks = 0;
  ASSERT_OK(builder.KeepUp(view, nullptr, {}));
  const auto& segments = open->context().read->index.files()->segments;
  uint64_t rows = 0;
  for (const auto& segment : segments) rows += segment->segment->row_count();
  EXPECT_EQ(rows, 1500u);
  EXPECT_EQ(builder.coded_rows(), 1500u);
}

TEST_F(IndexBuilderTest, AStoppedBuildLeavesNoFileBehind) {
  CreateIndexed();
  Write(0, 2000);
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(collection_->BuildIndex([](double share) { return share < 0.9; }).code(),
            StatusCode::kCancelled);
  ASSERT_OK_AND_ASSIGN(const auto staged, files_.List("/db/docs/_viper/tmp"));
  EXPECT_TRUE(staged.empty());
  EXPECT_TRUE(IndexFiles().empty());
}

/// The same rows again are no drift.
TEST_F(IndexBuilderTest, MoreOfTheSameNeedsNoNewModel) {
  CreateIndexed();
  Write(0, 6000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  Write(6000, 12'000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(collection_->Statistics().index_trainings, 1U);
  ASSERT_OK_AND_ASSIGN(const IndexReport report, collection_->ReportIndex());
  EXPECT_EQ(report.added_rows, 6000U);
  EXPECT_NEAR(report.distance_growth, 1, 0.06);
}

TEST_F(IndexBuilderTest, OfTwoModelsTheNewerVersionIsRead) {
  CreateIndexed();
  Write(0, 6000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  const std::string old_path = FilesEndingIn("/db/docs/_viper/index", ".vmodel").front();
  const std::string old_bytes = ReadFile(old_path);
  // Fewer rows than the first was trained on: its version alone tells that this is newer.
  std::vector<std::string> gone;
  for (int i = 0; i < 3000; ++i) gone.push_back("id" + std::to_string(i));
  ASSERT_OK(collection_->Delete(gone));
  std::vector<Record> records;
  for (int i = 0; i < 1000; ++i) {
    Record record;
    record.id = "far" + std::to_string(i);
    record.vector = RandomVector();
    for (float& x : record.vector) x = 60 - 4 * x;
    records.push_back(std::move(record));
  }
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const IndexReport newer, collection_->ReportIndex());
  ASSERT_EQ(newer.version, 2U);
  ASSERT_LT(newer.trained_rows, 6000U);
  collection_.reset();
  WriteFile(old_path, old_bytes);
  ASSERT_OK(Reopen());
  ASSERT_OK_AND_ASSIGN(const IndexReport read, collection_->ReportIndex());
  EXPECT_EQ(read.model, newer.model);
  EXPECT_EQ(read.indexed_rows, 4000U);
}

TEST_F(IndexBuilderTest, AMemoryLimitMakesTheSampleSmallerAndIsTold) {
  options_.index_memory_bytes = size_t{7} << 20;
  options_.index_threads = 1;
  CreateIndexed();
  Write(0, 16'000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const IndexReport report, collection_->ReportIndex());
  EXPECT_LT(report.sampled_rows, report.wanted_rows);
  EXPECT_GE(report.sampled_rows, 64 * report.clusters);
  EXPECT_NE(log_.find("index_memory_bytes=7340032"), std::string::npos) << log_;
  EXPECT_GT(Recall(0.95), 0.9);
}

TEST_F(IndexBuilderTest, AMemoryLimitThatIsTooSmallIsAnError) {
  options_.index_memory_bytes = size_t{1} << 20;
  CreateIndexed();
  Write(0, 4000);
  ASSERT_OK(collection_->Flush());
  EXPECT_STATUS(kResourceExhausted, "allowed=1048576", collection_->BuildIndex());
  EXPECT_EQ(Recall(0.9), 1) << "searches go on without";
}

TEST_F(IndexBuilderTest, ATrainingThatFailsIsNotRepeatedAtEachFlush) {
  options_.index_memory_bytes = size_t{1} << 20;
  options_.background_index = true;
  std::atomic<int> failures{0};
  options_.log = [&failures](std::string_view line) {
    if (line.find("building the index failed") == std::string_view::npos) return;
    ++failures;
    failures.notify_all();
  };
  CreateIndexed();
  Write(0, 4000);
  ASSERT_OK(collection_->Flush());
  failures.wait(0);
  for (int i = 0; i < 30; ++i) {
    Write(i, i + 20);
    ASSERT_OK(collection_->Flush());
  }
  collection_.reset();
  EXPECT_EQ(failures, 1);
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

TEST_F(IndexBuilderTest, ABuildThatMeetsADamagedSegmentMakesItAgain) {
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
  Write(4000, 4400);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(collection_->Statistics().indexed_rows, 4400U);
  ASSERT_OK_AND_ASSIGN(const IndexReport report, collection_->ReportIndex());
  EXPECT_EQ(report.damaged_files, std::vector<std::string>{segment});
  EXPECT_NE(log_.find(segment), std::string::npos);
  EXPECT_GT(Recall(0.99), 0.93);
}

TEST_F(IndexBuilderTest, WithoutByteRowsTheIndexIsSmallAndFindsAsMuch) {
  options_.index_byte_rows = false;
  CreateIndexed();
  Write(0, 6000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  const double float_bytes = 6000.0 * kDim * sizeof(float);
  const auto bytes = static_cast<double>(collection_->Statistics().index_segment_bytes);
  EXPECT_LT(bytes, 0.15 * float_bytes);
  EXPECT_GT(Recall(0.95), 0.93);
  ASSERT_OK_AND_ASSIGN(const auto told, collection_->Explain(RandomVector()));
  ASSERT_EQ(told.plan, SearchPlan::kIndex);
  EXPECT_EQ(told.byte_rows, 0U);
  EXPECT_GT(told.float_rows, 10U);
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

TEST_F(IndexBuilderTest, ATrainingTellsHowFarItHasCome) {
  CreateIndexed();
  Write(0, 4000);
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(collection_->Statistics().index_training_share, std::nullopt);
  std::vector<double> shares;
  ASSERT_OK(collection_->BuildIndex([&](double) {
    shares.push_back(collection_->Statistics().index_training_share.value_or(-1));
    return true;
  }));
  ASSERT_GT(shares.size(), 5U);
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
  EXPECT_GE(shares.front(), 0);
  EXPECT_EQ(shares.back(), 1);
  EXPECT_EQ(collection_->Statistics().index_training_share, std::nullopt);
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
