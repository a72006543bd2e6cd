#include "parquet/vector_chunk_writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <arrow/buffer.h>
#include <fmt/core.h>
#include <parquet/exception.h>

#include "base/crc32c.h"
#include "base/status_macros.h"
#include "kernels/kernel_table.h"
#include "parquet/sparse_page.h"
#include "parquet/vector_levels.h"

namespace viper::parquet {
namespace {

/// Below this a squared norm in single precision has lost digits to underflow.
constexpr float kSquaredNormMin = 1e-30F;

double NormInDouble(const std::byte* floats, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; ++i) {
    float component = 0;
    std::memcpy(&component, floats + i * sizeof(float), sizeof(float));
    sum += static_cast<double>(component) * static_cast<double>(component);
  }
  return std::sqrt(sum);
}

}  // namespace

VectorChunkWriter::VectorChunkWriter(size_t dim) : dim_(dim) {
  const ColumnCoding plain{Encoding::kPlain, {.codec = Codec::kNone}};
  SetCoding({plain, plain, {}, {}}, StoragePolicy::kSpeed);
}

void VectorChunkWriter::SetCoding(const ColumnChoice& choice, StoragePolicy policy) {
  choice_ = choice;
  rows_per_page_ =
      std::max<size_t>(1, VectorPageBytes(choice.coding, policy) / (dim_ * sizeof(float)));
  const ColumnCoding decoded{Encoding::kByteStreamSplit, choice.coding.compression};
  rows_per_decoded_page_ =
      std::max<size_t>(1, VectorPageBytes(decoded, policy) / (dim_ * sizeof(float)));
}

size_t VectorChunkWriter::RowsPerPage(const SparsePlan* sparse) const {
  if (sparse == nullptr) return rows_per_page_;
  if (sparse->row_count > 0) return sparse->rows_per_page;
  // Other row groups may have sparse rows: then these are decoded, too.
  return std::min(rows_per_page_, rows_per_decoded_page_);
}

std::pair<ColumnCoding, FloatDictionary> VectorChunkWriter::CodingOf(
    std::span<const std::byte* const> vectors) const {
  if (!choice_.coding.has_dictionary()) return {choice_.coding, {}};
  auto dictionary = CollectFloats(vectors, dim_);
  if (!dictionary || dictionary->empty()) return {choice_.without_dictionary, {}};
  return {choice_.coding, std::move(*dictionary)};
}

void VectorChunkWriter::SetShape(size_t row_count) {
  if (row_count == shape_rows_) return;
  const std::vector<uint8_t> levels = EncodeVectorLevels(row_count, dim_);
  page_.resize(levels.size() + row_count * dim_ * sizeof(float));
  std::memcpy(page_.data(), levels.data(), levels.size());
  level_bytes_ = levels.size();
  shape_rows_ = row_count;
}

Status VectorChunkWriter::UpdateMaxNorm(const std::byte* floats, size_t row_count,
                                        size_t first_row) {
  kernels::Active().squared_norm(floats, row_count, dim_, squared_norms_.data());
  float largest = 0;
  for (size_t row = 0; row < row_count; ++row) {
    const float squared = squared_norms_[row];
    if (squared >= kSquaredNormMin && squared <= std::numeric_limits<float>::max()) {
      largest = std::max(largest, squared);
      continue;
    }
    const double norm = NormInDouble(floats + row * dim_ * sizeof(float), dim_);
    if (!std::isfinite(norm)) {
      return Status::InvalidArgument(
          fmt::format("vector holds a component that is not finite: row={}", first_row + row));
    }
    max_norm_ = std::max(max_norm_, norm);
  }
  // Summing dim terms in single precision errs by at most dim units in the last place.
  const double rounding = 1 + static_cast<double>(dim_ + 2) * std::numeric_limits<float>::epsilon();
  max_norm_ = std::max(max_norm_, std::sqrt(static_cast<double>(largest)) * rounding);
  return Status::Ok();
}

