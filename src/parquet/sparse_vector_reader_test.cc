#include "parquet/sparse_vector_reader.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "parquet/arrow_fixture.h"
#include "parquet/part_fixture.h"
#include "parquet/sparse_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

constexpr size_t kSparseDim = 4;

std::shared_ptr<::arrow::DataType> SparseType() {
  return ::arrow::struct_({::arrow::field("indices", ::arrow::list(::arrow::int32())),
                           ::arrow::field("values", ::arrow::list(::arrow::float32()))});
}

/// A part with these vectors by another writer.
std::vector<std::byte> ForeignPart(const std::string& sparse, const std::string& vectors,
                                   const ForeignFile& file = {}) {
  return WriteForeign(
      *TableFromJson({{::arrow::field("_sparse", SparseType()), sparse},
                      {::arrow::field("_vector", ::arrow::list(::arrow::float32())), vectors}}),
      file);
}

Result<std::vector<float>> FloatsOf(const PartReader& reader, size_t dim) {
  std::vector<float> floats;
  for (size_t page = 0; page < reader.vector_pages().size(); ++page) {
    const VectorPage& place = reader.vector_pages()[page];
    EXPECT_EQ(place.rows.first * dim, floats.size());
    if (reader.maps_vectors()) {
      const size_t before = floats.size();
      floats.resize(before + place.rows.count * dim);
      std::memcpy(floats.data() + before, reader.Floats(place),
                  place.rows.count * dim * sizeof(float));
      continue;
    }
    auto decoded = reader.DecodeVectors(page);
    if (!decoded.ok()) return decoded;
    floats.insert(floats.end(), decoded->begin(), decoded->end());
  }
  return floats;
}

