#include "parquet/vector_column_reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>

#include <arrow/io/memory.h>
#include <fmt/core.h>
#include <parquet/column_page.h>
#include <parquet/column_reader.h>
#include <parquet/properties.h>

#include "base/status_macros.h"
#include "columnar/predicate.h"
#include "parquet/arrow_bridge.h"
#include "parquet/page_decoder.h"
#include "parquet/vector_levels.h"

namespace viper::parquet {
namespace {

using ::parquet::ColumnDescriptor;

/// The parts of an uncompressed data page.
struct PageParts {
  std::span<const uint8_t> repetition;
  std::span<const uint8_t> definition;
  std::span<const uint8_t> values;
  /// Both level blocks as they lie in a V1 page.
  std::span<const uint8_t> levels;
};

/// Cut `u32 length | block` off the front of `rest`.
std::optional<std::span<const uint8_t>> CutLevels(std::span<const uint8_t>& rest) {
  uint32_t length = 0;
  if (rest.size() < sizeof(length)) return std::nullopt;
  std::memcpy(&length, rest.data(), sizeof(length));
  rest = rest.subspan(sizeof(length));
  if (length > rest.size()) return std::nullopt;
  const auto block = rest.first(length);
  rest = rest.subspan(length);
  return block;
}

std::optional<PageParts> SplitV1(const ::parquet::DataPageV1& page, int16_t max_definition) {
  if (page.repetition_level_encoding() != ::parquet::Encoding::RLE ||
      (max_definition > 0 && page.definition_level_encoding() != ::parquet::Encoding::RLE)) {
    return std::nullopt;
  }
  const std::span<const uint8_t> body(page.data(), static_cast<size_t>(page.size()));
  std::span<const uint8_t> rest = body;
  const auto repetition = CutLevels(rest);
  if (!repetition) return std::nullopt;
  std::span<const uint8_t> definition;
  if (max_definition > 0) {
    const auto block = CutLevels(rest);
    if (!block) return std::nullopt;
    definition = *block;
  }
  return PageParts{*repetition, definition, rest, body.first(body.size() - rest.size())};
}

std::optional<PageParts> SplitV2(const ::parquet::DataPageV2& page) {
  const std::span<const uint8_t> body(page.data(), static_cast<size_t>(page.size()));
  const auto repetition = static_cast<size_t>(page.repetition_levels_byte_length());
  const auto definition = static_cast<size_t>(page.definition_levels_byte_length());
  if (repetition > body.size() || definition > body.size() - repetition) return std::nullopt;
  return PageParts{body.first(repetition),
                   body.subspan(repetition, definition),
                   body.subspan(repetition + definition),
                   {}};
}

/// Remembers the level bytes of the last shape, which nearly every page of a file shares.
class LevelChecker {
 public:
  LevelChecker(size_t dim, int16_t max_definition) : dim_(dim), max_definition_(max_definition) {}

  bool AreDense(const PageParts& parts, size_t value_count) {
    if (max_definition_ == 1 && !parts.levels.empty() && value_count % dim_ == 0) {
      const size_t rows = value_count / dim_;
      if (rows != shape_rows_) {
        shape_ = EncodeVectorLevels(rows, dim_);
        shape_rows_ = rows;
      }
      if (std::equal(shape_.begin(), shape_.end(), parts.levels.begin(), parts.levels.end())) {
        return true;
      }
    }
    return AreDenseVectorLevels(parts.repetition, parts.definition, max_definition_, value_count,
                                dim_);
  }

