#include <memory>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"
#include "viper/pipeline.h"

namespace viper {
namespace {

class StandardProcessor : public RecordProcessor {
 public:
  std::string_view name() const override { return "standard"; }
};

class SimilarityProcessor : public RecordProcessor {
 public:
  std::string_view name() const override { return "similarity"; }
  SortingStrategy Sorting(const SortingStrategy&) const override {
    return {SortingOrder::kBySimilarity, {}};
  }
};

class TimeSeriesProcessor : public RecordProcessor {
 public:
  explicit TimeSeriesProcessor(int64_t window_ms) : window_ms_(window_ms) {}
  std::string_view name() const override { return "time_series"; }
  SortingStrategy Sorting(const SortingStrategy&) const override {
    return {SortingOrder::kByTime, {}};
  }
  int64_t window_ms() const override { return window_ms_; }

 private:
  const int64_t window_ms_;
};

}  // namespace

Status RecordProcessor::Preprocess(std::vector<Record>&) { return {}; }
Status RecordProcessor::Postprocess(FileSummary&) { return {}; }

std::shared_ptr<RecordProcessor> MakeStandardProcessor() {
  return std::make_shared<StandardProcessor>();
}

std::shared_ptr<RecordProcessor> MakeSimilarityProcessor() {
  return std::make_shared<SimilarityProcessor>();
}

Result<std::shared_ptr<RecordProcessor>> MakeTimeSeriesProcessor(int64_t window_ms) {
  if (window_ms < 1 || window_ms > kTtlMsMax) {
    return Status::InvalidArgument(
        fmt::format("the window is out of range: window_ms={} min=1 max={}", window_ms, kTtlMsMax));
  }
  return std::shared_ptr<RecordProcessor>(std::make_shared<TimeSeriesProcessor>(window_ms));
}

}  // namespace viper
