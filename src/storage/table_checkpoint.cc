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
                 .tags = add.tags,
                 .deletion_vector = add.deletion_vector};
  VIPER_ASSIGN_OR_RETURN(file.path, DecodeDataPath(add.path));
  return file;
}

Result<RemovedFile> RemovedFileOf(const parquet::CheckpointRemove& remove) {
  RemovedFile file{.path = {},
                   .deletion_timestamp_ms = remove.deletion_timestamp_ms,
                   .data_change = remove.data_change,
                   .size = static_cast<uint64_t>(std::max<int64_t>(0, remove.size.value_or(0))),
                   .deletion_vector = remove.deletion_vector};
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
                            .tags = file.tags,
                            .deletion_vector = file.deletion_vector});
  }
  for (const auto& [key, file] : state.tombstones) {
    if (file.deletion_timestamp_ms < expired_before_ms) continue;
    parquet::CheckpointRemove remove{.path = EncodeDataPath(file.path),
                                     .deletion_timestamp_ms = file.deletion_timestamp_ms,
                                     .data_change = false,
                                     .size = std::nullopt,
                                     .deletion_vector = file.deletion_vector};
    if (file.size > 0) remove.size = static_cast<int64_t>(file.size);
    actions.removes.push_back(std::move(remove));
  }
  actions.transactions = state.transactions;
  return actions;
}

Result<TableState> FromCheckpoint(const parquet::CheckpointActions& actions, int64_t version) {
  TableState state;
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
    const std::string path = file.path;
    state.files.insert_or_assign(path, std::move(file));
  }
  for (const parquet::CheckpointRemove& remove : actions.removes) {
    VIPER_ASSIGN_OR_RETURN(RemovedFile file, RemovedFileOf(remove));
    // A path may be removed with one deletion vector and live on with another.
    const auto live = state.files.find(file.path);
    if (live != state.files.end() && live->second.deletion_vector == file.deletion_vector) continue;
    std::string key = TombstoneKey(file.path, file.deletion_vector);
    state.tombstones.insert_or_assign(std::move(key), std::move(file));
  }
  for (const auto& [application, transaction] : actions.transactions) {
    NoteTransaction(application, transaction, state);
  }
  return state;
}

}  // namespace viper::storage
