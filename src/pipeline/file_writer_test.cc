#include "pipeline/file_writer.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "pipeline/pipeline_fixture.h"

namespace viper::pipeline {
namespace {

class FileWriters : public PipelineFixture {
 protected:
  FileWriters() { schema_ = ClusteredSchema(16); }

  bool HasEncoding(const std::string& column, const std::string& encoding) {
    const auto layout = Layout();
    const parquet::ColumnLayout* found = ColumnOf(layout, column);
    EXPECT_NE(found, nullptr) << column;
    return found != nullptr && std::find(found->encodings.begin(), found->encodings.end(),
                                         encoding) != found->encodings.end();
  }
};

TEST_F(FileWriters, P09_WithoutAdaptiveCompressionEveryColumnHasTheCodecThatWasSet) {
  config_.flushing.overwrite = true;
  const std::pair<const char*, const char*> codecs[] = {
      {"none", "uncompressed"}, {"lz4", "lz4_raw"}, {"snappy", "snappy"},
      {"zstd:7", "zstd"},       {"gzip:2", "gzip"}, {"brotli:3", "brotli"}};
  for (const StoragePolicy policy : {StoragePolicy::kSize, StoragePolicy::kSpeed}) {
    for (const bool postprocessing : {true, false}) {
      for (const auto& [name, codec] : codecs) {
        config_.flushing.storage_policy = policy;
        config_.processing.enable_postprocessing = postprocessing;
        config_.flushing.compression = ParseCompression(name).value();
        auto records = ClusteredRecords(3000, 16, 5);
        for (size_t row = 0; row < records.size(); row += 2) {
          std::fill(records[row].vector.begin() + 1, records[row].vector.end(), 0.0F);
        }
        ASSERT_OK(Process(records));
        const auto layout = Layout();
        for (const parquet::ColumnLayout& column : layout.columns) {
          EXPECT_EQ(column.compressions, std::vector<std::string>{codec}) << column.path;
        }
        EXPECT_EQ(Read().size(), 3000u);
      }
    }
  }
}

TEST_F(FileWriters, P09_ALevelThatWorksHarderMakesAFileThatIsSmaller) {
  const auto size = [&](const char* compression) {
    config_.flushing.overwrite = true;
    config_.flushing.compression = ParseCompression(compression).value();
    return Process(ClusteredRecords(5000, 16, 5)).value().bytes_written;
  };
  const uint64_t none = size("none");
  const uint64_t fast = size("zstd:1");
  EXPECT_LT(fast, none);
  EXPECT_LT(size("zstd:19"), fast);
}

TEST_F(FileWriters, P10_ValuesThatRepeatHaveADictionaryAndVectorsNever) {
  config_.flushing.overwrite = true;
  auto records = ClusteredRecords(3000, 16, 5);
  for (Record& record : records) {
    for (float& x : record.vector) x = x > 0 ? 1.0F : 2.0F;
  }
  for (const bool adaptive : {false, true}) {
    config_.flushing.enable_adaptive_compression = adaptive;
    config_.flushing.enable_dictionary_encoding = true;
    ASSERT_OK(Process(records));
    EXPECT_TRUE(HasEncoding("category", "RLE_DICTIONARY")) << "adaptive=" << adaptive;
    EXPECT_FALSE(HasEncoding("_vector.list.element", "RLE_DICTIONARY"));
    EXPECT_FALSE(HasEncoding("_payload", "RLE_DICTIONARY")) << "every note is another";
    EXPECT_FALSE(HasEncoding("_id", "RLE_DICTIONARY"));
    config_.flushing.enable_dictionary_encoding = false;
    ASSERT_OK(Process(records));
    const auto layout = Layout();
    for (const parquet::ColumnLayout& column : layout.columns) {
      EXPECT_FALSE(HasEncoding(column.path, "RLE_DICTIONARY")) << column.path;
    }
  }
}

TEST_F(FileWriters, P11_StatisticsAndPageIndexAreThereOrNot) {
  config_.flushing.overwrite = true;
  ASSERT_OK(Process(ClusteredRecords(3000, 16, 5)));
  auto layout = Layout();
  EXPECT_EQ(ColumnOf(layout, "category")->null_count, 0u);
  EXPECT_TRUE(layout.key_values.contains("viper.row_groups"));
  const uint64_t with = files_.FileSize(path_).value();
  config_.flushing.enable_statistics = false;
  ASSERT_OK(Process(ClusteredRecords(3000, 16, 5)));
  layout = Layout();
  EXPECT_EQ(ColumnOf(layout, "category")->null_count, std::nullopt);
  EXPECT_LT(files_.FileSize(path_).value(), with);
  EXPECT_EQ(Read().size(), 3000u);
}

TEST_F(FileWriters, P05_P26_PostprocessingLeavesOutColumnsTriesEncodingsAndDescribesRowGroups) {
  config_.flushing.overwrite = true;
  schema_->fields.push_back({"never", FieldType::kFloat64});
  ASSERT_OK_AND_ASSIGN(const ProcessResult with, Process(ClusteredRecords(5000, 16, 5)));
  auto layout = Layout();
  EXPECT_EQ(ColumnOf(layout, "never"), nullptr);
  EXPECT_EQ(ColumnOf(layout, "_expires_at"), nullptr);
  EXPECT_TRUE(HasEncoding("_vector.list.element", "BYTE_STREAM_SPLIT"));
  EXPECT_TRUE(layout.key_values.contains("viper.row_groups"));
  config_.processing.enable_postprocessing = false;
  ASSERT_OK_AND_ASSIGN(const ProcessResult without, Process(ClusteredRecords(5000, 16, 5)));
  layout = Layout();
  EXPECT_NE(ColumnOf(layout, "never"), nullptr);
  EXPECT_NE(ColumnOf(layout, "_expires_at"), nullptr);
  EXPECT_FALSE(HasEncoding("_vector.list.element", "BYTE_STREAM_SPLIT"));
  EXPECT_FALSE(layout.key_values.contains("viper.row_groups"));
  EXPECT_EQ(ColumnOf(layout, "category")->null_count, std::nullopt) << "no statistics";
  EXPECT_LT(with.bytes_written, without.bytes_written);
  EXPECT_EQ(Read().size(), 5000u);
}

TEST_F(FileWriters, P03_P08_RowGroupsHaveAtMostTheRowsThatWereSet) {
  config_.flushing.overwrite = true;
  config_.flushing.row_group_rows = 700;
  ASSERT_OK_AND_ASSIGN(ProcessResult result, Process(ClusteredRecords(3000, 16, 5)));
  EXPECT_EQ(result.row_groups, 5u);
  EXPECT_EQ(Layout().row_groups, 5u);
  config_.processing.batch_size = 100;
  ASSERT_OK_AND_ASSIGN(result, Process(ClusteredRecords(3000, 16, 5)));
  EXPECT_EQ(result.row_groups, 30u) << "a batch bounds them too";
  EXPECT_EQ(Read().size(), 3000u);
}

TEST_F(FileWriters, P11_TheFooterTellsWhereTheVectorsOfEachRowGroupLie) {
  config_.flushing.row_group_rows = 500;
  ASSERT_OK(Process(ClusteredRecords(2000, 16, 4)));
  const auto read = Read();
  const Value groups = Value::FromJson(Layout().key_values.at("viper.row_groups")).value();
  ASSERT_EQ(groups.as_list()->size(), 4u);
  size_t first = 0;
  for (const Value& group : *groups.as_list()) {
    const auto rows = static_cast<size_t>(*group.as_object()->at("rows").as_int64());
    const double radius = *group.as_object()->at("radius").as_float64();
    std::vector<float> centroid;
    for (const Value& x : *group.as_object()->at("centroid").as_list()) {
      centroid.push_back(x.as_float64() != nullptr ? static_cast<float>(*x.as_float64())
                                                   : static_cast<float>(*x.as_int64()));
    }
    double farthest = 0;
    for (size_t row = first; row < first + rows; ++row) {
      farthest = std::max(farthest, DistanceBetween(read[row].vector, centroid));
    }
    EXPECT_DOUBLE_EQ(farthest, radius);
    first += rows;
  }
  EXPECT_EQ(first, 2000u);
}

TEST_F(FileWriters, SparseVectorsComeBackAndAreStoredAsAsked) {
  config_.flushing.overwrite = true;
  schema_ = CollectionSchema{.dim = 200};
  Random random(5);
  std::vector<Record> records(2000);
  for (size_t row = 0; row < records.size(); ++row) {
    records[row].id = std::to_string(row);
    records[row].timestamp = Timestamp{static_cast<int64_t>(row)};
    records[row].sparse_vector = SparseVector{
        {static_cast<uint32_t>(random.Uniform(100)), static_cast<uint32_t>(100 + row % 100)},
        {1.5F, 2.5F}};
  }
  for (const auto format : {VectorFormat::kDense, VectorFormat::kSparse, VectorFormat::kAdaptive}) {
    config_.flushing.vector_format = format;
    ASSERT_OK(Process(records));
    const auto layout = Layout();
    EXPECT_EQ(ColumnOf(layout, "_sparse.values.list.element") != nullptr,
              format != VectorFormat::kDense);
    const auto read = Read();
    ASSERT_EQ(read.size(), records.size());
    for (size_t row = 0; row < read.size(); ++row) {
      EXPECT_EQ(read[row].vector, records[row].sparse_vector->ToDense(200).value());
    }
  }
}

TEST(DivideByTime, F21_WindowsBeginAtMultiplesOfTheirLengthAlsoBefore1970) {
  std::vector<core::Row> rows;
  for (const int64_t micros : {-2'000'001, -2'000'000, -1, 0, 1'999'999, 2'000'000, 9'000'000}) {
    rows.emplace_back().timestamp = micros;
  }
  std::vector<uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0U);
  std::vector<std::pair<int64_t, size_t>> windows;
  for (const RowWindow& window : DivideByTime(rows, order, 2000)) {
    windows.emplace_back(window.begin->micros, window.count);
  }
  EXPECT_EQ(windows,
            (std::vector<std::pair<int64_t, size_t>>{
                {-4'000'000, 1}, {-2'000'000, 2}, {0, 2}, {2'000'000, 1}, {8'000'000, 1}}));
  EXPECT_EQ(DivideByTime(rows, order, 0).size(), 1u);
  rows.resize(1);
  order.resize(1);
  rows[0].timestamp = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(DivideByTime(rows, order, 1000).size(), 1u) << "the first of all times";
}

TEST(DivideByTime, F21_WindowsGrowUntilTheyAreFewEnough) {
  Random random(3);
  std::vector<core::Row> rows(3 * kWindowsMax);
  for (core::Row& row : rows) {
    row.timestamp = static_cast<int64_t>(random.Uniform(uint64_t{1} << 50)) - (int64_t{1} << 49);
  }
  std::sort(rows.begin(), rows.end(),
            [](const core::Row& a, const core::Row& b) { return a.timestamp < b.timestamp; });
  std::vector<uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0U);
  for (const int64_t window_ms : {1, 7, 3'600'000}) {
    const int64_t length = LengthenWindows(rows, order, window_ms);
    EXPECT_LE(DivideByTime(rows, order, length).size(), kWindowsMax);
    EXPECT_GT(DivideByTime(rows, order, length / 2).size(), kWindowsMax) << "no longer than needed";
    EXPECT_EQ(length % window_ms, 0) << "they begin where they would";
  }
  EXPECT_EQ(LengthenWindows(std::span(rows).first(100), std::span(order).first(100), 1), 1);
}

}  // namespace
}  // namespace viper::pipeline
