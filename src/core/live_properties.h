#pragma once

#include "platform/mutex.h"
#include "viper/schema.h"

namespace viper::core {

/// The properties of an open collection, as the newest table version that it has seen has them.
/// Thread-safe.
class LiveProperties {
 public:
  CollectionProperties Get() const VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return properties_;
  }
  void Set(const CollectionProperties& properties) VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    properties_ = properties;
  }

 private:
  mutable Mutex mutex_;
  CollectionProperties properties_ VIPER_GUARDED_BY(mutex_);
};

}  // namespace viper::core
