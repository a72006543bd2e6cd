#include "parquet/parquet_record_source.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/core.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>

#include "base/expiry_text.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "parquet/arrow_bridge.h"
#include "parquet/arrow_input.h"
#include "parquet/arrow_value.h"
#include "parquet/arrow_vectors.h"
#include "parquet/source_columns.h"
#include "parquet/vector_page_stream.h"
#include "viper/file_system.h"

namespace viper {
namespace parquet {
namespace {

/// Floats of one batch, in bytes (viper/record_source.h), and rows, which bounds the metadata.
constexpr size_t kBatchFloatBytes = size_t{8} << 20;
constexpr size_t kBatchRowsMax = 16'384;

/// A record under construction beside its vector.
struct Row {
  std::string id;
  Metadata metadata;
  std::optional<Timestamp> timestamp;
  std::optional<Timestamp> expires_at;
};

using TimeParser = Result<Timestamp> (*)(std::string_view text);

Result<std::optional<Timestamp>> TimeOfCell(const ::arrow::Array& array, int64_t index,
                                            TimeParser parse) {
  using Time = std::optional<Timestamp>;
  VIPER_ASSIGN_OR_RETURN(const Value value, ValueOfCell(array, index));
  if (value.is_null()) return Time();
  if (const Timestamp* time = value.as_timestamp()) return Time(*time);
  VIPER_ASSIGN_OR_RETURN(const Timestamp parsed, parse(*value.as_string()));
  return Time(parsed);
}

Status AddPayload(const ::arrow::Array& array, int64_t index, Metadata& metadata) {
  VIPER_ASSIGN_OR_RETURN(const Value text, ValueOfCell(array, index));
  if (text.is_null()) return Status::Ok();
  VIPER_ASSIGN_OR_RETURN(Value value, Value::FromJson(*text.as_string()));
  Value::Object* object = value.as_object();
  if (object == nullptr) return Status::InvalidArgument("payload is no JSON object");
  metadata.merge(*object);
  return Status::Ok();
}

Status AddId(const ::arrow::Array& array, int64_t index, std::string& id) {
  VIPER_ASSIGN_OR_RETURN(const std::optional<std::string> value, IdOfCell(array, index));
  if (!value) return Status::InvalidArgument("id is null");
  if (value->empty() || value->size() > kIdBytesMax) {
    return Status::InvalidArgument(fmt::format("id has an impossible length: maximum={} actual={}",
                                               kIdBytesMax, value->size()));
  }
  id = *value;
  return Status::Ok();
}

/// A batch has times for every row or for none.
void AddTime(const std::optional<Timestamp>& time, size_t rows_before,
             std::vector<std::optional<Timestamp>>& times) {
  if (!time && times.empty()) return;
  times.resize(rows_before);
  times.push_back(time);
}

/// The leaves of the top-level columns for which `is_wanted(column)`.
std::vector<int> LeavesOf(const ::parquet::SchemaDescriptor& schema,
                          const std::function<bool(int)>& is_wanted) {
  std::vector<int> leaves;
  for (int leaf = 0; leaf < schema.num_columns(); ++leaf) {
    for (int column = 0; column < schema.group_node()->field_count(); ++column) {
      if (schema.GetColumnRoot(leaf) == schema.group_node()->field(column).get()) {
        if (is_wanted(column)) leaves.push_back(leaf);
        break;
      }
    }
  }
  return leaves;
}

class ParquetRecordSource : public RecordSource {
 public:
  ParquetRecordSource(std::string path, RecordSourceOptions options, FileSystem& file_system)
      : path_(std::move(path)), options_(std::move(options)), file_system_(file_system) {}

  Status Load() {
    VIPER_ASSIGN_OR_RETURN(auto file, file_system_.OpenForRead(path_));
    input_ = std::make_shared<ArrowInput>(std::move(file));
    return Guard([&] { return OpenReader(); });
  }

  size_t dim() const override { return dim_; }
  std::optional<uint64_t> row_count() const override { return rows_in_all_; }
  const std::vector<Field>& fields() const override { return columns_.fields; }

