#include "viper/factory.h"

#include <map>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "base/random.h"
#include "testing/manual_clock.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper {
namespace {

class FactoryTest : public ::testing::Test {
 protected:
  FactoryTest() {
    process_.file_system = &files_;
    process_.clock = &clock_;
    clock_.Set(Timestamp{1'700'000'000'000'000});
  }

  static std::vector<Record> Records(size_t count) {
    std::vector<Record> records(count);
    for (size_t i = 0; i < count; ++i) {
      records[i].id = std::to_string(i);
      records[i].vector = {static_cast<float>(i % 7), static_cast<float>(i % 5), 1};
      records[i].metadata = {{"category", i % 2 == 0 ? "even" : "odd"}};
    }
    return records;
  }

  static const Choice& ChoiceOf(const ViperComponents& components, std::string_view what) {
    for (const Choice& choice : components.choices) {
      if (choice.what == what) return choice;
    }
    ADD_FAILURE() << "nothing was chosen of " << what;
    return components.choices.front();
  }

  MemoryFileSystem files_;
  ManualClock clock_;
  EngineOptions process_;
};

TEST_F(FactoryTest, F03_F04_WorksWithNothingAndTellsReasons) {
  const Factory factory;
  ASSERT_OK_AND_ASSIGN(const ViperComponents made, factory.CreateForCollection("embeddings"));
  EXPECT_EQ(made.schema_strategy->name(), "viper");
  EXPECT_EQ(made.processor->name(), "standard");
  std::set<std::string> chosen;
  for (const Choice& choice : made.choices) {
    chosen.insert(choice.what);
    EXPECT_FALSE(choice.reason.empty()) << choice.what;
  }
  EXPECT_TRUE(chosen.contains("schema_strategy") && chosen.contains("processor") &&
              chosen.contains("model") && chosen.contains("vector_format"));
  EXPECT_NE(made.Describe().find("embeddings: clustering adaptive"), std::string::npos);
  EXPECT_NE(made.Describe().find("schema_strategy: viper (default: "), std::string::npos);
}

TEST_F(FactoryTest, F01_TheComponentsWorkTogether) {
  const Factory factory;
  const std::vector<Record> records = Records(50);
  CollectionConfig config;
  config.metric = Metric::kL2;
  config.filterable_fields = {{"category", FieldType::kString}};
  ASSERT_OK_AND_ASSIGN(const ViperComponents made,
                       factory.CreateForCollection("embeddings", config, records));
  ASSERT_OK_AND_ASSIGN(Engine engine, made.OpenEngine("/db", process_));
  ASSERT_OK_AND_ASSIGN(auto collection, made.OpenCollection(engine));
  EXPECT_EQ(collection->schema().dim, 3u);
  EXPECT_EQ(collection->schema().metric, Metric::kL2);
  ASSERT_OK_AND_ASSIGN(auto pipeline, made.MakePipeline(&engine, &files_));
  ASSERT_OK_AND_ASSIGN(const ProcessResult written,
                       pipeline->ProcessRecords("embeddings", records, "/files/one.parquet"));
  EXPECT_EQ(written.entries_flushed, 50u);
  EXPECT_EQ(written.processor, made.processor->name());
  EXPECT_EQ(written.layout, made.schema_strategy->layout());
  ASSERT_OK_AND_ASSIGN(auto utilities, made.MakeUtilities(engine));
  // The collection is found again, and looked at.
  ASSERT_OK(collection->Upsert(records));
  ASSERT_OK_AND_ASSIGN(const ViperComponents again,
                       factory.CreateForCollection("embeddings", {}, engine));
  EXPECT_EQ(again.profile.rows, 50u);
  EXPECT_EQ(again.schema, collection->schema());
}

TEST_F(FactoryTest, F14_F15_F20_F21_NamesAreThoseOfWhatIsUsed) {
  const Factory factory;
  CollectionConfig timed;
  timed.time_field = "timestamp";
  ASSERT_OK_AND_ASSIGN(const ViperComponents series, factory.CreateForCollection("a", timed));
  EXPECT_EQ(series.schema_strategy->name(), "time_series");
  EXPECT_EQ(series.processor->name(), "time_series");
  EXPECT_EQ(series.configuration.pipeline.processing.layout, FileLayout::kTimeSeries);
  std::vector<Record> records(2);
  records[0].timestamp = Timestamp{1};
  records[1].id = "undated";
  EXPECT_STATUS(kInvalidArgument, "record 1 (id 'undated') has no timestamp",
                series.processor->Preprocess(records));
  CollectionConfig legacy;
  legacy.legacy_files = true;
  ASSERT_OK_AND_ASSIGN(const ViperComponents old, factory.CreateForCollection("b", legacy));
  EXPECT_EQ(old.schema_strategy->name(), "legacy");
  EXPECT_EQ(old.configuration.pipeline.processing.layout, FileLayout::kLegacy);
  CollectionConfig large;
  large.estimated_rows = 1'000'000;
  large.similarity_share = 0.9;
  ASSERT_OK_AND_ASSIGN(const ViperComponents similar, factory.CreateForCollection("c", large));
  EXPECT_EQ(similar.processor->name(), "similarity");
}

TEST_F(FactoryTest, F11_UnknownNamesListTheKnownOnes) {
  const auto with = [](StrategySelection selection) {
    return Factory(
        ConfigurationBuilder().WithStrategySelection(std::move(selection)).Build().value());
  };
  const StrategySelectionMode fixed = StrategySelectionMode::kFixed;
  ASSERT_OK_AND_ASSIGN(const ViperComponents made,
                       with({.mode = fixed, .schema = "legacy", .processor = "similarity"})
                           .CreateForCollection("a"));
  EXPECT_EQ(made.schema_strategy->name(), "legacy");
  EXPECT_EQ(made.processor->name(), "similarity");
  EXPECT_EQ(ChoiceOf(made, "processor").origin, ChoiceOrigin::kExplicit);
  EXPECT_STATUS(kNotFound,
                "no schema strategy 'best' of the library; there are: viper, legacy, time_series",
                with({.mode = fixed, .schema = "best"}).CreateForCollection("a"));
  EXPECT_STATUS(kNotFound,
                "no processor 'best' of the library; there are: standard, similarity, time_series",
                with({.mode = fixed, .processor = "best"}).CreateForCollection("a"));
  EXPECT_STATUS(kNotFound, "no processor 'similarity' that is registered; there are: none",
                with({.mode = StrategySelectionMode::kUserDefined, .processor = "similarity"})
                    .CreateForCollection("a"));
}

TEST_F(FactoryTest, F22_UnlikeColumnsAreCompressedUnlike) {
  const Factory factory;
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", process_));
  const auto choices_of = [&](const std::string& name, const auto& fill) {
    CollectionSchema schema;
    schema.dim = 64;
    schema.metric = Metric::kL2;
    auto collection = engine.CreateCollection(name, schema).value();
    std::vector<Record> records(2000);
    Random random(1);
    for (size_t i = 0; i < records.size(); ++i) {
      records[i].id = std::to_string(i);
      records[i].vector.resize(64);
      fill(random, i, records[i]);
    }
    EXPECT_OK(collection->Upsert(records));
    EXPECT_OK(collection->Flush());
    auto made = factory.CreateForCollection(name, {}, engine);
    EXPECT_OK(made);
    std::map<std::string, std::string> choices;
    for (const Choice& choice : made->choices) choices[choice.what] = choice.chosen;
    EXPECT_EQ(ChoiceOf(*made, "compression").origin, ChoiceOrigin::kInferred);
    return choices;
  };
  const auto noise = choices_of("noise", [](Random& random, size_t, Record& record) {
    for (float& x : record.vector) x = static_cast<float>(random.UniformDouble());
  });
  const auto sparse = choices_of("sparse", [](Random& random, size_t, Record& record) {
    for (int k = 0; k < 3; ++k) record.vector[random.Uniform(64)] = 1;
  });
  const auto text = choices_of("text", [](Random&, size_t i, Record& record) {
    record.vector[0] = 1;
    record.metadata["text"] = "the same words again and again " + std::to_string(i % 7);
  });
  EXPECT_EQ(noise.at("compression"), "adaptive");
  EXPECT_TRUE(sparse.contains("compression of _sparse.indices.list.element") ||
              sparse.at("compression of _vector.list.element") !=
                  noise.at("compression of _vector.list.element"));
  EXPECT_NE(noise.at("compression of _payload"), text.at("compression of _payload"));
}

class Reverser : public RecordProcessor {
 public:
  std::string_view name() const override { return "reverser"; }
  Status Preprocess(std::vector<Record>& records) override {
    std::reverse(records.begin(), records.end());
    return {};
  }
  SortingStrategy Sorting(const SortingStrategy&) const override {
    return {.order = SortingOrder::kNone};
  }
};

class Renamer : public SchemaStrategy {
 public:
  std::string_view name() const override { return "renamer"; }
  FileLayout layout() const override { return FileLayout::kViper; }
  CollectionSchema MakeSchema(const CollectionSchema& known,
                              const DataProfile& profile) const override {
    CollectionSchema schema = known;
    for (const auto& key : profile.keys) schema.fields.push_back(key.field);
    return schema;
  }
};

TEST_F(FactoryTest, F01_F11_UsersBringTheirOwn) {
  Factory factory(
      ConfigurationBuilder()
          .WithStrategySelection(StrategySelection{.mode = StrategySelectionMode::kUserDefined,
                                                   .schema = "renamer",
                                                   .processor = "reverser"})
          .Build()
          .value());
  ASSERT_OK(factory.RegisterSchemaStrategy(std::make_shared<Renamer>()));
  const ProcessorMaker maker = [](const auto&, const auto&, const auto&) {
    return Result<std::shared_ptr<RecordProcessor>>(std::make_shared<Reverser>());
  };
  ASSERT_OK(factory.RegisterProcessor("reverser", maker));
  EXPECT_STATUS(kAlreadyExists, "'reverser'", factory.RegisterProcessor("reverser", maker));
  EXPECT_STATUS(kAlreadyExists, "'viper'", [&] {
    class Viper : public Renamer {
      std::string_view name() const override { return "viper"; }
    };
    return factory.RegisterSchemaStrategy(std::make_shared<Viper>());
  }());
  EXPECT_STATUS(kInvalidArgument, "name", factory.RegisterProcessor("", maker));
  EXPECT_EQ(factory.Processors().back(), "reverser");
  EXPECT_EQ(factory.SchemaStrategies().back(), "renamer");
  ASSERT_OK_AND_ASSIGN(const ViperComponents made,
                       factory.CreateForCollection("a", {}, Records(10)));
  EXPECT_EQ(made.processor->name(), "reverser");
  EXPECT_EQ(made.schema.fields, (std::vector<Field>{{"category", FieldType::kString}}));
}

TEST_F(FactoryTest, F11_FixedNamesTheLibrarysAndUserDefinedTheUsers) {
  const auto create = [](StrategySelection selection) {
    Factory factory(
        ConfigurationBuilder().WithStrategySelection(std::move(selection)).Build().value());
    EXPECT_OK(factory.RegisterSchemaStrategy(std::make_shared<Renamer>()));
    EXPECT_OK(factory.RegisterProcessor("reverser", [](const auto&, const auto&, const auto&) {
      return Result<std::shared_ptr<RecordProcessor>>(std::make_shared<Reverser>());
    }));
    return factory.CreateForCollection("a");
  };
  const StrategySelectionMode fixed = StrategySelectionMode::kFixed;
  const StrategySelectionMode own = StrategySelectionMode::kUserDefined;
  EXPECT_OK(create({.mode = fixed, .schema = "viper", .processor = "similarity"}));
  EXPECT_STATUS(kNotFound, "'renamer' of the library; there are: viper, legacy, time_series",
                create({.mode = fixed, .schema = "renamer"}));
  EXPECT_STATUS(kNotFound, "'reverser' of the library; there are: standard, similarity",
                create({.mode = fixed, .processor = "reverser"}));
  EXPECT_STATUS(kNotFound, "'viper' that is registered; there are: renamer",
                create({.mode = own, .schema = "viper"}));
  EXPECT_STATUS(kNotFound, "'standard' that is registered; there are: reverser",
                create({.mode = own, .processor = "standard"}));
  // What is not named is chosen as ever, of the library.
  ASSERT_OK_AND_ASSIGN(const ViperComponents half, create({.mode = own, .schema = "renamer"}));
  EXPECT_EQ(half.schema_strategy->name(), "renamer");
  EXPECT_EQ(half.processor->name(), "standard");
}

TEST_F(FactoryTest, F04_WhatACallerSaysIsChecked) {
  const Factory factory;
  CollectionConfig config;
  config.expected_sparsity = 1.5;
  EXPECT_STATUS(kInvalidArgument, "expected_sparsity is out of range: min=0 max=1 actual=1.5",
                factory.CreateForCollection("a", config));
  config = {};
  config.legacy_files = true;
  config.time_field = "when";
  EXPECT_STATUS(kInvalidArgument, "legacy_files=true contradicts time_field='when'",
                factory.CreateForCollection("a", config));
  config = {};
  config.dim = 4;
  EXPECT_STATUS(kInvalidArgument,
                "record 0 (id '0'): the dimension is not that of the sample: expected=4 actual=3",
                factory.CreateForCollection("a", config, Records(2)));
  EXPECT_STATUS(kInvalidArgument, "", factory.CreateForCollection("../a"));
  ASSERT_OK_AND_ASSIGN(const ViperComponents made, factory.CreateForCollection("a"));
  ASSERT_OK_AND_ASSIGN(Engine engine, made.OpenEngine("/db", process_));
  EXPECT_STATUS(kFailedPrecondition, "its dimension is not known", made.OpenCollection(engine));
}

TEST_F(FactoryTest, F02_ManyThreadsMayUseOne) {
  Factory factory;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&factory, t] {
      const std::string name = "own" + std::to_string(t);
      EXPECT_OK(factory.RegisterProcessor(name, [](const auto&, const auto&, const auto&) {
        return Result<std::shared_ptr<RecordProcessor>>(std::make_shared<Reverser>());
      }));
      for (int i = 0; i < 20; ++i) EXPECT_OK(factory.CreateForCollection(name));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(factory.Processors().size(), 7u);
}

}  // namespace
}  // namespace viper
