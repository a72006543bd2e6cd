#pragma once

#include "core/read_view.h"
#include "platform/mutex.h"
#include "viper/status.h"

namespace viper::core {

/// The order of rows at equal distance: by id, bytewise. Reading an id may fail, which a comparison
/// cannot say: the first failure is kept and asked for afterwards. Thread-safe.
class RowOrder {
 public:
  /// The view outlives it.
  explicit RowOrder(const ReadView& view) : view_(view) {}

  bool IsBefore(const Location& a, const Location& b) {
    const auto id_a = view_.IdOf(a);
    const auto id_b = view_.IdOf(b);
    Note(id_a.status());
    Note(id_b.status());
    return id_a.ok() && id_b.ok() && *id_a < *id_b;
  }
  Status status() const {
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  void Note(const Status& status) {
    if (status.ok()) return;
    MutexLock lock(mutex_);
    if (status_.ok()) status_ = status;
  }

  const ReadView& view_;
  mutable Mutex mutex_;
  Status status_ VIPER_GUARDED_BY(mutex_);
};

}  // namespace viper::core
