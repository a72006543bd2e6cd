#include "viper/performance_metrics.h"

#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"

namespace viper {
namespace {

struct MeasuredNumber {
  std::string_view name;
  std::optional<double> MeasuredRun::* member;
};

constexpr MeasuredNumber kMeasuredNumbers[] = {
    {"recall", &MeasuredRun::recall},
    {"peak_memory_bytes", &MeasuredRun::peak_memory_bytes},
    {"queries_per_s", &MeasuredRun::queries_per_s},
    {"stored_bytes", &MeasuredRun::stored_bytes},
    {"build_s", &MeasuredRun::build_s},
};

struct MeasuredText {
  std::string_view name;
  std::string MeasuredRun::* member;
};

constexpr MeasuredText kMeasuredTexts[] = {
    {"name", &MeasuredRun::name}, {"run", &MeasuredRun::run}, {"data", &MeasuredRun::data}};

Status CheckRun(const MeasuredRun& run) {
  if (run.name.empty()) return Status::InvalidArgument("a measured run has no name");
  for (const auto& [name, member] : kMeasuredNumbers) {
    const std::optional<double>& number = run.*member;
    if (!number) continue;
    if (!std::isfinite(*number) || *number <= 0) {
      return Status::InvalidArgument(fmt::format(
          "run '{}': {} must be finite and above 0: actual={}", run.name, name, *number));
    }
  }
  if (run.recall && *run.recall > 1) {
    return Status::InvalidArgument(
        fmt::format("run '{}': recall must be at most 1: actual={}", run.name, *run.recall));
  }
  return {};
}

/// The first over the second, if both were measured.
std::optional<double> Quotient(const std::optional<double>& over, const std::optional<double>& by) {
  if (!over || !by) return std::nullopt;
  return *over / *by;
}

std::optional<double> NumberOf(const Value& value) {
  if (value.as_float64() != nullptr) return *value.as_float64();
  if (value.as_int64() != nullptr) return static_cast<double>(*value.as_int64());
  return std::nullopt;
}

Result<MeasuredRun> RunOf(const Value& value) {
  const Value::Object* object = value.as_object();
  if (object == nullptr) return Status::InvalidArgument("a measured run is a JSON object");
  MeasuredRun run;
  for (const auto& [name, member] : kMeasuredTexts) {
    const auto found = object->find(name);
    if (found == object->end()) continue;
    if (found->second.as_string() == nullptr) {
      return Status::InvalidArgument(fmt::format("{} must be text", name));
    }
    run.*member = *found->second.as_string();
  }
  for (const auto& [name, member] : kMeasuredNumbers) {
    const auto found = object->find(name);
    if (found == object->end() || found->second.is_null()) continue;
    run.*member = NumberOf(found->second);
    if (!(run.*member)) return Status::InvalidArgument(fmt::format("{} must be a number", name));
  }
  VIPER_RETURN_IF_ERROR(CheckRun(run));
  return run;
}

}  // namespace

Result<PerformanceMetrics> ComparePerformance(const MeasuredRun& run, const MeasuredRun& baseline) {
  VIPER_RETURN_IF_ERROR(CheckRun(run));
  VIPER_RETURN_IF_ERROR(CheckRun(baseline));
  if (run.data != baseline.data) {
    return Status::InvalidArgument(fmt::format(
        "runs over different data do not compare: '{}' has '{}', baseline '{}' has '{}'", run.name,
        run.data, baseline.name, baseline.data));
  }
  PerformanceMetrics metrics;
  metrics.name = run.name;
  metrics.run = run.run;
  metrics.baseline = baseline.name;
  metrics.baseline_run = baseline.run;
  metrics.data = run.data;
  if (const auto bytes = Quotient(baseline.stored_bytes, run.stored_bytes)) {
    metrics.compression_ratio = *bytes - 1;
  }
  // A recall that is better than the baseline's is as good.
  const bool is_as_good = run.recall && baseline.recall &&
                          *run.recall >= *baseline.recall - PerformanceMetrics::kRecallSlack;
  if (!is_as_good) return metrics;
  if (const auto memory = Quotient(run.peak_memory_bytes, baseline.peak_memory_bytes)) {
    metrics.memory_efficiency = 1 - *memory;
  }
  if (const auto queries = Quotient(run.queries_per_s, baseline.queries_per_s)) {
    metrics.search_performance = *queries - 1;
  }
  metrics.build_performance = Quotient(baseline.build_s, run.build_s);
  return metrics;
}

Value ToValue(const MeasuredRun& run) {
  Value::Object object;
  for (const auto& [name, member] : kMeasuredTexts) object[std::string(name)] = run.*member;
  for (const auto& [name, member] : kMeasuredNumbers) {
    if (run.*member) object[std::string(name)] = *(run.*member);
  }
  return Value(std::move(object));
}

Result<std::vector<MeasuredRun>> ParseMeasuredRuns(std::string_view json_lines) {
  std::vector<MeasuredRun> runs;
  size_t line_number = 0;
  while (!json_lines.empty()) {
    ++line_number;
    const size_t end = json_lines.find('\n');
    const std::string_view line = json_lines.substr(0, end);
    json_lines.remove_prefix(end == std::string_view::npos ? json_lines.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto value = Value::FromJson(line);
    auto run = value.ok() ? RunOf(*value) : Result<MeasuredRun>(value.status());
    if (!run.ok()) {
      return run.status().WithContext(fmt::format("measured runs, line {}", line_number));
    }
    runs.push_back(std::move(*run));
  }
  return runs;
}

}  // namespace viper
