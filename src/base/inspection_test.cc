#include <gtest/gtest.h>

#include "viper/inspect.h"

namespace viper {
namespace {

TEST(CollectionInspection, AsAValueHasTheNamesOfTheFields) {
  CollectionInspection inspection;
  inspection.collection = "docs";
  ColumnInspection column;
  column.path = "year";
  column.max = Value(7);
  column.chosen = "plain lz4";
  column.reason = "the smallest of 1 ways";
  column.trials = {{"plain lz4", 30}};
  PartInspection part;
  part.rows = 3;
  part.compression = "policy size, adaptive";
  part.columns = {column};
  inspection.parts = {part};
  const Value value = ToValue(inspection);
  const Value::Object& object = *value.as_object();
  EXPECT_EQ(object.at("collection"), Value("docs"));
  EXPECT_TRUE(object.at("schema").is_null());
  const Value::Object& of_part = *object.at("parts").as_list()->front().as_object();
  EXPECT_EQ(of_part.at("rows"), Value(3));
  const Value::Object& of_column = *of_part.at("columns").as_list()->front().as_object();
  EXPECT_EQ(of_column.at("max"), Value(7));
  EXPECT_EQ(of_part.at("compression"), Value("policy size, adaptive"));
  EXPECT_EQ(of_column.at("chosen"), Value("plain lz4"));
  EXPECT_EQ(of_column.at("reason"), Value("the smallest of 1 ways"));
  EXPECT_EQ(of_column.at("trials"),
            Value(Value::List{Value::Object{{"way", "plain lz4"}, {"bytes", 30}}}));
  EXPECT_TRUE(of_column.at("min").is_null() && of_column.at("null_count").is_null());
}

}  // namespace
}  // namespace viper
