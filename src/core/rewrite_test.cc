// Compactions that write anew what there is nothing wrong with: all files, in the order of the
// clusters of the index; and models that are asked for.

#include <algorithm>
#include <set>

#include "core/compactor.h"
#include "core/indexed_collection_fixture.h"

namespace viper::core {
namespace {

class RewriteTest : public IndexedCollectionFixture {
 protected:
  RewriteTest() { options_.part_bytes = uint64_t{1} << 20; }

  std::set<std::string> PartPaths() {
    std::set<std::string> paths;
    const auto engine = Engine::Open("/db", options_);
    const auto inspection = engine->Inspect("docs").value();
    for (const PartInspection& part : inspection.parts) paths.insert(part.file);
    return paths;
  }
  std::vector<Record> Everything() {
    return collection_->Scroll({.limit = 100'000}).value().records;
  }
  uint64_t Parts() { return collection_->Statistics().part_count; }
};

TEST_F(RewriteTest, P25_EveryFileIsWrittenAnewOnceAndNothingElseChanges) {
  CreateIndexed();
  Write(0, 9000);
  ASSERT_OK(collection_->Flush());
  const auto before = PartPaths();
  ASSERT_GE(before.size(), 3u);
  const auto records = Everything();
  ASSERT_OK_AND_ASSIGN(const CompactionReport none, collection_->Compact());
  EXPECT_TRUE(none.steps.empty());
  ASSERT_OK_AND_ASSIGN(const CompactionReport predicted,
                       collection_->Compact({.dry_run = true, .rewrite_all = true}));
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact({.rewrite_all = true}));
  EXPECT_EQ(report.steps.size(), predicted.steps.size());
  size_t rewritten = 0;
  for (const CompactionStep& step : report.steps) {
    rewritten += step.files.size();
    EXPECT_EQ(step.reason, "asked for");
  }
  EXPECT_EQ(rewritten, before.size());
  const auto after = PartPaths();
  for (const std::string& path : before) EXPECT_FALSE(after.contains(path));
  EXPECT_EQ(Everything(), records);
}

TEST_F(RewriteTest, P25_RowsGoIntoTheOrderOfTheClustersAndWritesMeanwhileAreKept) {
  CreateIndexed();
  Write(0, 5000);
  ASSERT_OK(collection_->Flush());
  Write(5000, 8000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"id3", "id7000"}));
  bool has_written = false;
  CompactOptions options{.rewrite_all = true, .order_by_cluster = true};
  options.progress = [&](double) {
    if (!std::exchange(has_written, true)) {
      EXPECT_OK(collection_->Delete(std::vector<std::string>{"id4", "id4500", "id7001"}));
      EXPECT_OK(collection_->UpdateMetadata(std::vector<std::string>{"id9"},
                                            MetadataChange{.set = {{"year", 1900}}}));
    }
    return true;
  };
  ASSERT_OK(collection_->Compact(options));
  ASSERT_TRUE(has_written);
  for (int opening = 0; opening < 2; ++opening) {
    const auto records = Everything();
    EXPECT_EQ(records.size(), 7995u);
    for (const char* gone : {"id3", "id4", "id4500", "id7000", "id7001"}) {
      EXPECT_STATUS(kNotFound, "", collection_->Get(gone));
    }
    EXPECT_EQ(*collection_->Get("id9")->metadata.at("year").as_int64(), 1900);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
    EXPECT_GT(Recall(0.95), 0.9);
    ASSERT_OK(Reopen());
  }
  // Rows of one cluster stand together: their clusters change no more often than there are any.
  ASSERT_OK_AND_ASSIGN(const auto engine, Engine::Open("/db", options_));
  const auto verified = engine.Verify("docs");
  EXPECT_OK(verified);
}

TEST_F(RewriteTest, RowsOfAClusterStandTogether) {
  options_.part_bytes = uint64_t{256} << 20;
  CreateIndexed();
  Write(0, 4000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  const auto changes = [&] {
    // `_id` of the rows in the order of the file, by what other readers see.
    const auto path = "/db/docs/" + *PartPaths().begin();
    CollectionSchema schema = Schema();
    schema.dim = kDim;
    parquet::PartOpenOptions open;
    open.path = path;
    const auto reader = parquet::PartReader::Open(files_.Map(path).value(), schema, open).value();
    size_t count = 0;
    std::optional<ClusterId> last;
    for (size_t page = 0; page < reader->PageCount("_id"); ++page) {
      const auto ids = reader->ReadPage("_id", page).value();
      for (size_t row = 0; row < ids.row_count(); ++row) {
        const auto record = collection_->Get(ids.strings()[row], {.vector = true}).value();
        const ClusterId id = collection_->PredictOptimalCluster(record.vector).value().id;
        count += !last || !(*last == id);
        last = id;
      }
    }
    return count;
  };
  const size_t before = changes();
  ASSERT_OK(collection_->Compact({.rewrite_all = true, .order_by_cluster = true}));
  const uint64_t clusters = collection_->Statistics().index_clusters;
  EXPECT_GT(before, 4 * clusters);
  EXPECT_LE(changes(), 2 * clusters) << "a few rows are assigned to the next nearest";
}

TEST_F(RewriteTest, P12_AStepMergesAtMostSoManyFilesAndOneIsRefused) {
  CreateIndexed();
  for (int i = 0; i < 9; ++i) {
    Write(i * 10, i * 10 + 10);
    ASSERT_OK(collection_->Flush());
  }
  EXPECT_STATUS(kInvalidArgument, "files_per_step is out of range: min=2",
                collection_->Compact({.files_per_step = 1}));
  ASSERT_OK_AND_ASSIGN(const CompactionReport report,
                       collection_->Compact({.everything = true, .files_per_step = 3}));
  for (const CompactionStep& step : report.steps) EXPECT_LE(step.files.size(), 3u);
  EXPECT_EQ(Parts(), 1u);
}

TEST_F(RewriteTest, P25_AModelThatIsAskedForIsAnotherOneAlsoOfTheSameRows) {
  CreateIndexed();
  Write(0, 900);
  ASSERT_OK(collection_->Flush());
  EXPECT_STATUS(kFailedPrecondition, "rows=900 index_min_rows=1000", collection_->RetrainIndex());
  Write(900, 3000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->RetrainIndex()) << "the first one is one too";
  ASSERT_OK_AND_ASSIGN(const IndexReport first, collection_->ReportIndex());
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(collection_->ReportIndex()->model, first.model) << "nothing asks for another";
  ASSERT_OK(collection_->RetrainIndex());
  ASSERT_OK_AND_ASSIGN(const IndexReport second, collection_->ReportIndex());
  EXPECT_NE(second.model, first.model);
  EXPECT_EQ(second.version, first.version + 1);
  EXPECT_GT(Recall(0.95), 0.9);
  EXPECT_STATUS(kCancelled, "", collection_->RetrainIndex([](double) { return false; }));
  EXPECT_EQ(collection_->ReportIndex()->model, second.model);
}

}  // namespace
}  // namespace viper::core
