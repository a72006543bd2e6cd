#include "viper/configuration.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper {
namespace {

/// Every member by its path, as text.
void Flatten(const Value& value, const std::string& path, std::map<std::string, std::string>& out) {
  if (value.as_object() == nullptr) {
    out[path] = value.ToJson();
    return;
  }
  for (const auto& [key, member] : *value.as_object()) {
    Flatten(member, path.empty() ? key : path + "." + key, out);
  }
}

std::map<std::string, std::string> MembersOf(const Configuration& configuration) {
  std::map<std::string, std::string> members;
  Flatten(configuration.ToValue(), "", members);
  members.erase("explicit");
  return members;
}

/// Paths at which two configurations differ, apart from what was set on purpose.
std::vector<std::string> Differences(const Configuration& a, const Configuration& b) {
  const auto left = MembersOf(a);
  const auto right = MembersOf(b);
  std::vector<std::string> paths;
  for (const auto& [path, value] : left) {
    if (right.at(path) != value) paths.push_back(path);
  }
  return paths;
}

Configuration Build(const ConfigurationBuilder& builder) {
  auto built = builder.Build();
  EXPECT_OK(built);
  return built.ok() ? *built : Configuration();
}

TEST(ConfigurationBuilder, F06_DefaultsAreValidAndNothingIsSetOnPurpose) {
  const Configuration configuration = Build(ConfigurationBuilder());
  EXPECT_TRUE(configuration.explicit_members.empty());
  EXPECT_EQ(configuration, Configuration());
}

TEST(ConfigurationBuilder, F07_ClusteringReachesEngineAndOrder) {
  const Configuration off = Build(ConfigurationBuilder().WithClusteringEnabled(false));
  EXPECT_EQ(Differences(off, Configuration()),
            std::vector<std::string>{"engine.enable_clustering"});
  const Configuration on = Build(ConfigurationBuilder().WithClusteringEnabled(true));
  EXPECT_EQ(Differences(on, Configuration()),
            std::vector<std::string>{"pipeline.processing.sorting.order"});
  EXPECT_TRUE(on.explicit_members.contains("engine.enable_clustering"));
}

TEST(ConfigurationBuilder, F08_ModelsReachPipelineAndEngine) {
  const Configuration off = Build(ConfigurationBuilder().WithMlOptimizations(false));
  EXPECT_EQ(
      Differences(off, Configuration()),
      (std::vector<std::string>{"engine.audit_share", "pipeline.compaction.enable_ml_compaction",
                                "pipeline.processing.enable_ml_optimizations"}));
  EXPECT_EQ(Differences(Build(ConfigurationBuilder().WithMlOptimizations(true)), Configuration()),
            std::vector<std::string>{});
}

TEST(ConfigurationBuilder, F09_AdaptiveCompressionReachesWritersAndAdvice) {
  const Configuration on = Build(ConfigurationBuilder().WithCompressionOptimization(true));
  const Configuration off = Build(ConfigurationBuilder().WithCompressionOptimization(false));
  EXPECT_EQ(Differences(on, off),
            (std::vector<std::string>{"engine.adaptive_compression",
                                      "pipeline.flushing.enable_adaptive_compression",
                                      "utilities.compression.enable_adaptive_compression"}));
}

TEST(ConfigurationBuilder, F10_ExpiryReachesReadsAndCleaning) {
  const Configuration off = Build(ConfigurationBuilder().WithTtlEnabled(false));
  EXPECT_EQ(Differences(off, Configuration()),
            (std::vector<std::string>{"engine.enforce_expiry", "utilities.ttl.enabled"}));
}

TEST(ConfigurationBuilder, F12_BatchSizeReachesThePipelineAndIsHeldToItsRange) {
  const Configuration some = Build(ConfigurationBuilder().WithBatchSize(10'000));
  EXPECT_EQ(some.pipeline.processing.batch_size, 10'000u);
  EXPECT_STATUS(kInvalidArgument, "batch_size", ConfigurationBuilder().WithBatchSize(0).Build());
}

TEST(ConfigurationBuilder, F13_BeginsWithAnotherAndCountsClusters) {
  const Configuration first = Build(ConfigurationBuilder().WithClusterCount(40));
  EXPECT_EQ(first.engine.index_clusters, 40u);
  const Configuration second = Build(ConfigurationBuilder::From(first).WithBatchSize(7));
  EXPECT_EQ(Differences(first, second), std::vector<std::string>{"pipeline.processing.batch_size"});
  EXPECT_TRUE(second.explicit_members.contains("engine.index_clusters"));
}

TEST(ConfigurationBuilder, F06_ContradictionsNameBoth) {
  EXPECT_STATUS(kInvalidArgument,
                "engine.enable_clustering=false contradicts engine.index_clusters=3",
                ConfigurationBuilder().WithClusteringEnabled(false).WithClusterCount(3).Build());
  EXPECT_STATUS(
      kInvalidArgument, "strategy.mode=fixed needs the name",
      ConfigurationBuilder().WithStrategySelection(StrategySelectionMode::kFixed).Build());
  EXPECT_STATUS(
      kInvalidArgument, "strategy.mode=adaptive contradicts strategy.schema='viper'",
      ConfigurationBuilder().WithStrategySelection(StrategySelection{.schema = "viper"}).Build());
}

TEST(ConfigurationBuilder, F06_AnyMemberByItsPath) {
  const Configuration set = Build(ConfigurationBuilder()
                                      .With("engine.durability", "interval")
                                      .With("pipeline.flushing.compression", "zstd:9"));
  EXPECT_EQ(set.engine.durability, Durability::kInterval);
  EXPECT_EQ(set.pipeline.flushing.compression.level, 9);
  EXPECT_TRUE(set.explicit_members.contains("engine.durability"));
  EXPECT_STATUS(kInvalidArgument,
                "engine.durabilty: there is no such member; did you mean 'durability'?",
                ConfigurationBuilder().With("engine.durabilty", "none").Build());
  EXPECT_STATUS(kInvalidArgument, "pipeline.flushing.row_group_rows",
                ConfigurationBuilder().With("pipeline.flushing.row_group_rows", -1).Build());
}

TEST(Configuration, S05_EveryImpossibleSettingIsRefusedByName) {
  const auto refused = [](std::string_view told, const std::string& path, Value value) {
    EXPECT_STATUS(kInvalidArgument, told, ConfigurationBuilder().With(path, value).Build());
  };
  refused("flush_bytes", "engine.flush_bytes", 1);
  refused("compression", "engine.compression", "zstd:99");
  refused("sparsity_threshold", "engine.sparsity_threshold", 2.0);
  refused("batch_size", "pipeline.processing.batch_size", 0);
  refused("row_group_rows", "pipeline.flushing.row_group_rows", 0);
  refused("target_file_size_mb", "pipeline.compaction.target_file_size_mb", 0);
  refused("expected=true|false", "engine.background_flush", "yes");
  refused("expected=list of strings", "engine.filterable_fields", "category");
}

TEST(Configuration, F05_ReadsBackFromJsonAndToml) {
  const Configuration configuration = Build(ConfigurationBuilder()
                                                .WithBatchSize(123)
                                                .WithCompression({.codec = Codec::kLz4})
                                                .WithFilterableFields({"category", "year"})
                                                .With("engine.sparsity_threshold", 0.25)
                                                .With("engine.memory_limit", 1 << 28));
  ASSERT_OK_AND_ASSIGN(const Value json, Value::FromJson(configuration.ToValue().ToJson()));
  ASSERT_OK_AND_ASSIGN(const Configuration from_json, Configuration::FromValue(json));
  EXPECT_EQ(from_json, configuration);
  ASSERT_OK_AND_ASSIGN(const Configuration from_toml,
                       Configuration::FromToml(configuration.ToToml()));
  EXPECT_EQ(from_toml, configuration);
  EXPECT_EQ(from_toml.engine.filterable_fields, configuration.engine.filterable_fields);
}

TEST(Configuration, F05_NumbersBeyondThoseOfJsonReadBackToo) {
  Configuration large;
  large.utilities.partitioning.seed = 0x9E3779B97F4A7C15;
  ASSERT_OK_AND_ASSIGN(const Configuration from_toml, Configuration::FromToml(large.ToToml()));
  EXPECT_EQ(from_toml.utilities.partitioning.seed, 0x9E3779B97F4A7C15u);
  ASSERT_OK_AND_ASSIGN(const Configuration from_json, Configuration::FromValue(large.ToValue()));
  EXPECT_EQ(from_json, large);
  EXPECT_NE(Configuration(), large);
  for (const char* bad : {"-1", "18446744073709551616", "1x", ""}) {
    EXPECT_STATUS(kInvalidArgument, "expected=integer",
                  ConfigurationBuilder().With("utilities.partitioning.seed", bad).Build());
  }
  EXPECT_STATUS(
      kInvalidArgument, "out of range",
      ConfigurationBuilder().With("utilities.compression.level_min", -4'294'967'295).Build());
}

TEST(Configuration, F05_WhatAPersonWritesCountsAsSet) {
  ASSERT_OK_AND_ASSIGN(const Configuration read, Configuration::FromToml(R"(
[engine]
storage_policy = "size"
filterable_fields = ["category"]

[pipeline.processing]
batch_size = 10_000
)"));
  EXPECT_EQ(read.engine.storage_policy, StoragePolicy::kSize);
  EXPECT_EQ(read.pipeline.processing.batch_size, 10'000u);
  EXPECT_EQ(read.explicit_members,
            (std::set<std::string, std::less<>>{"engine.filterable_fields", "engine.storage_policy",
                                                "pipeline.processing.batch_size"}));
}

TEST(Configuration, F05_WhatCannotBeReadIsNamed) {
  EXPECT_STATUS(kInvalidArgument, "line 2", Configuration::FromToml("[engine]\nflush_bytes ="));
  EXPECT_STATUS(kInvalidArgument, "engine.flush_byte: there is no such member",
                Configuration::FromToml("[engine]\nflush_byte = 1"));
  EXPECT_STATUS(kInvalidArgument, "engine: expected=object", Configuration::FromToml("engine = 1"));
  EXPECT_STATUS(kInvalidArgument, "there is no member 'engine.x'",
                Configuration::FromToml("explicit = [\"engine.x\"]"));
  EXPECT_STATUS(kInvalidArgument, "expected=object", Configuration::FromValue(Value(1)));
  EXPECT_STATUS(kInvalidArgument, "engine.sync_interval_ms: out of range",
                Configuration::FromToml("[engine]\nsync_interval_ms = 4294967296"));
}

TEST(Configuration, F16_DescribesWhatItTurnsOn) {
  EXPECT_NE(Configuration().Describe().find("clustering adaptive, models on"), std::string::npos);
  const Configuration off = Build(ConfigurationBuilder()
                                      .WithClusteringEnabled(false)
                                      .WithMlOptimizations(false)
                                      .WithTtlEnabled(false)
                                      .WithCompressionOptimization(false));
  EXPECT_EQ(off.Describe(),
            "clustering off, models off, compression zstd:3, expiry off, strategies adaptive");
}

TEST(StrategySelectionMode, NamesReadBack) {
  for (const auto mode :
       {StrategySelectionMode::kAdaptive, StrategySelectionMode::kFixed,
        StrategySelectionMode::kModelGuided, StrategySelectionMode::kUserDefined}) {
    EXPECT_EQ(ParseStrategySelectionMode(StrategySelectionModeName(mode)).value(), mode);
  }
  EXPECT_STATUS(kInvalidArgument, "adaptive|fixed", ParseStrategySelectionMode("best"));
}

}  // namespace
}  // namespace viper
