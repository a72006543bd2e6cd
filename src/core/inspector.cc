#include "core/inspector.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "core/index_files.h"
#include "core/part.h"
#include "core/table_schema.h"
#include "parquet/column_bounds.h"
#include "parquet/part_layout.h"
#include "parquet/part_schema.h"
#include "storage/file_names.h"
#include "storage/table_log_audit.h"
#include "storage/wal_audit.h"

namespace viper::core {
namespace {

class Inspector {
 public:
  explicit Inspector(const CollectionContext& context)
      : files_(*context.file_system), directory_(context.directory) {
    inspection_.collection = context.name;
  }

  Result<CollectionInspection> Run() && {
    VIPER_ASSIGN_OR_RETURN(audit_, storage::AuditTableLog(files_, directory_));
    inspection_.table_version = audit_.is_exact ? audit_.state.version : -1;
    if (auto schema = ReadTableSchema(audit_.state.metadata); schema.ok()) {
      inspection_.schema = std::move(*schema);
    }
    const auto flushed = audit_.state.transactions.find(std::string(kLogApplication));
    if (flushed != audit_.state.transactions.end()) {
      inspection_.flushed_sequence = static_cast<uint64_t>(std::max<int64_t>(0, flushed->second));
    }
    for (const storage::LogVersion& version : audit_.versions) AddVersion(version);
    for (const auto& [path, added] : audit_.state.files) AddPart(added);
    VIPER_RETURN_IF_ERROR(AddLogSegments());
    AddIndex();
    return std::move(inspection_);
  }

 private:
  std::string Relative(const std::string& path) const {
    return path.starts_with(directory_ + "/") ? path.substr(directory_.size() + 1) : path;
  }

  void AddVersion(const storage::LogVersion& version) {
    TableVersionInspection told;
    told.version = version.version;
    if (version.timestamp_ms > 0) told.committed_at = Timestamp{version.timestamp_ms * 1000};
    told.operation = version.operation;
    told.files_added = version.files_added;
    told.files_removed = version.files_removed;
    told.bytes = version.bytes;
    told.has_commit = version.has_commit;
    told.has_checkpoint = version.has_checkpoint;
    inspection_.versions.push_back(std::move(told));
  }

  void AddPart(const storage::AddedFile& added) {
    PartInspection told;
    told.file = added.path;
    told.modified_at = Timestamp{added.modification_time_ms * 1000};
    if (added.deletion_vector) {
      told.dead_rows =
          static_cast<uint64_t>(std::max<int64_t>(0, added.deletion_vector->cardinality));
      const auto path = storage::DeletionVectorPath(*added.deletion_vector);
      told.deletion_vector = path.ok() && *path ? **path : "inline";
    }
    if (Status read = ReadPart(added, told); !read.ok()) told.problem = read.message();
    inspection_.parts.push_back(std::move(told));
  }

  Status ReadPart(const storage::AddedFile& added, PartInspection& told) {
    const std::string path = storage::DataFilePath(directory_, added.path);
    VIPER_ASSIGN_OR_RETURN(auto mapped, files_.Map(path));
    const std::shared_ptr<const MappedFile> file = std::move(mapped);
    told.bytes = file->bytes().size();
    AddSidecar(added.path, file->bytes());
    VIPER_ASSIGN_OR_RETURN(const auto layout, parquet::ReadPartLayout(file->bytes()));
    told.rows = layout.row_count;
    told.row_groups = layout.row_groups;
    told.footer_bytes = layout.footer_bytes;
    told.created_by = layout.created_by;
    for (const parquet::ColumnLayout& column : layout.columns) {
      told.columns.push_back(ToInspection(column));
    }
    AddChoices(layout, told);
    if (!inspection_.schema) return {};
    parquet::PartOpenOptions options;
    options.path = path;
    VIPER_ASSIGN_OR_RETURN(const auto reader,
                           parquet::PartReader::Open(file, *inspection_.schema, options));
    told.is_foreign = !reader->key_values().contains(std::string(kPartKey));
    told.unread_columns = reader->UnreadColumns();
    AddBounds(*reader, told.columns);
    return AddRowGroups(*reader, told);
  }

