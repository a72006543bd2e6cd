#pragma once

#include <cstddef>
#include <cstdint>

namespace viper {

/// Every limit that users can run into, in one place.

/// Bytes of UTF-8 of a record's id.
inline constexpr size_t kIdBytesMax = 1024;
/// Components of a vector.
inline constexpr size_t kDimMax = 65'536;
/// Declared fields of a collection, and bytes of the name of one.
inline constexpr size_t kFieldsMax = 256;
inline constexpr size_t kFieldNameBytesMax = 128;
/// Bytes of the name of a collection.
inline constexpr size_t kCollectionNameBytesMax = 128;
/// Lists and objects that may lie inside each other in one JSON document, the outermost included.
inline constexpr size_t kJsonDepthMax = 64;
/// Bytes of the metadata of one record, printed as JSON.
inline constexpr size_t kMetadataBytesMax = size_t{16} << 20;
/// Bytes of an Upsert that is one atomic write (viper/engine.h).
inline constexpr size_t kAtomicWriteBytesMax = size_t{64} << 20;
/// Records of one atomic batch of a write by filter (viper/engine.h).
inline constexpr size_t kFilterWriteRowsMax = 10'000;
/// Records of one page of a scroll.
inline constexpr size_t kScrollPageMax = 100'000;
/// A filter's text in bytes, conditions and connectives, values of one IN, parentheses inside each
/// other, and steps of a field's path.
inline constexpr size_t kFilterTextBytesMax = size_t{64} << 10;
inline constexpr size_t kFilterNodesMax = 10'000;
inline constexpr size_t kFilterListMax = 10'000;
inline constexpr size_t kFilterDepthMax = 64;
inline constexpr size_t kFilterPathStepsMax = kJsonDepthMax;
/// Threads of one engine.
inline constexpr uint32_t kSearchThreadsMax = 256;

inline constexpr uint32_t kSyncIntervalMsMax = 60'000;
inline constexpr int kZstdLevelMin = 1;
inline constexpr int kZstdLevelMax = 22;
inline constexpr int kGzipLevelMin = 1;
inline constexpr int kGzipLevelMax = 9;
inline constexpr int kBrotliLevelMin = 1;
inline constexpr int kBrotliLevelMax = 11;
inline constexpr size_t kFlushBytesMin = size_t{1} << 20;
inline constexpr size_t kFlushBytesMax = size_t{16} << 30;
inline constexpr uint64_t kPartBytesMin = uint64_t{1} << 20;
inline constexpr uint64_t kPartBytesMax = uint64_t{4} << 30;
inline constexpr uint64_t kMemoryLimitMin = uint64_t{64} << 20;
inline constexpr uint32_t kWriteTimeoutMsMax = 3'600'000;
/// 100 years.
inline constexpr int64_t kTtlMsMax = int64_t{36'525} * 24 * 3600 * 1000;
inline constexpr int64_t kRetentionMsMax = kTtlMsMax;
inline constexpr uint32_t kIndexClustersMax = 1u << 20;
inline constexpr size_t kIndexMemoryBytesMin = size_t{1} << 20;
inline constexpr size_t kIndexMemoryBytesMax = size_t{16} << 40;
/// Queries that wait to be audited, and wanted recalls that are told apart.
inline constexpr size_t kAuditQueueMax = 16;
inline constexpr size_t kAuditedRecallsMax = 32;
inline constexpr uint32_t kCompactionIntervalMsMax = 24 * 3600 * 1000;
inline constexpr uint32_t kRetainedVersionsMax = 1'000'000;
inline constexpr uint32_t kCheckpointIntervalMax = 10'000;
/// Rows of a batch and of a row group of viper/pipeline.h, its threads, files of a merge, attempts
/// beside the first, and tasks that wait and that are remembered.
inline constexpr size_t kPipelineBatchRowsMax = size_t{1} << 20;
inline constexpr uint32_t kPipelineWorkersMax = 64;
inline constexpr uint32_t kMergeFilesLimitMax = 10'000;
inline constexpr uint32_t kTaskRetriesMax = 100;
inline constexpr size_t kWaitingTasksMax = 10'000;
inline constexpr size_t kEndedTasksMax = 1000;
inline constexpr size_t kLoadCommitBytesMin = size_t{1} << 20;
inline constexpr size_t kLoadCommitBytesMax = size_t{4} << 30;

}  // namespace viper
