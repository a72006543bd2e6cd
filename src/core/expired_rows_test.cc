#include "core/expired_rows.h"

#include "core/collection_fixture.h"

namespace viper::core {
namespace {

class ExpiredRows : public CollectionFixture {
 protected:
  /// A file of so many rows, of which so many expire in ten seconds, the others in an hour.
  void WriteRows(const std::string& prefix, int rows, int expiring) {
    std::vector<Record> records;
    for (int i = 0; i < rows; ++i) {
      records.push_back(At(prefix + std::to_string(i), 1, static_cast<float>(i)));
      records.back().expires_at =
          Timestamp{clock_.Now().micros + int64_t{i < expiring ? 10 : 3600} * 1'000'000};
    }
    ASSERT_OK(collection_->Upsert(records));
    ASSERT_OK(collection_->Flush());
  }

  ExpiryReport Report() {
    auto report = collection_->ReportExpiry();
    EXPECT_OK(report);
    return report.ok() ? *report : ExpiryReport{};
  }
};

TEST_F(ExpiredRows, U34_TheReportCountsWhatHasExpired) {
  Create();
  WriteRows("a", 100, 50);
  WriteRows("b", 40, 40);
  WriteRows("c", 10, 0);
  EXPECT_EQ(Report().rows, 150u);
  EXPECT_EQ(Report().expired_rows, 0u);
  clock_.AdvanceSeconds(11);
  const ExpiryReport report = Report();
  EXPECT_EQ(report.expired_rows, 90u);
  EXPECT_EQ(report.files, 3u);
  EXPECT_EQ(report.files_with_expired, 2u);
  EXPECT_EQ(report.files_all_expired, 1u);
  EXPECT_GT(report.expired_bytes, 0u);
  EXPECT_LT(report.expired_bytes, report.bytes);
  EXPECT_DOUBLE_EQ(report.expired_share(), 0.6);
}

TEST_F(ExpiredRows, U34_ACompactionOfExpiredRowsLeavesTheRest) {
  Create();
  WriteRows("a", 100, 5);
  WriteRows("b", 100, 40);
  WriteRows("c", 10, 10);
  WriteRows("d", 10, 0);
  clock_.AdvanceSeconds(11);
  CompactOptions options;
  options.expired_share_min = 0.1;
  options.dry_run = true;
  ASSERT_OK_AND_ASSIGN(const auto planned, collection_->Compact(options));
  EXPECT_EQ(planned.steps.size(), 2u);
  options.dry_run = false;
  ASSERT_OK_AND_ASSIGN(const auto report, collection_->Compact(options));
  ASSERT_EQ(report.steps.size(), 2u);
  EXPECT_EQ(report.steps[0].reason, "all rows expired");
  EXPECT_EQ(report.steps[1].reason, "40 % expired rows");
  EXPECT_EQ(report.steps[1].dropped_rows, 40u);
  EXPECT_EQ(Report().expired_rows, 5u);
  EXPECT_EQ(Report().rows, 170u);
  options.expired_share_min = 0;
  ASSERT_OK(collection_->Compact(options));
  EXPECT_EQ(Report().expired_rows, 0u);
  EXPECT_EQ(Count(), 165u);
  // Nothing has expired, whatever the age of the files.
  ASSERT_OK_AND_ASSIGN(const auto again, collection_->Compact(options));
  EXPECT_TRUE(again.steps.empty());
}

TEST_F(ExpiredRows, T14_RowsWithoutAnExpiryNeverGo) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 1, 2)));
  ASSERT_OK(collection_->Flush());
  clock_.AdvanceSeconds(int64_t{100} * 365 * 24 * 3600);
  EXPECT_EQ(Report().expired_rows, 0u);
  CompactOptions options;
  options.expired_share_min = 0;
  ASSERT_OK_AND_ASSIGN(const auto report, collection_->Compact(options));
  EXPECT_TRUE(report.steps.empty());
  EXPECT_EQ(Count(), 1u);
}

TEST_F(ExpiredRows, OptionsThatMakeNoSenseAreRefused) {
  Create();
  CompactOptions options;
  options.expired_share_min = 1.5;
  EXPECT_STATUS(kInvalidArgument, "actual=1.5", collection_->Compact(options));
  options.expired_share_min = 0.5;
  options.everything = true;
  EXPECT_STATUS(kInvalidArgument, "excludes", collection_->Compact(options));
}

}  // namespace
}  // namespace viper::core
