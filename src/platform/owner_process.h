#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "viper/status.h"

namespace viper {

/// The process that made an object. After a fork the child has a copy of everything but the
/// threads, and the locks that those held are held for ever, so what has threads, or locks and
/// writes files, goes on to belong to its parent alone. Constant, hence thread-safe.
class OwnerProcess {
 public:
  /// This process.
  OwnerProcess();

  /// Costs a load, so that every call of an object may ask.
  bool IsThis() const;
  /// FailedPrecondition in any other process, naming the object: "collection", its name.
  Status Check(std::string_view kind, std::string_view name) const;

 private:
  int64_t id_;
  uint64_t forks_;
};

/// Deletes what this process made. In a child that was forked off it leaves the object as it is:
/// there are no threads to join, their condition variables would wait for them for ever, and the
/// files are its parent's.
struct DeleteInOwnerProcess {
  OwnerProcess owner = {};

  template <typename T>
  void operator()(T* object) const {
    std::unique_ptr<T> owned(object);
    if (!owner.IsThis()) static_cast<void>(owned.release());
  }
};

}  // namespace viper
