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
  PartInspection part;
  part.rows = 3;
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
  EXPECT_TRUE(of_column.at("min").is_null() && of_column.at("null_count").is_null());
}

}  // namespace
}  // namespace viper
