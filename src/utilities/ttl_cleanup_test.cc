#include "viper/ttl_cleanup.h"

#include <limits>

#include "utilities/utilities_fixture.h"

namespace viper {
namespace {

class TtlCleanup : public UtilitiesFixture {
 protected:
  std::vector<std::string> CleanedNames(const TtlCleanupReport& report) {
    std::vector<std::string> names;
    for (const auto& cleanup : report.collections) names.push_back(cleanup.collection);
    return names;
  }
};

TEST_F(TtlCleanup, U10_TheLargestShareIsCleanedFirst) {
  Open();
  Write(*Create("a"), 1000, 100);
  Write(*Create("b"), 1000, 500);
  Write(*Create("c"), 1000, 900);
  Write(*Create("d"), 1000, 0);
  clock_.AdvanceSeconds(11);
  MakeUtilities();
  ASSERT_OK_AND_ASSIGN(const auto report, utilities_->CleanUpExpired());
  EXPECT_EQ(CleanedNames(report), (std::vector<std::string>{"c", "b", "a"}));
  EXPECT_EQ(report.looked_at, 4u);
  EXPECT_EQ(report.collections[0].removed_rows, 900u);
  EXPECT_NEAR(report.collections[0].expired_share, 0.9, 0.01);
  EXPECT_GT(report.collections[0].bytes_given_back, 0u);
  const auto log = Log();
  ASSERT_EQ(log.size(), 3u);
  EXPECT_NE(log[0].find("'c': 90 %"), std::string::npos) << log[0];
  EXPECT_NE(log[1].find("'b': 50 %"), std::string::npos) << log[1];
  EXPECT_NE(log[2].find("'a': 10 %"), std::string::npos) << log[2];
  ASSERT_OK_AND_ASSIGN(const auto collection, engine_->OpenCollection("b"));
  EXPECT_EQ(collection->Statistics().dead_rows, 0u);
  ASSERT_OK_AND_ASSIGN(const uint64_t count, collection->Count());
  EXPECT_EQ(count, 500u);
  EXPECT_EQ(utilities_->LastCleanup().collections.size(), 3u);
}

TEST_F(TtlCleanup, U10_WithoutPriorityItGoesByName) {
  Open();
  Write(*Create("a"), 100, 10);
  Write(*Create("b"), 100, 90);
  clock_.AdvanceSeconds(11);
  config_.ttl.enable_priority_scheduling = false;
  MakeUtilities();
  ASSERT_OK_AND_ASSIGN(const auto report, utilities_->CleanUpExpired());
  EXPECT_EQ(CleanedNames(report), (std::vector<std::string>{"a", "b"}));
}

TEST_F(TtlCleanup, T14_NothingGoesForItsAge) {
  Open();
  Write(*Create("a"), 100, 0);
  clock_.AdvanceSeconds(int64_t{50} * 365 * 24 * 3600);
  config_.ttl.expired_share_min = 0;
  MakeUtilities();
  ASSERT_OK_AND_ASSIGN(const auto report, utilities_->CleanUpExpired());
  EXPECT_TRUE(report.collections.empty());
  ASSERT_OK_AND_ASSIGN(const auto collection, engine_->OpenCollection("a"));
  ASSERT_OK_AND_ASSIGN(const uint64_t count, collection->Count());
  EXPECT_EQ(count, 100u);
}

TEST_F(TtlCleanup, U34_WholeFilesAreDroppedWithoutReadingThem) {
  Open();
  const auto collection = Create("a");
  Write(*collection, 100, 100);
  clock_.AdvanceSeconds(11);
  MakeUtilities();
  files_.InjectFault({.operation = FileOperation::kRead, .times = 1000, .path_part = "part-"});
  ASSERT_OK_AND_ASSIGN(const auto report, utilities_->CleanUpExpired());
  files_.ClearFaults();
  ASSERT_EQ(report.collections.size(), 1u);
  EXPECT_EQ(report.collections[0].error, std::nullopt);
  EXPECT_EQ(report.collections[0].dropped_files, 1u);
  EXPECT_EQ(report.collections[0].rewritten_files, 0u);
  EXPECT_EQ(collection->Statistics().part_count, 0u);
}

TEST_F(TtlCleanup, U09_HalfOfAFileIsRemovedInTheBackgroundAndTheRestStays) {
  Open();
  const auto collection = Create("a");
  Write(*collection, 10'000, 5'000);
  config_.ttl.cleanup_interval_ms = 1;
  MakeUtilities();
  ASSERT_OK(utilities_->StartServices());
  clock_.AdvanceSeconds(11);
  // Gone for readers at once, whatever the cleanup does.
  ASSERT_OK_AND_ASSIGN(uint64_t count, collection->Count());
  EXPECT_EQ(count, 5'000u);
  WaitFor([&] { return collection->Statistics().dead_rows == 0; });
  ASSERT_OK(utilities_->StopServices());
  ASSERT_OK_AND_ASSIGN(count, collection->Count());
  EXPECT_EQ(count, 5'000u);
  ASSERT_OK_AND_ASSIGN(const auto expiry, collection->ReportExpiry());
  EXPECT_EQ(expiry.rows, 5'000u);
}

TEST_F(TtlCleanup, AFailureIsToldAndTheOthersAreCleaned) {
  Open();
  Write(*Create("a"), 100, 90);
  Write(*Create("b"), 100, 50);
  clock_.AdvanceSeconds(11);
  MakeUtilities();
  files_.InjectFault({.operation = FileOperation::kCreate, .times = 1000, .path_part = "/a/"});
  ASSERT_OK_AND_ASSIGN(const auto report, utilities_->CleanUpExpired());
  files_.ClearFaults();
  ASSERT_EQ(report.collections.size(), 2u);
  ASSERT_TRUE(report.collections[0].error.has_value());
  EXPECT_EQ(report.collections[1].error, std::nullopt);
  EXPECT_EQ(report.collections[1].removed_rows, 50u);
}

TEST_F(TtlCleanup, U34_ClosedCollectionsAreLeftClosedIfAsked) {
  Open();
  Write(*Create("a"), 100, 90);
  clock_.AdvanceSeconds(11);
  config_.ttl.open_collections = false;
  MakeUtilities();
  ASSERT_OK_AND_ASSIGN(const auto report, utilities_->CleanUpExpired());
  EXPECT_EQ(report.looked_at, 0u);
  config_.ttl.open_collections = true;
  MakeUtilities();
  ASSERT_OK(utilities_->CleanUpExpired());
  // It can be dropped afterwards: nobody holds it.
  EXPECT_TRUE(engine_->OpenCollections().empty());
  ASSERT_OK(engine_->DropCollection("a"));
}

TEST_F(TtlCleanup, U07_U16_BadConfigsAndReadOnlyEnginesAreRefused) {
  TtlConfig config;
  config.cleanup_interval_ms = 0;
  EXPECT_STATUS(kInvalidArgument, "cleanup_interval", config.Validate());
  config = {};
  config.expired_share_min = std::numeric_limits<double>::quiet_NaN();
  EXPECT_STATUS(kInvalidArgument, "expired_share_min", config.Validate());
  Open();
  Write(*Create("a"), 10, 0);
  options_.read_only = true;
  Open();
  MakeUtilities();
  EXPECT_STATUS(kFailedPrecondition, "read-only", utilities_->CleanUpExpired());
  EXPECT_STATUS(kFailedPrecondition, "read-only", utilities_->Staging());
  ASSERT_OK(utilities_->StartServices());
  for (const ServiceHealth& service : utilities_->Services()) {
    const bool writes = service.name == "ttl_cleanup" || service.name == "staging_cleanup";
    EXPECT_EQ(service.state == ServiceState::kStopped, writes) << service.name;
  }
}

}  // namespace
}  // namespace viper
