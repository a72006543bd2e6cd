#pragma once

#include <string_view>

#include "viper/configuration.h"

namespace viper::factory {

/// Calls `visitor(name, member)` for each member of a configuration, and `visitor.Group(name,
/// visit)` around those of a group, in a fixed order: the one list of names that texts and paths go
/// by. `C` is the type, const or not.
template <typename Visitor, typename C>
void VisitEngine(Visitor& visitor, C& o) {
  visitor("durability", o.durability);
  visitor("sync_interval_ms", o.sync_interval_ms);
  visitor("flush_bytes", o.flush_bytes);
  visitor("flush_age_ms", o.flush_age_ms);
  visitor("delete_mode", o.delete_mode);
  visitor("background_flush", o.background_flush);
  visitor("part_bytes", o.part_bytes);
  visitor("storage_policy", o.storage_policy);
  visitor("vector_format", o.vector_format);
  visitor("sparsity_threshold", o.sparsity_threshold);
  visitor("adaptive_compression", o.adaptive_compression);
  visitor("compression", o.compression);
  visitor("background_compaction", o.background_compaction);
  visitor("compaction_interval_ms", o.compaction_interval_ms);
  visitor("compaction_threads", o.compaction_threads);
  visitor("compaction_bytes_per_second", o.compaction_bytes_per_second);
  visitor("default_metric", o.default_metric);
  visitor("filterable_fields", o.filterable_fields);
  visitor("enforce_expiry", o.enforce_expiry);
  visitor("retention_ms", o.retention_ms);
  visitor("retained_versions", o.retained_versions);
  visitor("enable_clustering", o.enable_clustering);
  visitor("index_clusters", o.index_clusters);
  visitor("background_index", o.background_index);
  visitor("index_min_rows", o.index_min_rows);
  visitor("index_byte_rows", o.index_byte_rows);
  visitor("index_memory_bytes", o.index_memory_bytes);
  visitor("index_threads", o.index_threads);
  visitor("audit_share", o.audit_share);
  visitor("checkpoint_interval", o.checkpoint_interval);
  visitor("search_threads", o.search_threads);
  visitor("memory_limit", o.memory_limit);
  visitor("write_timeout_ms", o.write_timeout_ms);
  visitor("cache_bytes", o.cache_bytes);
  visitor("vector_cache_bytes", o.vector_cache_bytes);
}

template <typename Visitor, typename C>
void VisitProcessing(Visitor& visitor, C& o) {
  visitor("enable_preprocessing", o.enable_preprocessing);
  visitor("enable_postprocessing", o.enable_postprocessing);
  visitor.Group("sorting", [&] {
    visitor("order", o.sorting.order);
    visitor("fields", o.sorting.fields);
  });
  visitor("enable_ml_optimizations", o.enable_ml_optimizations);
  visitor("batch_size", o.batch_size);
  visitor("layout", o.layout);
  visitor.Group("time_series", [&] {
    visitor("precision", o.time_series.precision);
    visitor("window_ms", o.time_series.window_ms);
    visitor("split", o.time_series.split);
  });
}

template <typename Visitor, typename C>
void VisitFlushing(Visitor& visitor, C& o) {
  visitor("compression", o.compression);
  visitor("enable_adaptive_compression", o.enable_adaptive_compression);
  visitor("storage_policy", o.storage_policy);
  visitor("enable_dictionary_encoding", o.enable_dictionary_encoding);
  visitor("enable_statistics", o.enable_statistics);
  visitor("row_group_rows", o.row_group_rows);
  visitor("vector_format", o.vector_format);
  visitor("sparsity_threshold", o.sparsity_threshold);
  visitor("overwrite", o.overwrite);
}

template <typename Visitor, typename C>
void VisitCompaction(Visitor& visitor, C& o) {
  visitor("enable_ml_compaction", o.enable_ml_compaction);
  visitor("worker_count", o.worker_count);
  visitor("target_file_size_mb", o.target_file_size_mb);
  visitor("interval_ms", o.interval_ms);
  visitor("max_files_per_merge", o.max_files_per_merge);
  visitor("reclustering_quality_threshold", o.reclustering_quality_threshold);
  visitor("retries", o.retries);
}

template <typename Visitor, typename C>
void VisitUtilities(Visitor& visitor, C& o) {
  visitor.Group("stats", [&] {
    visitor("enable_detailed_tracking", o.stats.enable_detailed_tracking);
    visitor("detailed_operations_max", o.stats.detailed_operations_max);
    visitor("enable_realtime_metrics", o.stats.enable_realtime_metrics);
    visitor("enable_profiling", o.stats.enable_profiling);
    visitor("collection_interval_ms", o.stats.collection_interval_ms);
    visitor("retention_ms", o.stats.retention_ms);
    visitor("rollup_ms", o.stats.rollup_ms);
  });
  visitor.Group("ttl", [&] {
    visitor("enabled", o.ttl.enabled);
    visitor("cleanup_interval_ms", o.ttl.cleanup_interval_ms);
    visitor("enable_priority_scheduling", o.ttl.enable_priority_scheduling);
    visitor("expired_share_min", o.ttl.expired_share_min);
    visitor("open_collections", o.ttl.open_collections);
  });
  visitor.Group("compression", [&] {
    visitor("enable_adaptive_compression", o.compression.enable_adaptive_compression);
    visitor("enable_benchmarking", o.compression.enable_benchmarking);
    visitor("default_algorithm", o.compression.default_algorithm);
    visitor("interval_ms", o.compression.interval_ms);
    visitor("level_min", o.compression.level_min);
    visitor("level_max", o.compression.level_max);
    visitor("sample_rows", o.compression.sample_rows);
    visitor("time_budget_ms", o.compression.time_budget_ms);
    visitor("saving_min", o.compression.saving_min);
  });
  visitor.Group("staging", [&] {
    visitor("max_age_ms", o.staging.max_age_ms);
    visitor("cleanup_interval_ms", o.staging.cleanup_interval_ms);
  });
  visitor.Group("partitioning", [&] {
    visitor("algorithm", o.partitioning.algorithm);
    visitor("partition_count", o.partitioning.partition_count);
    visitor("rows_min", o.partitioning.rows_min);
    visitor("rows_max", o.partitioning.rows_max);
    visitor("time_window_ms", o.partitioning.time_window_ms);
    visitor("field", o.partitioning.field);
    visitor("seed", o.partitioning.seed);
  });
  visitor("enable_background_services", o.enable_background_services);
  visitor("directory", o.directory);
}

template <typename Visitor, typename C>
void VisitConfiguration(Visitor& visitor, C& c) {
  visitor.Group("engine", [&] { VisitEngine(visitor, c.engine); });
  visitor.Group("pipeline", [&] {
    visitor.Group("processing", [&] { VisitProcessing(visitor, c.pipeline.processing); });
    visitor.Group("flushing", [&] { VisitFlushing(visitor, c.pipeline.flushing); });
    visitor.Group("compaction", [&] { VisitCompaction(visitor, c.pipeline.compaction); });
    visitor("enable_background_processing", c.pipeline.enable_background_processing);
  });
  visitor.Group("utilities", [&] { VisitUtilities(visitor, c.utilities); });
  visitor.Group("strategy", [&] {
    visitor("mode", c.strategy.mode);
    visitor("schema", c.strategy.schema);
    visitor("processor", c.strategy.processor);
  });
}

}  // namespace viper::factory