/// What is wrong with a file that begins with a good sparse row and a good dense one.
Status ProblemOf(const std::string& sparse, const std::string& vector) {
  const auto bytes = ForeignPart(R"([{"indices": [1], "values": [9]}, null, )" + sparse + "]",
                                 "[[], [1, 2, 3, 4], " + vector + "]");
  const auto reader = OpenPart(bytes, {.dim = kSparseDim, .fields = {}});
  if (!reader.ok()) return reader.status();
  const Status verified = (*reader)->VerifyVectors();
  EXPECT_EQ(FloatsOf(**reader, kSparseDim).status().ToString(), verified.ToString());
  return verified;
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(SparseVectorReader, OurPartsComeBackBitForBit) {
  for (const size_t dim : {1, 7, 100, 3000}) {
    for (const size_t dense_every : {0, 1, 3}) {
      const SparseRows made = MakeSparseRows(257, dim, 0.2, dense_every);
      for (const StoragePolicy policy : {StoragePolicy::kSpeed, StoragePolicy::kSize}) {
        for (const VectorFormat format :
             {VectorFormat::kDense, VectorFormat::kSparse, VectorFormat::kAdaptive}) {
          PartWriteOptions options = SparseWriteOptions(format, policy);
          options.row_group_bytes = 100 * dim * sizeof(float);
          const auto bytes = WritePart(made.rows, {.dim = dim, .fields = {}}, options);
          const auto reader = OpenPart(bytes, {.dim = dim, .fields = {}}).value();
          EXPECT_OK(reader->VerifyVectors());
          ASSERT_OK_AND_ASSIGN(const auto floats, FloatsOf(*reader, dim));
          EXPECT_TRUE(SameBits(floats, made.floats)) << dim << " " << dense_every;
        }
      }
    }
  }
}

TEST(SparseVectorReader, RowGroupsWithoutSparseRowsLieBesideOthers) {
  SparseRows made = MakeSparseRows(300, 50, 0.1, 0);
  std::fill(made.floats.begin() + 100 * 50, made.floats.begin() + 200 * 50, 1.5F);
  PartWriteOptions options = SparseWriteOptions(VectorFormat::kSparse);
  options.row_group_bytes = 100 * 50 * sizeof(float);
  const auto bytes = WritePart(made.rows, {.dim = 50, .fields = {}}, options);
  const auto reader = OpenPart(bytes, {.dim = 50, .fields = {}}).value();
  EXPECT_FALSE(reader->maps_vectors());
  EXPECT_EQ(reader->SparseRowCounts().value(), (std::vector<uint64_t>{100, 0, 100}));
  EXPECT_TRUE(SameBits(FloatsOf(*reader, 50).value(), made.floats));
}

TEST(SparseVectorReader, WithoutSparseRowsVectorsStayInPlace) {
  const SparseRows made = MakeSparseRows(300, 50, 1, 1);
  const auto bytes =
      WritePart(made.rows, {.dim = 50, .fields = {}}, SparseWriteOptions(VectorFormat::kSparse));
  const auto reader = OpenPart(bytes, {.dim = 50, .fields = {}}).value();
  EXPECT_TRUE(reader->maps_vectors());
  EXPECT_EQ(reader->SparseRowCounts().value(), (std::vector<uint64_t>{0}));
  EXPECT_OK(reader->VerifyVectors());
  const auto adaptive =
      WritePart(made.rows, {.dim = 50, .fields = {}}, SparseWriteOptions(VectorFormat::kAdaptive));
  const auto footer = PartFooter::Open(adaptive).value();
  EXPECT_EQ(footer->metadata().schema()->group_node()->FieldIndex("_sparse"), -1);
}

/// Vectors as JSON, those with an even number sparse.
std::vector<std::byte> ManyForeignRows(size_t row_count, const ForeignFile& file,
                                       std::vector<float>& floats) {
  std::string sparse = "[";
  std::string vectors = "[";
  for (size_t row = 0; row < row_count; ++row) {
    const auto value = static_cast<float>(row);
    const char* comma = row == 0 ? "" : ", ";
    if (row % 2 == 0) {
      sparse += fmt::format(R"({}{{"indices": [{}, 3], "values": [{}, 7]}})", comma, row % 3, row);
      vectors += fmt::format("{}[]", comma);
      std::vector<float> spread(kSparseDim);
      spread[row % 3] = value;
      spread[3] = 7;
      floats.insert(floats.end(), spread.begin(), spread.end());
    } else {
      sparse += fmt::format("{}null", comma);
      vectors += fmt::format("{}[{}, 1, 2, 3]", comma, row);
      floats.insert(floats.end(), {value, 1, 2, 3});
    }
  }
  return ForeignPart(sparse + "]", vectors + "]", file);
}

TEST(SparseVectorReader, PagesOfOthersNeedNotFitEachOther) {
  for (const bool has_index : {false, true}) {
    for (const bool has_dictionary : {false, true}) {
      for (const int64_t page_bytes : {64, 300, 1 << 20}) {
        ::parquet::WriterProperties::Builder builder;
        builder.data_pagesize(page_bytes)
            ->write_batch_size(16)
            ->compression(::parquet::Compression::SNAPPY);
        if (has_index) builder.enable_write_page_index();
        if (!has_index) builder.disable_write_page_index();
        if (!has_dictionary) builder.disable_dictionary();
        std::vector<float> floats;
        const auto bytes =
            ManyForeignRows(1000, {.properties = builder.build(), .rows_per_group = 300}, floats);
        const auto reader = OpenPart(bytes, {.dim = kSparseDim, .fields = {}}).value();
        EXPECT_FALSE(reader->maps_vectors());
        EXPECT_EQ(reader->SparseRowCounts().value(), (std::vector<uint64_t>{150, 150, 150, 50}));
        EXPECT_TRUE(SameBits(FloatsOf(*reader, kSparseDim).value(), floats));
        EXPECT_OK(reader->VerifyVectors());
      }
    }
  }
}

TEST(SparseVectorReader, LargePagesOfOthersAreCutIntoRuns) {
  constexpr size_t kWideDim = 65'536;
  std::string sparse = "[";
  std::string vectors = "[";
  for (size_t row = 0; row < 200; ++row) {
    const char* comma = row == 0 ? "" : ", ";
    sparse += fmt::format(R"({}{{"indices": [{}], "values": [{}]}})", comma, row * 300, row + 1);
    vectors += fmt::format("{}[]", comma);
  }
  const auto bytes = ForeignPart(sparse + "]", vectors + "]");
  const auto reader = OpenPart(bytes, {.dim = kWideDim, .fields = {}}).value();
  EXPECT_EQ(reader->vector_pages().size(), 4U);
  for (size_t page = 0; page < 4; ++page) {
    const RowRange rows = reader->vector_pages()[page].rows;
    ASSERT_OK_AND_ASSIGN(const auto floats, reader->DecodeVectors(page));
    for (size_t row = 0; row < rows.count; ++row) {
      const auto value = static_cast<float>(rows.first + row + 1);
      ASSERT_EQ(floats[row * kWideDim + (rows.first + row) * 300], value);
    }
    EXPECT_EQ(std::count(floats.begin(), floats.end(), 0.0F),
              static_cast<std::ptrdiff_t>(rows.count * (kWideDim - 1)));
  }
  PartOpenOptions options;
  options.page_bytes_max = size_t{1} << 20;
  const auto small = OpenPart(bytes, {.dim = kWideDim, .fields = {}}, options);
  EXPECT_STATUS(kResourceExhausted, "maximum_bytes=1048576", small.value()->DecodeVectors(0));
}

TEST(SparseVectorReader, ForeignColumnsOfNullsOrOtherTypesAreNoneOfOurs) {
  const ForeignFile plain{.properties =
                              ::parquet::WriterProperties::Builder().disable_dictionary()->build()};
  const auto nulls = OpenPart(ForeignPart("[null, null]", "[[1, 2, 3, 4], [5, 6, 7, 8]]", plain),
                              {.dim = kSparseDim, .fields = {}})
                         .value();
  EXPECT_TRUE(nulls->maps_vectors());
  EXPECT_EQ(FloatsOf(*nulls, kSparseDim).value(), (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}));
  const auto other = WriteForeign(
      *TableFromJson({{::arrow::field("_sparse", ::arrow::utf8()), R"(["a"])"},
                      {::arrow::field("_vector", ::arrow::list(::arrow::float32())), "[[1, 2]]"}}));
  EXPECT_EQ(FloatsOf(*OpenPart(other, {.dim = 2, .fields = {}}).value(), 2).value(),
            (std::vector<float>{1, 2}));
}

