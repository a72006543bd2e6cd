#include "utilities/optimization_adviser.h"

#include <algorithm>

#include "index/clustering_fixture.h"
#include "utilities/utilities_fixture.h"

namespace viper {
namespace {

class OptimizationAdviserTest : public UtilitiesFixture {
 protected:
  OptimizationAdviserTest() { config_.compression.time_budget_ms = 0; }

  static std::vector<Record> RecordsOf(int first, int last, size_t dim = 2) {
    std::vector<Record> records;
    Random random(5);
    for (int i = first; i < last; ++i) {
      Record& record = records.emplace_back();
      record.id = "id" + std::to_string(i);
      for (size_t d = 0; d < dim; ++d) record.vector.push_back(index::Normal(random));
      record.metadata["year"] = i % 100;
    }
    return records;
  }

  OptimizationReport Look(const std::string& name, bool dry_run = true) {
    auto report = utilities_->Optimize(name, {.dry_run = dry_run});
    EXPECT_OK(report);
    return report.ok() ? *report : OptimizationReport{};
  }

  static const Recommendation* Find(const std::vector<Recommendation>& all,
                                    RecommendationType type) {
    for (const Recommendation& recommendation : all) {
      if (recommendation.type == type) return &recommendation;
    }
    return nullptr;
  }
};

TEST_F(OptimizationAdviserTest, M3_ATidyStoreGetsNoRecommendations) {
  Open();
  const auto collection = Create("a", 16);
  ASSERT_OK(collection->Upsert(RecordsOf(0, 2000, 16)));
  ASSERT_OK(collection->Flush());
  MakeUtilities();
  const auto report = Look("a");
  EXPECT_TRUE(report.recommendations.empty())
      << report.recommendations.front().action << ": " << report.recommendations.front().evidence;
  EXPECT_EQ(report.compression.source, AdviceSource::kMeasured);
  EXPECT_EQ(report.schema.rows_read, 2000u);
  EXPECT_EQ(report.partitions.partitions, 1u);
  EXPECT_FALSE(report.clusters.trials.empty());
  EXPECT_TRUE(report.compaction.planned.steps.empty());
  EXPECT_STATUS(kNotFound, "'none'", utilities_->Optimize("none"));
}

TEST_F(OptimizationAdviserTest, O5_M3_SmallFilesAndDeadRowsAreCompactedAndTheGainIsMeasured) {
  Open();
  const auto collection = Create("a");
  for (int file = 0; file < 6; ++file) {
    ASSERT_OK(collection->Upsert(RecordsOf(file * 100, file * 100 + 100)));
    ASSERT_OK(collection->Flush());
  }
  MakeUtilities();
  const auto report = Look("a");
  const Recommendation* found = Find(report.recommendations, RecommendationType::kCompaction);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(report.compaction.files_fewer, 5u);
  EXPECT_LT(found->expected, found->current);
  EXPECT_EQ(found->state, RecommendationState::kOpen);
  ASSERT_OK_AND_ASSIGN(const auto stats, utilities_->GetPerformanceStats("a"));
  EXPECT_NE(Find(stats.recommendations, RecommendationType::kCompaction), nullptr);
  ASSERT_OK_AND_ASSIGN(const auto applied, utilities_->Apply(found->id));
  EXPECT_EQ(applied.state, RecommendationState::kApplied);
  ASSERT_TRUE(applied.outcome.has_value());
  EXPECT_LT(*applied.outcome, applied.current);
  EXPECT_EQ(collection->Statistics().part_count, 1u);
  EXPECT_STATUS(kFailedPrecondition, "applied already", utilities_->Apply(found->id));
  EXPECT_STATUS(kNotFound, "77", utilities_->Apply(77));
  EXPECT_EQ(Find(Look("a").recommendations, RecommendationType::kCompaction), nullptr);
  EXPECT_EQ(utilities_->Recommendations().front().outcome, applied.outcome);
}

TEST_F(OptimizationAdviserTest, O3_O6_AKeyThatFiltersNameIsPromotedAndReadNoMore) {
  Open();
  const auto collection = Create("a");
  ASSERT_OK(collection->Upsert(RecordsOf(0, 2000)));
  ASSERT_OK(collection->Flush());
  MakeUtilities();
  EXPECT_EQ(Find(Look("a").recommendations, RecommendationType::kSchema), nullptr);
  SearchOptions options;
  ASSERT_OK_AND_ASSIGN(options.filter, Filter::Parse("year < 50"));
  for (int i = 0; i < 20; ++i) ASSERT_OK(collection->Search(std::vector<float>{1, 2}, options));
  const auto report = Look("a");
  const Recommendation* found = Find(report.recommendations, RecommendationType::kSchema);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->subject, "year");
  EXPECT_GT(found->current, 2000);
  EXPECT_EQ(found->expected, 0);
  EXPECT_EQ(found->confidence, 1);
  ASSERT_OK_AND_ASSIGN(const auto applied, utilities_->Apply(found->id));
  EXPECT_EQ(*applied.outcome, 0);
  ASSERT_NE(collection->schema().FindField("year"), nullptr);
  EXPECT_EQ(collection->schema().FindField("year")->type, FieldType::kInt64);
  ASSERT_OK_AND_ASSIGN(const SchemaReport schema, collection->ReportSchema());
  EXPECT_EQ(schema.json_bytes, 0u);
  ASSERT_OK_AND_ASSIGN(const uint64_t count, collection->Count(options.filter));
  EXPECT_EQ(count, 1000u);
  EXPECT_EQ(Find(Look("a").recommendations, RecommendationType::kSchema), nullptr);
}

TEST_F(OptimizationAdviserTest, O1_M3_ABetterWayIsAppliedAndMeasured) {
  options_.adaptive_compression = false;
  options_.compression = {.codec = Codec::kNone};
  Open();
  const auto collection = Create("a");
  auto records = RecordsOf(0, 3000);
  for (Record& record : records) record.metadata["text"] = std::string(200, 'x') + record.id;
  ASSERT_OK(collection->Upsert(records));
  ASSERT_OK(collection->Flush());
  MakeUtilities();
  const auto report = Look("a", /*dry_run=*/false);
  const Recommendation* found = Find(report.recommendations, RecommendationType::kCompression);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->state, RecommendationState::kApplied);
  EXPECT_NEAR(*found->outcome, *found->expected, 0.1 * *found->expected);
  EXPECT_LT(*found->outcome, found->current / 3);
  // Once is enough.
  EXPECT_EQ(Find(Look("a", false).recommendations, RecommendationType::kCompression), nullptr);
  const auto files = collection->Statistics().compacted_bytes;
  EXPECT_EQ(Find(Look("a", false).recommendations, RecommendationType::kCompression), nullptr);
  EXPECT_EQ(collection->Statistics().compacted_bytes, files);
}

