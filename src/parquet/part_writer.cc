// Writes a part row group by row group with libparquet's builders of pages, indexes and footer, in
// the order of ParquetFileWriter: magic, column chunks, bloom filters, page index, footer.

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <utility>

#include <arrow/util/key_value_metadata.h>
#include <fmt/core.h>
#include <parquet/bloom_filter.h>
#include <parquet/file_writer.h>
#include <parquet/metadata.h>
#include <parquet/page_index.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include "base/assert.h"
#include "base/status_macros.h"
#include "parquet/arrow_bridge.h"
#include "parquet/column_bounds.h"
#include "parquet/file_sink.h"
#include "parquet/logical_bytes.h"
#include "parquet/parquet_codec.h"
#include "parquet/part_file.h"
#include "parquet/part_schema.h"
#include "parquet/scalar_chunk_writer.h"
#include "parquet/sparse_chunk_writer.h"
#include "parquet/vector_chunk_writer.h"
#include "parquet/vector_coding.h"
#include "viper/value.h"
#include "viper/version.h"

namespace viper::parquet {
namespace {

/// A choice made on fewer bytes of vectors is made again for the next part.
constexpr size_t kSettlingFloatBytes = size_t{1} << 20;

/// What the file says of a column when nothing is to be tried.
ColumnChoice FixedChoice(const Compression& compression) {
  const ColumnCoding coding{Encoding::kPlain, compression};
  return {coding, coding, "set by the options", {}};
}

/// That of a column of which the first row group has no values.
ColumnChoice ChoiceWithoutRows(const CompressionOptions& options) {
  if (options.keeps_codec) {
    const ColumnCoding fixed{Encoding::kPlain, options.fixed};
    return {fixed, fixed, "the first row group has none", {}};
  }
  const StoragePolicy policy = options.policy;
  constexpr Compression kFast = {.codec = Codec::kZstd, .level = 1};
  const ColumnCoding coding = policy == StoragePolicy::kSize
                                  ? ColumnCoding{Encoding::kByteStreamSplit, kFast}
                                  : ColumnCoding{Encoding::kPlain, {.codec = Codec::kNone}};
  return {coding, coding, "the first row group has none", {}};
}

/// The size of a split-block bloom filter, a power of two: between 5.7 and 11.4 bits an id, which
/// is about one byte a row and wrong for one absent id in 10 to 100.
uint32_t BloomFilterBytes(size_t id_count) {
  constexpr size_t kBytesMax = size_t{16} << 20;
  const size_t wanted = std::bit_ceil(id_count * 7 / 10 + 1);
  return static_cast<uint32_t>(std::clamp<size_t>(
      wanted, ::parquet::BlockSplitBloomFilter::kMinimumBloomFilterBytes, kBytesMax));
}

/// Times in microseconds in the unit of the file.
Result<std::vector<int64_t>> TimesInUnit(std::span<const int64_t> micros, TimeUnit unit) {
  constexpr int64_t kThousand = 1000;
  std::vector<int64_t> times(micros.begin(), micros.end());
  if (unit == TimeUnit::kMicros) return times;
  for (int64_t& time : times) {
    if (unit == TimeUnit::kMillis) {
      time = time / kThousand - (time % kThousand < 0 ? 1 : 0);
    } else if (__builtin_mul_overflow(time, kThousand, &time)) {
      return Status::InvalidArgument(
          fmt::format("a time cannot be written in nanoseconds: min={} max={} actual={}",
                      Timestamp{std::numeric_limits<int64_t>::min() / kThousand}.ToString(),
                      Timestamp{std::numeric_limits<int64_t>::max() / kThousand}.ToString(),
                      Timestamp{micros[static_cast<size_t>(&time - times.data())]}.ToString()));
    }
  }
  return times;
}

/// Rows of a row group at most.
size_t RowsPerGroup(const PartWriteOptions& options, size_t dim) {
  const size_t by_bytes = std::max<size_t>(1, options.row_group_bytes / (dim * sizeof(float)));
  return options.row_group_rows == 0 ? by_bytes : std::min(by_bytes, options.row_group_rows);
}

class PartWriterImpl : public PartWriter {
 public:
  PartWriterImpl(WritableFile& file, const CollectionSchema& schema,
                 const PartWriteOptions& options)
      : options_(options),
        columns_(ScalarColumns(schema, options.shape)),
        vector_name_(VectorColumnName(options.shape)),
        rows_per_group_(RowsPerGroup(options, schema.dim)),
        sink_(std::make_shared<FileSink>(file)),
        choices_(options.choices != nullptr ? options.choices
                                            : std::make_shared<ColumnChoices>(options.compression)),
        schema_(schema),
        vectors_(schema.dim) {}

