#include <algorithm>

#include "pipeline/compaction_fixture.h"
#include "testing/manual_clock.h"

namespace viper {
namespace {

using pipeline::ClusteredRecords;

class Attaching : public pipeline::CompactionFixture {
 protected:
  Attaching() {
    clock_.Set(Timestamp{pipeline::kTestTime});
    options_.clock = &clock_;
  }

  ManualClock clock_;
};

TEST_F(Attaching, P18_D09_AnAttachedFileIsFoundBySearchAndWasOneCommit) {
  OpenEngine();
  const auto docs = Create("docs");
  const auto records = ClusteredRecords(3000, 8, 10);
  ASSERT_OK(pipeline_->ProcessRecords("docs", records, path_));
  EXPECT_EQ(docs->Statistics().live_rows, 0u) << "the file alone is not the collection's";
  const int64_t version = docs->Statistics().table_version;
  ASSERT_OK_AND_ASSIGN(const LoadSummary loaded, pipeline_->AttachFile("docs", path_));
  EXPECT_EQ(loaded.rows_committed, 3000u);
  EXPECT_EQ(docs->Statistics().table_version, version + 1);
  ASSERT_OK_AND_ASSIGN(const Hits hits, docs->Search(records[77].vector, {.k = 1}));
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(hits[0].id, "id-77");
  EXPECT_EQ(docs->Count(Filter::Parse("category = 'c1' AND year >= 2010").value()).value(),
            static_cast<uint64_t>(std::count_if(records.begin(), records.end(), [](auto& record) {
              return *record.metadata.at("category").as_string() == "c1" &&
                     *record.metadata.at("year").as_int64() >= 2010;
            })));
  EXPECT_EQ(pipeline_->Statistics().attached_rows, 3000u);
}

TEST_F(Attaching, P18_ExpiryIsCarriedAndHidesOnTime) {
  OpenEngine();
  const auto docs = Create("docs");
  auto records = ClusteredRecords(100, 8, 2);
  for (size_t row = 0; row < 40; ++row) {
    records[row].expires_at = Timestamp{pipeline::kTestTime + 5'000'000};
  }
  ASSERT_OK(pipeline_->ProcessRecords("docs", records, path_));
  ASSERT_OK(pipeline_->AttachFile("docs", path_));
  EXPECT_EQ(docs->Count().value(), 100u);
  EXPECT_EQ(docs->Get("id-3").value().expires_at, records[3].expires_at);
  EXPECT_EQ(docs->Get("id-3").value().timestamp, records[3].timestamp);
  clock_.AdvanceMicros(4'999'999);
  EXPECT_EQ(docs->Count().value(), 100u);
  clock_.AdvanceMicros(1);
  EXPECT_EQ(docs->Count().value(), 60u);
}

TEST_F(Attaching, P18_ARecordThatNeverExpiresDoesNotAlsoWhereOthersDo) {
  OpenEngine();
  const auto docs = Create("docs");
  ASSERT_OK(docs->SetProperties({.default_ttl_ms = 1'000}));
  auto records = ClusteredRecords(3, 8, 2);
  records[1].expires_at = Timestamp::Never();
  ASSERT_OK(pipeline_->ProcessRecords("docs", records, path_));
  ASSERT_OK(pipeline_->AttachFile("docs", path_));
  EXPECT_EQ(docs->Count().value(), 3u);
  clock_.AdvanceSeconds(3600);
  EXPECT_EQ(docs->Count().value(), 1u);
  EXPECT_OK(docs->Get("id-1"));
}

TEST_F(Attaching, F20_LegacyMetadataAreFilterableAndStayWholeThroughCompaction) {
  config_.processing.layout = FileLayout::kLegacy;
  OpenEngine();
  const auto docs = Create("docs");
  auto records = ClusteredRecords(500, 8, 5);
  records[3].metadata["deep"] = Value::Object{{"a", Value::List{1, "x"}}};
  for (int half = 0; half < 2; ++half) {
    const std::string path = fmt::format("/out/{}.parquet", half);
    const std::vector<Record> part(records.begin() + half * 250,
                                   records.begin() + half * 250 + 250);
    ASSERT_OK(pipeline_->ProcessRecords("docs", part, path));
    ASSERT_OK(pipeline_->AttachFile("docs", path));
  }
  const auto matching = [&] { return docs->Count(Filter::Parse("year < 2005").value()).value(); };
  const auto expected =
      static_cast<uint64_t>(std::count_if(records.begin(), records.end(), [](const Record& record) {
        return *record.metadata.at("year").as_int64() < 2005;
      }));
  EXPECT_EQ(matching(), expected);
  ASSERT_OK(docs->Compact({.everything = true}));
  EXPECT_EQ(matching(), expected);
  std::sort(records.begin(), records.end(),
            [](const Record& a, const Record& b) { return a.id < b.id; });
  EXPECT_EQ(Contents(*docs), records);
}

TEST_F(Attaching, P18_D09_AnAttachingThatWasCutGoesOnWhereItsLastCommitWas) {
  OpenEngine();
  Create("docs");
  ASSERT_OK(pipeline_->ProcessRecords("docs", ClusteredRecords(2000, 8, 5), path_));
  files_.InjectFault({.operation = FileOperation::kSync, .path_part = "part-"});
  EXPECT_STATUS(kIoError, path_, pipeline_->AttachFile("docs", path_));
  EXPECT_EQ(Open("docs")->Count().value(), 0u);
  ASSERT_OK_AND_ASSIGN(const LoadSummary loaded, pipeline_->AttachFile("docs", path_));
  EXPECT_EQ(loaded.rows_committed, 2000u);
  ASSERT_OK(pipeline_->AttachFile("docs", path_)) << "again: the same records";
  EXPECT_EQ(Open("docs")->Count().value(), 2000u);
}

TEST_F(Attaching, P18_D09_WhatCannotBeAttachedSaysWhy) {
  ASSERT_OK_AND_ASSIGN(const auto unbound, Pipeline::Make({}, &files_));
  EXPECT_STATUS(kFailedPrecondition, "an engine is bound", unbound->AttachFile("docs", path_));
  OpenEngine();
  EXPECT_STATUS(kNotFound, "", pipeline_->AttachFile("docs", path_));
  Create("docs");
  EXPECT_STATUS(kNotFound, "", pipeline_->AttachFile("docs", path_));
  ASSERT_OK(unbound->ProcessRecords("docs", ClusteredRecords(10, 4, 2), path_));
  EXPECT_STATUS(kInvalidArgument, "expected=8 actual=4", pipeline_->AttachFile("docs", path_));
}

TEST_F(Attaching, P18_TheSchemaIsThatOfTheBoundCollection) {
  OpenEngine();
  const auto docs = Create("docs");
  auto records = ClusteredRecords(10, 8, 2);
  records[4].metadata["year"] = "not a number";
  EXPECT_STATUS(kInvalidArgument, "record 4", pipeline_->ProcessRecords("docs", records, path_));
  ASSERT_OK(pipeline_->ProcessRecords("others", records, path_)) << "nothing is declared there";
}

}  // namespace
}  // namespace viper
