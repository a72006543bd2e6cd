#include "pipeline/metadata_join.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "pipeline/source_limits.h"
#include "pipeline/source_testing.h"
#include "pipeline/vecs_source.h"

namespace viper::pipeline {
namespace {

// `rows` vectors of one component, which is the row's number.
std::unique_ptr<RecordSource> Vectors(int rows, const RecordSourceOptions& options) {
  std::string content;
  for (int i = 0; i < rows; ++i) {
    content += BytesOf(std::vector<int32_t>{1, i});
  }
  auto source = OpenVecsSource(MakeInput(std::move(content)), FileFormat::kIvecs, options);
  return std::move(source).value();
}

Result<std::unique_ptr<RecordSource>> Join(int rows, std::string lines,
                                           RecordSourceOptions options = {}) {
  return JoinMetadata(Vectors(rows, options), {"meta", MakeInput(std::move(lines)).file}, options);
}

std::string NumberedLines(int count, size_t padding_bytes = 0) {
  const std::string padding(padding_bytes, 'p');
  std::string lines;
  for (int i = 0; i < count; ++i) lines += fmt::format(R"({{"n":{},"p":"{}"}})", i, padding) + "\n";
  return lines;
}

TEST(MetadataJoin, LineBelongsToTheRowOfItsNumber) {
  auto source = Join(3, "{\"a\":1}\n{}\n{\"b\":[1,2],\"_timestamp\":\"1970-01-01T00:00:01Z\"}\n\n");
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ((*source)->row_count(), 3U);
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  EXPECT_EQ(Value((*records)[0].metadata).ToJson(), R"({"a":1})");
  EXPECT_TRUE((*records)[1].metadata.empty());
  EXPECT_EQ(Value((*records)[2].metadata).ToJson(), R"({"b":[1,2]})");
  EXPECT_FALSE((*records)[1].timestamp.has_value());
  EXPECT_EQ((*records)[2].timestamp, Timestamp{1'000'000});
  EXPECT_EQ((*records)[2].id, "2");
}

TEST(MetadataJoin, IdsComeFromTheLinesIfTheyHaveThem) {
  auto source = Join(2, "{\"_id\":\"x\",\"id\":7}\n{\"_id\":\"y\"}");
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  EXPECT_EQ((*records)[0].id, "x");
  EXPECT_EQ((*records)[1].id, "y");
  EXPECT_EQ(Value((*records)[0].metadata).ToJson(), R"({"id":7})");
  EXPECT_EQ(FirstError(Join(2, "{\"id\":\"x\"}\n{}\n")),
            "InvalidArgument: meta, line 2: record has no id: key=id");
}

TEST(MetadataJoin, SkippedRowsSkipTheirLines) {
  auto source = Join(10, NumberedLines(10));
  ASSERT_TRUE(source.ok());
  ASSERT_TRUE((*source)->Skip(7).ok());
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), 3U);
  EXPECT_EQ((*records)[0].vector[0], 7);
  EXPECT_EQ((*records)[0].metadata.at("n"), Value(7));
}

TEST(MetadataJoin, LongLinesMakeSmallBatchesThatStayInStep) {
  auto source = Join(400, NumberedLines(400, 100'000));
  ASSERT_TRUE(source.ok());
  const auto first = (*source)->Next();
  ASSERT_TRUE(first.ok());
  EXPECT_LE(first->row_count(), kBatchTextBytes / 100'000 + 1);
  // Skipping starts in what is read but not handed out yet.
  const auto skipped = static_cast<int64_t>(first->row_count()) + 3;
  ASSERT_TRUE((*source)->Skip(3).ok());
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), 400U - static_cast<size_t>(skipped));
  for (size_t i = 0; i < records->size(); ++i) {
    ASSERT_EQ((*records)[i].metadata.at("n"), Value(skipped + static_cast<int64_t>(i)));
    ASSERT_EQ((*records)[i].vector[0], static_cast<float>(skipped + static_cast<int64_t>(i)));
  }
}

TEST(MetadataJoin, AnotherNumberOfLinesIsFoundBeforeAnythingIsRead) {
  EXPECT_EQ(Join(3, NumberedLines(2)).status().message(),
            "meta: another number of lines than there are vectors: expected=3 actual=2");
  EXPECT_EQ(Join(3, NumberedLines(4)).status().message(),
            "meta: another number of lines than there are vectors: expected=3 actual=4");
  EXPECT_EQ(FirstError(Join(3, NumberedLines(5), {.limit = 2})), "");
  EXPECT_EQ(FirstError(Join(3, NumberedLines(1), {.limit = 2})),
            "InvalidArgument: meta: fewer lines than rows of the vectors: lines=1");
}

TEST(MetadataJoin, FaultsNameFileAndLine) {
  EXPECT_EQ(FirstError(Join(3, "{}\n\n{}\n")),
            "InvalidArgument: meta, line 2: an empty line; a row without metadata is written {}");
  EXPECT_EQ(FirstError(Join(2, "{}\n[]\n")),
            "InvalidArgument: meta, line 2: record is not a JSON object: value=[]");
  EXPECT_NE(FirstError(Join(1, "oops")).find("meta, line 1: bad JSON"), std::string::npos);
}

}  // namespace
}  // namespace viper::pipeline
