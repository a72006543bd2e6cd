#include "parquet/vector_page_stream.h"

#include <random>
#include <string>

#include <arrow/io/memory.h>
#include <gtest/gtest.h>
#include <parquet/file_reader.h>

#include "parquet/arrow_bridge.h"
#include "parquet/arrow_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

constexpr uint32_t kSeed = 12;

/// What a stream gave away, and how it ended.
struct Streamed {
  std::vector<float> floats;
  Status status;
};

Streamed ReadAll(const std::vector<std::byte>& bytes, size_t dim) {
  Streamed streamed;
  streamed.status = CatchParquet([&]() -> Status {
    const auto reader = ::parquet::ParquetFileReader::Open(
        std::make_shared<::arrow::io::BufferReader>(WrapBytes(bytes)));
    VectorPageStream stream(*reader->metadata()->schema()->Column(0), dim);
    for (int group = 0; group < reader->metadata()->num_row_groups(); ++group) {
      const auto rows = reader->metadata()->RowGroup(group)->num_rows();
      stream.Start(reader->RowGroup(group)->GetColumnPageReader(0), static_cast<uint64_t>(rows));
      while (true) {
        VIPER_RETURN_IF_ERROR(stream.Fill());
        if (stream.rows().empty()) break;
        // Taking one row at a time is the hardest for what the stream remembers.
        const auto row = stream.rows().first(dim);
        streamed.floats.insert(streamed.floats.end(), row.begin(), row.end());
        stream.Consume(1);
      }
    }
    return Status::Ok();
  });
  return streamed;
}

std::vector<std::byte> WriteLists(const std::string& json, const ForeignFile& file = {}) {
  return WriteForeign(
      *TableFromJson({{::arrow::field("v", ::arrow::list(::arrow::float32())), json}}), file);
}

std::vector<ForeignFile> AllLayouts() {
  using Builder = ::parquet::WriterProperties::Builder;
  std::vector<ForeignFile> files;
  for (const auto version :
       {::parquet::ParquetDataPageVersion::V1, ::parquet::ParquetDataPageVersion::V2}) {
    for (const auto codec : {::parquet::Compression::UNCOMPRESSED, ::parquet::Compression::ZSTD}) {
      const auto add = [&](Builder& builder) {
        files.push_back({.properties = builder.data_page_version(version)
                                           ->compression(codec)
                                           ->data_pagesize(2000)
                                           ->write_batch_size(64)
                                           ->build(),
                         .rows_per_group = 300});
      };
      Builder dictionary;
      add(dictionary);
      Builder small_dictionary;  // falls back to plain pages in the middle
      small_dictionary.dictionary_pagesize_limit(1000);
      add(small_dictionary);
      Builder plain;
      plain.disable_dictionary();
      add(plain);
      Builder split;
      split.disable_dictionary()->encoding(::parquet::Encoding::BYTE_STREAM_SPLIT);
      add(split);
    }
  }
  return files;
}

TEST(VectorPageStream, EveryLayoutGivesTheSameFloats) {
  constexpr size_t kDim = 7;
  constexpr size_t kRows = 1000;
  std::mt19937 random(kSeed);
  std::vector<float> expected;
  std::string json;
  for (size_t row = 0; row < kRows; ++row) {
    json += row == 0 ? "[[" : ", [";
    for (size_t i = 0; i < kDim; ++i) {
      const auto number = static_cast<int>(random() % 1000);
      expected.push_back(static_cast<float>(number));
      json += fmt::format("{}{}", i == 0 ? "" : ", ", number);
    }
    json += "]";
  }
  for (const ForeignFile& file : AllLayouts()) {
    const Streamed streamed = ReadAll(WriteLists(json + "]", file), kDim);
    EXPECT_OK(streamed.status);
    EXPECT_EQ(streamed.floats, expected) << "seed=" << kSeed;
  }
}

TEST(VectorPageStream, RowsBeforeABadOneAreGivenAway) {
  for (const ForeignFile& file : AllLayouts()) {
    const auto check = [&](const std::string& json, std::string_view problem) {
      const Streamed streamed = ReadAll(WriteLists(json, file), 2);
      EXPECT_STATUS(kInvalidArgument, problem, streamed.status);
      EXPECT_EQ(streamed.floats, (std::vector<float>{1, 2, 3, 4})) << json;
    };
    check("[[1, 2], [3, 4], null, [5, 6]]", "vector is null");
    check("[[1, 2], [3, 4], [5, null], [5, 6]]", "vector holds a null: component=1");
    check("[[1, 2], [3, 4], [], [5, 6]]", "expected=2 actual=0");
    check("[[1, 2], [3, 4], [5], [5, 6]]", "expected=2 actual=1");
    check("[[1, 2], [3, 4], [5, 6, 7], [5]]", "expected=2 actual>=3");
    check("[[1, 2], [3, 4], [5, NaN], [5, 6]]", "no finite 32-bit float: component=1");
    check("[[1, 2], [3, 4], [Inf, 6], [null]]", "no finite 32-bit float: component=0");
    check("[[1, 2], [3, 4], [5]]", "expected=2 actual=1");
  }
}

TEST(VectorPageStream, AnotherNumberOfRowsIsCorruption) {
  const auto bytes = WriteLists("[[1, 2], [3, 4], [5, 6]]");
  for (const uint64_t claimed : {2, 4}) {
    const auto reader = ::parquet::ParquetFileReader::Open(
        std::make_shared<::arrow::io::BufferReader>(WrapBytes(bytes)));
    VectorPageStream stream(*reader->metadata()->schema()->Column(0), 2);
    stream.Start(reader->RowGroup(0)->GetColumnPageReader(0), claimed);
    Status status = stream.Fill();
    if (status.ok()) {
      stream.Consume(stream.rows().size() / 2);
      status = stream.Fill();
    }
    EXPECT_STATUS(kCorruption, "rows than the row group", status);
  }
}

}  // namespace
}  // namespace viper::parquet
