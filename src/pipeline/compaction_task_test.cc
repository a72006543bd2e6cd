#include "pipeline/compaction_task.h"

#include <set>
#include <utility>

#include "pipeline/compaction_fixture.h"

namespace viper::pipeline {
namespace {

using Type = CompactionTaskType;

class CompactionTasks : public CompactionFixture {};

TEST_F(CompactionTasks, P25_MergingMakesOneFileOfManyWithTheSameRecords) {
  OpenEngine();
  const auto docs = Create("docs");
  Fill(*docs, ClusteredRecords(800, 8, 5), 8);
  const auto before = Contents(*docs);
  const CompactionTaskStatus done = Run({"docs", Type::kMergeFiles});
  EXPECT_EQ(done.state, TaskState::kDone);
  EXPECT_EQ(done.prediction->files_before, 8u);
  EXPECT_EQ(done.prediction->files_after, 1u);
  EXPECT_EQ(done.outcome->files_after, 1u);
  EXPECT_LT(done.outcome->bytes_after, done.outcome->bytes_before);
  EXPECT_GT(*done.outcome->seconds, 0);
  EXPECT_EQ(docs->Statistics().part_count, 1u);
  EXPECT_EQ(Contents(*docs), before);
}

TEST_F(CompactionTasks, P12_AStepMergesAtMostSoManyFiles) {
  config_.compaction.max_files_per_merge = 3;
  OpenEngine();
  const auto docs = Create("docs");
  Fill(*docs, ClusteredRecords(900, 8, 5), 9);
  EXPECT_EQ(Run({"docs", Type::kMergeFiles}).state, TaskState::kDone);
  EXPECT_EQ(docs->Statistics().part_count, 1u);
  EXPECT_GE(docs->Statistics().compactions, 4u) << "three of three, then one of those";
}

TEST_F(CompactionTasks, P15_FilesGrowToTheTargetButTheLast) {
  config_.compaction.target_file_size_mb = 1;
  OpenEngine();
  const auto docs = Create("docs", 64);
  Fill(*docs, ClusteredRecords(12'000, 64, 5), 24);
  EXPECT_EQ(Run({"docs", Type::kMergeFiles}).state, TaskState::kDone);
  const auto paths = PartPaths("docs");
  size_t small = 0;
  for (const std::string& path : paths) {
    const auto size = static_cast<double>(files_.FileSize(path).value());
    EXPECT_LE(size, 1.5 * (1 << 20));
    small += size < 0.5 * (1 << 20);
  }
  EXPECT_LE(small, 1u);
  EXPECT_GE(paths.size(), 2u);
}

TEST_F(CompactionTasks, P25_ReclusteringTrainsAnotherModelAndOrdersTheRowsByItsClusters) {
  OpenEngine();
  const auto docs = Create("docs", 32);
  const auto records = ClusteredRecords(4000, 32, 10);
  Fill(*docs, records, 4);
  ASSERT_OK(docs->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const IndexReport before, docs->ReportIndex());
  const auto contents = Contents(*docs);
  ASSERT_OK(docs->Delete(std::vector<std::string>{"id-7"}));
  const CompactionTaskStatus done = Run({"docs", Type::kRecluster});
  EXPECT_EQ(done.state, TaskState::kDone) << done.error.value_or("");
  ASSERT_OK_AND_ASSIGN(const IndexReport after, docs->ReportIndex());
  EXPECT_EQ(after.version, before.version + 1);
  EXPECT_NE(after.model, before.model);
  EXPECT_EQ(after.indexed_rows, after.table_rows);
  std::vector<Record> wanted;
  for (const Record& record : contents) {
    if (record.id != "id-7") wanted.push_back(record);
  }
  EXPECT_EQ(Contents(*docs), wanted);
  const auto paths = PartPaths("docs");
  ASSERT_EQ(paths.size(), 1u);
  const auto rows = ReadRecords(files_, paths[0]);
  EXPECT_LT(MeanNeighbourDistance(rows), 0.5 * MeanNeighbourDistance(records));
  ASSERT_OK(docs->Flush());
  EXPECT_EQ(Contents(*docs), wanted) << "the row that died meanwhile is the right one";
}

TEST_F(CompactionTasks, P25_ReclusteringTooFewRecordsFailsAndSaysHowManyItTakes) {
  OpenEngine();
  const auto docs = Create("docs");
  Fill(*docs, ClusteredRecords(100, 8, 5), 2);
  const CompactionTaskStatus done = Run({"docs", Type::kRecluster});
  EXPECT_EQ(done.state, TaskState::kFailed);
  EXPECT_EQ(done.attempts, 1u) << "trying again would not help";
  EXPECT_NE(done.error->find("rows=100 index_min_rows=1000"), std::string::npos) << *done.error;
}

TEST_F(CompactionTasks, P25_ReorganizingGivesFieldsThatWereDeclaredLaterTheirColumns) {
  OpenEngine();
  const auto docs = Create("docs");
  Fill(*docs, ClusteredRecords(200, 8, 5), 1);
  ASSERT_OK(docs->AddFields(std::vector<Field>{{"note", FieldType::kString}}));
  const auto before = Contents(*docs);
  EXPECT_EQ(ColumnOf(LayoutOf(files_, PartPaths("docs")[0]), "note"), nullptr);
  EXPECT_EQ(Run({"docs", Type::kReorganizeFeatures}).state, TaskState::kDone);
  EXPECT_NE(ColumnOf(LayoutOf(files_, PartPaths("docs")[0]), "note"), nullptr);
  EXPECT_EQ(Contents(*docs), before);
}

TEST_F(CompactionTasks, P25_RecompressingWritesFilesAsTheOptionsOfNowSay) {
  options_.adaptive_compression = false;
  options_.compression = {.codec = Codec::kNone};
  OpenEngine();
  Fill(*Create("docs"), ClusteredRecords(2000, 8, 5), 1);
  options_.compression = {.codec = Codec::kZstd, .level = 9};
  OpenEngine();
  const auto docs = Open("docs");
  const auto before = Contents(*docs);
  const CompactionTaskStatus done = Run({"docs", Type::kRecompress});
  EXPECT_EQ(done.state, TaskState::kDone) << done.error.value_or("");
  EXPECT_LT(done.outcome->bytes_after, done.outcome->bytes_before);
  const auto layout = LayoutOf(files_, PartPaths("docs")[0]);
  for (const auto& column : layout.columns) {
    EXPECT_EQ(column.compressions, std::vector<std::string>{"zstd"}) << column.path;
  }
  EXPECT_EQ(Contents(*docs), before);
}

TEST_F(CompactionTasks, P25_ReorganizingLeavesFilesAloneThatRecompressingWritesAnew) {
  OpenEngine();
  const auto docs = Create("docs");
  Fill(*docs, ClusteredRecords(300, 8, 5), 1);
  const auto tidy = PartPaths("docs");
  EXPECT_EQ(Run({"docs", Type::kReorganizeFeatures}).state, TaskState::kDone);
  EXPECT_EQ(PartPaths("docs"), tidy) << "no field lacks its column";
  EXPECT_EQ(Run({"docs", Type::kRecompress}).state, TaskState::kDone);
  EXPECT_NE(PartPaths("docs"), tidy);
}

TEST_F(CompactionTasks, P14_ATaskWorksWithOneThreadHoweverManySearchesMayHave) {
  options_.search_threads = 4;
  config_.compaction.target_file_size_mb = 1;
  OpenEngine();
  const auto docs = Create("docs", 64);
  Fill(*docs, ClusteredRecords(12'000, 64, 5), 24);
  size_t asked = 0;
  const TaskListener listener{[](const CompactionEffect&) {},
                              [&](double) {
                                ++asked;
                                EXPECT_TRUE(ThreadsNamed("viper-compact").empty());
                                return true;
                              }};
  ASSERT_OK(RunTask(*docs, {.type = Type::kRecompress}, config_.compaction, listener));
  EXPECT_GT(asked, 0u);
}

TEST_F(CompactionTasks, P27_ATaskThatWaitsForAnotherCompactionCanBeStopped) {
  OpenEngine();
  const auto docs = Create("docs");
  Fill(*docs, ClusteredRecords(500, 8, 5), 5);
  bool is_told = false;
  CompactOptions other{.rewrite_all = true};
  other.progress = [&](double) {
    if (std::exchange(is_told, true)) return true;
    // Meanwhile there is a plan, and a task that is given up.
    EXPECT_OK(SuggestTasks(*docs, config_.compaction));
    const TaskListener listener{[](const CompactionEffect&) {}, [](double) { return false; }};
    EXPECT_STATUS(kCancelled, "another one ran",
                  RunTask(*docs, {.type = Type::kMergeFiles}, config_.compaction, listener));
    return true;
  };
  ASSERT_OK(docs->Compact(other));
  EXPECT_TRUE(is_told);
}

TEST_F(CompactionTasks, P12_TheScheduleFindsWhatPaysAndNothingInATidyTable) {
  OpenEngine();
  const auto tidy = Create("tidy");
  Fill(*tidy, ClusteredRecords(500, 8, 5), 1);
  const auto messy = Create("messy");
  Fill(*messy, ClusteredRecords(500, 8, 5), 6);
  for (const bool uses_models : {true, false}) {
    PipelineCompactionConfig config;
    config.enable_ml_compaction = uses_models;
    EXPECT_TRUE(SuggestTasks(*tidy, config)->empty());
    ASSERT_OK_AND_ASSIGN(const auto suggested, SuggestTasks(*messy, config));
    ASSERT_EQ(suggested.size(), 1u);
    EXPECT_EQ(suggested[0].request.type, Type::kMergeFiles);
    EXPECT_EQ(suggested[0].reason.text, "6 small files");
    EXPECT_EQ(suggested[0].reason.gain_per_byte.has_value(), uses_models);
  }
}

TEST_F(CompactionTasks, P13_ModelsPreferWhatGivesBackMoreForEachByteOverWhatHasMoreFiles) {
  options_.delete_mode = DeleteMode::kVectors;
  OpenEngine();
  // Many files of which everything is alive, and few of which most is dead.
  const auto many = Create("many", 64);
  Fill(*many, ClusteredRecords(12'000, 64, 5), 8);
  const auto dead = Create("dead", 64);
  const auto records = ClusteredRecords(8000, 64, 5, 3);
  Fill(*dead, records, 4);
  std::vector<std::string> ids;
  for (size_t row = 0; row < records.size(); row += 2) ids.push_back(records[row].id);
  ASSERT_OK(dead->Delete(ids));
  ASSERT_OK(dead->Flush());
  const auto gain_of = [](Collection& collection) {
    return SuggestTasks(collection, {}).value()[0].reason.rank.value();
  };
  const auto files_of = [](Collection& collection) {
    PipelineCompactionConfig config;
    config.enable_ml_compaction = false;
    return SuggestTasks(collection, config).value()[0].reason.rank.value();
  };
  EXPECT_GT(files_of(*many), files_of(*dead));
  EXPECT_GT(gain_of(*dead), gain_of(*many));
}

TEST_F(CompactionTasks, P12_AnIndexThatHasBecomeWorseThanTheThresholdIsClusteredAnew) {
  OpenEngine();
  const auto docs = Create("docs", 16);
  Fill(*docs, ClusteredRecords(2000, 16, 5, 1), 1);
  ASSERT_OK(docs->BuildIndex());
  const auto wants = [&](double threshold) {
    PipelineCompactionConfig config;
    config.reclustering_quality_threshold = threshold;
    const auto suggested = SuggestTasks(*docs, config).value();
    return std::any_of(suggested.begin(), suggested.end(), [](const SuggestedTask& task) {
      return task.request.type == Type::kRecluster;
    });
  };
  EXPECT_FALSE(wants(0.8));
  // Rows from elsewhere, too few to have the engine train by itself.
  auto others = ClusteredRecords(60, 16, 3, 99);
  for (Record& record : others) {
    record.id = "other-" + record.id;
    for (float& x : record.vector) x *= 4;
  }
  Fill(*docs, others, 1);
  ASSERT_OK(docs->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const IndexReport report, docs->ReportIndex());
  const double quality = 1 / std::max({1.0, report.distance_growth, report.imbalance_growth});
  ASSERT_LT(quality, 0.5);
  EXPECT_TRUE(wants(quality + 0.01));
  EXPECT_FALSE(wants(quality - 0.01));
  EXPECT_FALSE(wants(0));
}

}  // namespace
}  // namespace viper::pipeline
