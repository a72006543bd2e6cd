#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "parquet/logical_bytes.h"
#include "parquet/part_file.h"
#include "parquet/part_fixture.h"
#include "parquet/part_footer.h"
#include "parquet/part_layout.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

using columnar::Column;

constexpr uint32_t kSeed = 20261122;

void ExpectSameColumns(const PartReader& reader, const ExampleRows& example, size_t dim) {
  const CollectionSchema schema = ExampleSchema(dim);
  const PartRows& rows = example.rows;
  const Column ids = ReadWholeColumn(reader, "_id", FieldType::kString).value();
  EXPECT_EQ(ids.strings(), rows.ids);
  EXPECT_EQ(ids.null_count(), 0U);
  EXPECT_EQ(ReadWholeColumn(reader, "_timestamp", FieldType::kTimestamp).value().int64s(),
            rows.timestamps);
  EXPECT_EQ(ReadWholeColumn(reader, "_ingested_at", FieldType::kTimestamp).value().int64s(),
            rows.ingested_at);
  EXPECT_EQ(ReadWholeColumn(reader, "_expires_at", FieldType::kTimestamp).value(), rows.expires_at);
  EXPECT_EQ(ReadWholeColumn(reader, "_payload", FieldType::kString).value(), rows.payload);
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    EXPECT_EQ(ReadWholeColumn(reader, schema.fields[i].name, schema.fields[i].type).value(),
              rows.fields[i])
        << schema.fields[i].name;
  }
  uint64_t next_row = 0;
  for (size_t i = 0; i < reader.vector_pages().size(); ++i) {
    const VectorPage& page = reader.vector_pages()[i];
    EXPECT_EQ(page.rows.first, next_row);
    const std::vector<float> decoded =
        reader.maps_vectors() ? std::vector<float>() : reader.DecodeVectors(i).value();
    const void* floats = reader.maps_vectors() ? static_cast<const void*>(reader.Floats(page))
                                               : static_cast<const void*>(decoded.data());
    EXPECT_EQ(std::memcmp(floats, example.floats.data() + page.rows.first * dim,
                          page.rows.count * dim * sizeof(float)),
              0);
    next_row = page.rows.end();
  }
  EXPECT_EQ(next_row, rows.row_count());
}

class PartWriterShapes : public testing::TestWithParam<std::pair<size_t, size_t>> {};

TEST_P(PartWriterShapes, EveryValueComesBackBitForBit) {
  const auto [row_count, dim] = GetParam();
  const ExampleRows example = MakeExampleRows(row_count, dim, kSeed);
  const auto bytes =
      WritePart(example.rows, ExampleSchema(dim), {.row_group_bytes = 5000 * dim * sizeof(float)});
  const auto reader = OpenPart(bytes, ExampleSchema(dim)).value();
  EXPECT_EQ(reader->row_count(), row_count);
  EXPECT_TRUE(reader->maps_vectors());
  ExpectSameColumns(*reader, example, dim);
  EXPECT_TRUE(reader->VerifyVectors().ok());
}

/// Floats of several kinds: noise, half precision, small whole numbers (with zeros of both signs),
/// nearly all zeros, the edges of the range.
void FillFloats(std::mt19937& random, int kind, std::vector<float>& floats) {
  std::normal_distribution<float> normal;
  const float edges[] = {0.0F, -0.0F, std::numeric_limits<float>::denorm_min(),
                         std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest()};
  for (float& component : floats) {
    component = normal(random);
    if (kind == 1) component = std::round(component * 64) / 64;
    if (kind == 2) component = std::round(component) * (random() % 2 == 0 ? 1.0F : -1.0F);
    if (kind == 3 && random() % 20 != 0) component = random() % 2 == 0 ? 0.0F : -0.0F;
    if (kind == 4) component = edges[random() % std::size(edges)];
  }
}

