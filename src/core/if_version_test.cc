#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "core/collection_fixture.h"

namespace viper::core {
namespace {

/// Writes on the condition that a record is still the one that was read.
class IfVersionTest : public CollectionFixture {
 protected:
  int64_t VersionOf(const std::string& id) {
    const auto record = collection_->Get(id);
    return record.ok() ? record->version : 0;
  }

  Result<WriteSummary> UpsertAt(const std::string& id, int64_t version, float x = 0) {
    const Record record = At(id, x, 0);
    return collection_->UpsertIfVersion(std::span(&record, 1), std::span(&version, 1));
  }

  Result<WriteSummary> DeleteAt(const std::vector<std::string>& ids,
                                const std::vector<int64_t>& versions) {
    return collection_->DeleteIfVersion(ids, versions);
  }
};

TEST_F(IfVersionTest, EveryWriteOfARecordHasAVersionOfItsOwnThoughTheClockStands) {
  Create();
  std::vector<int64_t> versions;
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  versions.push_back(VersionOf("a"));
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  versions.push_back(VersionOf("a"));
  const std::vector<std::string> ids = {"a"};
  ASSERT_OK(collection_->UpdateMetadata(ids, {.set = {{"year", 1}}}));
  versions.push_back(VersionOf("a"));
  clock_.AdvanceSeconds(-3600);
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  versions.push_back(VersionOf("a"));
  for (size_t i = 1; i < versions.size(); ++i) EXPECT_LT(versions[i - 1], versions[i]) << i;
  EXPECT_EQ(versions[0], 1'700'000'000'000'000) << "the time, where nothing stands in its way";
}

TEST_F(IfVersionTest, AVersionOutlivesFlushCompactionAndReopening) {
  Create();
  for (int i = 0; i < 4; ++i) {
    ASSERT_OK(collection_->Upsert(At(std::to_string(i), 0, 0)));
    ASSERT_OK(collection_->Flush());
  }
  const int64_t version = VersionOf("1");
  ASSERT_OK(Reopen());
  EXPECT_EQ(VersionOf("1"), version);
  ASSERT_OK(collection_->Compact());
  EXPECT_EQ(VersionOf("1"), version);
  clock_.Set(Timestamp{1});
  ASSERT_OK(Reopen());
  ASSERT_OK(UpsertAt("1", version, 5));
  EXPECT_GT(VersionOf("1"), version) << "also with a clock that was set back";
  ASSERT_OK(Reopen());
  EXPECT_GT(VersionOf("1"), version) << "from the log";
  EXPECT_STATUS(kFailedPrecondition, "'1'", UpsertAt("1", version, 6));
}

TEST_F(IfVersionTest, WhatWasWrittenSinceIsNamedAndNothingIsWritten) {
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 0, 0)}));
  const int64_t a = VersionOf("a");
  const int64_t b = VersionOf("b");
  ASSERT_OK(collection_->Upsert(At("b", 1, 0)));
  const std::vector<Record> records = {At("a", 9, 9), At("b", 9, 9)};
  const std::vector<int64_t> versions = {a, b};
  EXPECT_STATUS(kFailedPrecondition, "'b' is not of the version",
                collection_->UpsertIfVersion(records, versions));
  EXPECT_EQ(collection_->Get("a").value().vector[0], 0);
  EXPECT_STATUS(kFailedPrecondition, "expected=" + std::to_string(b),
                DeleteAt({"a", "b"}, versions));
  EXPECT_EQ(Count(), 2u);
  EXPECT_STATUS(kFailedPrecondition, "actual=none", UpsertAt("absent", 7));
  const uint64_t sequence = collection_->Statistics().last_sequence;
  EXPECT_EQ(sequence, 2u) << "the log has none of it";
}

