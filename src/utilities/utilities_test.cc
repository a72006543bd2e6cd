#include "viper/utilities.h"

#include <fstream>
#include <iterator>

#include "utilities/utilities_fixture.h"

namespace viper {
namespace {

class UtilitiesTest : public UtilitiesFixture {
 protected:
  static size_t ThreadCount() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
      size_t count = 0;
      if (word == "Threads:" && status >> count) return count;
    }
    return 0;
  }

  void Record(const std::string& collection, uint64_t ms) {
    OperationStatsCollector collector = utilities_->MakeCollector("vector_insert", collection);
    collector.StartOperation();
    OperationMetrics metrics = collector.Finalize();
    metrics.total_nanoseconds = ms * 1'000'000;
    ASSERT_OK(utilities_->RecordOperation(metrics));
  }
};

TEST_F(UtilitiesTest, U24_U25_U28_RecordedOperationsAreReportedExactly) {
  Open();
  const auto collection = Create("embeddings");
  Create("other");
  MakeUtilities();
  for (const uint64_t ms : {10, 20, 60}) Record("embeddings", ms);
  ASSERT_OK(collection->Upsert({.id = "a", .vector = {1, 2}}));
  ASSERT_OK_AND_ASSIGN(const auto report, utilities_->GetPerformanceStats("embeddings"));
  EXPECT_EQ(report.global_stats.total_operations, 3u);
  EXPECT_DOUBLE_EQ(*report.global_stats.avg_latency_ms, 30);
  EXPECT_EQ(report.engine_stats.total_operations, 1u);
  ASSERT_OK_AND_ASSIGN(const auto other, utilities_->GetPerformanceStats("other"));
  EXPECT_EQ(other.global_stats.total_operations, 0u);
  EXPECT_EQ(other.global_stats.avg_latency_ms, std::nullopt);
  EXPECT_STATUS(kNotFound, "'none'", utilities_->GetPerformanceStats("none"));
}

TEST_F(UtilitiesTest, U24_U28_AHistoryThatCannotBeWrittenStopsNothingElse) {
  Open();
  const auto collection = Create("a");
  MakeUtilities();
  Write(*collection, 10, 0);
  files_.InjectFault({.operation = FileOperation::kWrite, .path_part = "_viper_utilities/history"});
  ASSERT_OK_AND_ASSIGN(const auto report, utilities_->GetPerformanceStats("a"));
  EXPECT_EQ(report.engine_stats.total_operations, 2u);
  ASSERT_EQ(Log().size(), 1u);
  EXPECT_NE(Log()[0].find("could be taken over"), std::string::npos);
  // The model is fed all the same.
  ASSERT_OK(collection->Upsert({.id = "b", .vector = {1, 2}}));
  files_.InjectFault({.operation = FileOperation::kWrite, .path_part = "_viper_utilities/history"});
  ASSERT_OK_AND_ASSIGN(const uint64_t before, files_.FileSize("/db/_viper_utilities/model"));
  utilities_.reset();
  ASSERT_OK_AND_ASSIGN(const uint64_t after, files_.FileSize("/db/_viper_utilities/model"));
  EXPECT_GT(after, before);
  EXPECT_NE(Log().back().find("could not be written"), std::string::npos);
}

TEST_F(UtilitiesTest, U05_RealTimeOrByTheInterval) {
  config_.stats.enable_realtime_metrics = false;
  Open();
  const auto collection = Create("a");
  MakeUtilities();
  ASSERT_OK(collection->Upsert({.id = "a", .vector = {1, 2}}));
  ASSERT_OK_AND_ASSIGN(auto report, utilities_->GetPerformanceStats());
  EXPECT_EQ(report.engine_stats.total_operations, 0u);
  config_.stats.enable_realtime_metrics = true;
  MakeUtilities();  // the ones before took over what there was when they ended
  ASSERT_OK_AND_ASSIGN(report, utilities_->GetPerformanceStats());
  EXPECT_EQ(report.engine_stats.total_operations, 1u);
  for (int i = 0; i < 5; ++i) ASSERT_OK(collection->Get("a"));
  ASSERT_OK_AND_ASSIGN(report, utilities_->GetPerformanceStats());
  EXPECT_EQ(report.engine_stats.total_operations, 6u);
}

TEST_F(UtilitiesTest, M2_TheEnginesHistorySurvivesEnginesAndIsCountedOnce) {
  Open();
  auto collection = Create("a");
  ASSERT_OK(collection->Upsert({.id = "before", .vector = {1, 2}}));
  MakeUtilities();
  ASSERT_OK(collection->Upsert({.id = "a", .vector = {1, 2}}));
  MakeUtilities();
  ASSERT_OK(collection->Upsert({.id = "b", .vector = {1, 2}}));
  collection.reset();
  Open();
  MakeUtilities();
  ASSERT_OK_AND_ASSIGN(const auto report, utilities_->GetPerformanceStats("a"));
  EXPECT_EQ(report.engine_stats.total_operations, 2u);
}

TEST_F(UtilitiesTest, U15_SwitchedOffNothingStarts) {
  config_.enable_background_services = false;
  Open();
  MakeUtilities();
  const size_t before = ThreadCount();
  ASSERT_OK(utilities_->StartServices());
  EXPECT_EQ(ThreadCount(), before);
  for (const ServiceHealth& service : utilities_->Services()) {
    EXPECT_EQ(service.state, ServiceState::kStopped) << service.name;
  }
}

