#include "platform/owner_process.h"

#include <atomic>

#include <pthread.h>
#include <unistd.h>

#include <fmt/core.h>

namespace viper {
namespace {

/// The forks that led from the first process that asked to this one. Reads look at it, and a system
/// call each would cost them more.
std::atomic<uint64_t> forks{0};

uint64_t ForksUntilNow() {
  [[maybe_unused]] static const int registered =
      ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  return forks.load(std::memory_order_relaxed);
}

}  // namespace

OwnerProcess::OwnerProcess() : id_(::getpid()), forks_(ForksUntilNow()) {}

bool OwnerProcess::IsThis() const { return forks.load(std::memory_order_relaxed) == forks_; }

Status OwnerProcess::Check(std::string_view kind, std::string_view name) const {
  if (IsThis()) return {};
  return Status::FailedPrecondition(fmt::format(
      "{} '{}' was opened by process {}, and this is another one, after a fork: open it anew here: "
      "pid={}",
      kind, name, id_, ::getpid()));
}

}  // namespace viper
