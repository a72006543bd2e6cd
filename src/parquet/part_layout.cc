#include "parquet/part_layout.h"

#include <set>
#include <utility>

#include <arrow/io/memory.h>
#include <arrow/util/compression.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/bloom_filter.h>
#include <parquet/bloom_filter_reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/statistics.h>
#include <parquet/types.h>

#include "base/status_macros.h"
#include "parquet/arrow_bridge.h"
#include "parquet/part_footer.h"

namespace viper::parquet {
namespace {

ColumnLayout LayoutOfColumn(const ::parquet::FileMetaData& metadata, int leaf) {
  ColumnLayout layout;
  const ::parquet::ColumnDescriptor& descriptor = *metadata.schema()->Column(leaf);
  layout.path = descriptor.path()->ToDotString();
  layout.physical_type = ::parquet::TypeToString(descriptor.physical_type());
  layout.logical_type = descriptor.logical_type()->ToString();
  std::set<std::string> encodings;
  std::set<std::string> compressions;
  layout.null_count = 0;
  for (int group = 0; group < metadata.num_row_groups(); ++group) {
    const auto row_group = metadata.RowGroup(group);
    const auto chunk = row_group->ColumnChunk(leaf);
    for (const auto encoding : chunk->encodings()) {
      encodings.insert(::parquet::EncodingToString(encoding));
    }
    compressions.insert(::arrow::util::Codec::GetCodecAsString(chunk->compression()));
    layout.compressed_bytes += static_cast<uint64_t>(chunk->total_compressed_size());
    layout.uncompressed_bytes += static_cast<uint64_t>(chunk->total_uncompressed_size());
    layout.has_bloom_filter |= chunk->bloom_filter_offset().has_value();
    const auto statistics = chunk->statistics();
    if (descriptor.max_definition_level() == 0) continue;
    if (statistics == nullptr || !statistics->HasNullCount()) layout.null_count.reset();
    if (layout.null_count) *layout.null_count += static_cast<uint64_t>(statistics->null_count());
  }
  layout.encodings.assign(encodings.begin(), encodings.end());
  layout.compressions.assign(compressions.begin(), compressions.end());
  return layout;
}

}  // namespace

Result<PartLayout> ReadPartLayout(std::span<const std::byte> bytes) {
  return CatchParquet([&]() -> Result<PartLayout> {
    VIPER_ASSIGN_OR_RETURN(const auto footer, PartFooter::Open(bytes));
    const ::parquet::FileMetaData& metadata = footer->metadata();
    PartLayout layout;
    layout.row_count = footer->row_count();
    layout.row_groups = footer->row_groups().size();
    layout.footer_bytes = metadata.size();
    layout.created_by = metadata.created_by();
    if (const auto& pairs = metadata.key_value_metadata()) {
      for (int64_t i = 0; i < pairs->size(); ++i)
        layout.key_values[pairs->key(i)] = pairs->value(i);
    }
    for (int leaf = 0; leaf < metadata.schema()->num_columns(); ++leaf) {
      layout.columns.push_back(LayoutOfColumn(metadata, leaf));
    }
    return layout;
  });
}

struct ColumnBloomFilters::Filters {
  /// One per row group; null where there is none.
  std::vector<std::unique_ptr<::parquet::BloomFilter>> of_group;
};

ColumnBloomFilters::ColumnBloomFilters(std::unique_ptr<Filters> filters)
    : filters_(std::move(filters)) {}
ColumnBloomFilters::~ColumnBloomFilters() = default;
ColumnBloomFilters::ColumnBloomFilters(ColumnBloomFilters&&) noexcept = default;

Result<ColumnBloomFilters> ColumnBloomFilters::Open(std::span<const std::byte> bytes,
                                                    std::string_view name) {
  return CatchParquet([&]() -> Result<ColumnBloomFilters> {
    VIPER_ASSIGN_OR_RETURN(const auto footer, PartFooter::Open(bytes));
    VIPER_ASSIGN_OR_RETURN(const auto leaf, footer->FindLeaf(name));
    auto filters = std::make_unique<Filters>();
    filters->of_group.resize(footer->row_groups().size());
    if (!leaf) return ColumnBloomFilters(std::move(filters));
    const auto reader = ::parquet::ParquetFileReader::Open(
        std::make_shared<::arrow::io::BufferReader>(WrapBytes(bytes)));
    for (size_t group = 0; group < filters->of_group.size(); ++group) {
      const auto of_group = reader->GetBloomFilterReader().RowGroup(static_cast<int>(group));
      if (of_group != nullptr) filters->of_group[group] = of_group->GetColumnBloomFilter(*leaf);
    }
    return ColumnBloomFilters(std::move(filters));
  });
}

bool ColumnBloomFilters::MayHold(size_t row_group, std::string_view text) const {
  const auto& filter = filters_->of_group[row_group];
  if (filter == nullptr) return true;
  const ::parquet::ByteArray value(static_cast<uint32_t>(text.size()),
                                   reinterpret_cast<const uint8_t*>(text.data()));
  return filter->FindHash(filter->Hash(&value));
}

}  // namespace viper::parquet