  Result<RecordBatch> Next() override {
    RecordBatch batch;
    VIPER_RETURN_IF_ERROR(Guard([&] { return ReadBatch(batch); }));
    return batch;
  }

  Status Skip(uint64_t count) override {
    if (count > rows_in_all_ - next_row_) {
      return Status::InvalidArgument(
          fmt::format("{}: there are fewer rows to skip: expected={} actual={}", path_, count,
                      rows_in_all_ - next_row_));
    }
    return Guard([&] { return SkipTo(next_row_ + count); });
  }

 private:
  /// Run a step that reads; say which file it was. The file's own error, if there is one, is the
  /// cause.
  template <typename Step>
  Status Guard(Step&& step) {
    const Status status = CatchParquet(std::forward<Step>(step));
    if (!input_->status().ok()) return input_->status();
    return status.WithContext(path_);
  }

  Status OpenReader() {
    ::parquet::ReaderProperties properties;
    properties.enable_buffered_stream();  // else a whole column of a row group is read at once
    properties.set_buffer_size(int64_t{1} << 20);
    properties.set_page_checksum_verification(true);
    auto file = ::parquet::ParquetFileReader::Open(input_, properties);
    metadata_ = file->metadata();
    ::parquet::ArrowReaderProperties arrow_properties;
    arrow_properties.set_pre_buffer(false);
    // Nanoseconds do not reach beyond the years 1677 to 2262.
    arrow_properties.set_coerce_int96_timestamp_unit(::arrow::TimeUnit::MICRO);
    VIPER_ASSIGN_OR_RETURN_ARROW(
        reader_, ::parquet::arrow::FileReader::Make(::arrow::default_memory_pool(), std::move(file),
                                                    arrow_properties));
    std::shared_ptr<::arrow::Schema> schema;
    VIPER_RETURN_IF_ARROW_ERROR(reader_->GetSchema(&schema));
    VIPER_ASSIGN_OR_RETURN(columns_, ChooseColumns(*schema, options_));
    vector_name_ = schema->field(columns_.vector)->name();
    vector_leaf_ = StreamableVectorLeaf(*schema);
    for (size_t i = 0; i < columns_.roles.size(); ++i) {
      if (!IsReadAsCells(i)) continue;
      roles_read_.push_back(columns_.roles[i]);
      names_read_.push_back(schema->field(static_cast<int>(i))->name());
    }
    VIPER_RETURN_IF_ERROR(CountRows());
    VIPER_ASSIGN_OR_RETURN(dim_, FindDim(*schema->field(columns_.vector)->type()));
    if (dim_ == 0 || dim_ > kDimMax) {
      return Status::InvalidArgument(
          fmt::format("vectors have an impossible length: column={} maximum={} actual={}",
                      vector_name_, kDimMax, dim_));
    }
    if (vector_leaf_ >= 0) {
      stream_ =
          std::make_unique<VectorPageStream>(*metadata_->schema()->Column(vector_leaf_), dim_);
    }
    batch_rows_ = std::clamp<size_t>(kBatchFloatBytes / (dim_ * sizeof(float)), 1, kBatchRowsMax);
    reader_->set_batch_size(static_cast<int64_t>(batch_rows_));
    return OpenFrom(0);
  }

  /// The leaf of the vector column if it is a plain list of 32-bit floats, which is read past
  /// Arrow's lists (several times faster), else -1.
  int StreamableVectorLeaf(const ::arrow::Schema& schema) const {
    const auto& storage = StorageType(*schema.field(columns_.vector)->type());
    const std::vector<int> leaves =
        LeavesOf(*metadata_->schema(), [&](int column) { return column == columns_.vector; });
    if (!IsListOfNumbers(storage) || leaves.size() != 1) return -1;
    const ::parquet::ColumnDescriptor& leaf = *metadata_->schema()->Column(leaves[0]);
    const bool streamable = columns_.sparse < 0 && leaf.physical_type() == ::parquet::Type::FLOAT &&
                            leaf.max_repetition_level() == 1;
    return streamable ? leaves[0] : -1;
  }

