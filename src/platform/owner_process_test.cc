#include "platform/owner_process.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing/status_matchers.h"

namespace viper {
namespace {

/// What `check` says in a fork of this process.
template <typename Check>
bool IsSoInAFork(const Check& check) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(check() ? 0 : 1);
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(OwnerProcess, IsTheOneThatMadeItAndNotItsFork) {
  const OwnerProcess owner;
  EXPECT_TRUE(owner.IsThis());
  EXPECT_OK(owner.Check("collection", "films"));
  const std::string expected =
      "collection 'films' was opened by process " + std::to_string(::getpid());
  EXPECT_TRUE(IsSoInAFork([&] {
    const Status status = owner.Check("collection", "films");
    return !owner.IsThis() && status.code() == StatusCode::kFailedPrecondition &&
           status.message().starts_with(expected);
  }));
}

TEST(OwnerProcess, OnlyTheOwnerDeletes) {
  struct Counted {
    explicit Counted(int& count) : deleted(count) {}
    ~Counted() { ++deleted; }
    int& deleted;
  };
  int deleted = 0;
  std::unique_ptr<Counted, DeleteInOwnerProcess> object(new Counted(deleted));
  EXPECT_TRUE(IsSoInAFork([&] {
    object.reset();
    return deleted == 0;
  }));
  object.reset();
  EXPECT_EQ(deleted, 1);
}

}  // namespace
}  // namespace viper
