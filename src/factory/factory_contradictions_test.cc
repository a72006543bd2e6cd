#include <gtest/gtest.h>

#include "testing/manual_clock.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"
#include "viper/factory.h"

namespace viper {
namespace {

/// What a factory makes can be used, and does what it says; what cannot be is refused by it.
class ContradictionsTest : public ::testing::Test {
 protected:
  ContradictionsTest() {
    process_.file_system = &files_;
    process_.clock = &clock_;
    clock_.Set(Timestamp{1'700'000'000'000'000});
  }

  /// With a key that looks like a time.
  static std::vector<Record> Born(size_t count) {
    std::vector<Record> records(count);
    for (size_t i = 0; i < count; ++i) {
      records[i].id = std::to_string(i);
      records[i].vector = {static_cast<float>(i), 1};
      records[i].metadata = {{"born", "2020-01-01"}};
    }
    return records;
  }
  static Factory FactoryOf(const ConfigurationBuilder& builder) {
    auto built = builder.Build();
    EXPECT_OK(built);
    return Factory(built.ok() ? *built : Configuration());
  }
  /// The reason for a choice.
  static std::string Why(const ViperComponents& made, std::string_view what) {
    for (const Choice& choice : made.choices) {
      if (choice.what == what) return choice.reason;
    }
    return "nothing was chosen of it";
  }
  static bool Has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
  }

  MemoryFileSystem files_;
  ManualClock clock_;
  EngineOptions process_;
};

TEST_F(ContradictionsTest, F20_ClusteringThatIsAskedForRulesOutATimeSeries) {
  const Factory factory = FactoryOf(ConfigurationBuilder().WithClusteringEnabled(true));
  ASSERT_OK_AND_ASSIGN(const ViperComponents guessed,
                       factory.CreateForCollection("a", {}, Born(3)));
  EXPECT_EQ(guessed.schema_strategy->name(), "viper");
  EXPECT_EQ(guessed.processor->name(), "similarity");
  EXPECT_TRUE(Has(Why(guessed, "schema_strategy"), "sorting.order=by_similarity"));
  EXPECT_OK(guessed.MakePipeline(nullptr, &files_));
  // The time field is taken from all the same.
  CollectionConfig config;
  config.time_field = "born";
  ASSERT_OK_AND_ASSIGN(const ViperComponents named, factory.CreateForCollection("a", config));
  EXPECT_EQ(named.schema_strategy->name(), "viper");
  ASSERT_OK(named.MakePipeline(nullptr, &files_));
  std::vector<Record> records = Born(1);
  ASSERT_OK(named.processor->Preprocess(records));
  EXPECT_EQ(records[0].timestamp, Timestamp::Parse("2020-01-01").value());
}

TEST_F(ContradictionsTest, F20_NoTimeSeriesWithoutPreprocessing) {
  const Factory factory =
      FactoryOf(ConfigurationBuilder().With("pipeline.processing.enable_preprocessing", false));
  ASSERT_OK_AND_ASSIGN(const ViperComponents made, factory.CreateForCollection("a", {}, Born(3)));
  EXPECT_EQ(made.schema_strategy->name(), "viper");
  EXPECT_TRUE(Has(Why(made, "schema_strategy"), "enable_preprocessing=false"));
  EXPECT_OK(made.MakePipeline(nullptr, &files_));
  CollectionConfig config;
  config.time_field = "timestamp";
  ASSERT_OK_AND_ASSIGN(const ViperComponents own, factory.CreateForCollection("a", config));
  EXPECT_OK(own.MakePipeline(nullptr, &files_));
  config.time_field = "born";
  EXPECT_STATUS(kInvalidArgument,
                "CollectionConfig::time_field='born' contradicts "
                "pipeline.processing.enable_preprocessing=false",
                factory.CreateForCollection("a", config));
}

TEST_F(ContradictionsTest, F22_NoCodecsByTrialWithoutPostprocessing) {
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", process_));
  ASSERT_OK_AND_ASSIGN(auto collection, engine.CreateCollection("a", {.dim = 2}));
  ASSERT_OK(collection->Upsert(Born(2'000)));
  ASSERT_OK(collection->Flush());
  ASSERT_OK_AND_ASSIGN(const ViperComponents tried, Factory().CreateForCollection("a", {}, engine));
  ASSERT_TRUE(tried.configuration.pipeline.flushing.enable_adaptive_compression);
  EXPECT_OK(tried.MakePipeline(nullptr, &files_));
  const Factory factory =
      FactoryOf(ConfigurationBuilder().With("pipeline.processing.enable_postprocessing", false));
  ASSERT_OK_AND_ASSIGN(const ViperComponents made, factory.CreateForCollection("a", {}, engine));
  EXPECT_FALSE(made.configuration.pipeline.flushing.enable_adaptive_compression);
  EXPECT_TRUE(Has(Why(made, "compression"), "enable_postprocessing=false"));
  EXPECT_OK(made.MakePipeline(nullptr, &files_));
}

TEST_F(ContradictionsTest, F06_F20_OldFilesHaveNoSparseVectors) {
  CollectionConfig config;
  config.legacy_files = true;
  const Factory sparse =
      FactoryOf(ConfigurationBuilder().With("pipeline.flushing.vector_format", "sparse"));
  EXPECT_STATUS(kInvalidArgument, "CollectionConfig::legacy_files",
                sparse.CreateForCollection("a", config));
  EXPECT_STATUS(kInvalidArgument, "processing.layout=legacy flushing.vector_format=sparse",
                sparse.CreateForCollection("a", config));
  // What is not set on purpose gives way, however sparse the vectors are.
  config.expected_sparsity = 0.99;
  ASSERT_OK_AND_ASSIGN(const ViperComponents made, Factory().CreateForCollection("a", config));
  EXPECT_EQ(made.configuration.pipeline.flushing.vector_format, VectorFormat::kDense);
  EXPECT_EQ(made.configuration.engine.vector_format, VectorFormat::kSparse);
  EXPECT_OK(made.MakePipeline(nullptr, &files_));
  config.legacy_files = false;
  ASSERT_OK_AND_ASSIGN(const ViperComponents typed, Factory().CreateForCollection("a", config));
  EXPECT_EQ(typed.configuration.pipeline.flushing.vector_format, VectorFormat::kSparse);
  EXPECT_OK(typed.MakePipeline(nullptr, &files_));
}

TEST_F(ContradictionsTest, F06_F11_AStrategyThatWouldBeIgnoredIsRefused) {
  const auto fixed = [](std::string schema, std::string processor) {
    return ConfigurationBuilder().WithStrategySelection(
        StrategySelection{.mode = StrategySelectionMode::kFixed,
                          .schema = std::move(schema),
                          .processor = std::move(processor)});
  };
  const auto both = FactoryOf(fixed("time_series", "similarity")).CreateForCollection("a");
  EXPECT_STATUS(kInvalidArgument, "the schema strategy 'time_series' (strategy.schema is set)",
                both);
  EXPECT_STATUS(kInvalidArgument,
                "the processor 'similarity' (strategy.processor is set) sorts by_similarity", both);
  EXPECT_STATUS(
      kInvalidArgument, "(pipeline.processing.sorting.order is set) sorts by_similarity",
      FactoryOf(fixed("time_series", "").WithClusteringEnabled(true)).CreateForCollection("a"));
  EXPECT_STATUS(kInvalidArgument,
                "strategy.schema='viper' contradicts "
                "pipeline.processing.layout=legacy",
                FactoryOf(fixed("viper", "").With("pipeline.processing.layout", "legacy"))
                    .CreateForCollection("a"));
  ASSERT_OK_AND_ASSIGN(const ViperComponents timed,
                       FactoryOf(fixed("time_series", "standard")).CreateForCollection("a"));
  EXPECT_OK(timed.MakePipeline(nullptr, &files_));
  // A layout that nobody set gives way to the processor.
  CollectionConfig config;
  config.time_field = "timestamp";
  ASSERT_OK_AND_ASSIGN(const ViperComponents similar,
                       FactoryOf(fixed("", "similarity")).CreateForCollection("a", config));
  EXPECT_EQ(similar.schema_strategy->name(), "viper");
  EXPECT_EQ(similar.processor->name(), "similarity");
  EXPECT_TRUE(Has(Why(similar, "schema_strategy"),
                  "no time series by 'timestamp': the processor 'similarity'"));
  EXPECT_OK(similar.MakePipeline(nullptr, &files_));
}

TEST_F(ContradictionsTest, F20_AKeyThatLooksLikeATimeChangesAndRefusesNoRecord) {
  const Factory factory = FactoryOf(ConfigurationBuilder().WithFilterableFields({"born"}));
  std::vector<Record> records = Born(3);
  ASSERT_OK_AND_ASSIGN(const ViperComponents made, factory.CreateForCollection("a", {}, records));
  EXPECT_EQ(made.schema_strategy->name(), "time_series");
  EXPECT_EQ(made.schema.fields, (std::vector<Field>{{"born", FieldType::kString}}));
  ASSERT_OK_AND_ASSIGN(Engine engine, made.OpenEngine("/db", process_));
  ASSERT_OK_AND_ASSIGN(auto collection, made.OpenCollection(engine));
  ASSERT_OK_AND_ASSIGN(auto pipeline, made.MakePipeline(&engine, &files_));
  const Timestamp own{1'600'000'000'000'000};
  records[0].timestamp = own;
  records[1].metadata = {{"born", "nobody knows"}};
  records[2].metadata.clear();
  ASSERT_OK(pipeline->ProcessRecords("a", records, "/files/one.parquet"));
  ASSERT_OK(pipeline->AttachFile("a", "/files/one.parquet"));
  ASSERT_OK_AND_ASSIGN(const std::vector<Record> sample, collection->Sample(10));
  ASSERT_EQ(sample.size(), 3u);
  for (const Record& record : sample) {
    const Record& written = records[static_cast<size_t>(std::stoi(record.id))];
    EXPECT_EQ(record.metadata, written.metadata) << record.id;
    if (record.id == "0") {
      EXPECT_EQ(record.timestamp, own);
    }
  }
}

}  // namespace
}  // namespace viper