TEST_F(IfVersionTest, VersionZeroMeansThatThereIsNoRecord) {
  Create();
  ASSERT_OK(UpsertAt("a", 0));
  EXPECT_STATUS(kFailedPrecondition, "expected=none", UpsertAt("a", 0));
  ASSERT_OK(DeleteAt({"a"}, {VersionOf("a")}));
  ASSERT_OK(UpsertAt("a", 0));
  Record expiring = At("e", 0, 0);
  expiring.expires_at = Timestamp{clock_.Now().micros + 10};
  ASSERT_OK(collection_->Upsert(expiring));
  const int64_t version = VersionOf("e");
  clock_.AdvanceMicros(10);
  EXPECT_STATUS(kFailedPrecondition, "actual=none", UpsertAt("e", version)) << "it has expired";
  ASSERT_OK(UpsertAt("e", 0));
}

TEST_F(IfVersionTest, DeletedAndWrittenAgainIsAnotherVersion) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  const int64_t version = VersionOf("a");
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  EXPECT_STATUS(kFailedPrecondition, "'a'", UpsertAt("a", version));
}

TEST_F(IfVersionTest, AFilterOnTheVersionMakesAConditionalUpdate) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  const Timestamp version{VersionOf("a")};
  ASSERT_OK_AND_ASSIGN(const Filter filter,
                       Filter::Parse("_id = 'a' AND _ingested_at = '" + version.ToString() + "'"));
  EXPECT_EQ(collection_->UpdateMetadata(filter, {.set = {{"year", 1}}})->rows, 1u);
  EXPECT_EQ(collection_->UpdateMetadata(filter, {.set = {{"year", 2}}})->rows, 0u);
}

TEST_F(IfVersionTest, ACallThatCannotHoldIsInvalid) {
  Create();
  const std::vector<Record> twice = {At("a", 0, 0), At("a", 1, 0)};
  const std::vector<int64_t> two = {0, 0};
  EXPECT_STATUS(kInvalidArgument, "comes twice", collection_->UpsertIfVersion(twice, two));
  EXPECT_STATUS(kInvalidArgument, "ids=2 versions=1",
                collection_->UpsertIfVersion(twice, std::span(two).first(1)));
  EXPECT_STATUS(kInvalidArgument, "negative", UpsertAt("a", -1));
  EXPECT_STATUS(kInvalidArgument, "comes twice", DeleteAt({"a", "a"}, {0, 0}));
  options_.read_only = true;
  ASSERT_OK(Reopen());
  EXPECT_STATUS(kFailedPrecondition, "read-only", UpsertAt("a", 0));
  EXPECT_STATUS(kFailedPrecondition, "read-only", DeleteAt({"a"}, {0}));
}

// Each thread adds one to a counter a hundred times; a lost update would be missing in the end.
TEST_F(IfVersionTest, OfConcurrentWritersOneWinsEachRound) {
  options_.background_compaction = true;
  Create();
  ASSERT_OK(collection_->Upsert(At("counter", 0, 0)));
  constexpr int kThreads = 4;
  constexpr int kRounds = 100;
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int done = 0; done < kRounds;) {
        const auto now = collection_->Get("counter");
        ASSERT_OK(now);
        const auto written = UpsertAt("counter", now->version, now->vector[0] + 1);
        if (written.ok()) {
          ++done;
          if (done % 20 == thread) {
            EXPECT_OK(collection_->Flush());
          }
        } else {
          ASSERT_EQ(written.status().code(), StatusCode::kFailedPrecondition);
          ++refused;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(collection_->Get("counter").value().vector[0], kThreads * kRounds);
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->Get("counter").value().vector[0], kThreads * kRounds);
}

TEST_F(IfVersionTest, DeletingCountsWhatWasThereAndNotWhatHadExpired) {
  Create();
  Record expiring = At("flushed", 0, 0);
  expiring.expires_at = Timestamp{clock_.Now().micros + 10};
  ASSERT_OK(collection_->Upsert(std::vector<Record>{expiring, At("alive", 0, 0)}));
  ASSERT_OK(collection_->Flush());
  expiring.id = "in memory";
  ASSERT_OK(collection_->Upsert(expiring));
  clock_.AdvanceMicros(10);
  const std::vector<std::string> ids = {"flushed", "in memory", "alive", "absent"};
  EXPECT_EQ(collection_->Delete(ids)->rows, 1u);
  EXPECT_EQ(collection_->Statistics().deleted_rows, 1u);
  EXPECT_EQ(collection_->Delete(ids)->rows, 0u);
}

}  // namespace
}  // namespace viper::core