  /// Whether a column comes as cells of Arrow arrays.
  bool IsReadAsCells(size_t column) const {
    const ColumnRole role = columns_.roles[column];
    return role != ColumnRole::kPassedOver && (role != ColumnRole::kVector || vector_leaf_ < 0);
  }

  Status CountRows() {
    group_starts_ = {0};
    for (int group = 0; group < metadata_->num_row_groups(); ++group) {
      const int64_t rows = metadata_->RowGroup(group)->num_rows();
      if (rows < 0 || __builtin_add_overflow(group_starts_.back(), static_cast<uint64_t>(rows),
                                             &group_starts_.emplace_back())) {
        return Status::Corruption(
            fmt::format("impossible number of rows: row_group={} rows={}", group, rows));
      }
    }
    rows_in_all_ = group_starts_.back();
    if (options_.limit > 0) rows_in_all_ = std::min(rows_in_all_, options_.limit);
    return Status::Ok();
  }

  /// What one of our own files says of itself.
  std::optional<size_t> ToldDim() const {
    const auto& pairs = metadata_->key_value_metadata();
    const auto dim = pairs == nullptr ? ::arrow::Result<std::string>(::arrow::Status::KeyError(""))
                                      : pairs->Get("viper.dim");
    if (!dim.ok() || dim->size() > 5 || dim->find_first_not_of("0123456789") != dim->npos) {
      return std::nullopt;
    }
    return static_cast<size_t>(std::stoul("0" + *dim));
  }

  /// The length of the first vector, if there is one and it is dense.
  Result<size_t> FindDim(const ::arrow::DataType& vector_type) {
    const bool may_be_sparse = columns_.sparse >= 0 || IsSparseVector(vector_type);
    if (group_starts_.back() == 0 || may_be_sparse) {
      if (const auto told = ToldDim()) return *told;
      if (options_.dim > 0) return options_.dim;
      return Status::InvalidArgument(
          may_be_sparse ? "vectors may be sparse, which do not tell the dimension: give it"
                        : "there are no rows, so the dimension is not known");
    }
    reader_->set_batch_size(1);
    const std::vector<int> leaves =
        LeavesOf(*metadata_->schema(), [&](int column) { return column == columns_.vector; });
    VIPER_ASSIGN_OR_RETURN_ARROW(const auto batches,
                                 reader_->GetRecordBatchReader(RowGroupsFrom(0), leaves));
    std::shared_ptr<::arrow::RecordBatch> batch;
    do {
      VIPER_RETURN_IF_ARROW_ERROR(batches->ReadNext(&batch));
      if (batch == nullptr) return Status::Corruption("rows are missing");
    } while (batch->num_rows() == 0);
    auto length = VectorLength(*batch->column(0), 0);
    if (!length.ok()) {
      return length.status().WithContext(fmt::format("row 1: column {}", batch->column_name(0)));
    }
    return length;
  }

  std::vector<int> RowGroupsFrom(size_t first) const {
    std::vector<int> groups(group_starts_.size() - 1 - first);
    std::iota(groups.begin(), groups.end(), static_cast<int>(first));
    return groups;
  }

  /// Read on at the beginning of a row group.
  Status OpenFrom(size_t row_group) {
    const std::vector<int> leaves = LeavesOf(*metadata_->schema(), [&](int column) {
      return IsReadAsCells(static_cast<size_t>(column));
    });
    VIPER_ASSIGN_OR_RETURN_ARROW(batches_,
                                 reader_->GetRecordBatchReader(RowGroupsFrom(row_group), leaves));
    next_row_ = group_starts_[row_group];
    pending_.reset();
    if (stream_ != nullptr && rows_in_all_ > 0) StartStream(row_group);
    return Status::Ok();
  }

  void StartStream(size_t row_group) {
    stream_group_ = row_group;
    const auto group = reader_->parquet_reader()->RowGroup(static_cast<int>(row_group));
    stream_->Start(group->GetColumnPageReader(vector_leaf_),
                   group_starts_[row_group + 1] - group_starts_[row_group]);
  }

