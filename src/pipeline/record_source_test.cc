#include "viper/record_source.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pipeline/source_testing.h"
#include "viper/file_system.h"

namespace viper {
namespace {

using pipeline::BytesOf;
using pipeline::ReadAll;

// A directory of this test's own.
class RecordSourceFiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = testing::TempDir() + "viper_" + info->test_suite_name() + "_" + info->name();
    static_cast<void>(FileSystem::Local().RemoveDirectoryTree(directory_));
    ASSERT_TRUE(FileSystem::Local().CreateDirectories(directory_).ok());
  }
  void TearDown() override {
    EXPECT_TRUE(FileSystem::Local().RemoveDirectoryTree(directory_).ok());
  }

  std::string Write(const std::string& name, std::string_view content) {
    const std::string path = directory_ + "/" + name;
    auto file = FileSystem::Local().CreateFile(path);
    EXPECT_TRUE(file.ok()) << file.status().ToString();
    EXPECT_TRUE((*file)->Append(AsBytes(content)).ok());
    return path;
  }

  std::string directory_;
};

TEST_F(RecordSourceFiles, FormatGoesByTheEnding) {
  const std::string fvecs = BytesOf(std::vector<int32_t>{1, 0});
  const std::string jsonl = "{\"id\":\"a\",\"vector\":[1]}";
  for (const auto& [name, content] : std::vector<std::pair<std::string, std::string>>{
           {"a.fvecs", fvecs},
           {"a.ivecs", fvecs},
           {"a.JSONL", jsonl},
           {"a.b.ndjson", jsonl},
           {"a.csv", "id,vector\na,[1]\n"},
           {"a.bvecs", BytesOf(std::vector<int32_t>{1}) + "x"}}) {
    const std::string path = Write(name, content);
    auto source = OpenRecordSource(path);
    ASSERT_TRUE(source.ok()) << source.status().ToString();
    EXPECT_EQ((*source)->dim(), 1U);
    EXPECT_EQ(ReadAll(**source)->size(), 1U) << name;
  }
  EXPECT_TRUE(OpenRecordSource(Write("noending", jsonl), {.format = FileFormat::kJsonl}).ok());
}

TEST_F(RecordSourceFiles, UnknownEndingNamesWhatIsKnown) {
  for (const char* name : {"x.txt", "noending2", "x.csv.gz", "dir.csv/x"}) {
    const Status status = OpenRecordSource(directory_ + "/" + name).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("cannot tell the format"), std::string::npos);
    EXPECT_NE(status.message().find("fvecs"), std::string::npos);
  }
}

TEST_F(RecordSourceFiles, MissingFileIsNotFoundAndDirectoryIsNoFile) {
  EXPECT_EQ(OpenRecordSource(directory_ + "/none.csv").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(OpenRecordSource(directory_ + "/none.parquet").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(OpenRecordSource(directory_, {.format = FileFormat::kCsv}).status().code(),
            StatusCode::kIoError);
}

TEST_F(RecordSourceFiles, MetadataFileIsJoined) {
  const std::string vectors = Write("v.ivecs", BytesOf(std::vector<int32_t>{1, 7, 1, 8}));
  const std::string lines = Write("m.jsonl", "{\"key\":\"x\",\"n\":1}\n{\"key\":\"y\",\"n\":2}\n");
  auto source = OpenRecordSource(vectors, {.id_column = "key", .metadata_path = lines});
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  EXPECT_EQ((*records)[1].id, "y");
  EXPECT_EQ((*records)[1].vector[0], 8);
  EXPECT_EQ(Value((*records)[1].metadata).ToJson(), R"({"n":2})");
}

TEST_F(RecordSourceFiles, OptionThatMeansNothingToTheFormatIsRefused) {
  const std::string vectors = Write("v.ivecs", BytesOf(std::vector<int32_t>{1, 7}));
  const std::string lines = Write("m.jsonl", "{\"id\":\"a\",\"vector\":[1]}");
  EXPECT_EQ(OpenRecordSource(lines, {.metadata_path = lines}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenRecordSource(vectors, {.vector_column = "v"}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenRecordSource(vectors, {.id_column = "id"}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(FileFormats, NamesAreReadInAnyCase) {
  EXPECT_EQ(*ParseFileFormat("Parquet"), FileFormat::kParquet);
  EXPECT_EQ(*ParseFileFormat("NDJSON"), FileFormat::kJsonl);
  EXPECT_EQ(*ParseFileFormat("auto"), FileFormat::kAuto);
  EXPECT_EQ(ParseFileFormat("tsv").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace viper
