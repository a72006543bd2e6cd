#include "index/model_record.h"

#include <bit>
#include <cmath>
#include <initializer_list>

namespace viper::index {
namespace {

constexpr uint64_t kRecallsMax = 100;

void PutDouble(ByteWriter& writer, double value) {
  writer.PutFixed64(std::bit_cast<uint64_t>(value));
}

bool ReadNumbers(ByteReader& reader, std::initializer_list<uint64_t*> numbers) {
  for (uint64_t* number : numbers) {
    const auto read = reader.ReadFixed64();
    if (!read) return false;
    *number = *read;
  }
  return true;
}

/// Finite and not negative.
bool ReadMeasures(ByteReader& reader, std::initializer_list<double*> measures) {
  for (double* measure : measures) {
    const auto bits = reader.ReadFixed64();
    if (!bits) return false;
    *measure = std::bit_cast<double>(*bits);
    if (!std::isfinite(*measure) || *measure < 0) return false;
  }
  return true;
}

void EncodeAccuracy(const IndexAccuracy& accuracy, ByteWriter& writer) {
  writer.PutFixed64(static_cast<uint64_t>(accuracy.measured_at.micros));
  for (const uint64_t number :
       {accuracy.rows, accuracy.assignment_rows, accuracy.queries, accuracy.k}) {
    writer.PutFixed64(number);
  }
  PutDouble(writer, accuracy.assignment_agreement);
  writer.PutVarint(accuracy.recalls.size());
  for (const RecallMeasurement& recall : accuracy.recalls) {
    for (const double measure : {recall.asked, recall.routed, recall.achieved,
                                 recall.probed_clusters, recall.scanned_rows}) {
      PutDouble(writer, measure);
    }
  }
}

std::optional<IndexAccuracy> DecodeAccuracy(ByteReader& reader) {
  IndexAccuracy accuracy;
  uint64_t measured_at = 0;
  if (!ReadNumbers(reader, {&measured_at, &accuracy.rows, &accuracy.assignment_rows,
                            &accuracy.queries, &accuracy.k}) ||
      !ReadMeasures(reader, {&accuracy.assignment_agreement})) {
    return std::nullopt;
  }
  accuracy.measured_at.micros = static_cast<int64_t>(measured_at);
  const auto count = reader.ReadVarint();
  if (!count || *count > kRecallsMax) return std::nullopt;
  for (uint64_t i = 0; i < *count; ++i) {
    RecallMeasurement& recall = accuracy.recalls.emplace_back();
    if (!ReadMeasures(reader, {&recall.asked, &recall.routed, &recall.achieved,
                               &recall.probed_clusters, &recall.scanned_rows})) {
      return std::nullopt;
    }
  }
  return accuracy;
}

}  // namespace

void ModelRecord::Encode(ByteWriter& writer) const {
  for (const uint64_t number : {version, static_cast<uint64_t>(trained_at), trained_rows,
                                sampled_rows, wanted_rows, added_rows}) {
    writer.PutFixed64(number);
  }
  for (const double measure :
       {trained_squared_distance, trained_imbalance, trained_scanned_rows, caution}) {
    PutDouble(writer, measure);
  }
  writer.PutU8(accuracy ? 1 : 0);
  if (accuracy) EncodeAccuracy(*accuracy, writer);
}

std::optional<ModelRecord> ModelRecord::Decode(ByteReader& reader) {
  ModelRecord record;
  uint64_t trained_at = 0;
  const bool is_whole =
      ReadNumbers(reader, {&record.version, &trained_at, &record.trained_rows, &record.sampled_rows,
                           &record.wanted_rows, &record.added_rows}) &&
      ReadMeasures(reader, {&record.trained_squared_distance, &record.trained_imbalance,
                            &record.trained_scanned_rows, &record.caution});
  if (!is_whole || record.caution <= 0 || record.caution > 1) return std::nullopt;
  record.trained_at = static_cast<int64_t>(trained_at);
  const auto has_accuracy = reader.ReadU8();
  if (!has_accuracy || *has_accuracy > 1) return std::nullopt;
  if (*has_accuracy == 1) {
    record.accuracy = DecodeAccuracy(reader);
    if (!record.accuracy) return std::nullopt;
  }
  return record;
}

}  // namespace viper::index