TEST_F(OptimizationAdviserTest, O1_M3_WhatWasRecommendedIsAppliedNotWhatWasFoundSince) {
  options_.adaptive_compression = false;
  options_.compression = {.codec = Codec::kNone};
  Open();
  auto collection = Create("a", 64);
  auto records = RecordsOf(0, 2000, 64);
  for (Record& record : records) record.metadata["text"] = std::string(2'000, 'x') + record.id;
  ASSERT_OK(collection->Upsert(records));
  ASSERT_OK(collection->Flush());
  MakeUtilities();
  const auto report = Look("a");
  const Recommendation* found = Find(report.recommendations, RecommendationType::kCompression);
  ASSERT_NE(found, nullptr);
  // Other records take their place, that no way makes much smaller; and somebody asks again.
  ASSERT_OK(collection->Upsert(RecordsOf(0, 2000, 64)));
  ASSERT_OK(collection->Flush());
  ASSERT_OK(collection->Compact({.rewrite_all = true}));
  ASSERT_OK_AND_ASSIGN(const auto newest, utilities_->OptimizeCompression("a"));
  ASSERT_NE(newest.recommended_way, report.compression.recommended_way);
  ASSERT_OK(utilities_->Apply(found->id));
  const auto outcomes = utilities_->Compression().Outcomes();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].way, report.compression.recommended_way);
  EXPECT_EQ(outcomes[0].expected_ratio, *report.compression.expected_ratio);
}

