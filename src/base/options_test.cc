#include "viper/options.h"

#include <limits>

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper {
namespace {

EngineOptions With(const std::function<void(EngineOptions&)>& change) {
  EngineOptions options;
  change(options);
  return options;
}

TEST(EngineOptions, S05_C02_DefaultsAreValid) { EXPECT_OK(EngineOptions().Validate()); }

TEST(EngineOptions, S05_C02_EachMemberIsHeldToItsRange) {
  const auto refused = [](std::string_view member,
                          const std::function<void(EngineOptions&)>& change) {
    EXPECT_STATUS(kInvalidArgument, member, With(change).Validate());
  };
  refused("durability", [](auto& o) { o.durability = static_cast<Durability>(9); });
  refused("sync_interval_ms", [](auto& o) { o.sync_interval_ms = 0; });
  refused("actual=60001", [](auto& o) { o.sync_interval_ms = 60'001; });
  refused("flush_bytes", [](auto& o) { o.flush_bytes = (size_t{1} << 20) - 1; });
  refused("flush_bytes", [](auto& o) { o.flush_bytes = (size_t{16} << 30) + 1; });
  refused("index_min_rows", [](auto& o) { o.index_min_rows = 0; });
  refused("checkpoint_interval", [](auto& o) { o.checkpoint_interval = 0; });
  refused("checkpoint_interval", [](auto& o) { o.checkpoint_interval = 10'001; });
  refused("index_memory_bytes", [](auto& o) { o.index_memory_bytes = (size_t{1} << 20) - 1; });
  refused("index_memory_bytes", [](auto& o) { o.index_memory_bytes = (size_t{16} << 40) + 1; });
  refused("index_threads", [](auto& o) { o.index_threads = 257; });
  refused("compaction_threads", [](auto& o) { o.compaction_threads = 257; });
  refused("audit_share", [](auto& o) { o.audit_share = -0.1; });
  refused("audit_share", [](auto& o) { o.audit_share = 1.1; });
  refused("audit_share", [](auto& o) { o.audit_share = std::numeric_limits<double>::quiet_NaN(); });
  refused("storage_policy", [](auto& o) { o.storage_policy = static_cast<StoragePolicy>(2); });
  refused("vector_format", [](auto& o) { o.vector_format = static_cast<VectorFormat>(3); });
  refused("sparsity_threshold", [](auto& o) { o.sparsity_threshold = -0.1; });
  refused("actual=1.5", [](auto& o) { o.sparsity_threshold = 1.5; });
  refused("sparsity_threshold",
          [](auto& o) { o.sparsity_threshold = std::numeric_limits<double>::quiet_NaN(); });
  refused("compression.codec", [](auto& o) { o.compression.codec = static_cast<Codec>(6); });
  refused("compression.level", [](auto& o) { o.compression.level = 0; });
  refused("actual=23", [](auto& o) { o.compression.level = 23; });
  refused("search_threads", [](auto& o) { o.search_threads = 257; });
  refused("index_clusters", [](auto& o) { o.index_clusters = (1u << 20) + 1; });
  refused("default_metric", [](auto& o) { o.default_metric = static_cast<Metric>(3); });
  refused("filterable_fields", [](auto& o) { o.filterable_fields = {"a", "A"}; });
  refused("filterable_fields", [](auto& o) { o.filterable_fields = {"_id"}; });
}

TEST(EngineOptions, TheEndsOfEachRangeAreValid) {
  const auto accepted = [](const std::function<void(EngineOptions&)>& change) {
    EXPECT_OK(With(change).Validate());
  };
  accepted([](auto& o) { o.sync_interval_ms = 1; });
  accepted([](auto& o) { o.sync_interval_ms = 60'000; });
  accepted([](auto& o) { o.flush_bytes = size_t{1} << 20; });
  accepted([](auto& o) { o.flush_bytes = size_t{16} << 30; });
  accepted([](auto& o) { o.flush_age_ms = 0; });
  accepted([](auto& o) { o.checkpoint_interval = 10'000; });
  accepted([](auto& o) { o.search_threads = 256; });
  accepted([](auto& o) { o.index_threads = 256; });
  accepted([](auto& o) { o.audit_share = 0; });
  accepted([](auto& o) { o.audit_share = 1; });
  accepted([](auto& o) { o.index_memory_bytes = size_t{1} << 20; });
  accepted([](auto& o) { o.cache_bytes = 0; });
  accepted([](auto& o) { o.sparsity_threshold = 0; });
  accepted([](auto& o) { o.sparsity_threshold = 1; });
}

TEST(Durability, NamesReadBack) {
  for (Durability durability : {Durability::kSync, Durability::kInterval, Durability::kNone}) {
    EXPECT_EQ(*ParseDurability(DurabilityName(durability)), durability);
  }
  EXPECT_STATUS(kInvalidArgument, "actual='always'", ParseDurability("always"));
}

TEST(StoragePolicy, NamesReadBack) {
  for (StoragePolicy policy : {StoragePolicy::kSpeed, StoragePolicy::kSize}) {
    EXPECT_EQ(*ParseStoragePolicy(StoragePolicyName(policy)), policy);
  }
  EXPECT_STATUS(kInvalidArgument, "actual='small'", ParseStoragePolicy("small"));
}

TEST(VectorFormat, NamesReadBack) {
  for (VectorFormat format :
       {VectorFormat::kDense, VectorFormat::kSparse, VectorFormat::kAdaptive}) {
    EXPECT_EQ(*ParseVectorFormat(VectorFormatName(format)), format);
  }
  EXPECT_STATUS(kInvalidArgument, "actual='hybrid'", ParseVectorFormat("hybrid"));
}

TEST(Compression, S06_NamesReadBack) {
  for (const Compression& compression :
       {Compression{.codec = Codec::kNone}, Compression{.codec = Codec::kLz4},
        Compression{.codec = Codec::kSnappy}, Compression{.level = 1}, Compression{.level = 22},
        Compression{Codec::kGzip, 1}, Compression{Codec::kGzip, 9}, Compression{Codec::kBrotli, 1},
        Compression{Codec::kBrotli, 11}}) {
    EXPECT_OK(compression.Validate());
    EXPECT_EQ(*ParseCompression(CompressionName(compression)), compression);
  }
  EXPECT_EQ(*ParseCompression("zstd"), (Compression{.codec = Codec::kZstd, .level = 3}));
  EXPECT_EQ(*ParseCompression("gzip"), (Compression{Codec::kGzip, 6}));
  EXPECT_EQ(*ParseCompression("brotli"), (Compression{Codec::kBrotli, 4}));
  for (const char* name : {"", "lzo", "gzip:0", "gzip:10", "brotli:12", "brotli:", "zstd:",
                           "zstd:0", "zstd:23", "zstd:3x", "zstd:-1", "lz4:1"}) {
    EXPECT_STATUS(kInvalidArgument, "unknown compression", ParseCompression(name));
  }
}

TEST(Compression, S06_LevelsAreThoseOfTheCodec) {
  EXPECT_OK((Compression{Codec::kLz4, 99}.Validate())) << "it has none";
  EXPECT_STATUS(kInvalidArgument, "level is out of range: codec=gzip min=1 max=9 actual=10",
                (Compression{Codec::kGzip, 10}.Validate()));
  EXPECT_STATUS(kInvalidArgument, "level is out of range: codec=zstd min=1 max=22 actual=0",
                (Compression{Codec::kZstd, 0}.Validate()));
  EXPECT_STATUS(kInvalidArgument, "codec is unknown: min=0 max=5 actual=6",
                (Compression{static_cast<Codec>(6), 3}.Validate()));
}

}  // namespace
}  // namespace viper