  static Status AddRowGroups(const parquet::PartReader& reader, PartInspection& told) {
    VIPER_ASSIGN_OR_RETURN(const auto sparse_rows, reader.SparseRowCounts());
    const std::vector<RowRange> groups = reader.RowGroups();
    for (size_t i = 0; i < groups.size(); ++i) {
      RowGroupInspection& group = told.groups.emplace_back();
      group.rows = groups[i].count;
      group.sparse_rows = sparse_rows[i];
      if (sparse_rows[i] > 0) {
        group.layout = sparse_rows[i] == group.rows ? VectorLayout::kSparse : VectorLayout::kHybrid;
      }
    }
    return {};
  }

  static ColumnInspection ToInspection(const parquet::ColumnLayout& column) {
    ColumnInspection told;
    told.path = column.path;
    told.physical_type = column.physical_type;
    told.logical_type = column.logical_type;
    told.encodings = column.encodings;
    told.compressions = column.compressions;
    told.compressed_bytes = column.compressed_bytes;
    told.uncompressed_bytes = column.uncompressed_bytes;
    told.null_count = column.null_count;
    told.has_bloom_filter = column.has_bloom_filter;
    return told;
  }

  /// What the writer of the file tells of its choices.
  static void AddChoices(const parquet::PartLayout& layout, PartInspection& told) {
    const auto pair = layout.key_values.find(std::string(parquet::kCompressionKey));
    if (pair == layout.key_values.end()) return;
    const parquet::CompressionReport report = parquet::ParseCompressionReport(pair->second);
    told.compression = report.options;
    for (ColumnInspection& column : told.columns) {
      auto found = report.columns.find(column.path.substr(0, column.path.find('.')));
      for (const std::string_view leaf : {parquet::kSparseIndices, parquet::kSparseValues}) {
        const std::string path = fmt::format("{}.{}", columnar::kSparseColumn, leaf);
        if (column.path.starts_with(path + '.')) found = report.columns.find(path);
      }
      if (found == report.columns.end()) continue;
      column.chosen = found->second.chosen;
      column.reason = found->second.reason;
      for (const auto& [way, bytes] : found->second.trials) column.trials.push_back({way, bytes});
    }
  }

  void AddBounds(const parquet::PartReader& reader, std::vector<ColumnInspection>& columns) const {
    std::vector<std::string> names = {
        std::string(columnar::kIdColumn), std::string(columnar::kTimestampColumn),
        std::string(columnar::kIngestedAtColumn), std::string(columnar::kExpiresAtColumn)};
    for (const Field& field : inspection_.schema->fields) names.push_back(field.name);
    for (ColumnInspection& column : columns) {
      if (std::find(names.begin(), names.end(), column.path) == names.end()) continue;
      columnar::ColumnBounds all;
      for (const auto& group : reader.RowGroupBounds(column.path)) {
        parquet::MergeBounds(group, all);
      }
      column.min = std::move(all.min);
      column.max = std::move(all.max);
    }
  }

  void AddSidecar(const std::string& part, std::span<const std::byte> bytes) {
    const std::string path = storage::SidecarPath(directory_, part);
    SidecarInspection told;
    told.file = Relative(path);
    told.part = part;
    const auto sidecar = storage::PartSidecar::Open(files_, path, storage::FingerprintPart(bytes));
    if (sidecar.ok()) {
      told.bytes = (*sidecar)->file_bytes();
      told.rows = (*sidecar)->row_count();
      told.pages = (*sidecar)->pages().size();
      told.max_norm = (*sidecar)->max_norm();
    } else {
      told.problem = sidecar.status().message();
    }
    inspection_.sidecars.push_back(std::move(told));
  }

