#include "storage/table_rules.h"

#include <algorithm>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "base/status_macros.h"

namespace viper::storage {
namespace {

constexpr int kReaderVersionMax = 1;
constexpr int kWriterVersionMax = 2;

constexpr std::string_view kReaderFeatures[] = {"deletionVectors", "vacuumProtocolCheck"};
// viperPrimaryKey keeps other writers out (docs/format/table.md).
constexpr std::string_view kWriterFeatures[] = {"deletionVectors", "vacuumProtocolCheck",
                                                "appendOnly", "invariants", "viperPrimaryKey"};

Status CheckFeatures(std::string_view role, const std::vector<std::string>& features,
                     std::span<const std::string_view> known) {
  for (const std::string& feature : features) {
    if (std::find(known.begin(), known.end(), feature) == known.end()) {
      return Status::Unsupported(fmt::format(
          "the table needs a {} feature that this build does not have: feature={}", role, feature));
    }
  }
  return Status::Ok();
}

Status UnknownVersion(std::string_view role, int known, int actual) {
  return Status::Unsupported(
      fmt::format("the table needs a {} of a newer Delta protocol: supported={} actual={}", role,
                  known, actual));
}

}  // namespace

Status CheckCanRead(const TableProtocol& protocol, const TableMetadata& metadata) {
  if (protocol.min_reader_version == kReaderFeaturesVersion) {
    VIPER_RETURN_IF_ERROR(CheckFeatures("reader", protocol.reader_features, kReaderFeatures));
  } else if (protocol.min_reader_version > kReaderVersionMax) {
    return UnknownVersion("reader", kReaderVersionMax, protocol.min_reader_version);
  }
  if (!metadata.partition_columns.empty()) {
    return Status::Unsupported(
        fmt::format("the table is partitioned, which is not supported: column={}",
                    metadata.partition_columns.front()));
  }
  return Status::Ok();
}

Status CheckCanWrite(const TableState& state) {
  VIPER_RETURN_IF_ERROR(CheckCanRead(state.protocol, state.metadata));
  if (state.protocol.min_writer_version == kWriterFeaturesVersion) {
    VIPER_RETURN_IF_ERROR(CheckFeatures("writer", state.protocol.writer_features, kWriterFeatures));
  } else if (state.protocol.min_writer_version > kWriterVersionMax) {
    return UnknownVersion("writer", kWriterVersionMax, state.protocol.min_writer_version);
  }
  const auto append_only = state.metadata.configuration.find("delta.appendOnly");
  if (append_only != state.metadata.configuration.end() && append_only->second == "true") {
    return Status::Unsupported("the table is append-only: property=delta.appendOnly");
  }
  // The schema is a JSON document; a column of this name would be no table of ours either.
  if (state.metadata.schema_json.find("\"delta.invariants\"") != std::string::npos) {
    return Status::Unsupported("the table has column invariants: property=delta.invariants");
  }
  return Status::Ok();
}

}  // namespace viper::storage
