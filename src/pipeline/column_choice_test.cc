#include "pipeline/column_choice.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace viper::pipeline {
namespace {

TEST(ColumnChoice, OurOwnNameGoesBeforeTheUsualOne) {
  const std::vector<Column> columns = {{"id"}, {"vector", true}, {"_vector", true}, {"_id"}};
  EXPECT_EQ(*ChooseIdColumn(columns, ""), "_id");
  EXPECT_EQ(*ChooseVectorColumn(columns, ""), "_vector");
  EXPECT_EQ(*ChooseIdColumn(columns, "id"), "id");
  EXPECT_EQ(*ChooseVectorColumn(columns, "vector"), "vector");
}

TEST(ColumnChoice, IdIsOptionalUnlessItIsNamed) {
  const std::vector<Column> columns = {{"name"}};
  EXPECT_EQ(*ChooseIdColumn(columns, ""), "");
  EXPECT_EQ(ChooseIdColumn(columns, "key").status().message(),
            "no column of that name for the id: wanted=key there=name");
}

TEST(ColumnChoice, OnlyListOfNumbersIsTheVector) {
  const std::vector<Column> one = {{"id"}, {"x", true}};
  EXPECT_EQ(*ChooseVectorColumn(one, ""), "x");
  const std::vector<Column> none = {{"id"}, {"x"}};
  EXPECT_EQ(ChooseVectorColumn(none, "").status().message(),
            "no column holds a vector (a list of numbers): there=id, x");
  const std::vector<Column> two = {{"id"}, {"x", true}, {"y", true}};
  EXPECT_EQ(ChooseVectorColumn(two, "").status().message(),
            "several columns hold lists of numbers, name the vector's: there=x, y");
}

TEST(ColumnChoice, MessagesStayShortForManyColumns) {
  const std::vector<Column> columns(5000, Column{"c"});
  const std::string message = ChooseVectorColumn(columns, "").status().message();
  EXPECT_LT(message.size(), 200U);
  EXPECT_NE(message.find("5000 in all"), std::string::npos);
}

}  // namespace
}  // namespace viper::pipeline