TEST_F(OptimizationAdviserTest, M3_ARecommendationIsNotForTheNextCollectionOfTheName) {
  Open();
  auto collection = Create("a");
  for (int file = 0; file < 6; ++file) {
    ASSERT_OK(collection->Upsert(RecordsOf(file * 100, file * 100 + 100)));
    ASSERT_OK(collection->Flush());
  }
  MakeUtilities();
  const auto report = Look("a");
  const Recommendation* found = Find(report.recommendations, RecommendationType::kCompaction);
  ASSERT_NE(found, nullptr);
  collection.reset();
  ASSERT_OK(engine_->DropCollection("a"));
  Create("a");
  EXPECT_STATUS(kFailedPrecondition, "another one", utilities_->Apply(found->id));
}

TEST_F(OptimizationAdviserTest, O3_M3_AFieldThatCouldBeWidenedOrLeftOutDoesNotStopTheOthers) {
  Open();
  const auto collection = Create("a");
  auto records = RecordsOf(0, 2000);
  for (size_t i = 0; i < 5; ++i) records[i].metadata["price"] = 1.5;
  ASSERT_OK(collection->Upsert(records));
  ASSERT_OK(collection->Flush());
  ASSERT_OK(collection->AddFields(std::vector{Field{"price", FieldType::kInt64}}));
  SearchOptions options;
  ASSERT_OK_AND_ASSIGN(options.filter, Filter::Parse("year < 50"));
  for (int i = 0; i < 100; ++i) ASSERT_OK(collection->Search(std::vector<float>{1, 2}, options));
  MakeUtilities();
  const auto report = Look("a", /*dry_run=*/false);
  ASSERT_EQ(report.schema.fields.size(), 2u);
  ASSERT_FALSE(report.recommendations.empty());
  for (const Recommendation& told : report.recommendations) {
    EXPECT_EQ(told.state,
              told.can_be_applied ? RecommendationState::kApplied : RecommendationState::kOpen)
        << told.action;
  }
  EXPECT_NE(collection->schema().FindField("year"), nullptr);
  EXPECT_EQ(collection->schema().FindField("price")->type, FieldType::kInt64);
}

TEST_F(OptimizationAdviserTest, M3_OneThatFailsDoesNotStopTheOthers) {
  Open();
  const auto collection = Create("a");
  for (int file = 0; file < 6; ++file) {
    ASSERT_OK(collection->Upsert(RecordsOf(file * 100, file * 100 + 100)));
    ASSERT_OK(collection->Flush());
  }
  SearchOptions options;
  ASSERT_OK_AND_ASSIGN(options.filter, Filter::Parse("year < 50"));
  for (int i = 0; i < 20; ++i) ASSERT_OK(collection->Search(std::vector<float>{1, 2}, options));
  MakeUtilities();
  files_.InjectFault({.operation = FileOperation::kCreate, .times = 1, .path_part = "part-"});
  const auto report = Look("a", /*dry_run=*/false);
  files_.ClearFaults();
  const Recommendation* failed = Find(report.recommendations, RecommendationType::kCompaction);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->state, RecommendationState::kFailed);
  EXPECT_TRUE(failed->error.has_value());
  const Recommendation* other = Find(report.recommendations, RecommendationType::kSchema);
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->state, RecommendationState::kApplied);
  EXPECT_EQ(Find(utilities_->Recommendations(), RecommendationType::kCompaction)->error,
            failed->error);
}

TEST_F(OptimizationAdviserTest, O3_M3_AStaleRecommendationChangesNoField) {
  Open();
  const auto collection = Create("a");
  ASSERT_OK(collection->Upsert(RecordsOf(0, 2000)));
  ASSERT_OK(collection->Flush());
  SearchOptions options;
  ASSERT_OK_AND_ASSIGN(options.filter, Filter::Parse("year < 50"));
  for (int i = 0; i < 20; ++i) ASSERT_OK(collection->Search(std::vector<float>{1, 2}, options));
  MakeUtilities();
  const auto report = Look("a");
  const Recommendation* found = Find(report.recommendations, RecommendationType::kSchema);
  ASSERT_NE(found, nullptr);
  // The key is gone, and comes back as text.
  auto records = RecordsOf(0, 2000);
  for (Record& record : records) record.metadata.clear();
  ASSERT_OK(collection->Upsert(records));
  EXPECT_STATUS(kFailedPrecondition, "no record has", utilities_->Apply(found->id));
  for (Record& record : records) record.metadata["year"] = "many";
  ASSERT_OK(collection->Upsert(records));
  EXPECT_STATUS(kFailedPrecondition, "string", utilities_->Apply(found->id));
  ASSERT_OK(collection->Upsert(RecordsOf(0, 2000)));
  // Somebody declares it meanwhile.
  ASSERT_OK(collection->AddFields(std::vector{Field{"year", FieldType::kInt64}}));
  EXPECT_STATUS(kFailedPrecondition, "declared since", utilities_->Apply(found->id));
  EXPECT_EQ(collection->schema().FindField("year")->type, FieldType::kInt64);
}

