#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/mutex.h"
#include "viper/engine.h"
#include "viper/optimization.h"

namespace viper::utilities {

/// Looks at a collection from all sides, keeps what is recommended, and does it when asked.
/// Thread-safe.
class OptimizationAdviser {
 public:
  /// Recommendations that are kept; of more the oldest are forgotten.
  static constexpr size_t kKeptMax = 1'000;

  /// Neither is owned; both must outlive it.
  OptimizationAdviser(Engine& engine, CompressionOptimizer& compression)
      : engine_(engine), compression_(compression) {}

  Result<OptimizationReport> Optimize(const std::string& name, const OptimizeOptions& options)
      VIPER_EXCLUDES(mutex_);
  /// The oldest first.
  std::vector<Recommendation> Recommendations() const VIPER_EXCLUDES(mutex_);
  /// NotFound; FailedPrecondition if it cannot be applied, or was before, or what it is about is no
  /// longer as it was. What fails in doing it is told in the recommendation too.
  Result<Recommendation> Apply(uint64_t id) VIPER_EXCLUDES(mutex_);

 private:
  void Keep(std::vector<Recommendation>& recommendations) VIPER_EXCLUDES(mutex_);
  void Replace(const Recommendation& recommendation) VIPER_EXCLUDES(mutex_);
  /// Do it, and keep what came of it, in the recommendation too.
  Status Carry(Recommendation& recommendation) VIPER_EXCLUDES(mutex_);
  /// Do it, and return the number that it was about.
  Result<double> Do(const Recommendation& recommendation);
  Result<double> ApplySchema(Collection& collection, const Recommendation& recommendation);

  Engine& engine_;
  CompressionOptimizer& compression_;

  mutable Mutex mutex_;
  uint64_t last_id_ VIPER_GUARDED_BY(mutex_) = 0;
  std::vector<Recommendation> kept_ VIPER_GUARDED_BY(mutex_);
};

}  // namespace viper::utilities
