#include "utilities/model_history.h"

#include <bit>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/coding.h"
#include "base/status_macros.h"
#include "utilities/power_law.h"

namespace viper::utilities {
namespace {

constexpr std::string_view kModelKind = "VPMODL01";
constexpr double kSameRows = 0.01;
/// The file is written anew when it has so many times the bytes that it had then, and these.
constexpr uint64_t kLogGrowth = 4;
constexpr uint64_t kLogSlackBytes = uint64_t{64} << 10;

std::vector<std::byte> EncodePoint(const std::string& collection, const PerformancePoint& point) {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.PutString(collection);
  writer.PutFixed64(static_cast<uint64_t>(point.at.micros));
  for (const double number :
       {point.rows, point.bytes, point.probes, point.latency_ms.value_or(std::nan(""))}) {
    writer.PutFixed64(std::bit_cast<uint64_t>(number));
  }
  return bytes;
}

std::optional<std::pair<std::string, PerformancePoint>> DecodePoint(
    std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  const auto collection = reader.ReadString();
  const auto at = reader.ReadFixed64();
  double numbers[4] = {};
  for (double& number : numbers) {
    const auto bits = reader.ReadFixed64();
    if (!bits) return std::nullopt;
    number = std::bit_cast<double>(*bits);
  }
  if (!collection || !at || !reader.done()) return std::nullopt;
  PerformancePoint point{{static_cast<int64_t>(*at)}, numbers[0], numbers[1], numbers[2], {}};
  if (!std::isnan(numbers[3])) point.latency_ms = numbers[3];
  return std::pair(std::string(*collection), point);
}

bool TellsNothingNew(const PerformancePoint& last, const PerformancePoint& point) {
  return last.probes == point.probes && std::abs(point.rows - last.rows) <= kSameRows * last.rows;
}

void AddPoint(std::vector<PerformancePoint>& points, const PerformancePoint& point) {
  if (!points.empty() && TellsNothingNew(points.back(), point)) {
    PerformancePoint& last = points.back();
    last.at = point.at;
    last.bytes = point.rows > 0 ? point.bytes * (last.rows / point.rows) : point.bytes;
    if (point.latency_ms) last.latency_ms = point.latency_ms;
    return;
  }
  points.push_back(point);
  if (points.size() <= ModelHistory::kPointsMax) return;
  for (size_t i = 0; 2 * i < points.size(); ++i) points[i] = points[2 * i];
  points.resize((points.size() + 1) / 2);
}

std::optional<PredictedNumber> PredictNumber(std::span<const PowerLawPoint> points, double x1,
                                             double x2) {
  const auto law = FitPowerLaw(points);
  if (!law) return std::nullopt;
  return PredictedNumber{law->At(x1, x2), PastError(points), points.size()};
}

}  // namespace

Result<std::unique_ptr<ModelHistory>> ModelHistory::Open(FileSystem& file_system,
                                                         const std::string& path) {
  auto history = std::make_unique<ModelHistory>();
  if (path.empty()) return history;
  VIPER_ASSIGN_OR_RETURN(auto opened, FrameLog::Open(file_system, path, kModelKind));
  MutexLock lock(history->mutex_);
  for (const auto& payload : opened.payloads) {
    if (const auto decoded = DecodePoint(payload)) {
      AddPoint(history->points_[decoded->first], decoded->second);
    }
  }
  history->log_ = std::move(opened.log);
  VIPER_RETURN_IF_ERROR(history->Rewrite());
  return history;
}

Status ModelHistory::Add(const std::string& collection, const PerformancePoint& point) {
  MutexLock lock(mutex_);
  AddPoint(points_[collection], point);
  if (log_ == nullptr) return {};
  // What could not be appended before is in what is written anew.
  if (is_behind_ || log_->bytes() > kLogGrowth * rewritten_bytes_ + kLogSlackBytes) {
    return Rewrite();
  }
  const Status appended = log_->Append(EncodePoint(collection, point));
  is_behind_ = !appended.ok();
  return appended;
}

Status ModelHistory::Retain(const std::function<bool(const std::string& collection)>& keeps) {
  MutexLock lock(mutex_);
  const size_t forgotten =
      std::erase_if(points_, [&](const auto& entry) { return !keeps(entry.first); });
  return forgotten == 0 || log_ == nullptr ? Status::Ok() : Rewrite();
}

std::vector<PerformancePoint> ModelHistory::PointsOf(const std::string& collection) const {
  MutexLock lock(mutex_);
  const auto found = points_.find(collection);
  return found == points_.end() ? std::vector<PerformancePoint>() : found->second;
}

Result<PerformancePrediction> ModelHistory::Predict(const std::string& collection,
                                                    double rows_factor,
                                                    double probes_factor) const {
  if (!(rows_factor > 0) || !(probes_factor > 0) || !std::isfinite(rows_factor * probes_factor)) {
    return Status::InvalidArgument(
        fmt::format("a prediction needs factors above 0: rows_factor={} probes_factor={}",
                    rows_factor, probes_factor));
  }
  const std::vector<PerformancePoint> points = PointsOf(collection);
  if (points.empty()) {
    return Status::NotFound(
        fmt::format("nothing was observed of a collection '{}' yet", collection));
  }
  std::vector<PowerLawPoint> latency;
  std::vector<PowerLawPoint> bytes;
  for (const PerformancePoint& point : points) {
    if (point.latency_ms) latency.push_back({point.rows, point.probes, *point.latency_ms});
    bytes.push_back({point.rows, 1, point.bytes});
  }
  PerformancePrediction prediction;
  prediction.rows = points.back().rows * rows_factor;
  prediction.probes = points.back().probes * probes_factor;
  if (prediction.rows <= 0) return prediction;
  prediction.latency_ms = PredictNumber(latency, prediction.rows, prediction.probes);
  prediction.bytes = PredictNumber(bytes, prediction.rows, 1);
  return prediction;
}

Status ModelHistory::Rewrite() {
  // Unless it succeeds the file cannot be appended to any more.
  is_behind_ = true;
  std::vector<std::vector<std::byte>> payloads;
  for (const auto& [collection, points] : points_) {
    for (const PerformancePoint& point : points) payloads.push_back(EncodePoint(collection, point));
  }
  VIPER_RETURN_IF_ERROR(log_->Rewrite(payloads));
  is_behind_ = false;
  rewritten_bytes_ = log_->bytes();
  return {};
}

}  // namespace viper::utilities
