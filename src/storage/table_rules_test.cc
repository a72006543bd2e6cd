#include "storage/table_rules.h"

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper::storage {
namespace {

TableProtocol Protocol(int reader, int writer, std::vector<std::string> reader_features = {},
                       std::vector<std::string> writer_features = {}) {
  return {reader, writer, std::move(reader_features), std::move(writer_features)};
}

Status CanWrite(const TableProtocol& protocol) {
  TableState state;
  state.protocol = protocol;
  return CheckCanWrite(state);
}

TEST(TableRules, WhatReadersMayOpen) {
  EXPECT_OK(CheckCanRead(Protocol(1, 2), {}));
  EXPECT_OK(CheckCanRead(Protocol(1, 7, {}, {"rowTracking"}), {}));
  EXPECT_OK(CheckCanRead(Protocol(3, 7, {"deletionVectors"}), {}));
  EXPECT_STATUS(kUnsupported, "supported=1 actual=2", CheckCanRead(Protocol(2, 5), {}));
  EXPECT_STATUS(kUnsupported, "supported=1 actual=4", CheckCanRead(Protocol(4, 8), {}));
  EXPECT_STATUS(kUnsupported, "reader feature that this build does not have: feature=columnMapping",
                CheckCanRead(Protocol(3, 7, {"deletionVectors", "columnMapping"}), {}));
}

TEST(TableRules, PartitionedTablesAreRefused) {
  TableMetadata metadata;
  metadata.partition_columns = {"year"};
  EXPECT_STATUS(kUnsupported, "column=year", CheckCanRead(Protocol(1, 2), metadata));
}

TEST(TableRules, WhatWritersMayOpen) {
  EXPECT_OK(CanWrite(Protocol(1, 1)));
  EXPECT_OK(CanWrite(Protocol(1, 2)));
  EXPECT_OK(CanWrite(Protocol(1, 7, {}, {"appendOnly", "invariants", "viperPrimaryKey"})));
  EXPECT_STATUS(kUnsupported, "writer of a newer Delta protocol", CanWrite(Protocol(1, 4)));
  EXPECT_STATUS(kUnsupported, "feature=rowTracking", CanWrite(Protocol(1, 7, {}, {"rowTracking"})));
  EXPECT_STATUS(kUnsupported, "reader", CanWrite(Protocol(2, 2)));
}

TEST(TableRules, RulesThatProtocolTwoBringsAreRefused) {
  TableState state;
  state.metadata.configuration["delta.appendOnly"] = "false";
  EXPECT_OK(CheckCanWrite(state));
  state.metadata.configuration["delta.appendOnly"] = "true";
  EXPECT_STATUS(kUnsupported, "delta.appendOnly", CheckCanWrite(state));
  state.metadata.configuration.clear();
  state.metadata.schema_json = R"({"fields":[{"metadata":{"delta.invariants":"{}"}}]})";
  EXPECT_STATUS(kUnsupported, "delta.invariants", CheckCanWrite(state));
}

}  // namespace
}  // namespace viper::storage
