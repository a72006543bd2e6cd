#include "factory/chooser.h"

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
  EXPECT_EQ(Make().ChooseProcessor(FileLayout::kTimeSeries).name, kSimilarityProcessor);
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

TEST_F(ChooserTest, F23_TheEngineGetsTheModelThatWasChosen) {
  collection_.estimated_rows = 5'000;
  Chooser chooser = Make();
  EXPECT_EQ(chooser.ChooseModel().name, "flat");
  EXPECT_EQ(chooser.configuration().engine.index_min_rows, 5'000u);
  SetExplicit("engine.index_min_rows");
  Chooser set = Make();
  EXPECT_EQ(set.ChooseModel().name, "flat");
  EXPECT_EQ(set.configuration().engine.index_min_rows, EngineOptions().index_min_rows);
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

}  // namespace
}  // namespace viper::factory