TEST_F(OptimizationAdviserTest, O3_M3_AFieldIsWidenedOnce) {
  Open();
  const auto collection = Create("a");
  auto records = RecordsOf(0, 2000);
  records[0].metadata["year"] = 1.5;
  ASSERT_OK(collection->Upsert(records));
  ASSERT_OK(collection->Flush());
  ASSERT_OK(collection->AddFields(std::vector{Field{"year", FieldType::kInt64}}));
  MakeUtilities();
  const auto report = Look("a");
  const Recommendation* found = Find(report.recommendations, RecommendationType::kSchema);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->current, 1);
  ASSERT_OK(collection->WidenField({"year", FieldType::kFloat64}));
  EXPECT_STATUS(kFailedPrecondition, "no longer the integer", utilities_->Apply(found->id));
}

TEST_F(OptimizationAdviserTest, O4_WhatPartitionsComeToIsExpectedAsFarAsItCanBeTold) {
  Open();
  const auto skewed = Create("skewed");
  for (int file = 0; file < 7; ++file) {
    const int first = file == 0 ? 0 : 2000 + 10 * file;
    ASSERT_OK(skewed->Upsert(RecordsOf(first, file == 0 ? 2000 : first + 10)));
    ASSERT_OK(skewed->Flush());
  }
  const auto by_time = Create("by_time");
  ASSERT_OK(by_time->Upsert(RecordsOf(0, 1000)));
  ASSERT_OK(by_time->Flush());
  SearchOptions options;
  ASSERT_OK_AND_ASSIGN(options.filter, Filter::Parse("_timestamp > '2020-01-01'"));
  for (int i = 0; i < 50; ++i) ASSERT_OK(by_time->Search(std::vector<float>{1, 2}, options));
  MakeUtilities();
  const auto report = Look("skewed");
  const Recommendation* found = Find(report.recommendations, RecommendationType::kPartitioning);
  ASSERT_NE(found, nullptr);
  EXPECT_GT(found->current, 0.5);
  ASSERT_TRUE(found->expected.has_value());
  EXPECT_GT(*found->expected, 0);
  EXPECT_LT(*found->expected, 0.2);
  const auto other = Look("by_time");
  found = Find(other.recommendations, RecommendationType::kPartitioning);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->expected, std::nullopt);
  EXPECT_NE(ToValue(*found).ToJson().find(R"("expected":null)"), std::string::npos);
}

TEST_F(OptimizationAdviserTest, O2_AnIndexOfTooFewClustersIsFound) {
  options_.index_min_rows = 500;
  Open();
  const auto collection = Create("a", 8);
  auto records = RecordsOf(0, 6000, 8);
  Random random(8);
  std::vector<float> centres(200 * 8);
  for (float& component : centres) component = 50 * index::Normal(random);
  for (size_t i = 0; i < records.size(); ++i) {
    for (size_t d = 0; d < 8; ++d) records[i].vector[d] += centres[(i % 200) * 8 + d];
  }
  ASSERT_OK(collection->Upsert(records));
  ASSERT_OK(collection->Flush());
  ASSERT_OK(collection->BuildIndex());
  MakeUtilities();
  const auto report = Look("a");
  ASSERT_TRUE(report.clusters.current_clusters.has_value());
  EXPECT_LT(*report.clusters.current_clusters, 50u);
  const Recommendation* found = Find(report.recommendations, RecommendationType::kClusterCount);
  ASSERT_NE(found, nullptr);
  EXPECT_GT(*report.clusters.recommended_clusters, *report.clusters.current_clusters);
  EXPECT_LT(found->expected, 0.8 * found->current);
  EXPECT_FALSE(found->can_be_applied);
  EXPECT_STATUS(kFailedPrecondition, "for you", utilities_->Apply(found->id));
}

