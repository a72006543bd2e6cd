#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/mutex.h"
#include "utilities/frame_log.h"
#include "viper/performance_model.h"
#include "viper/result.h"

namespace viper::utilities {

/// What collections were like over time, kept over restarts, and what that lets expect.
/// Thread-safe.
class ModelHistory {
 public:
  /// Points of one collection; of more every second one is forgotten.
  static constexpr size_t kPointsMax = 512;

  /// `path` empty: in memory only.
  static Result<std::unique_ptr<ModelHistory>> Open(FileSystem& file_system,
                                                    const std::string& path);

  /// Note a point. One that tells nothing new - as many rows (within a hundredth) and probes as the
  /// last one - only brings that up to date: its time, its latency, and its bytes, as many as they
  /// are at the last one's rows. Those stay: else a collection that grows slowly would have one
  /// point for ever.
  Status Add(const std::string& collection, const PerformancePoint& point) VIPER_EXCLUDES(mutex_);
  /// Forget all collections but those that `keeps` wants.
  Status Retain(const std::function<bool(const std::string& collection)>& keeps)
      VIPER_EXCLUDES(mutex_);
  std::vector<PerformancePoint> PointsOf(const std::string& collection) const
      VIPER_EXCLUDES(mutex_);
  /// At so many times the rows of the last point, and so many times its probes. NotFound without a
  /// point.
  Result<PerformancePrediction> Predict(const std::string& collection, double rows_factor,
                                        double probes_factor) const VIPER_EXCLUDES(mutex_);

 private:
  Status Rewrite() VIPER_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, std::vector<PerformancePoint>> points_ VIPER_GUARDED_BY(mutex_);
  /// Null: in memory only.
  std::unique_ptr<FrameLog> log_ VIPER_GUARDED_BY(mutex_);
  /// The file lacks something that is in memory.
  bool is_behind_ VIPER_GUARDED_BY(mutex_) = false;
  uint64_t rewritten_bytes_ VIPER_GUARDED_BY(mutex_) = 0;
};

}  // namespace viper::utilities