TEST(PartWriter, EveryChoiceComesBackBitForBit) {
  const std::vector<CompressionOptions> all = {
      {.policy = StoragePolicy::kSpeed},
      {.policy = StoragePolicy::kSize},
      {.adaptive = false, .fixed = {.codec = Codec::kNone}},
      {.adaptive = false, .fixed = {.codec = Codec::kLz4}},
      {.adaptive = false, .fixed = {.codec = Codec::kSnappy}},
      {.policy = StoragePolicy::kSize, .adaptive = false, .fixed = {.level = 19}}};
  std::mt19937 random(kSeed);
  for (int kind = 0; kind < 5; ++kind) {
    const size_t dim = 1 + random() % 200;
    const size_t row_count = 400 + random() % 3000;
    ExampleRows example = MakeExampleRows(row_count, dim, kSeed + static_cast<uint32_t>(kind));
    FillFloats(random, kind, example.floats);
    for (const CompressionOptions& options : all) {
      SCOPED_TRACE(fmt::format("kind={} dim={} rows={} options={}", kind, dim, row_count,
                               ColumnChoices(options).ToJson()));
      const auto bytes =
          WritePart(example.rows, ExampleSchema(dim),
                    {.row_group_bytes = row_count * dim * 2, .compression = options});
      const auto reader = OpenPart(bytes, ExampleSchema(dim)).value();
      ExpectSameColumns(*reader, example, dim);
      EXPECT_OK(reader->VerifyVectors());
      if (options.adaptive) continue;
      EXPECT_EQ(reader->maps_vectors(), options.fixed.codec == Codec::kNone);
    }
  }
}

