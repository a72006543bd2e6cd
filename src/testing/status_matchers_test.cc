#include "testing/status_matchers.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

namespace viper {
namespace {

TEST(StatusMatchers, FailWithTheStatusInTheirMessage) {
  EXPECT_NONFATAL_FAILURE(EXPECT_OK(Status::IoError("broken disk")), "IoError: broken disk");
  EXPECT_FATAL_FAILURE(ASSERT_OK(Status::IoError("broken disk")), "IoError: broken disk");
  EXPECT_NONFATAL_FAILURE(EXPECT_STATUS(kNotFound, "", Status::IoError("broken disk")),
                          "IoError: broken disk");
  EXPECT_NONFATAL_FAILURE(EXPECT_STATUS(kIoError, "tape", Status::IoError("broken disk")), "tape");
  EXPECT_NONFATAL_FAILURE(EXPECT_STATUS(kIoError, "", Status::Ok()), "actual: OK");
}

TEST(StatusMatchers, AssignMovesTheValueOut) {
  ASSERT_OK_AND_ASSIGN(const std::string text, Result<std::string>("value"));
  EXPECT_EQ(text, "value");
}

}  // namespace
}  // namespace viper