  Status Start() {
    return Guard([&] { return FromArrow(sink_->Write(::parquet::kParquetMagic, 4)); });
  }

  Status Append(const PartRows& rows) override {
    CheckShape(rows);
    for (size_t first = 0; first < rows.row_count(); first += rows_per_group_) {
      const size_t count = std::min(rows_per_group_, rows.row_count() - first);
      VIPER_RETURN_IF_ERROR(Guard([&] { return AppendRowGroup(rows, first, count); }));
    }
    UpdateSummary(rows);
    return Status::Ok();
  }

  Result<PartSummary> Finish(const std::map<std::string, std::string>& key_values) override {
    VIPER_RETURN_IF_ERROR(Guard([&] { return WriteFooter(key_values); }));
    state_ = Status::FailedPrecondition("part is finished already");
    summary_.row_groups = bloom_filters_.size();
    summary_.file_bytes = static_cast<uint64_t>(sink_->position());
    summary_.has_sparse_column = has_sparse_column_;
    summary_.max_norm = vectors_.max_norm();
    summary_.vector_pages = vectors_.pages();
    summary_.vector_page_crcs = vectors_.page_crcs();
    return summary_;
  }

 private:
  /// Run a step that writes. After a failure nothing more can be written: the file is torn.
  template <typename Step>
  Status Guard(Step&& step) {
    VIPER_RETURN_IF_ERROR(state_);
    Status status = CatchParquet(std::forward<Step>(step));
    if (!sink_->status().ok()) status = sink_->status();
    if (!status.ok()) {
      state_ = Status::FailedPrecondition(
          fmt::format("part was given up after a failed write: {}", status.message()));
    }
    return status;
  }

  void CheckShape(const PartRows& rows) const {
    const size_t row_count = rows.row_count();
    VIPER_ASSERT(rows.timestamps.size() == row_count);
    VIPER_ASSERT(rows.ingested_at.size() == row_count);
    VIPER_ASSERT(rows.expires_at.row_count() == row_count);
    VIPER_ASSERT(rows.payload.row_count() == row_count);
    VIPER_ASSERT(rows.vectors.size() == row_count);
    size_t field = 0;
    for (const PartColumn& column : columns_) {
      if (column.kind != PartColumnKind::kField) continue;
      VIPER_ASSERT(field < rows.fields.size());
      VIPER_ASSERT(rows.fields[field].row_count() == row_count);
      VIPER_ASSERT(rows.fields[field].type() == column.type);
      ++field;
    }
    VIPER_ASSERT(field == rows.fields.size());
  }

  ScalarChunkPlace NextScalarChunk(::parquet::RowGroupMetaDataBuilder& row_group) {
    ::parquet::ColumnChunkMetaDataBuilder* chunk = row_group.NextColumnChunk();
    const int column = row_group.current_column();
    return {.sink = sink_,
            .metadata = chunk,
            .column_index =
                options_.has_statistics ? page_index_->GetColumnIndexBuilder(column) : nullptr,
            .offset_index =
                options_.has_statistics ? page_index_->GetOffsetIndexBuilder(column) : nullptr,
            .choice = codings_[static_cast<size_t>(column)]
                          ? &*codings_[static_cast<size_t>(column)]
                          : nullptr,
            .fixed = choices_->options().fixed,
            .allows_dictionary = ScalarTrialLimits(choices_->options()).dictionary,
            .has_statistics = options_.has_statistics};
  }

  using Leaf = const ::parquet::ColumnDescriptor*;

  /// Choose the columns of the file, before anything is known of what they hold but of the first
  /// row group.
  void ChooseColumns(bool has_sparse) {
    has_sparse_column_ = has_sparse;
    descriptor_.Init(MakePartSchema(
        schema_, has_sparse ? SparseColumn::kPresent : SparseColumn::kAbsent, options_.shape));
    page_index_ = ::parquet::PageIndexBuilder::Make(&descriptor_);
  }