  Status SkipTo(uint64_t row) {
    const auto after = std::upper_bound(group_starts_.begin(), group_starts_.end() - 1, row);
    const auto group = static_cast<size_t>(after - group_starts_.begin()) - 1;
    if (row < group_starts_.back() && group_starts_[group] > next_row_) {
      VIPER_RETURN_IF_ERROR(OpenFrom(group));
    }
    while (next_row_ < row) {
      VIPER_ASSIGN_OR_RETURN(const uint64_t available, FillRows());
      Forget(std::min(row - next_row_, available));
    }
    return Status::Ok();
  }

  /// See to it that the next rows are at hand; how many. There must be one.
  Result<uint64_t> FillRows() {
    VIPER_RETURN_IF_ERROR(FillPending());
    const auto available = static_cast<uint64_t>(pending_->num_rows());
    if (stream_ == nullptr) return available;
    while (stream_->rows().empty()) {
      const Status status = stream_->Fill();
      if (!status.ok()) {
        return status.WithContext(fmt::format("row {}: column {}", next_row_ + 1, vector_name_));
      }
      if (!stream_->rows().empty()) break;
      if (stream_group_ + 2 > group_starts_.size() - 1) {
        return Status::Corruption(fmt::format("vectors are missing: next_row={}", next_row_));
      }
      StartStream(stream_group_ + 1);
    }
    return std::min<uint64_t>(available, stream_->rows().size() / dim_);
  }

  /// Go on behind the next rows.
  void Forget(uint64_t rows) {
    pending_ = pending_->Slice(static_cast<int64_t>(rows));
    if (stream_ != nullptr) stream_->Consume(rows);
    next_row_ += rows;
  }

  /// See to it that `pending_` holds a row. There must be one.
  Status FillPending() {
    while (pending_ == nullptr || pending_->num_rows() == 0) {
      VIPER_RETURN_IF_ARROW_ERROR(batches_->ReadNext(&pending_));
      if (pending_ == nullptr) {
        return Status::Corruption(fmt::format("rows are missing: expected={} actual={}",
                                              group_starts_.back(), next_row_));
      }
      if (static_cast<size_t>(pending_->num_columns()) != roles_read_.size()) {
        return Status::Corruption("a column is missing");
      }
      VIPER_RETURN_IF_ARROW_ERROR(pending_->Validate());
    }
    return Status::Ok();
  }

  Status ReadBatch(RecordBatch& batch) {
    if (next_row_ == rows_in_all_) return Status::Ok();
    // One stretch after the other, as vectors and cells are not decoded in the same steps.
    const uint64_t last = std::min(rows_in_all_, next_row_ + batch_rows_);
    batch.vectors.reserve((last - next_row_) * dim_);
    batch.ids.reserve(last - next_row_);
    while (next_row_ < last) {
      const Result<uint64_t> available = FillRows();
      if (!available.ok()) {
        // The rows before the bad one are given away first.
        return batch.ids.empty() ? available.status() : Status::Ok();
      }
      const uint64_t rows = std::min(last - next_row_, *available);
      for (uint64_t row = 0; row < rows; ++row) {
        VIPER_RETURN_IF_ERROR(AddRow(static_cast<int64_t>(row), batch));
      }
      if (stream_ != nullptr) {
        const auto floats = stream_->rows().first(rows * dim_);
        batch.vectors.insert(batch.vectors.end(), floats.begin(), floats.end());
      }
      Forget(rows);
    }
    return Status::Ok();
  }

