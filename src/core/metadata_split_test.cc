#include "core/metadata_split.h"

#include <gtest/gtest.h>

namespace viper::core {
namespace {

const std::vector<Field> kFields = {{"year", FieldType::kInt64},
                                    {"price", FieldType::kFloat64},
                                    {"seen", FieldType::kTimestamp},
                                    {"tags", FieldType::kStringList}};

std::vector<columnar::Column> EmptyColumns() {
  std::vector<columnar::Column> columns;
  for (const Field& field : kFields) columns.emplace_back(field.type);
  return columns;
}

Metadata Parsed(const char* json) { return *Value::FromJson(json).value().as_object(); }

std::string Json(const Metadata& metadata) { return Value(metadata).ToJson(); }

TEST(SplitMetadata, ColumnsTakeWhatFitsAndThePayloadTheRest) {
  auto columns = EmptyColumns();
  const auto payload = SplitMetadata(
      Parsed(R"({"note":"n","price":3,"seen":"2026-11-22","tags":["a","b"],"year":1979})"), kFields,
      columns);
  EXPECT_EQ(Json(payload), R"({"note":"n"})");
  EXPECT_EQ(columns[0].ValueAt(0), Value(1979));
  EXPECT_EQ(columns[1].ValueAt(0), Value(3.0));
  EXPECT_EQ(columns[2].ValueAt(0), Value(Timestamp::Parse("2026-11-22").value()));
  EXPECT_EQ(columns[3].ValueAt(0), Value(Value::List{"a", "b"}));
}

TEST(SplitMetadata, NullsAndValuesOfAnotherTypeStayInThePayload) {
  const char* text = R"({"price":"free","seen":"soon","tags":["a",1],"year":null})";
  auto columns = EmptyColumns();
  EXPECT_EQ(Json(SplitMetadata(Parsed(text), kFields, columns)), text);
  for (const columnar::Column& column : columns) {
    ASSERT_EQ(column.row_count(), 1u);
    EXPECT_FALSE(column.IsPresent(0));
  }
}

TEST(SplitMetadata, AbsentKeysAreNullInTheColumnAndNowhereInThePayload) {
  auto columns = EmptyColumns();
  EXPECT_TRUE(SplitMetadata({}, kFields, columns).empty());
  for (const columnar::Column& column : columns) EXPECT_FALSE(column.IsPresent(0));
}

TEST(DropDeclared, LeavesOutWhatFits) {
  Value::Object payload = Parsed(R"({"note":"n","price":3,"seen":"soon","tags":null,"year":1979})");
  DropDeclared(payload, kFields);
  EXPECT_EQ(Json(payload), R"({"note":"n","seen":"soon","tags":null})");
}

TEST(ConvertDeclared, ConvertsWhatFitsAndKeepsWhatIsParked) {
  Metadata metadata = Parsed(R"({"note":"n","price":3,"seen":"soon","tags":null,"year":"1979"})");
  ConvertDeclared(metadata, kFields);
  EXPECT_EQ(Json(metadata), R"({"note":"n","price":3.0,"seen":"soon","tags":null,"year":"1979"})");
}

}  // namespace
}  // namespace viper::core
