#include "platform/posix_error.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper {
namespace {

TEST(PosixError, CodeFollowsTheErrno) {
  EXPECT_EQ(PosixError("open", "f", ENOENT).code(), StatusCode::kNotFound);
  EXPECT_EQ(PosixError("open", "f", EEXIST).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(PosixError("write", "f", ENOSPC).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(PosixError("write", "f", EDQUOT).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(PosixError("write", "f", EIO).code(), StatusCode::kIoError);
  EXPECT_EQ(PosixError("open", "f", EACCES).code(), StatusCode::kIoError);
  EXPECT_EQ(PosixError("open", "f", EROFS).code(), StatusCode::kIoError);
}

TEST(PosixError, MessageNamesOperationPathAndReason) {
  const Status status = PosixError("write", "/data/f", ENOSPC);
  EXPECT_STATUS(kResourceExhausted, "cannot write '/data/f': ", status);
  EXPECT_STATUS(kResourceExhausted, "No space left on device", status);
#if defined(__GLIBC__)
  EXPECT_STATUS(kResourceExhausted, "(ENOSPC)", status);
#endif
}

}  // namespace
}  // namespace viper