  Status AddRow(int64_t index, RecordBatch& batch) {
    const uint64_t number = next_row_ + static_cast<uint64_t>(index);
    Row row;
    row.id = options_.id_prefix + std::to_string(options_.first_row + number);
    const size_t floats_before = batch.vectors.size();
    for (size_t column = 0; column < roles_read_.size(); ++column) {
      const Status status = AddCell(column, index, row, batch.vectors);
      if (!status.ok()) {
        return status.WithContext(
            fmt::format("row {}: column {}", number + 1, names_read_[column]));
      }
    }
    if (stream_ == nullptr && batch.vectors.size() != floats_before + dim_) {
      return Status::InvalidArgument(
          fmt::format("row {}: expected one vector, dense or sparse: components={}", number + 1,
                      batch.vectors.size() - floats_before));
    }
    const size_t rows_before = batch.ids.size();
    if (!row.metadata.empty() || !batch.metadata.empty()) {
      batch.metadata.resize(rows_before);
      batch.metadata.push_back(std::move(row.metadata));
    }
    AddTime(row.timestamp, rows_before, batch.timestamps);
    AddTime(row.expires_at, rows_before, batch.expirations);
    batch.ids.push_back(std::move(row.id));
    return Status::Ok();
  }

  Status AddCell(size_t column, int64_t index, Row& row, std::vector<float>& floats) {
    const ::arrow::Array& array = *pending_->column(static_cast<int>(column));
    switch (roles_read_[column]) {
      case ColumnRole::kId:
        return AddId(array, index, row.id);
      case ColumnRole::kVector: {
        // A row of our own files has an empty list where it has a sparse vector.
        if (columns_.sparse >= 0) {
          VIPER_ASSIGN_OR_RETURN(const size_t length, VectorLength(array, index));
          if (length == 0) return Status::Ok();
        }
        return AppendVector(array, index, dim_, floats);
      }
      case ColumnRole::kSparse:
        return array.IsNull(index) ? Status::Ok() : AppendVector(array, index, dim_, floats);
      case ColumnRole::kPayload:
        return AddPayload(array, index, row.metadata);
      case ColumnRole::kTimestamp: {
        VIPER_ASSIGN_OR_RETURN(row.timestamp, TimeOfCell(array, index, Timestamp::Parse));
        return Status::Ok();
      }
      case ColumnRole::kExpiresAt: {
        VIPER_ASSIGN_OR_RETURN(row.expires_at, TimeOfCell(array, index, ParseExpiry));
        return Status::Ok();
      }
      case ColumnRole::kPassedOver:
        return Status::Ok();
      case ColumnRole::kMetadata:
        break;
    }
    VIPER_ASSIGN_OR_RETURN(Value value, ValueOfCell(array, index));
    if (!value.is_null()) row.metadata[names_read_[column]] = std::move(value);
    return Status::Ok();
  }

  const std::string path_;
  const RecordSourceOptions options_;
  FileSystem& file_system_;
  std::shared_ptr<ArrowInput> input_;
  std::shared_ptr<::parquet::FileMetaData> metadata_;
  std::unique_ptr<::parquet::arrow::FileReader> reader_;
  SourceColumns columns_;
  /// Of the columns that are read, in their order.
  std::vector<ColumnRole> roles_read_;
  std::vector<std::string> names_read_;
  std::string vector_name_;
  int vector_leaf_ = -1;
  size_t dim_ = 0;
  size_t batch_rows_ = 0;
  /// First row of each row group, then the number of rows.
  std::vector<uint64_t> group_starts_;
  uint64_t rows_in_all_ = 0;
  std::unique_ptr<::arrow::RecordBatchReader> batches_;
  /// Rows read and not yet given away; the first is `next_row_`.
  std::shared_ptr<::arrow::RecordBatch> pending_;
  uint64_t next_row_ = 0;
  /// Where the vectors come from if not from `pending_`, and the row group it reads.
  std::unique_ptr<VectorPageStream> stream_;
  size_t stream_group_ = 0;
};

}  // namespace
}  // namespace parquet

Result<std::unique_ptr<RecordSource>> OpenParquetSource(const std::string& path,
                                                        const RecordSourceOptions& options,
                                                        FileSystem& file_system) {
  auto source = std::make_unique<parquet::ParquetRecordSource>(path, options, file_system);
  VIPER_RETURN_IF_ERROR(source->Load());
  return std::unique_ptr<RecordSource>(std::move(source));
}

}  // namespace viper
