#include "core/operation_recorder.h"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper::core {
namespace {

TEST(OperationRecorder, NamesAreDifferent) {
  std::set<std::string_view> names;
  for (size_t kind = 0; kind < kOperationKinds; ++kind) {
    names.insert(OperationKindName(static_cast<OperationKind>(kind)));
  }
  EXPECT_EQ(names.size(), kOperationKinds);
  EXPECT_EQ(OperationKindName(OperationKind::kBackgroundCompact), "background_compact");
  EXPECT_EQ(OperationKindName(OperationKind::kSearch), "search");
}

TEST(OperationRecorder, M1_ManyThreadsAreCountedExactly) {
  OperationRecorder recorder("docs");
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (uint64_t i = 1; i <= 1000; ++i) {
        recorder.Note(OperationKind::kSearch, i, 2, i % 10 == 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const CollectionOperations operations = recorder.Read();
  ASSERT_EQ(operations.operations.size(), 1u);
  const OperationSummary& search = operations.operations[0];
  EXPECT_EQ(search.count, 4000u);
  EXPECT_EQ(search.records, 8000u);
  EXPECT_EQ(search.failures, 400u);
  EXPECT_EQ(search.total_nanoseconds, 4u * 500'500);
  EXPECT_EQ(search.max_nanoseconds, 1000u);
  EXPECT_NEAR(search.p50_nanoseconds, 500, 500.0 / 64 + 1);
  uint64_t in_buckets = 0;
  for (const LatencyBucket& bucket : search.buckets) in_buckets += bucket.count;
  EXPECT_EQ(in_buckets, 4000u);
}

TEST(OperationRecorder, O6_FieldsOfFiltersAreBounded) {
  OperationRecorder recorder("docs");
  for (size_t i = 0; i < OperationRecorder::kFilterFieldsMax + 10; ++i) {
    recorder.NoteFilter(where::Field("key" + std::to_string(i)) == Value(1));
  }
  recorder.NoteFilter(where::Field("key0") == Value(1) || where::Field("key0") == Value(2));
  recorder.NoteFilter({});
  const CollectionOperations operations = recorder.Read();
  EXPECT_EQ(operations.filter_fields.size(), OperationRecorder::kFilterFieldsMax);
  EXPECT_EQ(operations.other_filter_fields, 10u);
  EXPECT_EQ(operations.filter_fields[0].field, "key0");
  EXPECT_EQ(operations.filter_fields[0].count, 2u);
}

TEST(OperationRecorder, WithoutARecorderTheWorkIsDone) {
  EXPECT_STATUS(kNotFound, "x", Measured(nullptr, OperationKind::kGet, [] {
                  return Result<Record>(Status::NotFound("x"));
                }));
}

TEST(OperationRecorder, JsonHasWhatWasCounted) {
  OperationRecorder recorder("docs");
  recorder.Note(OperationKind::kGet, 5, 1, false);
  recorder.NoteFilter(where::Field("year") == Value(1));
  const std::string json = ToValue(recorder.Read()).ToJson();
  for (const char* part : {R"("name":"get")", R"("count":1)", R"("field":"year")",
                           R"("mean_k":null)", R"("collection":"docs")"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
  }
}

}  // namespace
}  // namespace viper::core
