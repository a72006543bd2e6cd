#include "viper/schema_report.h"

#include <gtest/gtest.h>

namespace viper {
namespace {

TEST(SchemaReport, PrintsAsOneObject) {
  SchemaReport report;
  report.table_version = 3;
  report.rows = 10;
  report.rows_read = 5;
  FieldReport& field = report.fields.emplace_back();
  field.field = {"year", FieldType::kInt64};
  field.values = 3;
  field.parked = 1;
  field.absent = 1;
  field.parked_example = "\"1984?\"";
  field.parked_id = "a";
  KeyReport& key = report.keys.emplace_back();
  key.key = "title";
  key.rows = 5;
  key.strings = 5;
  key.type = FieldType::kString;
  key.fitting = 5;
  key.is_worth_declaring = true;
  key.reason = "all 5 values fit string";
  const Value printed = ToValue(report);
  const Value::Object& object = *printed.as_object();
  EXPECT_EQ(object.at("rows_read"), Value(5));
  const Value::Object& of_field = *object.at("fields").as_list()->at(0).as_object();
  EXPECT_EQ(of_field.at("field"), Value("year"));
  EXPECT_EQ(of_field.at("type"), Value("int64"));
  EXPECT_EQ(of_field.at("parked"), Value(1));
  EXPECT_EQ(of_field.at("parked_example"), Value("\"1984?\""));
  const Value::Object& of_key = *object.at("keys").as_list()->at(0).as_object();
  EXPECT_EQ(of_key.at("type"), Value("string"));
  EXPECT_EQ(of_key.at("is_worth_declaring"), Value(true));
}

TEST(SchemaReport, AKeyThatNoTypeTakesHasNone) {
  SchemaReport report;
  report.keys.emplace_back().key = "nested";
  const Value printed = ToValue(report);
  EXPECT_TRUE(printed.as_object()->at("keys").as_list()->at(0).as_object()->at("type").is_null());
}

TEST(SchemaReport, AChangeTellsItsVersion) {
  SchemaChangeReport report;
  report.table_version = 7;
  report.fields.emplace_back().field = {"year", FieldType::kFloat64};
  EXPECT_EQ(ToValue(report).as_object()->at("table_version"), Value(7));
  EXPECT_EQ(ToValue(report).as_object()->at("fields").as_list()->size(), 1u);
}

}  // namespace
}  // namespace viper