  /// The rows of a row group that are stored sparse, if the file can have any.
  SparsePlan PlanSparse(std::span<const std::byte* const> vectors) {
    SparseOptions options = options_.sparse;
    if (metadata_ != nullptr && !has_sparse_column_) options.format = VectorFormat::kDense;
    return PlanSparseRows(vectors, schema_.dim, options, choices_->options());
  }

  /// Choose how to write the columns, by rows [first, first + count), and with that begin the
  /// footer, which wants to know each column's codec.
  void ChooseCodings(const PartRows& rows, size_t first, size_t count, const SparsePlan& plan) {
    codings_.resize(static_cast<size_t>(descriptor_.num_columns()));
    size_t next = 0;
    const auto choose = [&](const auto& try_codings) {
      const size_t column = next++;
      if (choices_->options().adaptive) {
        codings_[column] = Choice(columns_[column].name, try_codings,
                                  descriptor_.Column(static_cast<int>(column)));
      }
    };
    const TrialLimits limits = ScalarTrialLimits(choices_->options());
    ForEachColumn(
        rows,
        [&] {
          choose([&](Leaf leaf) { return ChooseIdCoding(leaf, limits, rows.ids, first, count); });
        },
        [&](const std::vector<int64_t>& times) {
          choose([&](Leaf leaf) {
            return ChooseRequiredTimestampCoding(leaf, limits,
                                                 std::span(times).subspan(first, count));
          });
        },
        [&](const columnar::Column& column) {
          choose([&](Leaf leaf) { return ChooseColumnCoding(leaf, limits, column, first, count); });
        });
    if (has_sparse_column_) {
      codings_[next++] = choices_->Set(LeafName(kSparseIndices), plan.indices, false);
      codings_[next++] = choices_->Set(LeafName(kSparseValues), plan.values, false);
    }
    codings_[next] = VectorChoice(std::span(rows.vectors).subspan(first, count), plan);
    vectors_.SetCoding(*codings_[next], choices_->options().policy);
    choices_->Note(vector_name_, plan.reason);
    choices_->Note(LeafName(kSparseIndices), plan.reason);
    BeginFooter();
  }

  /// As kCompressionKey names a leaf of `_sparse`.
  static std::string LeafName(std::string_view leaf) {
    return fmt::format("{}.{}", columnar::kSparseColumn, leaf);
  }

  /// That of the vectors that are stored dense.
  ColumnChoice VectorChoice(std::span<const std::byte* const> vectors, const SparsePlan& plan) {
    if (!choices_->options().adaptive) return FixedChoice(choices_->options().fixed);
    const StoragePolicy policy = choices_->options().policy;
    std::vector<const std::byte*> dense;
    for (size_t row = 0; row < vectors.size(); ++row) {
      if (plan.is_sparse.empty() || !plan.is_sparse[row]) dense.push_back(vectors[row]);
    }
    return Choice(
        vector_name_,
        [&](Leaf) {
          return SampledChoice{dense.empty()
                                   ? ChoiceWithoutRows(choices_->options())
                                   : ChooseVectorCoding(dense, schema_.dim, policy,
                                                        VectorTrialLimits(choices_->options())),
                               dense.size() * schema_.dim * sizeof(float) >= kSettlingFloatBytes};
        },
        nullptr);
  }

  /// That of the parts before, or a new one.
  template <typename Try>
  ColumnChoice Choice(std::string_view column, const Try& try_codings,
                      const ::parquet::ColumnDescriptor* leaf) {
    if (const ColumnChoice* known = choices_->Find(column)) return *known;
    SampledChoice sampled = try_codings(leaf);
    return choices_->Set(column, std::move(sampled.choice), sampled.is_settled);
  }

  void BeginFooter() {
    ::parquet::WriterProperties::Builder builder;
    builder.created_by(fmt::format("viper version {} (build parquet-cpp)", kVersionString))
        ->compression(ParquetCodec(choices_->options().fixed));
    for (size_t i = 0; i < codings_.size(); ++i) {
      if (!codings_[i]) continue;
      builder.compression(descriptor_.Column(static_cast<int>(i))->path()->ToDotString(),
                          ParquetCodec(codings_[i]->coding.compression));
    }
    metadata_ = ::parquet::FileMetaDataBuilder::Make(&descriptor_, builder.build());
  }

