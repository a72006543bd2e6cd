#include "parquet/vector_column_reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <fmt/core.h>
#include <parquet/column_page.h>
#include <parquet/column_reader.h>
#include <parquet/properties.h>

#include "base/status_macros.h"
#include "columnar/predicate.h"
#include "parquet/arrow_bridge.h"
#include "parquet/vector_page.h"

namespace viper::parquet {
namespace {

using ::parquet::ColumnDescriptor;

Status AtRow(const Status& status, uint64_t row) {
  // Whatever is wrong with a row, the file should never have been part of the table.
  return Status::Corruption(fmt::format("row={}: {}", row, status.message()));
}

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
  return VectorColumnReader(LeafPages(footer, *leaf), dim);
}

Result<std::optional<std::vector<VectorPage>>> VectorColumnReader::FindPages(bool verify) const {
  using Pages = std::optional<std::vector<VectorPage>>;
  return CatchParquet([&]() -> Result<Pages> {
    if (!pages_.IsUncompressed()) return Pages();
    std::vector<VectorPage> pages;
    for (size_t group = 0; group < footer().row_groups().size(); ++group) {
      VIPER_ASSIGN_OR_RETURN(const bool mapped, FindPagesOfGroup(group, verify, pages));
      if (!mapped) return Pages();
    }
    return Pages(std::move(pages));
  });
}

Result<bool> VectorColumnReader::FindPagesOfGroup(size_t row_group, bool verify,
                                                  std::vector<VectorPage>& pages) const {
  const RowRange rows = footer().row_groups()[row_group];
  const int16_t max_definition = pages_.descriptor().max_definition_level();
  VIPER_ASSIGN_OR_RETURN(const auto reader, pages_.OpenChunk(row_group, verify));
  DenseLevelChecker levels(dim_, max_definition);
  uint64_t next_row = rows.first;
  while (const std::shared_ptr<::parquet::Page> page = reader->NextPage()) {
    if (page->type() == ::parquet::PageType::DICTIONARY_PAGE) return false;
    const auto& data_page = static_cast<const ::parquet::DataPage&>(*page);
    const auto parts = SplitPage(data_page, max_definition);
    if (!parts) return false;
    const auto value_count = static_cast<size_t>(data_page.num_values());
    if (value_count == 0) continue;
    // Levels are only looked at once the floats are known to be there: they bound the work.
    if (data_page.encoding() != ::parquet::Encoding::PLAIN ||
        parts->values.size() != value_count * sizeof(float) ||
        !levels.AreDense(*parts, value_count)) {
      return false;
    }
    if (verify) {
      if (const auto bad = FindNotFinite(std::as_bytes(parts->values))) {
        return AtRow(Status::Corruption("vector holds a component that is not finite"),
                     next_row + *bad / dim_);
      }
    }
    const auto offset =
        reinterpret_cast<const std::byte*>(parts->values.data()) - footer().bytes().data();
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

Status VectorColumnReader::CheckPages(const std::vector<VectorPage>& pages) const {
  const uint64_t row_bytes = dim_ * sizeof(float);
  uint64_t next_row = 0;
  uint64_t end = 0;
  for (const VectorPage& page : pages) {
    const uint64_t file_bytes = footer().bytes().size();
    if (page.rows.first != next_row || page.rows.count == 0 || page.offset < end ||
        page.offset > file_bytes || page.rows.count > (file_bytes - page.offset) / row_bytes) {
      return Status::Corruption(
          fmt::format("remembered page does not fit the file: first_row={} rows={} offset={}",
                      page.rows.first, page.rows.count, page.offset));
    }
    next_row = page.rows.end();
    end = page.offset + page.rows.count * row_bytes;
  }
  if (next_row == footer().row_count()) return Status::Ok();
  return Status::Corruption(
      fmt::format("remembered pages hold another number of rows: expected={} actual={}",
                  footer().row_count(), next_row));
}

Result<std::vector<float>> VectorColumnReader::DecodePage(const EncodedPage& page,
                                                          size_t bytes_max) const {
  const uint64_t row_bytes = dim_ * sizeof(float);
  if (page.rows.count > bytes_max / row_bytes) {
    return Status::ResourceExhausted(
        fmt::format("a page of vectors takes more memory than allowed: first_row={} rows={} dim={} "
                    "maximum_bytes={}",
                    page.rows.first, page.rows.count, dim_, bytes_max));
  }
  std::vector<float> floats;
  Status decoded = CatchParquet([&]() -> Status {
    VIPER_ASSIGN_OR_RETURN(auto run, pages_.OpenRun(page.row_group, page.place));
    VectorPageStream stream(pages_.descriptor(), dim_);
    stream.Start(std::move(run), page.rows.count);
    while (true) {
      const Status status = stream.Fill();
      if (!status.ok()) return AtRow(status, page.rows.first + floats.size() / dim_);
      if (stream.rows().empty()) return Status::Ok();
      floats.insert(floats.end(), stream.rows().begin(), stream.rows().end());
      stream.Consume(stream.rows().size() / dim_);
    }
  });
  if (decoded.ok()) return floats;
  return decoded.WithContext(fmt::format("page at byte {} (rows {} to {})", page.place.offset,
                                         page.rows.first, page.rows.end() - 1));
}

}  // namespace viper::parquet
