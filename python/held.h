#pragma once

#include <memory>
#include <utility>

#include "python_error.h"

namespace viper::python {

/// A shared pointer that gives up the last reference with the interpreter lock released: what it
/// held may wait for threads at its end. Made, copied and destroyed with the lock.
template <typename T>
class Held {
 public:
  explicit Held(std::shared_ptr<T> object) : object_(std::move(object)) {}
  ~Held() { Reset(); }
  Held(const Held&) = default;
  Held(Held&&) noexcept = default;
  Held& operator=(const Held&) = delete;
  Held& operator=(Held&&) = delete;

  void Reset() {
    // Of others that hold it each lets go with the interpreter lock, hence after this one.
    std::shared_ptr<T> last = std::move(object_);
    if (last.use_count() == 1) Unlocked([&] { last.reset(); });
  }

  bool is_empty() const { return object_ == nullptr; }
  T* operator->() const { return object_.get(); }
  T& operator*() const { return *object_; }

 private:
  std::shared_ptr<T> object_;
};

}  // namespace viper::python