  Status AddLogSegments() {
    VIPER_ASSIGN_OR_RETURN(const auto segments,
                           storage::AuditWalSegments(files_, storage::WalDirectory(directory_)));
    for (const storage::WalSegmentAudit& segment : segments) {
      LogSegmentInspection told;
      told.file = Relative(segment.path);
      told.problem = segment.problem;
      told.first_sequence = segment.first_sequence;
      told.last_sequence = segment.last_sequence;
      told.records = segment.records;
      told.bytes = segment.file_bytes;
      told.used_bytes = segment.end_offset;
      inspection_.log_segments.push_back(std::move(told));
    }
    return {};
  }

  void AddIndex() {
    const std::string directory = storage::IndexDirectory(directory_);
    const auto names = files_.List(directory);
    if (!names.ok()) return;
    std::map<uint64_t, std::shared_ptr<const index::Model>> models;
    for (const std::string& name : *names) {
      if (storage::IsModelName(name)) AddModel(storage::JoinPath(directory, name), models);
    }
    for (const std::string& name : *names) {
      if (storage::IsSegmentName(name)) AddSegment(storage::JoinPath(directory, name), models);
    }
  }

  void AddModel(const std::string& path,
                std::map<uint64_t, std::shared_ptr<const index::Model>>& models) {
    const auto mapped = files_.Map(path);
    // A builder takes away what is not used any more.
    if (mapped.status().code() == StatusCode::kNotFound) return;
    IndexModelInspection told;
    told.file = Relative(path);
    auto model = mapped.ok() ? index::Model::Decode((*mapped)->bytes())
                             : Result<std::shared_ptr<const index::Model>>(mapped.status());
    if (mapped.ok()) told.bytes = (*mapped)->bytes().size();
    if (model.ok()) {
      told.model = fmt::format("{:016x}", (*model)->id());
      told.version = (*model)->record().version;
      told.trained_at = Timestamp{(*model)->record().trained_at};
      told.trained_rows = (*model)->record().trained_rows;
      told.clusters = (*model)->cluster_count();
      told.dim = (*model)->dim();
      told.code_dim = (*model)->code_dim();
      models[(*model)->id()] = std::move(*model);
    } else {
      told.problem = model.status().message();
    }
    inspection_.index_models.push_back(std::move(told));
  }

  void AddSegment(const std::string& path,
                  const std::map<uint64_t, std::shared_ptr<const index::Model>>& models) {
    IndexSegmentInspection told;
    told.file = Relative(path);
    const Status read = ReadSegment(path, models, told);
    if (read.code() == StatusCode::kNotFound) return;
    if (!read.ok()) told.problem = read.message();
    inspection_.index_segments.push_back(std::move(told));
  }

  Status ReadSegment(const std::string& path,
                     const std::map<uint64_t, std::shared_ptr<const index::Model>>& models,
                     IndexSegmentInspection& told) {
    VIPER_ASSIGN_OR_RETURN(const auto mapped, files_.Map(path));
    told.bytes = mapped->bytes().size();
    VIPER_ASSIGN_OR_RETURN(const uint64_t model_id, index::Segment::ModelIdOf(mapped->bytes()));
    told.model = fmt::format("{:016x}", model_id);
    const auto model = models.find(model_id);
    if (model == models.end()) {
      return Status::FailedPrecondition("its model is not there, or cannot be read");
    }
    VIPER_ASSIGN_OR_RETURN(const auto segment,
                           index::Segment::Open(mapped->bytes(), *model->second));
    told.rows = segment->row_count();
    for (const index::SegmentPart& part : segment->parts()) told.parts.push_back(part.path);
    told.clusters = segment->cluster_count();
    for (size_t i = 0; i < segment->cluster_count(); ++i) {
      told.largest_cluster_rows =
          std::max<uint64_t>(told.largest_cluster_rows, segment->cluster(i).row_count);
    }
    return {};
  }

  FileSystem& files_;
  const std::string& directory_;
  storage::TableLogAudit audit_;
  CollectionInspection inspection_;
};

}  // namespace

Result<CollectionInspection> InspectCollection(const CollectionContext& context) {
  return Inspector(context).Run();
}

}  // namespace viper::core