TEST(PartWriter, C05_TheOptionsDecideWhetherVectorsAreCompressed) {
  constexpr size_t kDim = 64;
  std::mt19937 random(kSeed);
  ExampleRows example = MakeExampleRows(20'000, kDim, kSeed);
  const auto maps = [&](StoragePolicy policy) {
    const auto bytes =
        WritePart(example.rows, ExampleSchema(kDim), {.compression = {.policy = policy}});
    return OpenPart(bytes, ExampleSchema(kDim)).value()->maps_vectors();
  };
  FillFloats(random, 1, example.floats);
  EXPECT_TRUE(maps(StoragePolicy::kSpeed)) << "small, but not so small that it pays for its reads";
  EXPECT_FALSE(maps(StoragePolicy::kSize));
  std::fill(example.floats.begin(), example.floats.end(), 0.5F);
  EXPECT_FALSE(maps(StoragePolicy::kSpeed));
  EXPECT_FALSE(maps(StoragePolicy::kSize));
}

TEST(PartWriter, C05_C06_TheFooterProvesTheCodecThatWasAskedFor) {
  const ExampleRows example = MakeExampleRows(3000, 8, kSeed);
  const std::pair<const char*, const char*> all[] = {
      {"none", "uncompressed"}, {"lz4", "lz4_raw"}, {"snappy", "snappy"}, {"zstd:3", "zstd"}};
  for (const auto& [name, codec] : all) {
    const CompressionOptions options{.adaptive = false, .fixed = ParseCompression(name).value()};
    const auto layout =
        ReadPartLayout(WritePart(example.rows, ExampleSchema(8), {.compression = options})).value();
    for (const ColumnLayout& column : layout.columns) {
      EXPECT_EQ(column.compressions, std::vector<std::string>{codec}) << name << column.path;
    }
    EXPECT_EQ(
        layout.key_values.at(std::string(kCompressionKey)),
        fmt::format(R"({{"adaptive":false,"columns":{{}},"compression":"{}","policy":"speed"}})",
                    name));
  }
}

TEST(PartWriter, P09_EncodingsAreTriedWithTheCodecThatIsToBeKept) {
  std::mt19937 random(kSeed);
  for (const int kind : {0, 1, 3}) {
    ExampleRows example = MakeExampleRows(3000, 64, kSeed);
    FillFloats(random, kind, example.floats);
    for (const StoragePolicy policy : {StoragePolicy::kSpeed, StoragePolicy::kSize}) {
      for (const VectorFormat format : {VectorFormat::kDense, VectorFormat::kAdaptive}) {
        const PartWriteOptions options{
            .compression = {.policy = policy, .fixed = {.level = 5}, .keeps_codec = true},
            .sparse = {.format = format}};
        const auto bytes = WritePart(example.rows, ExampleSchema(64), options);
        const PartLayout layout = ReadPartLayout(bytes).value();
        for (const ColumnLayout& column : layout.columns) {
          EXPECT_EQ(column.compressions, std::vector<std::string>{"zstd"}) << column.path;
        }
        ExpectSameColumns(*OpenPart(bytes, ExampleSchema(64)).value(), example, 64);
      }
    }
  }
  const auto report = ParseCompressionReport(
      ColumnChoices({.fixed = {.codec = Codec::kLz4}, .keeps_codec = true}).ToJson());
  EXPECT_EQ(report.options, "policy speed, adaptive encodings, all columns lz4");
}

TEST(PartWriter, P10_DictionariesAreWrittenOfWhatIsAllowed) {
  ExampleRows example = MakeExampleRows(3000, 16, kSeed);
  std::fill(example.floats.begin(), example.floats.end(), 0.5F);
  const auto has_dictionary = [&](DictionaryUse use, bool adaptive, const char* path) {
    const auto layout = ReadPartLayout(WritePart(example.rows, ExampleSchema(16),
                                                 {.compression = {.policy = StoragePolicy::kSize,
                                                                  .adaptive = adaptive,
                                                                  .fixed = {.codec = Codec::kNone},
                                                                  .keeps_codec = true,
                                                                  .dictionaries = use}}))
                            .value();
    for (const ColumnLayout& column : layout.columns) {
      if (column.path != path) continue;
      return std::count(column.encodings.begin(), column.encodings.end(), "RLE_DICTIONARY") > 0;
    }
    ADD_FAILURE() << path;
    return false;
  };
  for (const bool adaptive : {true, false}) {
    EXPECT_TRUE(has_dictionary(DictionaryUse::kScalarsThatRepeat, adaptive, "category"));
    EXPECT_FALSE(has_dictionary(DictionaryUse::kNothing, adaptive, "category"));
  }
  constexpr const char* kVectors = "_vector.list.element";
  EXPECT_TRUE(has_dictionary(DictionaryUse::kWhereSmallest, true, kVectors));
  EXPECT_FALSE(has_dictionary(DictionaryUse::kScalarsThatRepeat, true, kVectors));
}

TEST(PartWriter, P11_WithoutStatisticsAPartIsReadAllTheSame) {
  const ExampleRows example = MakeExampleRows(5000, 8, kSeed);
  const auto with = WritePart(example.rows, ExampleSchema(8));
  const auto without = WritePart(example.rows, ExampleSchema(8), {.has_statistics = false});
  EXPECT_LT(without.size(), with.size());
  const PartLayout layout = ReadPartLayout(without).value();
  for (const ColumnLayout& column : layout.columns) {
    if (column.path == "year") {
      EXPECT_EQ(column.null_count, std::nullopt);
    }
  }
  const auto reader = OpenPart(without, ExampleSchema(8)).value();
  EXPECT_TRUE(reader->RowGroupBounds("year").empty() || !reader->RowGroupBounds("year")[0].min);
  ExpectSameColumns(*reader, example, 8);
  EXPECT_OK(reader->VerifyVectors());
}

TEST(PartWriter, P08_RowGroupsEndWhereRowsOrBytesAreReached) {
  const ExampleRows example = MakeExampleRows(1000, 8, kSeed);
  const auto groups = [&](const PartWriteOptions& options) {
    return OpenPart(WritePart(example.rows, ExampleSchema(8), options), ExampleSchema(8))
        .value()
        ->RowGroups()
        .size();
  };
  EXPECT_EQ(groups({.row_group_rows = 300}), 4u);
  EXPECT_EQ(groups({.row_group_bytes = 100 * 8 * sizeof(float), .row_group_rows = 300}), 10u);
}

TEST(PartWriter, F20_ATimeThatTheUnitDoesNotReachIsRefused) {
  ExampleRows example = MakeExampleRows(10, 8, kSeed);
  example.rows.timestamps[4] = std::numeric_limits<int64_t>::max() / 1000 + 1;
  CollectingFile file;
  PartWriteOptions options;
  options.shape.time_unit = TimeUnit::kNanos;
  auto writer = PartWriter::Make(file, ExampleSchema(8), options).value();
  EXPECT_STATUS(kInvalidArgument, "nanoseconds", writer->Append(example.rows));
}

TEST(PartWriter, ADictionaryThatALaterRowGroupOutgrowsIsLeftOut) {
  constexpr size_t kDim = 16;
  ExampleRows example = MakeExampleRows(8000, kDim, kSeed);
  std::mt19937 random(kSeed);
  FillFloats(random, 2, example.floats);
  // The second half holds more values than a dictionary may.
  std::normal_distribution<float> normal;
  for (size_t i = example.floats.size() / 2; i < example.floats.size(); ++i) {
    example.floats[i] = normal(random);
  }
  const auto bytes = WritePart(example.rows, ExampleSchema(kDim),
                               {.row_group_bytes = 4000 * kDim * sizeof(float),
                                .compression = {.policy = StoragePolicy::kSize}});
  const auto footer = PartFooter::Open(bytes).value();
  const int leaf = footer->FindLeaf("_vector").value().value();
  ASSERT_EQ(footer->row_groups().size(), 2U);
  EXPECT_TRUE(footer->metadata().RowGroup(0)->ColumnChunk(leaf)->has_dictionary_page());
  EXPECT_FALSE(footer->metadata().RowGroup(1)->ColumnChunk(leaf)->has_dictionary_page());
  ExpectSameColumns(*OpenPart(bytes, ExampleSchema(kDim)).value(), example, kDim);
}

TEST(PartWriter, TheSummaryTellsWhereTheFloatsLie) {
  for (const size_t dim : {1, 3, 128, 4096}) {
    const ExampleRows example = MakeExampleRows(5'000'000 / (dim * 100), dim, kSeed);
    CollectingFile file;
    const auto writer = PartWriter::Make(file, ExampleSchema(dim), {}).value();
    ASSERT_OK(writer->Append(example.rows));
    ASSERT_OK(writer->Append(example.rows));
    const PartSummary summary = writer->Finish({}).value();
    const auto reader = OpenPart(file.content, ExampleSchema(dim)).value();
    ASSERT_EQ(summary.vector_pages, reader->vector_pages());
    for (size_t i = 0; i < summary.vector_pages.size(); ++i) {
      const VectorPage& page = summary.vector_pages[i];
      EXPECT_EQ(summary.vector_page_crcs[i],
                crc32c::Value({reader->Floats(page), page.rows.count * dim * sizeof(float)}));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, PartWriterShapes,
    testing::Values(std::pair<size_t, size_t>{0, 4}, std::pair<size_t, size_t>{1, 1},
                    std::pair<size_t, size_t>{7, 3}, std::pair<size_t, size_t>{5000, 1},
                    std::pair<size_t, size_t>{12'345, 8}, std::pair<size_t, size_t>{9'000, 100},
                    std::pair<size_t, size_t>{3, 65'536}));

TEST(PartWriter, C11_TheSummaryTellsWhatTheRowsHold) {
  const CollectionSchema schema = ExampleSchema(4);
  const ExampleRows first = MakeExampleRows(500, 4, kSeed);
  ExampleRows second = MakeExampleRows(300, 4, kSeed + 1);
  second.rows.ingested_at[7] = 5;
  CollectingFile file;
  const auto writer = PartWriter::Make(file, schema, {}).value();
  ASSERT_OK(writer->Append(first.rows));
  ASSERT_OK(writer->Append(second.rows));
  const PartSummary summary = writer->Finish({}).value();
  EXPECT_EQ(summary.row_count, 800U);
  EXPECT_EQ(summary.file_bytes, file.content.size());
  EXPECT_EQ(summary.bounds.at("_id").min, Value("id-0"));
  EXPECT_EQ(summary.bounds.at("_id").row_count, 800U);
  EXPECT_EQ(summary.bounds.at("_ingested_at").min, Value(Timestamp{5}));
  EXPECT_EQ(summary.bounds.at("_expires_at").null_count,
            first.rows.expires_at.null_count() + second.rows.expires_at.null_count());
  EXPECT_FALSE(summary.bounds.at("tags").min.has_value());
  EXPECT_EQ(summary.bounds.count("_payload"), 0U);
  EXPECT_EQ(summary.bounds.count("_vector"), 0U);
  const auto reader = OpenPart(file.content, schema).value();
  EXPECT_EQ(reader->RowGroups(), (std::vector<RowRange>{{0, 500}, {500, 300}}));
  EXPECT_EQ(summary.bounds.at("year").min,
            std::min(*reader->RowGroupBounds("year")[0].min->as_int64(),
                     *reader->RowGroupBounds("year")[1].min->as_int64()));
}

TEST(PartWriter, KeyValuesComeBack) {
  CollectingFile file;
  const auto writer = PartWriter::Make(file, ExampleSchema(2), {}).value();
  ASSERT_OK(writer->Finish({{"viper.part", "p-1"}, {"empty", ""}}));
  const auto reader = OpenPart(file.content, ExampleSchema(2)).value();
  auto pairs = reader->key_values();
  EXPECT_EQ(pairs.extract(std::string(kCompressionKey)).mapped(),
            R"({"adaptive":true,"columns":{},"policy":"speed"})");
  EXPECT_EQ(pairs.extract(std::string(kLogicalBytesKey)).mapped(), "0");
  EXPECT_EQ(pairs, (std::map<std::string, std::string>{{"viper.part", "p-1"}, {"empty", ""}}));
}

TEST(PartWriter, AFullDiskIsReportedWhereverItFillsUp) {
  const CollectionSchema schema = ExampleSchema(64);
  const ExampleRows example = MakeExampleRows(20'000, 64, kSeed);
  const size_t whole = WritePart(example.rows, schema).size();
  for (size_t limit = 0; limit < whole; limit += whole / 13) {
    CollectingFile file;
    file.fail_after = limit;
    const auto writer = PartWriter::Make(file, schema, {}).value();
    Status status = writer->Append(example.rows);
    if (status.ok()) status = writer->Finish({}).status();
    EXPECT_STATUS(kResourceExhausted, "no space left on the device", status);
    EXPECT_STATUS(kFailedPrecondition, "given up after a failed write",
                  writer->Append(example.rows));
    EXPECT_STATUS(kFailedPrecondition, "given up after a failed write", writer->Finish({}));
  }
}

TEST(PartWriter, NothingIsWrittenAfterTheEnd) {
  CollectingFile file;
  const auto writer = PartWriter::Make(file, ExampleSchema(2), {}).value();
  ASSERT_OK(writer->Finish({}));
  EXPECT_STATUS(kFailedPrecondition, "finished", writer->Finish({}));
  EXPECT_STATUS(kFailedPrecondition, "finished", writer->Append(MakeExampleRows(1, 2, kSeed).rows));
}

TEST(PartWriter, ABadSchemaIsRefused) {
  CollectingFile file;
  EXPECT_STATUS(kInvalidArgument, "", PartWriter::Make(file, ExampleSchema(0), {}));
}

}  // namespace
}  // namespace viper::parquet