 private:
  const size_t dim_;
  const int16_t max_definition_;
  size_t shape_rows_ = 0;
  std::vector<uint8_t> shape_;
};

/// The first float that is infinite or not a number: all bits of the exponent set.
std::optional<size_t> FindNotFinite(std::span<const uint8_t> floats) {
  constexpr uint32_t kExponent = 0x7F800000;
  constexpr size_t kBlock = 1024;
  const size_t count = floats.size() / sizeof(float);
  for (size_t first = 0; first < count; first += kBlock) {
    const size_t block = std::min(kBlock, count - first);
    const uint8_t* bytes = floats.data() + first * sizeof(float);
    uint32_t found = 0;
    for (size_t i = 0; i < block; ++i) {
      uint32_t bits = 0;
      std::memcpy(&bits, bytes + i * sizeof(float), sizeof(bits));
      found |= static_cast<uint32_t>((bits & kExponent) == kExponent);
    }
    if (found == 0) continue;
    for (size_t i = 0; i < block; ++i) {
      float value = 0;
      std::memcpy(&value, bytes + i * sizeof(float), sizeof(value));
      if (!std::isfinite(value)) return first + i;
    }
  }
  return std::nullopt;
}

Status BadVector(std::string_view problem, uint64_t row) {
  return Status::Corruption(fmt::format("{}: row={}", problem, row));
}

/// Follows the levels of a decoded column and sees to it that every row is a whole vector.
class RowTracker {
 public:
  RowTracker(const ColumnDescriptor& leaf, size_t dim, RowRange rows)
      : max_definition_(leaf.max_definition_level()),
        element_level_(ElementDefinitionLevel(leaf)),
        dim_(dim),
        rows_(rows) {}

  Status Add(int16_t repetition, int16_t definition) {
    if (repetition == 0) {
      VIPER_RETURN_IF_ERROR(FinishRow());
      if (started_ == rows_.count) {
        return Status::Corruption(
            fmt::format("pages hold more rows than the row group: expected={}", rows_.count));
      }
      ++started_;
      length_ = 0;
    } else if (started_ == 0) {
      return Status::Corruption("a page starts in the middle of a vector");
    }
    if (definition == max_definition_) {
      return ++length_ > dim_ ? WrongLength() : Status::Ok();
    }
    if (definition >= element_level_) return BadVector("vector holds a null component", row());
    if (definition < element_level_ - 1) return BadVector("vector is absent", row());
    return Status::Ok();
  }

  Status Finish() {
    VIPER_RETURN_IF_ERROR(FinishRow());
    if (started_ == rows_.count) return Status::Ok();
    return Status::Corruption(fmt::format(
        "pages hold fewer rows than the row group: expected={} actual={}", rows_.count, started_));
  }

 private:
  uint64_t row() const { return rows_.first + started_ - 1; }
  Status FinishRow() const {
    return started_ == 0 || length_ == dim_ ? Status::Ok() : WrongLength();
  }
  Status WrongLength() const {
    return Status::Corruption(
        fmt::format("vector has another length: row={} expected={} actual{}={}", row(), dim_,
                    length_ > dim_ ? ">" : "", length_));
  }