TEST_F(UtilitiesTest, U02_EveryPartOfTheConfigIsChecked) {
  Open();
  const auto refused = [&](std::string_view told, const auto& change) {
    UtilitiesConfig config;
    change(config);
    EXPECT_STATUS(kInvalidArgument, told, Utilities::Make(config, *engine_));
  };
  refused("collection_interval_ms", [](auto& c) { c.stats.collection_interval_ms = 0; });
  refused("cleanup_interval_ms", [](auto& c) { c.ttl.cleanup_interval_ms = 0; });
  refused("interval_ms", [](auto& c) { c.compression.interval_ms = 0; });
  refused("max_age_ms", [](auto& c) { c.staging.max_age_ms = 0; });
  refused("partition_count", [](auto& c) { c.partitioning.partition_count = 0; });
  EXPECT_OK(UtilitiesConfig().Validate());
}

TEST_F(UtilitiesTest, U08_WithoutExpiryNothingIsCleaned) {
  config_.ttl.enabled = false;
  config_.ttl.cleanup_interval_ms = 1;
  config_.staging.cleanup_interval_ms = 1;
  Open();
  auto collection = Create("a");
  Write(*collection, 10, 10);
  clock_.AdvanceSeconds(60);
  MakeUtilities();
  ASSERT_OK(utilities_->StartServices());
  // The others run.
  WaitFor([&] {
    for (const ServiceHealth& service : utilities_->Services()) {
      if (service.name == "staging_cleanup") return service.runs > 2;
    }
    return false;
  });
  for (const ServiceHealth& service : utilities_->Services()) {
    if (service.name != "ttl_cleanup") continue;
    EXPECT_EQ(service.state, ServiceState::kStopped);
  }
  ASSERT_OK(utilities_->StopServices());
  EXPECT_EQ(collection->Statistics().part_count, 1u);
  // Reads hide them all the same.
  EXPECT_EQ(collection->Count().value(), 0u);
}

TEST_F(UtilitiesTest, U17_StartAndStopAreIdempotentAndLeaveNoThread) {
  Open();
  MakeUtilities();
  const size_t before = ThreadCount();
  ASSERT_OK(utilities_->StartServices());
  const size_t running = ThreadCount();
  EXPECT_GT(running, before);
  ASSERT_OK(utilities_->StartServices());
  EXPECT_EQ(ThreadCount(), running);
  for (const ServiceHealth& service : utilities_->Services()) {
    EXPECT_NE(service.state, ServiceState::kStopped) << service.name;
  }
  ASSERT_OK(utilities_->StopServices());
  ASSERT_OK(utilities_->StopServices());
  EXPECT_EQ(ThreadCount(), before);
  ASSERT_OK(utilities_->StartServices());
  utilities_.reset();
  EXPECT_EQ(ThreadCount(), before);
}

TEST_F(UtilitiesTest, U17_ServicesRunAndTellHowTheyDo) {
  config_.stats.collection_interval_ms = 1;
  config_.staging.cleanup_interval_ms = 1;
  config_.ttl.cleanup_interval_ms = 1;
  config_.compression.interval_ms = 1;
  Open();
  MakeUtilities();
  ASSERT_OK(utilities_->StartServices());
  WaitFor([&] {
    for (const ServiceHealth& service : utilities_->Services()) {
      if (service.runs == 0) return false;
    }
    return true;
  });
  ASSERT_OK(utilities_->StopServices());
  for (const ServiceHealth& service : utilities_->Services()) {
    EXPECT_EQ(service.failures, 0u) << service.name;
    EXPECT_FALSE(service.is_failing);
  }
}

TEST_F(UtilitiesTest, U06_CollectorsProfileAsConfigured) {
  Open();
  MakeUtilities();
  OperationStatsCollector profiled = utilities_->MakeCollector("op", "a");
  profiled.StartOperation();
  EXPECT_NE(profiled.Finalize().cpu_nanoseconds, std::nullopt);
  config_.stats.enable_profiling = false;
  MakeUtilities();
  OperationStatsCollector plain = utilities_->MakeCollector("op", "a");
  plain.StartOperation();
  EXPECT_EQ(plain.Finalize().cpu_nanoseconds, std::nullopt);
}

TEST_F(UtilitiesTest, U01_U35_U36_StagingAndPartitionerAreBoundToTheEngine) {
  Open();
  MakeUtilities();
  ASSERT_OK_AND_ASSIGN(StagingOperationsCoordinator * staging, utilities_->Staging());
  ASSERT_OK_AND_ASSIGN(const auto operation, staging->Begin("migration", "/db/target"));
  EXPECT_TRUE(operation->directory().starts_with("/db/_viper_utilities/staging/"));
  ASSERT_OK_AND_ASSIGN(const auto plan, utilities_->Partitioner().Split({}));
  EXPECT_TRUE(plan.partitions.empty());
  // Another engine's utilities cannot have the same directory.
  EXPECT_STATUS(kBusy, "", Utilities::Make({}, *engine_));
  EXPECT_TRUE(engine_->ListCollections()->empty());
}

}  // namespace
}  // namespace viper
