#include "viper/result.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "base/status_macros.h"
#include "testing/status_matchers.h"

namespace viper {
namespace {

Result<int> Half(int number) {
  if (number % 2 != 0) return Status::InvalidArgument("odd");
  return number / 2;
}

Result<int> Quarter(int number) {
  VIPER_ASSIGN_OR_RETURN(const int half, Half(number));
  VIPER_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

TEST(Result, HoldsAValueOrAStatus) {
  EXPECT_EQ(*Half(4), 2);
  EXPECT_OK(Half(4));
  EXPECT_STATUS(kInvalidArgument, "odd", Half(3));
}

TEST(Result, AssignOrReturnPassesTheFirstFailureOn) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_STATUS(kInvalidArgument, "odd", Quarter(6));
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 7);
}

TEST(Result, ConvertsWhatConvertsToItsValue) {
  const Result<std::string> text = "literal";
  EXPECT_EQ(text->size(), 7U);
  const Result<std::shared_ptr<const int>> pointer = std::make_shared<int>(3);
  EXPECT_EQ(**pointer, 3);
}

TEST(ResultDeathTest, ValueOfAFailureStopsWithItsMessage) {
  EXPECT_DEATH(static_cast<void>(Half(3).value()), "InvalidArgument: odd");
}

TEST(ResultDeathTest, CannotBeMadeOfAnOkStatus) {
  EXPECT_DEATH(static_cast<void>(Result<int>(Status::Ok())), "OK status");
}

}  // namespace
}  // namespace viper
