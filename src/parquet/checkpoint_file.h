#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "viper/result.h"

namespace viper::parquet {

/// The rows of a classic (V1) Delta Lake checkpoint, as plain values: one
/// protocol, one metaData, and the add, remove and txn actions that make up the
/// state of the table. Delta protocol, "Checkpoints". Paths are as the log
/// spells them (percent-encoded); the caller decodes.

struct CheckpointProtocol {
  int32_t min_reader_version = 1;
  int32_t min_writer_version = 2;
  /// Absent when the log has no such list (table features are only named from 3
  /// and 7 on).
  std::optional<std::vector<std::string>> reader_features;
  std::optional<std::vector<std::string>> writer_features;
  friend bool operator==(const CheckpointProtocol&, const CheckpointProtocol&) = default;
};

struct CheckpointMetadata {
  std::string id;
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::string schema_json;
  std::vector<std::string> partition_columns;
  std::map<std::string, std::string> configuration;
  std::optional<int64_t> created_time_ms;
  friend bool operator==(const CheckpointMetadata&, const CheckpointMetadata&) = default;
};

/// Where the deletion vector of a data file is: the rows of the file that are no longer part of the
/// table. Delta protocol, "Deletion Vector Descriptor Schema".
struct DeletionVectorDescriptor {
  /// "u": in a file of the table, "p": in a file named by an absolute path, "i": inline.
  std::string storage_type;
  /// What it is named by, or itself; how depends on the storage type.
  std::string path_or_inline;
  /// Where it begins in its file; absent if inline.
  std::optional<int32_t> offset;
  int32_t size_bytes = 0;
  /// How many rows it holds.
  int64_t cardinality = 0;
  friend bool operator==(const DeletionVectorDescriptor&,
                         const DeletionVectorDescriptor&) = default;
};

struct CheckpointAdd {
  std::string path;
  int64_t size = 0;
  int64_t modification_time_ms = 0;
  bool data_change = false;
  /// The statistics document (JSON text), empty if there is none.
  std::string stats_json;
  std::map<std::string, std::string> tags;
  std::optional<DeletionVectorDescriptor> deletion_vector = {};
  friend bool operator==(const CheckpointAdd&, const CheckpointAdd&) = default;
};

struct CheckpointRemove {
  std::string path;
  int64_t deletion_timestamp_ms = 0;
  bool data_change = false;
  /// Absent when the log did not say.
  std::optional<int64_t> size;
  std::optional<DeletionVectorDescriptor> deletion_vector = {};
  friend bool operator==(const CheckpointRemove&, const CheckpointRemove&) = default;
};

struct CheckpointActions {
  CheckpointProtocol protocol;
  CheckpointMetadata metadata;
  std::vector<CheckpointAdd> adds;
  std::vector<CheckpointRemove> removes;
  /// Newest version per application id.
  std::map<std::string, int64_t> transactions;
  friend bool operator==(const CheckpointActions&, const CheckpointActions&) = default;
};

/// Serialise as one Parquet file. Unsupported for partitioned tables.
Result<std::vector<std::byte>> EncodeCheckpoint(const CheckpointActions& actions);

/// Read a checkpoint that any Delta writer made; columns and actions we do not know are passed
/// over. Corruption naming `path` and the place for damaged bytes, a missing or second protocol or
/// metaData, an action without what it must have; Unsupported for a checkpoint in several parts
/// (sidecars).
Result<CheckpointActions> DecodeCheckpoint(std::span<const std::byte> bytes,
                                           const std::string& path);

}  // namespace viper::parquet
