#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "platform/mutex.h"
#include "utilities/model_history.h"
#include "viper/engine.h"
#include "viper/resources.h"

namespace viper::utilities {

/// What an open collection takes.
CollectionResources ResourcesOf(const Collection& collection);

/// Looks at the open collections of an engine now and then, and notes what they are like in a model
/// history. Thread-safe.
class ModelObserver {
 public:
  /// Neither is owned; both must outlive it.
  ModelObserver(Engine& engine, ModelHistory& history) : engine_(engine), history_(history) {}

  Status Observe() VIPER_EXCLUDES(mutex_);

 private:
  struct Seen {
    uint64_t searches = 0;
    uint64_t nanoseconds = 0;
  };
  /// Of collections that were dropped nothing is kept: a later one of that name is another.
  Status ForgetDropped() VIPER_REQUIRES(mutex_);
  /// Mean of the searches since the last look, in milliseconds.
  std::optional<double> LatencySince(const CollectionOperations& operations) VIPER_REQUIRES(mutex_);

  Engine& engine_;
  ModelHistory& history_;
  Mutex mutex_;
  /// CollectionOperations::epoch, by name.
  std::map<std::string, uint64_t> epochs_ VIPER_GUARDED_BY(mutex_);
  /// By epoch.
  std::map<uint64_t, Seen> seen_ VIPER_GUARDED_BY(mutex_);
};

}  // namespace viper::utilities
