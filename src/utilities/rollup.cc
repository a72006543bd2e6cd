#include "utilities/rollup.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/coding.h"

namespace viper::utilities {
namespace {

constexpr double kNanosecondsInMs = 1e6;

std::optional<double> InMs(std::optional<double> nanoseconds) {
  if (nanoseconds) *nanoseconds /= kNanosecondsInMs;
  return nanoseconds;
}

/// Sums of ratios stay finite, whatever is recorded: one that is not would never go away.
double FiniteSum(double a, double b) { return std::min(a + b, std::numeric_limits<double>::max()); }

bool IsSum(double number) { return std::isfinite(number) && number >= 0; }

/// Reads one after the other; the first that is missing makes all of it bad.
class EntryReader {
 public:
  explicit EntryReader(std::span<const std::byte> bytes) : reader_(bytes) {}

  uint64_t Number() { return Take(reader_.ReadVarint()); }
  uint64_t Fixed() { return Take(reader_.ReadFixed64()); }
  double Float() { return std::bit_cast<double>(Fixed()); }
  std::string Text() { return std::string(Take(reader_.ReadString())); }
  bool is_good() const { return is_good_; }
  bool is_whole() const { return is_good_ && reader_.done(); }

 private:
  template <typename T>
  T Take(std::optional<T> value) {
    is_good_ = is_good_ && value.has_value();
    return value.value_or(T{});
  }

  ByteReader reader_;
  bool is_good_ = true;
};

}  // namespace

void Rollup::Add(const OperationMetrics& metrics) {
  latency.Add(metrics.total_nanoseconds);
  failures += metrics.is_failed ? 1 : 0;
  records += metrics.records;
  bytes_written += metrics.bytes_written;
  if (!metrics.compression_ratio) return;
  ++ratios;
  ratio_sum = FiniteSum(ratio_sum, *metrics.compression_ratio);
  ratio_stored_bytes += metrics.bytes_written;
  ratio_logical_bytes = FiniteSum(
      ratio_logical_bytes, *metrics.compression_ratio * static_cast<double>(metrics.bytes_written));
}

void Rollup::Merge(const Rollup& other) {
  latency.Merge(other.latency);
  failures += other.failures;
  records += other.records;
  bytes_written += other.bytes_written;
  ratios += other.ratios;
  ratio_sum = FiniteSum(ratio_sum, other.ratio_sum);
  ratio_stored_bytes += other.ratio_stored_bytes;
  ratio_logical_bytes = FiniteSum(ratio_logical_bytes, other.ratio_logical_bytes);
}

std::optional<double> Rollup::CompressionRatio() const {
  if (ratios == 0) return std::nullopt;
  if (ratio_stored_bytes == 0) return ratio_sum / static_cast<double>(ratios);
  return ratio_logical_bytes / static_cast<double>(ratio_stored_bytes);
}

OperationTotals Rollup::Totals() const {
  OperationTotals totals;
  totals.total_operations = latency.count();
  totals.failures = failures;
  totals.records = records;
  totals.bytes_written = bytes_written;
  totals.avg_latency_ms = InMs(latency.mean());
  totals.p50_latency_ms = InMs(latency.Percentile(0.5));
  totals.p95_latency_ms = InMs(latency.Percentile(0.95));
  totals.p99_latency_ms = InMs(latency.Percentile(0.99));
  if (latency.count() > 0) totals.max_latency_ms = InMs(static_cast<double>(latency.max()));
  if (latency.sum() > 0) {
    totals.records_per_second =
        static_cast<double>(records) * 1e9 / static_cast<double>(latency.sum());
  }
  totals.avg_compression_ratio = CompressionRatio();
  return totals;
}

void EncodeEntry(const HistoryEntry& entry, std::vector<std::byte>& out) {
  ByteWriter writer(out);
  const Rollup& rollup = entry.rollup;
  writer.PutVarint(static_cast<uint64_t>(entry.key.source));
  writer.PutString(entry.key.collection);
  writer.PutString(entry.key.operation);
  writer.PutFixed64(static_cast<uint64_t>(entry.begin));
  writer.PutVarint(rollup.failures);
  writer.PutVarint(rollup.records);
  writer.PutVarint(rollup.bytes_written);
  writer.PutVarint(rollup.ratios);
  writer.PutFixed64(std::bit_cast<uint64_t>(rollup.ratio_sum));
  writer.PutVarint(rollup.ratio_stored_bytes);
  writer.PutFixed64(std::bit_cast<uint64_t>(rollup.ratio_logical_bytes));
  writer.PutVarint(rollup.latency.sum());
  writer.PutVarint(rollup.latency.max());
  writer.PutVarint(rollup.latency.buckets().size());
  for (const auto& [bucket, count] : rollup.latency.buckets()) {
    writer.PutVarint(bucket);
    writer.PutVarint(count);
  }
}

std::optional<HistoryEntry> DecodeEntry(std::span<const std::byte> bytes) {
  EntryReader reader(bytes);
  HistoryEntry entry;
  Rollup& rollup = entry.rollup;
  const uint64_t source = reader.Number();
  if (source > static_cast<uint64_t>(OperationSource::kEngine)) return std::nullopt;
  entry.key.source = static_cast<OperationSource>(source);
  entry.key.collection = reader.Text();
  entry.key.operation = reader.Text();
  entry.begin = static_cast<int64_t>(reader.Fixed());
  rollup.failures = reader.Number();
  rollup.records = reader.Number();
  rollup.bytes_written = reader.Number();
  rollup.ratios = reader.Number();
  rollup.ratio_sum = reader.Float();
  rollup.ratio_stored_bytes = reader.Number();
  rollup.ratio_logical_bytes = reader.Float();
  const uint64_t sum = reader.Number();
  const uint64_t max = reader.Number();
  rollup.latency.AddTotals(sum, max);
  const uint64_t bucket_count = reader.Number();
  if (bucket_count > LatencyBuckets::kCount) return std::nullopt;
  for (uint64_t i = 0; i < bucket_count && reader.is_good(); ++i) {
    const uint64_t bucket = reader.Number();
    const uint64_t count = reader.Number();
    if (bucket >= LatencyBuckets::kCount) return std::nullopt;
    rollup.latency.AddBucket(static_cast<size_t>(bucket), count);
  }
  if (!reader.is_whole()) return std::nullopt;
  // Our writer has none of these, and who reads relies on a mean.
  if (rollup.latency.count() == 0) return std::nullopt;
  if (!IsSum(rollup.ratio_sum) || !IsSum(rollup.ratio_logical_bytes)) return std::nullopt;
  return entry;
}

}  // namespace viper::utilities
