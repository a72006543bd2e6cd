#include "pipeline/jsonl_source.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "pipeline/source_limits.h"
#include "pipeline/source_testing.h"

namespace viper::pipeline {
namespace {

Result<std::unique_ptr<RecordSource>> Open(std::string content, RecordSourceOptions options = {}) {
  return OpenJsonlSource(MakeInput(std::move(content)), options);
}

std::string ManyLines(size_t count, size_t padding_bytes = 0) {
  const std::string padding(padding_bytes, 'p');
  std::string content;
  for (size_t i = 0; i < count; ++i) {
    content += fmt::format(R"({{"id":"r{}","vector":[{},0.5],"n":{},"p":"{}"}})", i, i, i, padding);
    content += i % 3 == 0 ? "\r\n" : i % 3 == 1 ? "\n\n" : "\n";
  }
  return content;
}

TEST(JsonlSource, EveryRecordComesInOrder) {
  auto source = Open(ManyLines(70'000));
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ((*source)->dim(), 2U);
  EXPECT_FALSE((*source)->row_count().has_value());
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  ASSERT_EQ(records->size(), 70'000U);
  for (size_t i = 0; i < records->size(); ++i) {
    ASSERT_EQ((*records)[i].id, fmt::format("r{}", i));
    ASSERT_EQ((*records)[i].vector[0], static_cast<float>(i));
    ASSERT_EQ((*records)[i].metadata.at("n"), Value(static_cast<int64_t>(i)));
  }
  EXPECT_EQ((*source)->fraction_read(), 1.0);
}

TEST(JsonlSource, SparseVectorsAreSpreadOverTheDimension) {
  const std::string sparse = R"({"id":"a","vector":{"indices":[2],"values":[5]}})";
  const std::string dense = R"({"id":"b","vector":[1,2,3]})";
  for (const bool is_dense_first : {false, true}) {
    auto source = Open(is_dense_first ? dense + "\n" + sparse : sparse + "\n" + dense,
                       {.dim = is_dense_first ? 0U : 3U});
    ASSERT_TRUE(source.ok()) << source.status().ToString();
    const auto records = ReadAll(**source);
    ASSERT_TRUE(records.ok()) << records.status().ToString();
    EXPECT_EQ((*records)[is_dense_first ? 1 : 0].vector, (std::vector<float>{0, 0, 5}));
    EXPECT_EQ((*records)[is_dense_first ? 0 : 1].vector, (std::vector<float>{1, 2, 3}));
  }
  EXPECT_EQ(
      Open(sparse).status().message(),
      "input, line 1: the first vector is sparse, which does not tell the dimension: give it");
  auto small = Open(sparse, {.dim = 2});
  ASSERT_TRUE(small.ok());
  EXPECT_NE((*small)->Next().status().message().find("dim=2 index=2 place=0"), std::string::npos);
}

TEST(JsonlSource, BatchesAreBoundedByTheirText) {
  auto source = Open(ManyLines(1000, 100'000));
  ASSERT_TRUE(source.ok());
  size_t rows = 0;
  while (true) {
    const auto batch = (*source)->Next();
    ASSERT_TRUE(batch.ok());
    if (batch->row_count() == 0) break;
    EXPECT_LE(batch->row_count(), kBatchTextBytes / 100'000 + 1);
    rows += batch->row_count();
  }
  EXPECT_EQ(rows, 1000U);
}

TEST(JsonlSource, SkippedRowsLeaveTheRestAsItWouldHaveBeen) {
  const RecordSourceOptions options = {.id_column = "n", .limit = 90};
  auto whole = Open(ManyLines(100), options);
  auto rest = Open(ManyLines(100), options);
  ASSERT_TRUE(whole.ok() && rest.ok());
  ASSERT_TRUE((*rest)->Skip(37).ok());
  const auto all = ReadAll(**whole);
  const auto some = ReadAll(**rest);
  ASSERT_TRUE(all.ok() && some.ok());
  ASSERT_EQ(all->size(), 90U);
  EXPECT_EQ(*some, std::vector<Record>(all->begin() + 37, all->end()));
}

TEST(JsonlSource, SkippingMoreThanThereIsFails) {
  auto source = Open(ManyLines(5));
  ASSERT_TRUE(source.ok());
  EXPECT_TRUE((*source)->Skip(5).ok());
  EXPECT_EQ((*source)->Next()->row_count(), 0U);
  EXPECT_EQ((*source)->Skip(1).message(),
            "input: cannot skip as many rows, the input has ended: wanted=1 skipped=0");
  auto limited = Open(ManyLines(5), {.limit = 3});
  ASSERT_TRUE(limited.ok());
  EXPECT_FALSE((*limited)->Skip(4).ok());
}

TEST(JsonlSource, MadeUpIdsCountFromTheFirstRowAlsoAfterSkipping) {
  auto source = Open("{\"v\":[1]}\n{\"v\":[2]}\n{\"v\":[3]}\n", {.id_prefix = "p"});
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  ASSERT_TRUE((*source)->Skip(1).ok());
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ((*records)[0].id, "p1");
  EXPECT_EQ((*records)[1].id, "p2");
}

TEST(JsonlSource, NumbersGoOnFromTheFirstRow) {
  auto source = Open("{\"v\":[1]}\n{\"v\":[2]}\n", {.first_row = 7});
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok());
  EXPECT_EQ((*records)[0].id, "7");
  EXPECT_EQ((*records)[1].id, "8");
}

TEST(JsonlSource, EveryFaultNamesFileAndLine) {
  const std::string good = "{\"id\":\"a\",\"vector\":[1,2]}\n";
  EXPECT_EQ(FirstError(Open("")),
            "InvalidArgument: input: no record in it, so the dimension is unknown");
  EXPECT_EQ(FirstError(Open("\n \n")),
            "InvalidArgument: input: no record in it, so the dimension is unknown");
  EXPECT_EQ(FirstError(Open(good + "\n{\"id\":\"b\",\"vector\":[1,2,3]}")),
            "InvalidArgument: input, line 3: vector has another dimension than the first row's: "
            "expected=2 actual=3");
  EXPECT_EQ(FirstError(Open(good + "{\"id\":\"\",\"vector\":[1,2]}")),
            "InvalidArgument: input, line 2: id is empty");
  EXPECT_EQ(FirstError(Open("{\"id\":\"b\",\"vector\":[]}")),
            "InvalidArgument: input, line 1: dimension is out of range: min=1 max=65536 actual=0");
  EXPECT_EQ(FirstError(Open(good + "{\"id\":\"b\"}")),
            "InvalidArgument: input, line 2: record has no vector: key=vector");
  EXPECT_NE(FirstError(Open(good + good.substr(0, 12))).find("input, line 2: bad JSON"),
            std::string::npos);
  EXPECT_NE(FirstError(Open("{\"id\":\"a\"}")).find("input, line 1: no column holds a vector"),
            std::string::npos);
}

TEST(JsonlSource, FaultBehindTheLimitIsNotLookedAt) {
  EXPECT_EQ(FirstError(Open("{\"id\":\"a\",\"vector\":[1]}\nbroken", {.limit = 1})), "");
}

}  // namespace
}  // namespace viper::pipeline
