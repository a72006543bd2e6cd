#include "factory/chooser.h"

#include <vector>

#include <gtest/gtest.h>

#include "factory/strategies.h"

namespace viper::factory {
namespace {

class ChooserTest : public ::testing::Test {
 protected:
  Chooser Make() const { return Chooser(configuration_, collection_, profile_); }
  void SetExplicit(std::string path) { configuration_.explicit_members.insert(std::move(path)); }

  Configuration configuration_;
  CollectionConfig collection_;
  DataProfile profile_;
};

TEST_F(ChooserTest, F20_TheSchemaFollowsWhatIsDeclared) {
  EXPECT_EQ(Make().ChooseSchema().name, kViperSchema);
  EXPECT_EQ(Make().ChooseSchema().origin, ChoiceOrigin::kDefault);
  profile_.time_key = "when";
  EXPECT_EQ(Make().ChooseSchema().name, kTimeSeriesSchema);
  EXPECT_EQ(Make().ChooseSchema().origin, ChoiceOrigin::kInferred);
  collection_.filterable_fields = {{"category", FieldType::kString}};
  EXPECT_EQ(Make().ChooseSchema().name, kViperSchema);
  EXPECT_EQ(Make().ChooseSchema().origin, ChoiceOrigin::kCollection);
  collection_.time_field = "seen";
  EXPECT_EQ(Make().ChooseSchema().name, kTimeSeriesSchema);
  EXPECT_NE(Make().ChooseSchema().reason.find("'seen'"), std::string::npos);
  collection_.time_field.reset();
  collection_.legacy_files = true;
  EXPECT_EQ(Make().ChooseSchema().name, kLegacySchema);
}

TEST_F(ChooserTest, F20_NothingInferredContradictsWhatIsConfigured) {
  profile_.time_key = "when";
  configuration_.pipeline.processing.sorting.order = SortingOrder::kBySimilarity;
  Decision decision = Make().ChooseSchema();
  EXPECT_EQ(decision.name, kViperSchema);
  EXPECT_NE(decision.reason.find("no time series by 'when': "
                                 "pipeline.processing.sorting.order=by_similarity"),
            std::string::npos);
  collection_.time_field = "seen";
  decision = Make().ChooseSchema();
  EXPECT_EQ(decision.name, kViperSchema);
  EXPECT_NE(decision.reason.find("no time series by 'seen'"), std::string::npos);
  configuration_.pipeline.processing = {};
  configuration_.pipeline.processing.enable_preprocessing = false;
  EXPECT_EQ(Make().ChooseSchema().name, kViperSchema);
  configuration_ = {};
  Chooser chooser = Make();
  EXPECT_EQ(chooser.ChooseSchema().name, kTimeSeriesSchema);
  chooser.RuleOutTimeSeries("the rows have an order");
  EXPECT_NE(chooser.ChooseSchema().reason.find("the rows have an order"), std::string::npos);
}

TEST_F(ChooserTest, F20_WhatIsSetOnPurposeWins) {
  collection_.legacy_files = true;
  configuration_.pipeline.processing.layout = FileLayout::kTimeSeries;
  EXPECT_EQ(Make().ChooseSchema().name, kLegacySchema);
  SetExplicit("pipeline.processing.layout");
  EXPECT_EQ(Make().ChooseSchema().name, kTimeSeriesSchema);
  EXPECT_EQ(Make().ChooseSchema().origin, ChoiceOrigin::kExplicit);
  configuration_.strategy = {.mode = StrategySelectionMode::kFixed, .schema = "viper"};
  EXPECT_EQ(Make().ChooseSchema().name, kViperSchema);
}

TEST_F(ChooserTest, F21_TheProcessorFollowsSizeUseAndLayout) {
  EXPECT_EQ(Make().ChooseProcessor(FileLayout::kViper).name, kStandardProcessor);
  collection_.estimated_rows = 9'999;
  EXPECT_EQ(Make().ChooseProcessor(FileLayout::kViper).name, kStandardProcessor);
  collection_.estimated_rows = 10'000;
  EXPECT_EQ(Make().ChooseProcessor(FileLayout::kViper).name, kSimilarityProcessor);
  EXPECT_EQ(Make().ChooseProcessor(FileLayout::kTimeSeries).name, kTimeSeriesProcessor);
  collection_.similarity_share = 0.4;
  EXPECT_EQ(Make().ChooseProcessor(FileLayout::kViper).name, kStandardProcessor);
  configuration_.pipeline.processing.sorting.order = SortingOrder::kBySimilarity;
  SetExplicit("pipeline.processing.sorting.order");
  EXPECT_EQ(Make().ChooseProcessor(FileLayout::kViper).name, kSimilarityProcessor);
  // A time series is not sorted so: none is inferred.
  profile_.time_key = "when";
  EXPECT_EQ(Make().ChooseSchema().name, kViperSchema);
}

TEST_F(ChooserTest, F21_RowsThatStayAsTheyCameAreNotSaidToBeSorted) {
  collection_.estimated_rows = 1'000'000;
  configuration_.pipeline.processing.enable_preprocessing = false;
  const Decision decision = Make().ChooseProcessor(FileLayout::kViper);
  EXPECT_EQ(decision.name, kStandardProcessor);
  EXPECT_NE(decision.reason.find("enable_preprocessing=false"), std::string::npos);
}

TEST_F(ChooserTest, F11_AModelDecidesByHowRecordsCluster) {
  configuration_.strategy.mode = StrategySelectionMode::kModelGuided;
  collection_.estimated_rows = 1'000'000;
  profile_.sampled_rows = 2'000;
  profile_.cluster_tendency = 0.02;
  EXPECT_EQ(Make().ChooseProcessor(FileLayout::kViper).name, kStandardProcessor);
  EXPECT_NE(Make().ChooseProcessor(FileLayout::kViper).reason.find("0.020"), std::string::npos);
  profile_.cluster_tendency = 0.4;
  EXPECT_EQ(Make().ChooseProcessor(FileLayout::kViper).name, kSimilarityProcessor);
  profile_.cluster_tendency.reset();
  EXPECT_NE(Make().ChooseProcessor(FileLayout::kViper).reason.find("no model was asked"),
            std::string::npos);
}

TEST_F(ChooserTest, F23_ModelsFollowTheSize) {
  const auto model_of = [this](std::optional<uint64_t> rows) {
    collection_.estimated_rows = rows;
    return Make().ChooseModel().name;
  };
  EXPECT_EQ(model_of(std::nullopt), "by size");
  EXPECT_EQ(model_of(500), "none");
  EXPECT_EQ(model_of(50'000), "flat");
  EXPECT_EQ(model_of(2'000'000), "two-level");
  configuration_.engine.index_clusters = 12;
  SetExplicit("engine.index_clusters");
  EXPECT_EQ(model_of(2'000'000), "12 clusters");
  configuration_.engine.enable_clustering = false;
  SetExplicit("engine.enable_clustering");
  EXPECT_EQ(model_of(2'000'000), "none");
}

TEST_F(ChooserTest, F23_NoModelIsChosenThatTheEngineWouldNotTrain) {
  collection_.estimated_rows = 5'000;
  EXPECT_EQ(Make().ChooseModel().name, "flat");
  configuration_.engine.index_min_rows = 10'000;
  SetExplicit("engine.index_min_rows");
  const Decision none = Make().ChooseModel();
  EXPECT_EQ(none.name, "none");
  EXPECT_EQ(none.origin, ChoiceOrigin::kExplicit);
  EXPECT_NE(none.reason.find("engine.index_min_rows=10000"), std::string::npos);
}

TEST_F(ChooserTest, F23_AModelIsWhatTheEngineWillHave) {
  configuration_.engine.index_clusters = 1'200;
  SetExplicit("engine.index_clusters");
  EXPECT_EQ(Make().ChooseModel().name, "1200 clusters");
  // Too few rows for any model; then hardly enough.
  collection_.estimated_rows = 500;
  EXPECT_EQ(Make().ChooseModel().name, "none");
  collection_.estimated_rows = 1'100;
  EXPECT_EQ(Make().ChooseModel().name, "1100 clusters");
  // Off, whoever set it.
  configuration_.engine.index_clusters = 0;
  configuration_.engine.enable_clustering = false;
  EXPECT_EQ(Make().ChooseModel().name, "none");
  EXPECT_EQ(Make().ChooseModel().origin, ChoiceOrigin::kDefault);
  configuration_.engine.enable_clustering = true;
  configuration_.engine.background_index = false;
  collection_.estimated_rows = 50'000;
  EXPECT_NE(Make().ChooseModel().reason.find("only Collection::BuildIndex"), std::string::npos);
}

StorageTrial TrialOf(const StorageWay& way, uint64_t bytes) { return {.way = way, .bytes = bytes}; }

TEST_F(ChooserTest, F22_TheCodecThatIsTriedIsTheOneThatIsDecidedOn) {
  configuration_.engine.compression = {.codec = Codec::kLz4};
  configuration_.pipeline.flushing.compression = {.codec = Codec::kZstd, .level = 9};
  configuration_.pipeline.flushing.storage_policy = StoragePolicy::kSpeed;
  Chooser chooser = Make();
  const std::vector<StorageWay> ways = chooser.CompressionWays();
  ASSERT_EQ(ways.size(), 2u);
  EXPECT_EQ(ways[0], (StorageWay{.policy = StoragePolicy::kSpeed}));
  EXPECT_EQ(ways[1].compression, configuration_.pipeline.flushing.compression);
  const Decision fixed =
      chooser.ChooseCompression(std::vector{TrialOf(ways[0], 100), TrialOf(ways[1], 90)});
  EXPECT_EQ(fixed.name, "zstd:9");
  EXPECT_NE(fixed.reason.find("90 with zstd:9"), std::string::npos);
  EXPECT_FALSE(chooser.configuration().pipeline.flushing.enable_adaptive_compression);
  EXPECT_EQ(chooser.ChooseCompression(std::vector{TrialOf(ways[0], 80), TrialOf(ways[1], 90)}).name,
            "adaptive");
  EXPECT_TRUE(chooser.configuration().pipeline.flushing.enable_adaptive_compression);
  EXPECT_NE(Make().ChooseCompression(std::vector{TrialOf(ways[0], 80)}).reason.find("time"),
            std::string::npos);
}

TEST_F(ChooserTest, F22_EachPathIsToldWithItsOwnValue) {
  configuration_.engine.adaptive_compression = false;
  configuration_.engine.compression = {.codec = Codec::kLz4};
  SetExplicit("engine.adaptive_compression");
  const Decision engine = Make().ChooseEngineCompression();
  EXPECT_EQ(engine.name, "lz4");
  EXPECT_EQ(engine.reason, "engine.adaptive_compression is set");
  // The pipeline's is its own.
  const std::vector<StorageWay> ways = Make().CompressionWays();
  const std::vector trials = {TrialOf(ways[0], 80), TrialOf(ways[1], 90)};
  EXPECT_EQ(Make().ChooseCompression(trials).name, "adaptive");
  SetExplicit("pipeline.flushing.enable_adaptive_compression");
  const Decision pipeline = Make().ChooseCompression(trials);
  EXPECT_EQ(pipeline.name, "zstd:3");
  EXPECT_EQ(pipeline.reason, "pipeline.flushing.enable_adaptive_compression is set");
}

TEST_F(ChooserTest, FieldsAreThoseDeclaredAndThoseNamedThatTheRecordsKnow) {
  collection_.filterable_fields = {{"year", FieldType::kFloat64}};
  configuration_.engine.filterable_fields = {"year", "category", "unseen"};
  profile_.keys = {{{"category", FieldType::kString}, 1.0}, {{"year", FieldType::kInt64}, 1.0}};
  EXPECT_EQ(Make().Fields(),
            (std::vector<Field>{{"year", FieldType::kFloat64}, {"category", FieldType::kString}}));
}

TEST_F(ChooserTest, TheVectorFormatTellsItsEvidence) {
  EXPECT_EQ(Make().ChooseVectorFormat().origin, ChoiceOrigin::kDefault);
  profile_.zero_share = 0.95;
  EXPECT_NE(Make().ChooseVectorFormat().reason.find("95.0 % of the components are zero, above"),
            std::string::npos);
  collection_.expected_sparsity = 0.1;
  EXPECT_EQ(Make().ChooseVectorFormat().origin, ChoiceOrigin::kCollection);
}

TEST_F(ChooserTest, F22_TheVectorFormatFollowsTheZeros) {
  const auto format_of = [this](double share) {
    collection_.expected_sparsity = share;
    Chooser chooser = Make();
    const std::string name = chooser.ChooseVectorFormat().name;
    EXPECT_EQ(VectorFormatName(chooser.configuration().pipeline.flushing.vector_format), name);
    EXPECT_EQ(chooser.ChooseEngineVectorFormat().name, name);
    EXPECT_EQ(VectorFormatName(chooser.configuration().engine.vector_format), name);
    return name;
  };
  EXPECT_EQ(format_of(0.95), "sparse");
  EXPECT_EQ(format_of(0.3), "adaptive");
  EXPECT_EQ(format_of(0.01), "dense");
  // A few records without zeros tell nothing of the others.
  collection_.expected_sparsity.reset();
  profile_.zero_share = 0;
  profile_.sampled_rows = 10;
  EXPECT_EQ(Make().ChooseVectorFormat().name, "adaptive");
  profile_.sampled_rows = 1'000;
  EXPECT_EQ(Make().ChooseVectorFormat().name, "dense");
  // Each side has a threshold of its own, and what is set on purpose stays.
  collection_.expected_sparsity = 0.6;
  configuration_.pipeline.flushing.sparsity_threshold = 0.8;
  EXPECT_EQ(Make().ChooseVectorFormat().name, "adaptive");
  EXPECT_EQ(Make().ChooseEngineVectorFormat().name, "sparse");
  configuration_.engine.vector_format = VectorFormat::kDense;
  SetExplicit("engine.vector_format");
  EXPECT_EQ(Make().ChooseEngineVectorFormat().name, "dense");
  EXPECT_EQ(Make().ChooseEngineVectorFormat().origin, ChoiceOrigin::kExplicit);
}

}  // namespace
}  // namespace viper::factory
