#include "storage/table_checkpoint.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "storage/data_path.h"
#include "storage/table_rules.h"

namespace viper::storage {
namespace {

parquet::CheckpointProtocol CheckpointProtocolOf(const TableProtocol& protocol) {
  parquet::CheckpointProtocol result{.min_reader_version = protocol.min_reader_version,
                                     .min_writer_version = protocol.min_writer_version,
                                     .reader_features = std::nullopt,
                                     .writer_features = std::nullopt};
  if (protocol.min_reader_version >= kReaderFeaturesVersion) {
    result.reader_features = protocol.reader_features;
  }
  if (protocol.min_writer_version >= kWriterFeaturesVersion) {
    result.writer_features = protocol.writer_features;
  }
  return result;
}

Result<AddedFile> AddedFileOf(const parquet::CheckpointAdd& add) {
  if (add.size < 0) {
    return Status::Corruption(fmt::format("add.size is negative: actual={}", add.size));
  }
  AddedFile file{.path = {},
                 .size = static_cast<uint64_t>(add.size),
                 .modification_time_ms = add.modification_time_ms,
                 .data_change = add.data_change,
                 .stats_json = add.stats_json,
                 .tags = add.tags};
  VIPER_ASSIGN_OR_RETURN(file.path, DecodeDataPath(add.path));
  return file;
}

Result<RemovedFile> RemovedFileOf(const parquet::CheckpointRemove& remove) {
  RemovedFile file{.path = {},
                   .deletion_timestamp_ms = remove.deletion_timestamp_ms,
                   .data_change = remove.data_change,
                   .size = static_cast<uint64_t>(std::max<int64_t>(0, remove.size.value_or(0)))};
  VIPER_ASSIGN_OR_RETURN(file.path, DecodeDataPath(remove.path));
  return file;
}

}  // namespace

parquet::CheckpointActions ToCheckpoint(const TableState& state, int64_t expired_before_ms) {
  parquet::CheckpointActions actions;
  actions.protocol = CheckpointProtocolOf(state.protocol);
  const TableMetadata& metadata = state.metadata;
  actions.metadata = {.id = metadata.id,
                      .name = metadata.name,
                      .description = metadata.description,
                      .schema_json = metadata.schema_json,
                      .partition_columns = metadata.partition_columns,
                      .configuration = metadata.configuration,
                      .created_time_ms = metadata.created_time_ms};
  // A checkpoint tells a state, not a change: dataChange is false throughout, as Spark writes it.
  for (const auto& [path, file] : state.files) {
    actions.adds.push_back({.path = EncodeDataPath(path),
                            .size = static_cast<int64_t>(file.size),
                            .modification_time_ms = file.modification_time_ms,
                            .data_change = false,
                            .stats_json = file.stats_json,
                            .tags = file.tags});
  }
  for (const auto& [path, file] : state.tombstones) {
    if (file.deletion_timestamp_ms < expired_before_ms) continue;
    parquet::CheckpointRemove remove{.path = EncodeDataPath(path),
                                     .deletion_timestamp_ms = file.deletion_timestamp_ms,
                                     .data_change = false,
                                     .size = std::nullopt};
    if (file.size > 0) remove.size = static_cast<int64_t>(file.size);
    actions.removes.push_back(std::move(remove));
  }
  actions.transactions = state.transactions;
  return actions;
}

Result<CheckpointState> FromCheckpoint(const parquet::CheckpointActions& actions, int64_t version) {
  CheckpointState result;
  TableState& state = result.state;
  state.version = version;
  state.protocol = {
      .min_reader_version = actions.protocol.min_reader_version,
      .min_writer_version = actions.protocol.min_writer_version,
      .reader_features = actions.protocol.reader_features.value_or(std::vector<std::string>()),
      .writer_features = actions.protocol.writer_features.value_or(std::vector<std::string>())};
  const parquet::CheckpointMetadata& metadata = actions.metadata;
  state.metadata = {.id = metadata.id,
                    .name = metadata.name,
                    .description = metadata.description,
                    .schema_json = metadata.schema_json,
                    .partition_columns = metadata.partition_columns,
                    .configuration = metadata.configuration,
                    .created_time_ms = metadata.created_time_ms.value_or(0)};
  for (const parquet::CheckpointAdd& add : actions.adds) {
    VIPER_ASSIGN_OR_RETURN(AddedFile file, AddedFileOf(add));
    if (add.has_deletion_vector) result.paths_with_deletion_vector.insert(file.path);
    const std::string path = file.path;
    state.files.insert_or_assign(path, std::move(file));
  }
  for (const parquet::CheckpointRemove& remove : actions.removes) {
    VIPER_ASSIGN_OR_RETURN(RemovedFile file, RemovedFileOf(remove));
    // With deletion vectors a path may be removed in one form and added in another.
    if (state.files.contains(file.path)) continue;
    const std::string path = file.path;
    state.tombstones.insert_or_assign(path, std::move(file));
  }
  state.transactions = actions.transactions;
  return result;
}

}  // namespace viper::storage