TEST_F(OptimizationAdviserTest, O2_ManyClustersAreComparedByASampleThatSuffices) {
  options_.index_min_rows = 500;
  options_.index_clusters = 100;
  Open();
  const auto collection = Create("a", 8);
  ASSERT_OK(collection->Upsert(RecordsOf(0, 6000, 8)));
  ASSERT_OK(collection->Flush());
  ASSERT_OK(collection->BuildIndex());
  MakeUtilities();
  // A thousand rows are enough for 50 clusters only.
  ASSERT_OK_AND_ASSIGN(const auto report, utilities_->Optimize("a", {.sample_rows = 1000}));
  ASSERT_GT(*report.clusters.current_clusters, 50u);
  EXPECT_TRUE(report.clusters.current_cost.has_value());
  EXPECT_GT(report.clusters.trials.back().clusters, *report.clusters.current_clusters);
  EXPECT_LE(report.clusters.sample_rows, 4'100u);
  EXPECT_EQ(report.clusters.reason, "");
}

TEST_F(OptimizationAdviserTest, O2_NoNumberIsNamedThatCouldNotBeCompared) {
  options_.index_min_rows = 500;
  options_.index_clusters = 200;
  Open();
  const auto collection = Create("a", 8);
  ASSERT_OK(collection->Upsert(RecordsOf(0, 2000, 8)));
  ASSERT_OK(collection->Flush());
  ASSERT_OK(collection->BuildIndex());
  MakeUtilities();
  const auto report = Look("a");
  ASSERT_GT(*report.clusters.current_clusters, 100u);
  EXPECT_FALSE(report.clusters.trials.empty());
  EXPECT_EQ(report.clusters.current_cost, std::nullopt);
  EXPECT_EQ(report.clusters.recommended_clusters, std::nullopt);
  EXPECT_NE(report.clusters.reason.find("sampled=2000"), std::string::npos)
      << report.clusters.reason;
  EXPECT_EQ(Find(report.recommendations, RecommendationType::kClusterCount), nullptr);
}

TEST_F(OptimizationAdviserTest, M3_AFailureIsToldInTheRecommendation) {
  Open();
  const auto collection = Create("a");
  for (int file = 0; file < 6; ++file) {
    ASSERT_OK(collection->Upsert(RecordsOf(file * 100, file * 100 + 100)));
    ASSERT_OK(collection->Flush());
  }
  MakeUtilities();
  const auto report = Look("a");
  const Recommendation* found = Find(report.recommendations, RecommendationType::kCompaction);
  ASSERT_NE(found, nullptr);
  files_.InjectFault({.operation = FileOperation::kCreate, .times = 1000, .path_part = "part-"});
  EXPECT_STATUS(kIoError, "", utilities_->Apply(found->id));
  files_.ClearFaults();
  const auto told = utilities_->Recommendations();
  ASSERT_EQ(told.size(), report.recommendations.size());
  EXPECT_EQ(told.front().state, RecommendationState::kFailed);
  EXPECT_TRUE(told.front().error.has_value());
  // It can be tried again.
  ASSERT_OK_AND_ASSIGN(const auto applied, utilities_->Apply(found->id));
  EXPECT_EQ(applied.state, RecommendationState::kApplied);
  EXPECT_EQ(applied.error, std::nullopt);
}

TEST_F(OptimizationAdviserTest, BadOptionsAreRefused) {
  Open();
  Create("a");
  MakeUtilities();
  EXPECT_STATUS(kInvalidArgument, "actual=5", utilities_->Optimize("a", {.sample_rows = 5}));
  EXPECT_STATUS(kInvalidArgument, "recall", utilities_->Optimize("a", {.recall = 1}));
  // An empty collection has nothing to say.
  EXPECT_TRUE(Look("a").recommendations.empty());
}

}  // namespace
}  // namespace viper