TEST(SparseVectorReader, ARowWithoutOneVectorIsCorruptionThatNamesIt) {
  EXPECT_OK(ProblemOf(R"({"indices": [0, 3], "values": [1, 2]})", "[]"));
  EXPECT_OK(ProblemOf(R"({"indices": [], "values": []})", "[]"));
  const std::string where = "part-test.parquet: column _vector: rows 0 to 2: row=2: ";
  const auto expect_corruption = [&](const std::string& what, const std::string& sparse,
                                     const std::string& vector) {
    const Status problem = ProblemOf(sparse, vector);
    EXPECT_STATUS(kCorruption, where, problem);
    EXPECT_STATUS(kCorruption, what, problem);
  };
  expect_corruption("vector has another length, and there is no sparse one: expected=4 actual=0",
                    "null", "[]");
  expect_corruption("vector is there both dense and sparse: components=4 indices=1",
                    R"({"indices": [0], "values": [1]})", "[1, 2, 3, 4]");
  expect_corruption("another number of values than of indices: indices=1 values=2",
                    R"({"indices": [0], "values": [1, 2]})", "[]");
  expect_corruption("place=1 index=1 previous=1 dim=4", R"({"indices": [1, 1], "values": [1, 2]})",
                    "[]");
  expect_corruption("place=1 index=0 previous=2 dim=4", R"({"indices": [2, 0], "values": [1, 2]})",
                    "[]");
  expect_corruption("place=0 index=4 previous=-1 dim=4", R"({"indices": [4], "values": [1]})",
                    "[]");
  expect_corruption("place=0 index=-1", R"({"indices": [-1], "values": [1]})", "[]");
  expect_corruption("no finite 32-bit float: component=2", R"({"indices": [2], "values": [NaN]})",
                    "[]");
  expect_corruption("no finite 32-bit float: component=1", "null", "[1, Inf, 3, 4]");
  expect_corruption("list holds a null: element=0", R"({"indices": [null], "values": [1]})", "[]");
}

TEST(SparseVectorReader, ASparseVectorBesideMappedOnesIsFoundByVerifying) {
  const SparseRows made = MakeSparseRows(10, 8, 1, 1);
  auto bytes =
      WritePart(made.rows, {.dim = 8, .fields = {}}, SparseWriteOptions(VectorFormat::kSparse));
  const std::string told = "[0]";
  const auto at = std::search(bytes.begin(), bytes.end(), told.begin(), told.end(),
                              [](std::byte a, char b) { return a == std::byte(b); });
  ASSERT_NE(at, bytes.end());
  *(at + 1) = std::byte{'3'};
  const auto reader = OpenPart(bytes, {.dim = 8, .fields = {}}).value();
  EXPECT_STATUS(kCorruption, "column _sparse: another number of rows is stored sparse: row_group=0",
                reader->VerifyVectors());
  EXPECT_TRUE(SameBits(FloatsOf(*reader, 8).value(), made.floats)) << "rows speak for themselves";
}

}  // namespace
}  // namespace viper::parquet