  Status AppendRowGroup(const PartRows& rows, size_t first, size_t count) {
    if (bloom_filters_.size() == kRowGroupsMax) {
      return Status::ResourceExhausted(
          fmt::format("part has too many row groups: maximum={}", kRowGroupsMax));
    }
    VIPER_ASSIGN_OR_RETURN(
        const std::vector<int64_t> timestamps,
        TimesInUnit(std::span(rows.timestamps).subspan(first, count), options_.shape.time_unit));
    const auto vectors = std::span(rows.vectors).subspan(first, count);
    const SparsePlan plan = PlanSparse(vectors);
    if (metadata_ == nullptr) {
      ChooseColumns(plan.row_count > 0 || options_.sparse.format == VectorFormat::kSparse);
      ChooseCodings(rows, first, count, plan);
    }
    ::parquet::RowGroupMetaDataBuilder& row_group = *metadata_->AppendRowGroup();
    page_index_->AppendRowGroup();
    auto& bloom_filter =
        *bloom_filters_.emplace_back(std::make_unique<::parquet::BlockSplitBloomFilter>());
    bloom_filter.Init(BloomFilterBytes(count));

    int64_t bytes = 0;
    ForEachColumn(
        rows,
        [&] {
          bytes += WriteIdChunk(NextScalarChunk(row_group), rows.ids, first, count, &bloom_filter);
        },
        [&](const std::vector<int64_t>& times) {
          bytes += WriteRequiredTimestampChunk(NextScalarChunk(row_group),
                                               &times == &rows.timestamps
                                                   ? std::span<const int64_t>(timestamps)
                                                   : std::span(times).subspan(first, count));
        },
        [&](const columnar::Column& column) {
          bytes += WriteColumnChunk(NextScalarChunk(row_group), column, first, count);
        });

    if (has_sparse_column_) bytes += WriteSparseChunks(row_group, vectors, plan);
    VIPER_ASSIGN_OR_RETURN(
        const int64_t vector_bytes,
        vectors_.WriteChunk(NextChunk(row_group), vectors, has_sparse_column_ ? &plan : nullptr));
    summary_.sparse_rows.push_back(plan.row_count);
    row_group.set_num_rows(static_cast<int64_t>(count));
    row_group.Finish(bytes + vector_bytes, static_cast<int16_t>(bloom_filters_.size() - 1));
    return Status::Ok();
  }

  ChunkPlace NextChunk(::parquet::RowGroupMetaDataBuilder& row_group) {
    ::parquet::ColumnChunkMetaDataBuilder* chunk = row_group.NextColumnChunk();
    return {.sink = sink_,
            .metadata = chunk,
            .offset_index = options_.has_statistics
                                ? page_index_->GetOffsetIndexBuilder(row_group.current_column())
                                : nullptr};
  }

  /// Call for each scalar column of the file, in its order, what fits its kind.
  template <typename Ids, typename Times, typename Other>
  void ForEachColumn(const PartRows& rows, const Ids& with_ids, const Times& with_times,
                     const Other& with_column) const {
    size_t field = 0;
    for (const PartColumn& column : columns_) {
      switch (column.kind) {
        case PartColumnKind::kId:
          with_ids();
          break;
        case PartColumnKind::kTimestamp:
          with_times(rows.timestamps);
          break;
        case PartColumnKind::kIngestedAt:
          with_times(rows.ingested_at);
          break;
        case PartColumnKind::kExpiresAt:
          with_column(rows.expires_at);
          break;
        case PartColumnKind::kField:
          with_column(rows.fields[field++]);
          break;
        case PartColumnKind::kPayload:
          with_column(rows.payload);
          break;
      }
    }
  }

  int64_t WriteSparseChunks(::parquet::RowGroupMetaDataBuilder& row_group,
                            std::span<const std::byte* const> vectors, const SparsePlan& plan) {
    const size_t leaf = columns_.size();
    int64_t bytes =
        WriteIndicesChunk(NextChunk(row_group), codings_[leaf]->coding, vectors, schema_.dim, plan);
    bytes += WriteValuesChunk(NextChunk(row_group), codings_[leaf + 1]->coding, vectors,
                              schema_.dim, plan);
    return bytes;
  }

