#include "pipeline/compaction_engine_impl.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <thread>

#include "pipeline/compaction_fixture.h"

namespace viper {
namespace {

using pipeline::ClusteredRecords;
using pipeline::ThreadsNamed;
using Type = CompactionTaskType;

/// Wait until it is so. A thread names itself when it first runs.
bool Eventually(const std::function<bool()>& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < deadline) {
    if (is_so()) return true;
    std::this_thread::yield();
  }
  return is_so();
}

class CompactionEngines : public pipeline::CompactionFixture {};

TEST_F(CompactionEngines, P14_D17_ThereAreExactlyAsManyNamedWorkersAsAskedFor) {
  for (const uint32_t workers : {1, 4, 7}) {
    config_.enable_background_processing = true;
    config_.compaction.worker_count = workers;
    OpenEngine();
    EXPECT_TRUE(pipeline_->compaction()->is_running());
    EXPECT_TRUE(Eventually([&] {
      return ThreadsNamed("viper-worker-").size() == workers &&
             ThreadsNamed("viper-schedule").size() == 1;
    })) << ThreadsNamed("viper-").size();
    EXPECT_EQ(ThreadsNamed("viper-worker-").count(fmt::format("viper-worker-{}", workers - 1)), 1u);
    EXPECT_EQ(pipeline_->Health().size(), workers + 1);
    pipeline_.reset();
    EXPECT_TRUE(ThreadsNamed("viper-worker-").empty()) << "joined";
    EXPECT_TRUE(ThreadsNamed("viper-schedule").empty());
  }
}

TEST_F(CompactionEngines, P16_WithoutBackgroundProcessingThereAreNoThreadsAndNothingIsCompacted) {
  config_.compaction.worker_count = 4;
  config_.compaction.interval_ms = 1;
  OpenEngine();
  const auto docs = Create("docs");
  Fill(*docs, ClusteredRecords(500, 8, 5), 10);
  ASSERT_OK(pipeline_->compaction()->Submit({"docs", Type::kMergeFiles}));
  EXPECT_TRUE(ThreadsNamed("viper-worker-").empty());
  EXPECT_TRUE(ThreadsNamed("viper-schedule").empty());
  for (const ServiceHealth& health : pipeline_->Health()) {
    EXPECT_EQ(health.state, ServiceState::kStopped);
  }
  EXPECT_EQ(docs->Statistics().part_count, 10u);
  EXPECT_EQ(docs->Statistics().compactions, 0u);
}

TEST_F(CompactionEngines, P16_P27_StartingAndStoppingTwiceIsAllowedAndStopJoins) {
  config_.compaction.worker_count = 2;
  OpenEngine();
  ASSERT_OK(pipeline_->StartBackgroundProcessing());
  ASSERT_OK(pipeline_->StartBackgroundProcessing());
  EXPECT_TRUE(Eventually([] { return ThreadsNamed("viper-worker-").size() == 2; }));
  pipeline_->StopBackgroundProcessing();
  pipeline_->StopBackgroundProcessing();
  EXPECT_TRUE(ThreadsNamed("viper-").empty() || ThreadsNamed("viper-worker-").empty());
  ASSERT_OK(pipeline_->StartBackgroundProcessing());
  EXPECT_TRUE(pipeline_->compaction()->is_running());
}

TEST_F(CompactionEngines, P16_P17_WithoutAnEngineThereIsNothingToStart) {
  ASSERT_OK_AND_ASSIGN(const auto made, Pipeline::Make({}, &files_));
  EXPECT_EQ(made->compaction(), nullptr);
  EXPECT_STATUS(kFailedPrecondition, "no engine", made->StartBackgroundProcessing());
  EXPECT_TRUE(made->Health().empty());
  made->StopBackgroundProcessing();
}

TEST_F(CompactionEngines, P12_TheScheduleTidiesByItselfAndThenFindsNothing) {
  config_.compaction.worker_count = 2;
  config_.compaction.interval_ms = 1;
  OpenEngine();
  const auto a = Create("a");
  const auto b = Create("b");
  Fill(*a, ClusteredRecords(500, 8, 5), 6);
  Fill(*b, ClusteredRecords(500, 8, 5), 5);
  const auto before = Contents(*a);
  ASSERT_OK(pipeline_->StartBackgroundProcessing());
  EXPECT_TRUE(Eventually(
      [&] { return a->Statistics().part_count == 1 && b->Statistics().part_count == 1; }));
  EXPECT_TRUE(Eventually([&] { return pipeline_->Statistics().tasks_done == 2; }));
  const uint64_t runs = pipeline_->Health()[0].runs;
  EXPECT_TRUE(Eventually([&] { return pipeline_->Health()[0].runs >= runs + 50; }));
  EXPECT_EQ(pipeline_->Statistics().tasks_queued, 2u) << "a tidy table is left alone";
  EXPECT_EQ(Contents(*a), before);
  for (const CompactionTaskStatus& task : pipeline_->compaction()->Tasks()) {
    EXPECT_EQ(task.state, TaskState::kDone);
    EXPECT_FALSE(task.reason.empty());
    EXPECT_TRUE(task.prediction && task.outcome);
    EXPECT_EQ(task.prediction->files_after, task.outcome->files_after);
  }
}

TEST_F(CompactionEngines, P13_WithModelsTheHighestGainGoesFirstWithoutThemTheMostFiles) {
  options_.delete_mode = DeleteMode::kVectors;
  for (const bool uses_models : {true, false}) {
    files_.RemoveDirectoryTree("/db").ok();
    config_.compaction.enable_ml_compaction = uses_models;
    OpenEngine();
    Fill(*Create("many", 64), ClusteredRecords(12'000, 64, 5), 8);
    const auto dead = Create("dead", 64);
    const auto records = ClusteredRecords(8000, 64, 5, 3);
    Fill(*dead, records, 4);
    std::vector<std::string> ids;
    for (size_t row = 0; row < records.size(); row += 2) ids.push_back(records[row].id);
    ASSERT_OK(dead->Delete(ids));
    ASSERT_OK(dead->Flush());
    CompactionEngine& compaction = *pipeline_->compaction();
    ASSERT_OK_AND_ASSIGN(const auto queued, compaction.Schedule());
    ASSERT_EQ(queued.size(), 2u);
    EXPECT_TRUE(compaction.Schedule()->empty()) << "what waits already is not queued again";
    EXPECT_TRUE(compaction.RunNext());
    for (const CompactionTaskStatus& task : compaction.Tasks()) {
      EXPECT_EQ(task.state == TaskState::kDone,
                task.request.collection == (uses_models ? "dead" : "many"));
      EXPECT_EQ(task.gain_per_byte.has_value(), uses_models);
    }
    EXPECT_TRUE(compaction.RunNext());
    EXPECT_FALSE(compaction.RunNext());
  }
}

TEST_F(CompactionEngines, P25_AFailureIsToldAndTriedAgainAndThenTheTaskSucceeds) {
  OpenEngine();
  const auto docs = Create("docs");
  Fill(*docs, ClusteredRecords(500, 8, 5), 5);
  CompactionEngine& compaction = *pipeline_->compaction();
  ASSERT_OK_AND_ASSIGN(const uint64_t id, compaction.Submit({"docs", Type::kMergeFiles}));
  files_.InjectFault({.operation = FileOperation::kSync, .path_part = "part-"});
  EXPECT_TRUE(compaction.RunNext());
  EXPECT_EQ(compaction.TaskStatus(id)->state, TaskState::kQueued);
  EXPECT_TRUE(compaction.TaskStatus(id)->error.has_value());
  EXPECT_TRUE(compaction.RunNext());
  EXPECT_EQ(compaction.TaskStatus(id)->state, TaskState::kDone);
  EXPECT_EQ(compaction.TaskStatus(id)->attempts, 2u);
  EXPECT_EQ(pipeline_->Statistics().task_retries, 1u);
  EXPECT_EQ(docs->Statistics().part_count, 1u);
}

TEST_F(CompactionEngines, P25_UnknownCollectionsAndRequestsAreRefused) {
  OpenEngine();
  EXPECT_STATUS(kNotFound, "'nobody'",
                pipeline_->compaction()->Submit({"nobody", Type::kMergeFiles}));
  Create("docs");
  EXPECT_STATUS(kInvalidArgument, "type is unknown: min=0 max=3 actual=9",
                pipeline_->compaction()->Submit({"docs", static_cast<Type>(9)}));
  EXPECT_STATUS(
      kInvalidArgument, "priority is unknown: min=0 max=3 actual=9",
      pipeline_->compaction()->Submit({"docs", Type::kMergeFiles, static_cast<TaskPriority>(9)}));
}

TEST_F(CompactionEngines, P25_ARunningTaskIsCancelledAndWhatItCommittedStays) {
  config_.compaction.worker_count = 1;
  config_.compaction.target_file_size_mb = 1;
  options_.compaction_bytes_per_second = 1 << 20;  // slow enough to be met running
  OpenEngine();
  const auto docs = Create("docs", 64);
  Fill(*docs, ClusteredRecords(40'000, 64, 5), 10);
  const auto before = Contents(*docs);
  ASSERT_OK(pipeline_->StartBackgroundProcessing());
  CompactionEngine& compaction = *pipeline_->compaction();
  ASSERT_OK_AND_ASSIGN(const uint64_t id, compaction.Submit({"docs", Type::kRecompress}));
  EXPECT_TRUE(Eventually([&] { return compaction.TaskStatus(id)->progress > 0; }));
  EXPECT_OK(compaction.Cancel(id));
  ASSERT_OK_AND_ASSIGN(const CompactionTaskStatus ended, compaction.Wait(id, 60'000));
  EXPECT_EQ(ended.state, TaskState::kCancelled);
  EXPECT_LT(ended.progress, 1);
  EXPECT_EQ(Contents(*docs), before);
}

TEST_F(CompactionEngines, P14_TasksOfOneCollectionRunOneAfterTheOtherAndOthersBesideThem) {
  config_.compaction.worker_count = 4;
  OpenEngine();
  const auto a = Create("a");
  const auto b = Create("b");
  Fill(*a, ClusteredRecords(2000, 8, 5), 8);
  Fill(*b, ClusteredRecords(2000, 8, 5), 8);
  CompactionEngine& compaction = *pipeline_->compaction();
  std::vector<uint64_t> ids;
  for (const char* name : {"a", "b"}) {
    for (const Type type : {Type::kMergeFiles, Type::kRecompress, Type::kReorganizeFeatures}) {
      ids.push_back(compaction.Submit({name, type}).value());
    }
  }
  ASSERT_OK(pipeline_->StartBackgroundProcessing());
  for (const uint64_t id : ids) {
    // At no moment do two of one collection run.
    while (compaction.TaskStatus(id)->state <= TaskState::kRunning) {
      std::multiset<std::string> running;
      for (const CompactionTaskStatus& task : compaction.Tasks()) {
        if (task.state == TaskState::kRunning) running.insert(task.request.collection);
      }
      EXPECT_LE(running.count("a"), 1u);
      EXPECT_LE(running.count("b"), 1u);
      std::this_thread::yield();
    }
    EXPECT_EQ(compaction.TaskStatus(id)->state, TaskState::kDone);
  }
  EXPECT_EQ(pipeline_->Statistics().tasks_done, 6u);
}

}  // namespace
}  // namespace viper
