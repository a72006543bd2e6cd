#include "platform/owner_process.h"

#include <unistd.h>

#include <fmt/core.h>

namespace viper {

OwnerProcess::OwnerProcess() : id_(::getpid()) {}

bool OwnerProcess::IsThis() const { return ::getpid() == id_; }

Status OwnerProcess::Check(std::string_view kind, std::string_view name) const {
  if (IsThis()) return {};
  return Status::FailedPrecondition(fmt::format(
      "{} '{}' was opened by process {}, and this is another one, after a fork: open it anew here: "
      "pid={}",
      kind, name, id_, ::getpid()));
}

}  // namespace viper
