#include "viper/options.h"

#include <charconv>
#include <limits>
#include <system_error>

#include <fmt/core.h>

#include "base/limits.h"

namespace viper {
namespace {

Status CheckRange(std::string_view member, uint64_t value, uint64_t min, uint64_t max) {
  if (value >= min && value <= max) return Status::Ok();
  return Status::InvalidArgument(fmt::format(
      "EngineOptions::{} is out of range: min={} max={} actual={}", member, min, max, value));
}

/// What there is to know about a codec; no levels: 0.
struct CodecFacts {
  Codec codec;
  std::string_view name;
  int level_min;
  int level_max;
  /// That of the name alone.
  int level;
};

constexpr CodecFacts kCodecFacts[] = {
    {Codec::kNone, "none", 0, 0, 0},
    {Codec::kLz4, "lz4", 0, 0, 0},
    {Codec::kSnappy, "snappy", 0, 0, 0},
    {Codec::kZstd, "zstd", kZstdLevelMin, kZstdLevelMax, 3},
    {Codec::kGzip, "gzip", kGzipLevelMin, kGzipLevelMax, 6},
    {Codec::kBrotli, "brotli", kBrotliLevelMin, kBrotliLevelMax, 4},
};

const CodecFacts& FactsOf(Codec codec) { return kCodecFacts[static_cast<size_t>(codec)]; }

}  // namespace

std::string_view DurabilityName(Durability durability) {
  switch (durability) {
    case Durability::kSync:
      return "sync";
    case Durability::kInterval:
      return "interval";
    case Durability::kNone:
      return "none";
  }
  return "unknown";
}

Result<Durability> ParseDurability(std::string_view name) {
  for (Durability durability : {Durability::kSync, Durability::kInterval, Durability::kNone}) {
    if (name == DurabilityName(durability)) return durability;
  }
  return Status::InvalidArgument(
      fmt::format("unknown durability: expected=sync|interval|none actual='{}'", name));
}

std::string_view DeleteModeName(DeleteMode mode) {
  switch (mode) {
    case DeleteMode::kAuto:
      return "auto";
    case DeleteMode::kRewrite:
      return "rewrite";
    case DeleteMode::kVectors:
      return "vectors";
  }
  return "unknown";
}

Result<DeleteMode> ParseDeleteMode(std::string_view name) {
  for (DeleteMode mode : {DeleteMode::kAuto, DeleteMode::kRewrite, DeleteMode::kVectors}) {
    if (name == DeleteModeName(mode)) return mode;
  }
  return Status::InvalidArgument(
      fmt::format("unknown delete mode: expected=auto|rewrite|vectors actual='{}'", name));
}

std::string_view StoragePolicyName(StoragePolicy policy) {
  return policy == StoragePolicy::kSize ? "size" : "speed";
}

Result<StoragePolicy> ParseStoragePolicy(std::string_view name) {
  for (StoragePolicy policy : {StoragePolicy::kSpeed, StoragePolicy::kSize}) {
    if (name == StoragePolicyName(policy)) return policy;
  }
  return Status::InvalidArgument(
      fmt::format("unknown storage policy: expected=speed|size actual='{}'", name));
}

std::string_view VectorFormatName(VectorFormat format) {
  switch (format) {
    case VectorFormat::kDense:
      return "dense";
    case VectorFormat::kSparse:
      return "sparse";
    case VectorFormat::kAdaptive:
      return "adaptive";
  }
  return "unknown";
}

Result<VectorFormat> ParseVectorFormat(std::string_view name) {
  for (VectorFormat format :
       {VectorFormat::kDense, VectorFormat::kSparse, VectorFormat::kAdaptive}) {
    if (name == VectorFormatName(format)) return format;
  }
  return Status::InvalidArgument(
      fmt::format("unknown vector format: expected=dense|sparse|adaptive actual='{}'", name));
}

std::string CompressionName(const Compression& compression) {
  const CodecFacts& facts = FactsOf(compression.codec);
  if (facts.level_max == 0) return std::string(facts.name);
  return fmt::format("{}:{}", facts.name, compression.level);
}

Status Compression::Validate() const {
  if (codec > Codec::kBrotli) {
    return Status::InvalidArgument(fmt::format("codec is unknown: min=0 max={} actual={}",
                                               static_cast<int>(Codec::kBrotli),
                                               static_cast<int>(codec)));
  }
  const CodecFacts& facts = FactsOf(codec);
  if (facts.level_max == 0 || (level >= facts.level_min && level <= facts.level_max)) return {};
  return Status::InvalidArgument(
      fmt::format("level is out of range: codec={} min={} max={} actual={}", facts.name,
                  facts.level_min, facts.level_max, level));
}

Result<Compression> ParseCompression(std::string_view name) {
  std::string known;
  for (const CodecFacts& facts : kCodecFacts) {
    Compression compression{facts.codec, facts.level_max == 0 ? Compression{}.level : facts.level};
    if (name == facts.name) return compression;
    known += fmt::format("{}{}", known.empty() ? "" : "|", facts.name);
    if (facts.level_max == 0) continue;
    known += fmt::format("|{}:LEVEL ({} to {})", facts.name, facts.level_min, facts.level_max);
    if (!name.starts_with(facts.name) || name[facts.name.size()] != ':') continue;
    const std::string_view level = name.substr(facts.name.size() + 1);
    const auto [end, error] =
        std::from_chars(level.data(), level.data() + level.size(), compression.level);
    const bool is_number = error == std::errc() && end == level.data() + level.size();
    if (is_number && compression.Validate().ok()) return compression;
  }
  return Status::InvalidArgument(
      fmt::format("unknown compression: expected={} actual='{}'", known, name));
}

Status EngineOptions::Validate() const {
  if (durability > Durability::kNone) {
    return Status::InvalidArgument(fmt::format("EngineOptions::durability is unknown: actual={}",
                                               static_cast<int>(durability)));
  }
  if (delete_mode > DeleteMode::kVectors) {
    return Status::InvalidArgument(fmt::format("EngineOptions::delete_mode is unknown: actual={}",
                                               static_cast<int>(delete_mode)));
  }
  if (storage_policy > StoragePolicy::kSize) {
    return Status::InvalidArgument(fmt::format(
        "EngineOptions::storage_policy is unknown: actual={}", static_cast<int>(storage_policy)));
  }
  if (vector_format > VectorFormat::kAdaptive) {
    return Status::InvalidArgument(fmt::format("EngineOptions::vector_format is unknown: actual={}",
                                               static_cast<int>(vector_format)));
  }
  if (!(sparsity_threshold >= 0 && sparsity_threshold <= 1)) {
    return Status::InvalidArgument(
        fmt::format("EngineOptions::sparsity_threshold is out of range: min=0 max=1 actual={}",
                    sparsity_threshold));
  }
  if (const Status valid = compression.Validate(); !valid.ok()) {
    return Status::InvalidArgument("EngineOptions::compression." + valid.message());
  }
  if (default_metric > Metric::kDot) {
    return Status::InvalidArgument(fmt::format(
        "EngineOptions::default_metric is unknown: actual={}", static_cast<int>(default_metric)));
  }
  CollectionSchema filterable;
  filterable.dim = 1;
  for (const std::string& name : filterable_fields) filterable.fields.push_back({.name = name});
  if (Status status = filterable.Validate(); !status.ok()) {
    return status.WithContext("EngineOptions::filterable_fields");
  }
  const Status checks[] = {
      CheckRange("sync_interval_ms", sync_interval_ms, 1, kSyncIntervalMsMax),
      CheckRange("flush_bytes", flush_bytes, kFlushBytesMin, kFlushBytesMax),
      CheckRange("part_bytes", part_bytes, kPartBytesMin, kPartBytesMax),
      CheckRange("index_min_rows", index_min_rows, 1, std::numeric_limits<uint64_t>::max()),
      CheckRange("index_memory_bytes", index_memory_bytes, kIndexMemoryBytesMin,
                 kIndexMemoryBytesMax),
      CheckRange("write_timeout_ms", write_timeout_ms, 1, kWriteTimeoutMsMax),
      CheckRange("index_clusters", index_clusters, 0, kIndexClustersMax),
      CheckRange("index_threads", index_threads, 0, kSearchThreadsMax),
      CheckRange("checkpoint_interval", checkpoint_interval, 1, kCheckpointIntervalMax),
      CheckRange("compaction_threads", compaction_threads, 0, kSearchThreadsMax),
      CheckRange("compaction_interval_ms", compaction_interval_ms, 1, kCompactionIntervalMsMax),
      CheckRange("retained_versions", retained_versions, 1, kRetainedVersionsMax),
      CheckRange("search_threads", search_threads, 0, kSearchThreadsMax),
  };
  for (const Status& check : checks) {
    if (!check.ok()) return check;
  }
  if (memory_limit != 0 && memory_limit < kMemoryLimitMin) {
    return Status::InvalidArgument(
        fmt::format("EngineOptions::memory_limit is out of range: min={} (or 0 for none) actual={}",
                    kMemoryLimitMin, memory_limit));
  }
  if (retention_ms < 0) {
    return Status::InvalidArgument(
        fmt::format("EngineOptions::retention_ms is negative: actual={}", retention_ms));
  }
  if (!(audit_share >= 0 && audit_share <= 1)) {
    return Status::InvalidArgument(fmt::format(
        "EngineOptions::audit_share is out of range: min=0 max=1 actual={}", audit_share));
  }
  return Status::Ok();
}

}  // namespace viper