Result<int64_t> VectorChunkWriter::WriteChunk(const ChunkPlace& place,
                                              std::span<const std::byte* const> vectors,
                                              const SparsePlan* sparse) {
  const bool is_mixed = sparse != nullptr && sparse->row_count > 0;
  std::vector<const std::byte*> dense;
  if (is_mixed) {
    has_sparse_rows_ = true;
    pages_.clear();
    page_crcs_.clear();
    for (size_t row = 0; row < vectors.size(); ++row) {
      if (!sparse->is_sparse[row]) dense.push_back(vectors[row]);
    }
  }
  const auto [coding, dictionary] =
      CodingOf(is_mixed ? std::span<const std::byte* const>(dense) : vectors);
  DataPageWriter pages(place, coding);
  VectorPageEncoder encoder(coding.encoding, dictionary);
  const size_t row_bytes = dim_ * sizeof(float);
  const size_t rows_per_page = RowsPerPage(sparse);
  squared_norms_.resize(rows_per_page);
  int64_t written = 0;
  if (coding.has_dictionary()) written += pages.WriteDictionary(dictionary);
  for (size_t first = 0; first < vectors.size(); first += rows_per_page) {
    const size_t row_count = std::min(rows_per_page, vectors.size() - first);
    SetShape(row_count);
    uint8_t* floats = page_.data() + level_bytes_;
    for (size_t row = 0; row < row_count; ++row) {
      std::memcpy(floats + row * row_bytes, vectors[first + row], row_bytes);
    }
    VIPER_RETURN_IF_ERROR(
        UpdateMaxNorm(reinterpret_cast<const std::byte*>(floats), row_count, first));
    const RowRange rows{first, row_count};
    written +=
        is_mixed ? WriteMixedPage(pages, encoder, *sparse, rows) : WritePage(pages, encoder, rows);
    if (IsMapped(choice_.coding) && !has_sparse_rows_) NotePage(place, row_count);
  }
  pages.Close();
  return written;
}

int64_t VectorChunkWriter::WritePage(DataPageWriter& pages, VectorPageEncoder& encoder,
                                     RowRange rows) const {
  std::shared_ptr<::arrow::Buffer> body =
      std::make_shared<::arrow::Buffer>(page_.data(), static_cast<int64_t>(page_.size()));
  if (pages.coding().encoding != Encoding::kPlain) {
    const auto values = encoder.Encode(std::span(page_).subspan(level_bytes_));
    PARQUET_ASSIGN_OR_THROW(
        body, ::arrow::ConcatenateBuffers(
                  {::arrow::SliceBuffer(body, 0, static_cast<int64_t>(level_bytes_)), values}));
  }
  return pages.Write(body, rows.count * dim_, rows.first);
}

int64_t VectorChunkWriter::WriteMixedPage(DataPageWriter& pages, VectorPageEncoder& encoder,
                                          const SparsePlan& sparse, RowRange rows) const {
  const size_t row_bytes = dim_ * sizeof(float);
  const MixedLevels levels = EncodeMixedLevels(dim_, sparse.is_sparse, rows);
  std::vector<uint8_t> floats;
  for (size_t row = 0; row < rows.count; ++row) {
    if (sparse.is_sparse[rows.first + row]) continue;
    const auto begin = page_.begin() + static_cast<std::ptrdiff_t>(level_bytes_ + row * row_bytes);
    floats.insert(floats.end(), begin, begin + static_cast<std::ptrdiff_t>(row_bytes));
  }
  PARQUET_ASSIGN_OR_THROW(const std::shared_ptr<::arrow::Buffer> body,
                          ::arrow::ConcatenateBuffers(
                              {std::make_shared<::arrow::Buffer>(
                                   levels.bytes.data(), static_cast<int64_t>(levels.bytes.size())),
                               encoder.Encode(floats)}));
  return pages.Write(body, levels.level_count, rows.first);
}

void VectorChunkWriter::NotePage(const ChunkPlace& place, size_t row_count) {
  const size_t float_bytes = row_count * dim_ * sizeof(float);
  PARQUET_ASSIGN_OR_THROW(const int64_t end, place.sink->Tell());
  const uint64_t first_row = pages_.empty() ? 0 : pages_.back().rows.end();
  pages_.push_back({{first_row, row_count}, static_cast<uint64_t>(end) - float_bytes});
  page_crcs_.push_back(crc32c::Value(
      std::as_bytes(std::span<const uint8_t>(page_).subspan(level_bytes_, float_bytes))));
}

}  // namespace viper::parquet
