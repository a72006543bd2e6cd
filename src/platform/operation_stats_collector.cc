#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <utility>

#include <fmt/core.h>

#include "viper/operation_metrics.h"

namespace viper {
namespace {

/// Of more the first are told.
constexpr size_t kProblemsMax = 16;

uint64_t SteadyNanoseconds() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

uint64_t ThreadCpuNanoseconds() {
  timespec time{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) return 0;
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

OperationStatsOptions WithClocks(OperationStatsOptions options) {
  if (options.clock == nullptr) options.clock = &Clock::System();
  if (!options.steady_nanoseconds) options.steady_nanoseconds = SteadyNanoseconds;
  if (!options.cpu_nanoseconds) options.cpu_nanoseconds = ThreadCpuNanoseconds;
  return options;
}

}  // namespace

OperationStatsCollector::OperationStatsCollector(std::string operation, std::string collection,
                                                 OperationStatsOptions options)
    : options_(WithClocks(std::move(options))) {
  metrics_.operation = std::move(operation);
  metrics_.collection = std::move(collection);
}

void OperationStatsCollector::StartOperation() {
  OperationMetrics fresh;
  fresh.operation = std::move(metrics_.operation);
  fresh.collection = std::move(metrics_.collection);
  metrics_ = std::move(fresh);
  open_.clear();
  is_running_ = true;
  is_final_ = false;
  metrics_.started_at = options_.clock->Now();
  begin_ = last_ = Now();
}

void OperationStatsCollector::StartPhase(std::string_view name) {
  if (!is_running_) return NoteProblem(fmt::format("phase '{}' began outside an operation", name));
  const auto named = [&](const PhaseMetrics& phase) { return phase.name == name; };
  auto found = std::find_if(metrics_.phases.begin(), metrics_.phases.end(), named);
  const auto index = static_cast<size_t>(found - metrics_.phases.begin());
  if (std::find(open_.begin(), open_.end(), index) != open_.end()) {
    return NoteProblem(fmt::format("phase '{}' began again before it ended", name));
  }
  Advance();
  if (found == metrics_.phases.end()) {
    PhaseMetrics& phase = metrics_.phases.emplace_back();
    phase.name = name;
    if (options_.profile) phase.cpu_nanoseconds = 0;
  }
  ++metrics_.phases[index].count;
  open_.push_back(index);
}

void OperationStatsCollector::EndPhase(std::string_view name) {
  const auto named = [&](size_t index) { return metrics_.phases[index].name == name; };
  const auto found = std::find_if(open_.begin(), open_.end(), named);
  if (!is_running_ || found == open_.end()) {
    return NoteProblem(fmt::format("phase '{}' ended without having begun", name));
  }
  Advance();
  open_.erase(found);
}

void OperationStatsCollector::SetRecordsProcessed(uint64_t count) {
  if (!is_final_) metrics_.records = count;
}

void OperationStatsCollector::SetBytesWritten(uint64_t bytes) {
  if (!is_final_) metrics_.bytes_written = bytes;
}

Status OperationStatsCollector::SetCompressionRatio(double ratio) {
  if (!std::isfinite(ratio) || ratio <= 0) {
    return Status::InvalidArgument(fmt::format(
        "operation '{}': the compression ratio (logical over stored bytes) must be finite and "
        "above 0: actual={}",
        metrics_.operation, ratio));
  }
  if (!is_final_) metrics_.compression_ratio = ratio;
  return {};
}

void OperationStatsCollector::SetFailed() {
  if (!is_final_) metrics_.is_failed = true;
}

const OperationMetrics& OperationStatsCollector::Finalize() {
  if (is_final_) return metrics_;
  if (is_running_) {
    Advance();
    metrics_.total_nanoseconds = last_.steady - begin_.steady;
    if (options_.profile) metrics_.cpu_nanoseconds = last_.cpu - begin_.cpu;
    for (const size_t index : open_) metrics_.phases[index].is_unclosed = true;
  } else {
    NoteProblem("the operation was never started");
  }
  is_running_ = false;
  is_final_ = true;
  return metrics_;
}

OperationStatsCollector::Moment OperationStatsCollector::Now() const {
  return {options_.steady_nanoseconds(), options_.profile ? options_.cpu_nanoseconds() : 0};
}

void OperationStatsCollector::Advance() {
  const Moment now = Now();
  if (!open_.empty()) {
    PhaseMetrics& phase = metrics_.phases[open_.back()];
    phase.nanoseconds += now.steady - last_.steady;
    if (phase.cpu_nanoseconds) *phase.cpu_nanoseconds += now.cpu - last_.cpu;
  }
  last_ = now;
}

void OperationStatsCollector::NoteProblem(std::string problem) {
  if (is_final_ || metrics_.problems.size() >= kProblemsMax) return;
  metrics_.problems.push_back(std::move(problem));
}

}  // namespace viper
