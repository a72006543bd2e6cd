#include "parquet/source_columns.h"

#include <arrow/type.h>
#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

using Role = ColumnRole;

std::shared_ptr<::arrow::Field> Numbers(const char* name) {
  return ::arrow::field(name, ::arrow::list(::arrow::float32()));
}
std::shared_ptr<::arrow::Field> Text(const char* name) {
  return ::arrow::field(name, ::arrow::utf8());
}

std::vector<Role> Roles(const ::arrow::FieldVector& fields) {
  return ChooseColumns(*::arrow::schema(fields), {}).value().roles;
}

TEST(SourceColumns, OurOwnNamesGoBeforeUsualOnes) {
  EXPECT_EQ(Roles({Text("id"), Text("_id"), Numbers("embedding"), Numbers("_vector")}),
            (std::vector<Role>{Role::kMetadata, Role::kId, Role::kMetadata, Role::kVector}));
  EXPECT_EQ(Roles({Numbers("embedding"), Numbers("vector"), Text("id")}),
            (std::vector<Role>{Role::kMetadata, Role::kVector, Role::kId}));
  EXPECT_EQ(Roles({Text("name"), Numbers("x")}),
            (std::vector<Role>{Role::kMetadata, Role::kVector}));
}

TEST(SourceColumns, PayloadIsOursOnlyBesideIdAndVector) {
  EXPECT_EQ(Roles({Text("_id"), Text("_payload"), Text("_ingested_at"), Numbers("_vector")}),
            (std::vector<Role>{Role::kId, Role::kPayload, Role::kPassedOver, Role::kVector}));
  EXPECT_EQ(Roles({Text("_payload"), Numbers("_vector")}),
            (std::vector<Role>{Role::kMetadata, Role::kVector}));
}

TEST(SourceColumns, OnlyNamesThatFieldsMayHaveAreDeclared) {
  const auto columns =
      ChooseColumns(*::arrow::schema({Text("ok_1"), Text("OK_1"), Text("1st"), Text("_own"),
                                      Text("a b"), Text(std::string(129, 'x').c_str()),
                                      ::arrow::field("n", ::arrow::null()), Numbers("vector")}),
                    {});
  EXPECT_EQ(columns.value().fields, (std::vector<Field>{{"ok_1", FieldType::kString}}));
}

TEST(SourceColumns, ColumnsAskedForMustExistOnceAndFit) {
  const auto choose = [](const ::arrow::FieldVector& fields, const RecordSourceOptions& options) {
    return ChooseColumns(*::arrow::schema(fields), options);
  };
  RecordSourceOptions options;
  options.vector_column = "v";
  EXPECT_STATUS(kInvalidArgument, "there is no column", choose({Numbers("w")}, options));
  EXPECT_STATUS(kInvalidArgument, "more than one", choose({Numbers("v"), Numbers("v")}, options));
  EXPECT_STATUS(kInvalidArgument, "column v: vectors are lists", choose({Text("v")}, options));
  options.id_column = "v";
  EXPECT_STATUS(kInvalidArgument, "both id and vector", choose({Numbers("v")}, options));
  EXPECT_STATUS(kInvalidArgument, "column _timestamp: times are",
                choose({::arrow::field("_timestamp", ::arrow::int64()), Numbers("vector")}, {}));
}

}  // namespace
}  // namespace viper::parquet
