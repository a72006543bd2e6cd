#include "storage/table_retention.h"

#include <limits>
#include <map>

#include "base/limits.h"
#include "storage/table_test_log.h"
#include "testing/memory_file_system.h"

namespace viper::storage {
namespace {

constexpr const char* kFiles = "delta.deletedFileRetentionDuration";
constexpr const char* kLog = "delta.logRetentionDuration";
constexpr int64_t kHour = int64_t{3600} * 1000;

TableMetadata WithProperties(std::map<std::string, std::string> properties) {
  TableMetadata metadata;
  metadata.configuration = std::move(properties);
  return metadata;
}

TEST(TableRetention, IntervalsAreReadInEveryFormThatOtherEnginesWrite) {
  const std::map<std::string, int64_t> intervals = {
      {"interval 1 week", 7 * kTestDay},
      {"7 days", 7 * kTestDay},
      {"interval 2 hours 30 minutes", 2 * kHour + kHour / 2},
      {"INTERVAL 30 Days", 30 * kTestDay},
      {"  interval\t1  day \n 1 second ", kTestDay + 1000},
      {"interval 604800000 milliseconds", 7 * kTestDay},
      {"interval 1 millisecond", 1},
      {"interval 1500 microseconds", 2},
      {"interval 1 nanosecond", 1},
      {"interval 0 nanoseconds", 0},
      {"0 weeks", 0},
      {"interval +1 day -2 hours", 22 * kHour},
      {"interval -1 day 1 day", 0},
      {"interval 36525 days", kRetentionMsMax},
      {"interval 99999999 weeks", kRetentionMsMax},
      {"interval 9223372036854775807 days 9223372036854775807 days", kRetentionMsMax}};
  for (const auto& [text, milliseconds] : intervals) {
    EXPECT_EQ(ParseInterval(text), milliseconds) << text;
  }
}

TEST(TableRetention, WhatIsNoIntervalIsReadAsNone) {
  for (const char* text : {"",
                           " ",
                           "interval",
                           "a while",
                           "1",
                           "day",
                           "interval 1",
                           "interval day",
                           "1 1 day",
                           "interval 1 month",
                           "1 year",
                           "interval 1 day 2",
                           "interval 1.5 seconds",
                           "1d",
                           "interval interval 1 day",
                           "interval -1 day",
                           "1 day -25 hours",
                           "interval +-1 day",
                           "99999999999999999999 days",
                           "interval 1 dayss",
                           "interval 1 s",
                           "interval '1' day"}) {
    EXPECT_EQ(ParseInterval(text), std::nullopt) << text;
  }
}

TEST(TableRetention, FilesAndLogHaveOneEach) {
  EXPECT_EQ(ReadRetention(WithProperties({{kFiles, "interval 1 day"}})).files_ms, kTestDay);
  EXPECT_EQ(ReadRetention(WithProperties({{kFiles, "interval 1 day"}})).log_ms, std::nullopt);
  const TableRetention both =
      ReadRetention(WithProperties({{kFiles, "interval 1 day"}, {kLog, "interval 1 week"}}));
  EXPECT_EQ(both.files_ms, kTestDay);
  EXPECT_EQ(both.log_ms, 7 * kTestDay);
  EXPECT_TRUE(both.unreadable.empty());
}

TEST(TableRetention, WhatCannotBeReadIsKeptForTheLongestTimeAndNamed) {
  const TableRetention retention =
      ReadRetention(WithProperties({{kFiles, "a while"}, {kLog, "interval 1 month"}}));
  EXPECT_EQ(retention.files_ms, kRetentionMsMax);
  EXPECT_EQ(retention.log_ms, kRetentionMsMax);
  EXPECT_EQ(retention.unreadable,
            (std::vector<std::string>{"delta.deletedFileRetentionDuration='a while'",
                                      "delta.logRetentionDuration='interval 1 month'"}));
}

TEST(TableRetention, IsWrittenForFilesAndLogInTheOneFormThatAllRead) {
  TableMetadata metadata = WithProperties({{"other", "x"}});
  WriteRetention(7 * kTestDay, metadata);
  EXPECT_EQ(metadata.configuration,
            (std::map<std::string, std::string>{{"other", "x"},
                                                {kFiles, "interval 604800000 milliseconds"},
                                                {kLog, "interval 604800000 milliseconds"}}));
  EXPECT_EQ(ReadRetention(metadata).files_ms, 7 * kTestDay);
  WriteRetention(std::nullopt, metadata);
  EXPECT_EQ(metadata, WithProperties({{"other", "x"}}));
}

TEST(TableRetention, TheWordsOfOthersStayWhereTheyMeanWhatIsWritten) {
  for (const TableMetadata& theirs :
       {WithProperties({{kFiles, "1 Week"}, {kLog, "interval 3 days"}}),
        WithProperties({{kLog, "interval 3 days"}}), WithProperties({{kFiles, "a while"}})}) {
    TableMetadata metadata = theirs;
    WriteRetention(ReadRetention(metadata).files_ms, metadata);
    EXPECT_EQ(metadata, theirs);
  }
}

TEST(TableRetention, TheLogIsKeptAsLongAsTheFilesAndAnHourAtTheLeast) {
  const TableLogOptions options = {.log_retention_ms = 2 * kTestDay, .retained_versions = 10};
  const int64_t now = 100 * kTestDay;
  const auto kept = [&](const TableRetention& retention) {
    return KeptLog(retention, options, 50, now);
  };
  EXPECT_EQ(kept({}).expired_before_ms, now - 2 * kTestDay);
  EXPECT_EQ(kept({}).oldest_kept_version, 41);
  EXPECT_EQ(kept({.files_ms = 9 * kTestDay}).expired_before_ms, now - 9 * kTestDay);
  EXPECT_EQ(kept({.files_ms = 9 * kTestDay}).oldest_kept_version, 0) << "however many there are";
  EXPECT_EQ(kept({.files_ms = 9 * kTestDay, .log_ms = 3}).expired_before_ms, now - 9 * kTestDay);
  EXPECT_EQ(kept({.files_ms = 3, .log_ms = 9 * kTestDay}).expired_before_ms, now - 9 * kTestDay);
  EXPECT_EQ(kept({.files_ms = 0}).expired_before_ms, now - kHour);
  EXPECT_EQ(kept({.log_ms = 9 * kTestDay}).expired_before_ms, now - 9 * kTestDay);
  EXPECT_EQ(kept({.log_ms = 3}).expired_before_ms, now - 2 * kTestDay) << "as the files are";
}

TEST(TableRetention, ACheckpointKeepsLogAndTombstonesByThePropertiesOfItsState) {
  for (const bool says_it : {true, false}) {
    MemoryFileSystem file_system;
    TableState state = MakeTestTable(file_system, 12);
    if (says_it) WriteRetention(1000 * kTestDay, state.metadata);
    const auto log = OpenTestLog(
        file_system,
        {.log_retention_ms = kTestDay, .retained_versions = 1, .tombstone_retention_ms = kTestDay});
    ASSERT_OK(log->WriteCheckpoint(state, 100 * kTestDay));
    const auto first = file_system.Exists(CommitPath(kTestTable, 0));
    ASSERT_OK(first);
    EXPECT_EQ(*first, says_it);
    ASSERT_OK_AND_ASSIGN(const TableState loaded, OpenTestLog(file_system)->Load());
    EXPECT_EQ(loaded.tombstones.size(), says_it ? 7u : 0u);
  }
}

}  // namespace
}  // namespace viper::storage
