#include "viper/status.h"

#include <set>

#include <gtest/gtest.h>

#include "base/status_macros.h"
#include "testing/status_matchers.h"

namespace viper {
namespace {

TEST(Status, OkHasNoMessage) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kOk);
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.ToString(), "OK");
}

TEST(Status, IsOnePointerWideOrTwo) { EXPECT_LE(sizeof(Status), 2 * sizeof(void*)); }

TEST(Status, FailureCarriesCodeAndMessage) {
  const Status status = Status::NotFound("no record: id='a'");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "no record: id='a'");
  EXPECT_EQ(status.ToString(), "NotFound: no record: id='a'");
}

TEST(Status, EveryFactoryMakesItsCode) {
  EXPECT_EQ(Status::InvalidArgument("").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Status::NotFound("").code(), StatusCode::kNotFound);
  EXPECT_EQ(Status::AlreadyExists("").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Status::FailedPrecondition("").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Status::Corruption("").code(), StatusCode::kCorruption);
  EXPECT_EQ(Status::IoError("").code(), StatusCode::kIoError);
  EXPECT_EQ(Status::Unsupported("").code(), StatusCode::kUnsupported);
  EXPECT_EQ(Status::ResourceExhausted("").code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Status::Busy("").code(), StatusCode::kBusy);
  EXPECT_EQ(Status::Conflict("").code(), StatusCode::kConflict);
  EXPECT_EQ(Status::Cancelled("").code(), StatusCode::kCancelled);
  EXPECT_EQ(Status::DeadlineExceeded("").code(), StatusCode::kDeadlineExceeded);
}

TEST(Status, CodesHaveDistinctNamesAndStableNumbers) {
  std::set<std::string_view> names;
  for (int code = 0; code <= 12; ++code)
    names.insert(StatusCodeName(static_cast<StatusCode>(code)));
  EXPECT_EQ(names.size(), 13U);
  EXPECT_EQ(static_cast<int>(StatusCode::kDeadlineExceeded), 12);
  EXPECT_EQ(StatusCodeName(static_cast<StatusCode>(200)), "UnknownStatusCode");
}

TEST(Status, ContextGoesBeforeTheMessageAndLeavesOkAlone) {
  const Status status = Status::Corruption("bad checksum").WithContext("part-1");
  EXPECT_EQ(status.ToString(), "Corruption: part-1: bad checksum");
  EXPECT_TRUE(Status::Ok().WithContext("part-1").ok());
}

TEST(Status, CopiesKeepTheirMessageWhenTheOriginalChanges) {
  Status original = Status::Busy("held");
  const Status copy = original;
  original = Status::Ok();
  EXPECT_EQ(copy.message(), "held");
}

TEST(StatusDeathTest, FailureWithoutCodeIsABrokenPromise) {
  EXPECT_DEATH(static_cast<void>(Status(StatusCode::kOk, "fine")), "kOk");
}

Status FailIf(bool fail, int& steps) {
  VIPER_RETURN_IF_ERROR(fail ? Status::IoError("first") : Status::Ok());
  ++steps;
  return Status::Ok();
}

TEST(StatusMacros, ReturnIfErrorStopsAtTheFailure) {
  int steps = 0;
  EXPECT_STATUS(kIoError, "first", FailIf(true, steps));
  EXPECT_EQ(steps, 0);
  EXPECT_OK(FailIf(false, steps));
  EXPECT_EQ(steps, 1);
}

}  // namespace
}  // namespace viper