  void UpdateSummary(const PartRows& rows) {
    size_t next = 0;
    const auto merge = [&](const columnar::ColumnBounds& bounds) {
      MergeBounds(bounds, summary_.bounds[columns_[next++].name]);
    };
    const size_t bounded = columns_.size() - (HasPayload() ? 1 : 0);
    const auto merge_next = [&](const auto& make) {
      if (next < bounded) merge(make());
    };
    ForEachColumn(
        rows, [&] { merge_next([&] { return BoundsOfStrings(rows.ids); }); },
        [&](const std::vector<int64_t>& times) {
          merge_next([&] { return BoundsOfTimestamps(times); });
        },
        [&](const columnar::Column& column) {
          merge_next([&] { return BoundsOfColumn(column); });
        });
    summary_.row_count += rows.row_count();
    summary_.logical_bytes += LogicalBytes(rows, schema_);
  }

  void WriteBloomFilters() {
    ::parquet::IndexLocations locations;
    for (size_t group = 0; group < bloom_filters_.size(); ++group) {
      const int64_t offset = sink_->position();
      bloom_filters_[group]->WriteTo(sink_.get());
      locations.push_back({{static_cast<int32_t>(group), /*column_index=*/0},
                           {offset, static_cast<int32_t>(sink_->position() - offset)}});
    }
    metadata_->SetIndexLocations(::parquet::IndexKind::kBloomFilter, locations);
  }

  Status WriteFooter(const std::map<std::string, std::string>& key_values) {
    if (metadata_ == nullptr) {  // there were no rows
      ChooseColumns(/*has_sparse=*/false);
      BeginFooter();
    }
    WriteBloomFilters();
    if (options_.has_statistics) WritePageIndex();
    const auto pairs = std::make_shared<::arrow::KeyValueMetadata>();
    for (const auto& [key, value] : key_values) pairs->Append(key, value);
    pairs->Append(std::string(kCompressionKey), choices_->ToJson());
    pairs->Append(std::string(kLogicalBytesKey), std::to_string(summary_.logical_bytes));
    if (has_sparse_column_) pairs->Append(std::string(kSparseRowsKey), SparseRowsJson());
    const auto footer = metadata_->Finish(pairs);
    ::parquet::WriteFileMetaData(*footer, sink_.get());
    return FromArrow(sink_->Flush());
  }

  void WritePageIndex() {
    page_index_->Finish();
    const auto locations = page_index_->WriteTo(sink_.get());
    metadata_->SetIndexLocations(::parquet::IndexKind::kColumnIndex,
                                 locations.column_index_locations);
    metadata_->SetIndexLocations(::parquet::IndexKind::kOffsetIndex,
                                 locations.offset_index_locations);
  }

  /// It is the last of the scalar columns.
  bool HasPayload() const { return columns_.back().kind == PartColumnKind::kPayload; }

  std::string SparseRowsJson() const {
    Value::List counts;
    for (const uint64_t rows : summary_.sparse_rows) {
      counts.emplace_back(static_cast<int64_t>(rows));
    }
    return Value(std::move(counts)).ToJson();
  }

  const PartWriteOptions options_;
  const std::vector<PartColumn> columns_;
  const std::string_view vector_name_;
  const size_t rows_per_group_;
  const std::shared_ptr<FileSink> sink_;
  ::parquet::SchemaDescriptor descriptor_;
  std::unique_ptr<::parquet::FileMetaDataBuilder> metadata_;
  std::unique_ptr<::parquet::PageIndexBuilder> page_index_;
  std::vector<std::unique_ptr<::parquet::BlockSplitBloomFilter>> bloom_filters_;
  /// For each leaf, from the first row group on; absent where nothing is tried.
  std::vector<std::optional<ColumnChoice>> codings_;
  const std::shared_ptr<ColumnChoices> choices_;
  const CollectionSchema schema_;
  bool has_sparse_column_ = false;
  VectorChunkWriter vectors_;
  PartSummary summary_;
  /// Why nothing more can be written, if so.
  Status state_;
};

}  // namespace

Result<std::unique_ptr<PartWriter>> PartWriter::Make(WritableFile& file,
                                                     const CollectionSchema& schema,
                                                     const PartWriteOptions& options) {
  VIPER_RETURN_IF_ERROR(schema.Validate());
  auto writer = std::make_unique<PartWriterImpl>(file, schema, options);
  VIPER_RETURN_IF_ERROR(writer->Start());
  return std::unique_ptr<PartWriter>(std::move(writer));
}

}  // namespace viper::parquet