  const int16_t max_definition_;
  const int16_t element_level_;
  const size_t dim_;
  const RowRange rows_;
  uint64_t started_ = 0;
  size_t length_ = 0;
};

}  // namespace

Result<VectorColumnReader> VectorColumnReader::Open(const PartFooter& footer, size_t dim) {
  VIPER_ASSIGN_OR_RETURN(const std::optional<int> leaf, footer.FindLeaf(columnar::kVectorColumn));
  if (!leaf) return Status::Corruption("the column is missing");
  const ColumnDescriptor& descriptor = *footer.metadata().schema()->Column(*leaf);
  if (descriptor.max_repetition_level() != 1 ||
      descriptor.physical_type() != ::parquet::Type::FLOAT) {
    return Status::Unsupported(fmt::format(
        "the column is no list of 32-bit floats: physical={} nesting={}",
        ::parquet::TypeToString(descriptor.physical_type()), descriptor.max_repetition_level()));
  }
  return VectorColumnReader(footer, dim, *leaf);
}

const ColumnDescriptor& VectorColumnReader::descriptor() const {
  return *footer_->metadata().schema()->Column(leaf_);
}

std::unique_ptr<::parquet::PageReader> VectorColumnReader::OpenPages(size_t row_group,
                                                                     const FileRange& range,
                                                                     bool verify) const {
  const auto group = footer_->metadata().RowGroup(static_cast<int>(row_group));
  const auto chunk = group->ColumnChunk(leaf_);
  ::parquet::ReaderProperties properties;
  properties.set_page_checksum_verification(verify);
  return ::parquet::PageReader::Open(
      std::make_shared<::arrow::io::BufferReader>(footer_->Slice(range)), chunk->num_values(),
      chunk->compression(), properties, descriptor());
}

Result<std::optional<std::vector<VectorPage>>> VectorColumnReader::FindPages(bool verify) const {
  using Pages = std::optional<std::vector<VectorPage>>;
  return CatchParquet([&]() -> Result<Pages> {
    if (!IsUncompressed()) return Pages();
    std::vector<VectorPage> pages;
    for (size_t group = 0; group < footer_->row_groups().size(); ++group) {
      VIPER_ASSIGN_OR_RETURN(const bool mapped, FindPagesOfGroup(group, verify, pages));
      if (!mapped) return Pages();
    }
    return Pages(std::move(pages));
  });
}

Result<bool> VectorColumnReader::FindPagesOfGroup(size_t row_group, bool verify,
                                                  std::vector<VectorPage>& pages) const {
  const RowRange rows = footer_->row_groups()[row_group];
  VIPER_ASSIGN_OR_RETURN(const FileRange range, footer_->ChunkRange(row_group, leaf_));
  const auto group = footer_->metadata().RowGroup(static_cast<int>(row_group));
  if (group->ColumnChunk(leaf_)->compression() != ::parquet::Compression::UNCOMPRESSED)
    return false;

  const int16_t max_definition = descriptor().max_definition_level();
  const auto reader = OpenPages(row_group, range, verify);
  LevelChecker levels(dim_, max_definition);
  uint64_t next_row = rows.first;
  while (const std::shared_ptr<::parquet::Page> page = reader->NextPage()) {
    std::optional<PageParts> parts;
    if (page->type() == ::parquet::PageType::DATA_PAGE) {
      parts = SplitV1(static_cast<const ::parquet::DataPageV1&>(*page), max_definition);
    } else if (page->type() == ::parquet::PageType::DATA_PAGE_V2) {
      parts = SplitV2(static_cast<const ::parquet::DataPageV2&>(*page));
    }
    if (!parts) return false;
    const auto& data_page = static_cast<const ::parquet::DataPage&>(*page);
    const auto value_count = static_cast<size_t>(data_page.num_values());
    if (value_count == 0) continue;
    // Levels are only looked at once the floats are known to be there: they bound the work.
    if (data_page.encoding() != ::parquet::Encoding::PLAIN ||
        parts->values.size() != value_count * sizeof(float) ||
        !levels.AreDense(*parts, value_count)) {
      return false;
    }
    if (verify) {
      if (const auto bad = FindNotFinite(parts->values)) {
        return BadVector("vector holds a component that is not finite", next_row + *bad / dim_);
      }
    }
    const auto offset =
        reinterpret_cast<const std::byte*>(parts->values.data()) - footer_->bytes().data();
    pages.push_back({{next_row, value_count / dim_}, static_cast<uint64_t>(offset)});
    next_row += value_count / dim_;
  }
  if (next_row != rows.end()) {
    return Status::Corruption(
        fmt::format("pages hold another number of rows: row_group={} expected={} actual={}",
                    row_group, rows.count, next_row - rows.first));
  }
  return true;
}

bool VectorColumnReader::IsUncompressed() const {
  for (size_t group = 0; group < footer_->row_groups().size(); ++group) {
    const auto metadata = footer_->metadata().RowGroup(static_cast<int>(group));
    if (metadata->ColumnChunk(leaf_)->compression() != ::parquet::Compression::UNCOMPRESSED) {
      return false;
    }
  }
  return true;
}

Status VectorColumnReader::CheckPages(const std::vector<VectorPage>& pages) const {
  const uint64_t row_bytes = dim_ * sizeof(float);
  uint64_t next_row = 0;
  uint64_t end = 0;
  for (const VectorPage& page : pages) {
    const uint64_t file_bytes = footer_->bytes().size();
    if (page.rows.first != next_row || page.rows.count == 0 || page.float_offset < end ||
        page.float_offset > file_bytes ||
        page.rows.count > (file_bytes - page.float_offset) / row_bytes) {
      return Status::Corruption(
          fmt::format("remembered page does not fit the file: first_row={} rows={} offset={}",
                      page.rows.first, page.rows.count, page.float_offset));
    }
    next_row = page.rows.end();
    end = page.float_offset + page.rows.count * row_bytes;
  }
  if (next_row == footer_->row_count()) return Status::Ok();
  return Status::Corruption(
      fmt::format("remembered pages hold another number of rows: expected={} actual={}",
                  footer_->row_count(), next_row));
}

Result<VectorColumnReader::Decoded> VectorColumnReader::Decode(size_t bytes_max) const {
  const uint64_t rows_max = bytes_max / (dim_ * sizeof(float));
  if (footer_->row_count() > rows_max) {
    return Status::ResourceExhausted(fmt::format(
        "vectors of another writer must be decoded and need more memory than allowed: rows={} "
        "dim={} maximum_bytes={}",
        footer_->row_count(), dim_, bytes_max));
  }
  return CatchParquet([&]() -> Result<Decoded> {
    Decoded decoded;
    for (size_t group = 0; group < footer_->row_groups().size(); ++group) {
      VIPER_RETURN_IF_ERROR(DecodeGroup(group, decoded.floats));
      const RowRange rows = footer_->row_groups()[group];
      if (rows.count > 0) decoded.pages.push_back({rows, rows.first * dim_ * sizeof(float)});
    }
    return decoded;
  });
}

Status VectorColumnReader::DecodeGroup(size_t row_group, std::vector<float>& floats) const {
  constexpr size_t kBatch = 4096;
  const RowRange rows = footer_->row_groups()[row_group];
  VIPER_ASSIGN_OR_RETURN(const FileRange range, footer_->ChunkRange(row_group, leaf_));
  const ColumnDescriptor& leaf = descriptor();
  const std::shared_ptr<::parquet::ColumnReader> untyped =
      ::parquet::ColumnReader::Make(&leaf, OpenPages(row_group, range, /*verify=*/true));
  auto& reader = static_cast<::parquet::FloatReader&>(*untyped);
  std::vector<int16_t> definition(kBatch);
  std::vector<int16_t> repetition(kBatch);
  std::vector<float> values(kBatch);
  RowTracker tracker(leaf, dim_, rows);
  while (reader.HasNext()) {
    int64_t value_count = 0;
    const int64_t level_count = reader.ReadBatch(static_cast<int64_t>(kBatch), definition.data(),
                                                 repetition.data(), values.data(), &value_count);
    if (level_count <= 0) break;
    for (size_t i = 0; i < static_cast<size_t>(level_count); ++i) {
      VIPER_RETURN_IF_ERROR(tracker.Add(repetition[i], definition[i]));
    }
    const std::span<const float> batch(values.data(), static_cast<size_t>(value_count));
    if (const auto bad =
            FindNotFinite({reinterpret_cast<const uint8_t*>(batch.data()), batch.size_bytes()})) {
      return BadVector("vector holds a component that is not finite",
                       (floats.size() + *bad) / dim_);
    }
    floats.insert(floats.end(), batch.begin(), batch.end());
  }
  VIPER_RETURN_IF_ERROR(tracker.Finish());
  if (floats.size() != rows.end() * dim_) {
    return Status::Corruption("a page holds fewer values than it says");
  }
  return Status::Ok();
}

}  // namespace viper::parquet
