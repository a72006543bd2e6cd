#include "core/part_builder.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "base/random.h"
#include "base/status_macros.h"
#include "core/metadata_split.h"
#include "core/table_schema.h"
#include "parquet/part_file.h"
#include "storage/file_names.h"

namespace viper::core {
namespace {

/// A row on its way: the place of its floats, hash of its id, times, ends of its strings.
constexpr double kRowBytes = 96;
/// What metadata are decoded to, by what a file holds of them, roughly.
constexpr double kDecodedToStored = 4;

using columnar::Column;
using parquet::PartRows;

/// More undeclared keys than this are not listed in the footer.
constexpr size_t kPayloadKeysMax = 4096;

PartRows EmptyRows(const CollectionSchema& schema) {
  PartRows rows;
  for (const Field& field : schema.fields) rows.fields.emplace_back(field.type);
  return rows;
}

/// Append what is left for the payload, and note its keys.
void AppendPayload(Value::Object payload, std::set<std::string, std::less<>>& keys,
                   Column& column) {
  if (payload.empty()) return column.AppendNull();
  for (const auto& [key, value] : payload) {
    if (keys.size() <= kPayloadKeysMax && !keys.contains(key)) keys.insert(key);
  }
  column.AppendString(Value(std::move(payload)).ToJson());
}

/// One part being written.
class OpenPart {
 public:
  /// `choices` are those of the parts before it.
  OpenPart(const PartBuildOptions& options, const CollectionSchema& schema,
           std::shared_ptr<parquet::ColumnChoices> choices, std::string uuid)
      : options_(options),
        schema_(schema),
        choices_(std::move(choices)),
        name_(storage::PartName(uuid)),
        staged_path_(storage::TmpPath(options.table_directory, name_)) {}

  Status Start() {
    VIPER_ASSIGN_OR_RETURN(file_, options_.file_system->CreateFile(staged_path_));
    pending_ = EmptyRows(schema_);
    return {};
  }

  PartRows& pending() { return pending_; }
  std::vector<uint64_t>& id_hashes() { return id_hashes_; }
  std::set<std::string, std::less<>>& payload_keys() { return payload_keys_; }
  uint64_t row_count() const { return written_rows_ + pending_.row_count(); }
  bool group_is_full() const {
    return FloatBytes(pending_.row_count()) >= options_.row_group_bytes;
  }
  bool is_full() const { return FloatBytes(row_count()) >= options_.part_bytes; }

  /// Write the pending rows as a row group. The footer is written by Finish, so the keys may still
  /// grow.
  Status WriteGroup() {
    if (pending_.row_count() == 0) return {};
    if (writer_ == nullptr) {
      parquet::PartWriteOptions write_options;
      write_options.row_group_bytes = options_.row_group_bytes;
      write_options.choices = choices_;
      write_options.sparse = options_.sparse;
      VIPER_ASSIGN_OR_RETURN(writer_, parquet::PartWriter::Make(*file_, schema_, write_options));
    }
    VIPER_RETURN_IF_ERROR(writer_->Append(pending_));
    written_rows_ += pending_.row_count();
    pending_ = EmptyRows(schema_);
    return {};
  }

  /// Complete the file, make it durable and move it into the table's directory.
  Status Finish(int64_t now_ms, BuiltParts& built) {
    VIPER_RETURN_IF_ERROR(WriteGroup());
    VIPER_ASSIGN_OR_RETURN(parquet::PartSummary summary, writer_->Finish(KeyValues()));
    VIPER_RETURN_IF_ERROR(file_->Sync());
    VIPER_RETURN_IF_ERROR(file_->Close());
    VIPER_RETURN_IF_ERROR(options_.file_system->Rename(
        staged_path_, storage::DataFilePath(options_.table_directory, name_)));
    storage::AddedFile added;
    added.path = name_;
    added.size = summary.file_bytes;
    added.modification_time_ms = now_ms;
    added.stats_json = MakeStatistics(summary, schema_);
    built.has_sparse_column |= summary.has_sparse_column;
    built.added.push_back(std::move(added));
    built.sidecars.push_back(MakeSidecar(summary));
    return {};
  }

  void Discard() {
    file_.reset();
    // Best effort: what stays behind is swept at the next open.
    (void)options_.file_system->RemoveFile(staged_path_).ok();
  }

 private:
  size_t FloatBytes(uint64_t rows) const { return rows * schema_.dim * sizeof(float); }

  std::map<std::string, std::string> KeyValues() const {
    std::map<std::string, std::string> key_values = {
        {std::string(kPartKey), name_},
        {"viper.dim", std::to_string(schema_.dim)},
        {"viper.metric", std::string(MetricName(schema_.metric))}};
    if (payload_keys_.size() <= kPayloadKeysMax) {
      Value::List keys(payload_keys_.begin(), payload_keys_.end());
      key_values[std::string(kPayloadKeysKey)] = Value(std::move(keys)).ToJson();
    }
    return key_values;
  }

  storage::SidecarContent MakeSidecar(const parquet::PartSummary& summary) {
    storage::SidecarContent content;
    content.row_count = summary.row_count;
    content.max_norm = summary.max_norm;
    for (size_t i = 0; i < summary.vector_pages.size(); ++i) {
      const parquet::VectorPage& page = summary.vector_pages[i];
      content.pages.push_back(
          {page.rows.first, page.rows.count, page.offset, summary.vector_page_crcs[i]});
    }
    content.id_hashes = std::move(id_hashes_);
    return content;
  }

  const PartBuildOptions& options_;
  const CollectionSchema& schema_;
  const std::shared_ptr<parquet::ColumnChoices> choices_;
  const std::string name_;
  const std::string staged_path_;
  std::unique_ptr<WritableFile> file_;
  std::unique_ptr<parquet::PartWriter> writer_;
  PartRows pending_;
  uint64_t written_rows_ = 0;
  std::vector<uint64_t> id_hashes_;
  std::set<std::string, std::less<>> payload_keys_;
};

/// Feeds sources into parts, opening a new one when the last is full.
class Builder {
 public:
  Builder(const PartBuildOptions& options, const CollectionSchema& schema, int64_t now_ms)
      : options_(options),
        schema_(schema),
        now_ms_(now_ms),
        choices_(options.choices != nullptr
                     ? options.choices
                     : std::make_shared<parquet::ColumnChoices>(options.compression)) {}
  ~Builder() {
    if (open_) open_->Discard();
    // Nothing is here any more after Finish.
    for (const storage::AddedFile& file : built_.added) {
      (void)options_.file_system
          ->RemoveFile(storage::DataFilePath(options_.table_directory, file.path))
          .ok();
    }
  }

  Status AddMemtable(size_t source_index, const FlushSource& source) {
    uint64_t live = 0;
    for (uint32_t number = 0; number < source.row_count; ++number) {
      if (source.dead->Test(number)) continue;
      VIPER_RETURN_IF_ERROR(MakeRoom());
      Moved(source_index, live++, 1);
      AppendRow(source.memtable->row(number));
    }
    return {};
  }

  Status AddPart(size_t source_index, const FlushSource& source) {
    const Part& part = *source.part;
    uint64_t live = 0;
    for (size_t group = 0; group < part.row_groups().size(); ++group) {
      const RowRange rows = part.row_groups()[group];
      if (source.dead->CountSet(rows.first, rows.end()) == rows.count) continue;
      VIPER_ASSIGN_OR_RETURN(GroupColumns columns, ReadGroup(part, group));
      uint64_t row = rows.first;
      while (row < rows.end()) {
        if (source.dead->Test(row)) {
          ++row;
          continue;
        }
        VIPER_RETURN_IF_ERROR(MakeRoom());
        const uint64_t run_end = EndOfRun(source, row, rows.end());
        Moved(source_index, live, run_end - row);
        live += run_end - row;
        VIPER_RETURN_IF_ERROR(AppendRun(part, columns, rows.first, {row, run_end - row}));
        if (options_.advance) {
          VIPER_RETURN_IF_ERROR(options_.advance((run_end - row) * FloatBytesOfRow()));
        }
        row = run_end;
      }
    }
    return {};
  }

  /// Rows of parts in an order of their own. The decoded columns of all are held until the end.
  Status AddInOrder(const FlushPlan& plan, const PlacedRows& order) {
    std::map<std::pair<uint32_t, size_t>, GroupColumns> decoded;
    for (const PlacedRow& placed : order) {
      const Part& part = *plan.sources[placed.source].part;
      const size_t group = GroupOf(part, placed.row);
      const auto [found, is_new] = decoded.try_emplace({placed.source, group});
      if (is_new) {
        VIPER_ASSIGN_OR_RETURN(found->second, ReadGroup(part, group));
      }
      VIPER_RETURN_IF_ERROR(MakeRoom());
      Moved(placed.source, placed.live, 1);
      VIPER_RETURN_IF_ERROR(
          AppendRun(part, found->second, part.row_groups()[group].first, {placed.row, 1}));
      if (options_.advance) VIPER_RETURN_IF_ERROR(options_.advance(FloatBytesOfRow()));
    }
    return {};
  }

  Result<BuiltParts> Finish() {
    VIPER_RETURN_IF_ERROR(ClosePart());
    if (!built_.added.empty()) {
      VIPER_RETURN_IF_ERROR(options_.file_system->SyncDirectory(options_.table_directory));
    }
    return std::exchange(built_, {});
  }

 private:
  /// Rows that are copied at once: bounds how far a row group may overshoot.
  static constexpr uint64_t kRunMax = 4096;

  struct GroupColumns {
    ColumnCache::ColumnPointer ids, timestamps, ingested_at, expires_at, payload;
    std::vector<ColumnCache::ColumnPointer> fields;
  };

  Status MakeRoom() {
    if (open_ && open_->is_full()) VIPER_RETURN_IF_ERROR(ClosePart());
    if (open_ && open_->group_is_full()) VIPER_RETURN_IF_ERROR(open_->WriteGroup());
    if (open_) return {};
    open_.emplace(options_, schema_, choices_, MakeUuid());
    return open_->Start();
  }

  Status ClosePart() {
    if (!open_) return {};
    VIPER_RETURN_IF_ERROR(open_->Finish(now_ms_, built_));
    open_.reset();
    return {};
  }

  uint64_t FloatBytesOfRow() const { return schema_.dim * sizeof(float); }

  void Moved(size_t source, uint64_t live, uint64_t count) {
    const size_t part = built_.added.size();
    const uint64_t row = open_->row_count();
    if (!built_.moved.empty()) {
      MovedRows& last = built_.moved.back();
      if (last.source == source && last.part == part && last.first_live + last.count == live &&
          last.first_row + last.count == row) {
        last.count += count;
        return;
      }
    }
    built_.moved.push_back({source, live, count, part, row});
  }

  void AppendRow(const Row& row) {
    PartRows& rows = open_->pending();
    rows.ids.Append(row.id);
    open_->id_hashes().push_back(row.id_hash);
    rows.timestamps.push_back(row.timestamp);
    rows.ingested_at.push_back(row.ingested_at);
    if (row.expires_at == kNeverExpires) {
      rows.expires_at.AppendNull();
    } else {
      rows.expires_at.AppendInt64(row.expires_at);
    }
    AppendPayload(SplitMetadata(row.metadata, schema_.fields, rows.fields), open_->payload_keys(),
                  rows.payload);
    rows.vectors.push_back(row.vector);
  }

  Result<GroupColumns> ReadGroup(const Part& part, size_t group) const {
    GroupColumns columns;
    VIPER_ASSIGN_OR_RETURN(columns.ids, part.RowGroup(columnar::kIdColumn, group));
    VIPER_ASSIGN_OR_RETURN(columns.timestamps, part.RowGroup(columnar::kTimestampColumn, group));
    VIPER_ASSIGN_OR_RETURN(columns.ingested_at, part.RowGroup(columnar::kIngestedAtColumn, group));
    VIPER_ASSIGN_OR_RETURN(columns.expires_at, part.RowGroup(columnar::kExpiresAtColumn, group));
    VIPER_ASSIGN_OR_RETURN(columns.payload, part.RowGroup(columnar::kPayloadColumn, group));
    for (const Field& field : schema_.fields) {
      VIPER_ASSIGN_OR_RETURN(auto column, part.RowGroup(field.name, group));
      columns.fields.push_back(std::move(column));
    }
    return columns;
  }

  static size_t GroupOf(const Part& part, uint64_t row) {
    const auto& groups = part.row_groups();
    const auto after = std::upper_bound(
        groups.begin(), groups.end(), row,
        [](uint64_t wanted, const RowRange& group) { return wanted < group.first; });
    return static_cast<size_t>(after - groups.begin()) - 1;
  }

  static uint64_t EndOfRun(const FlushSource& source, uint64_t row, uint64_t limit) {
    const uint64_t stop = std::min(limit, row + kRunMax);
    uint64_t end = row + 1;
    while (end < stop && !source.dead->Test(end)) ++end;
    return end;
  }

  Status AppendRun(const Part& part, const GroupColumns& columns, uint64_t group_first,
                   RowRange run) {
    PartRows& rows = open_->pending();
    // A foreign file may lack our times: then the file's own time stands in.
    const int64_t fallback = part.added().modification_time_ms * 1000;
    for (uint64_t row = run.first; row < run.end(); ++row) {
      const size_t i = row - group_first;
      const std::string_view id = columns.ids->strings()[i];
      rows.ids.Append(id);
      open_->id_hashes().push_back(storage::HashId(id));
      rows.timestamps.push_back(columns.timestamps->IsPresent(i) ? columns.timestamps->int64s()[i]
                                                                 : fallback);
      rows.ingested_at.push_back(
          columns.ingested_at->IsPresent(i) ? columns.ingested_at->int64s()[i] : fallback);
      VIPER_ASSIGN_OR_RETURN(HeldFloats held, part.FloatsToKeep(row));
      rows.vectors.push_back(held.floats);
      if (held.holder != nullptr) rows.vector_holders.push_back(std::move(held.holder));
    }
    const size_t first = run.first - group_first;
    rows.expires_at.AppendRows(*columns.expires_at, first, run.count);
    VIPER_RETURN_IF_ERROR(AppendPayloads(part, *columns.payload, group_first, run));
    for (size_t i = 0; i < columns.fields.size(); ++i) {
      rows.fields[i].AppendRows(*columns.fields[i], first, run.count);
    }
    return {};
  }

  /// The payloads as they are, or without what belongs into the columns of fields by now.
  Status AppendPayloads(const Part& part, const Column& payloads, uint64_t group_first,
                        RowRange run) {
    PartRows& rows = open_->pending();
    auto& keys = open_->payload_keys();
    if (part.payload_keys() && !part.BackFillsAny()) {
      const std::pair from_to(&part, built_.added.size());
      if (std::exchange(last_keys_, from_to) != from_to) {
        keys.insert(part.payload_keys()->begin(), part.payload_keys()->end());
      }
      rows.payload.AppendRows(payloads, run.first - group_first, run.count);
      return {};
    }
    for (uint64_t row = run.first; row < run.end(); ++row) {
      const size_t i = row - group_first;
      Value::Object payload;
      if (payloads.IsPresent(i)) {
        VIPER_ASSIGN_OR_RETURN(payload, part.PayloadObject(payloads.strings()[i], row));
      }
      DropDeclared(payload, schema_.fields);
      AppendPayload(std::move(payload), keys, rows.payload);
    }
    return {};
  }

  const PartBuildOptions& options_;
  const CollectionSchema& schema_;
  const int64_t now_ms_;
  const std::shared_ptr<parquet::ColumnChoices> choices_;
  std::optional<OpenPart> open_;
  /// Whose undeclared keys were last noted, and the number of the part that they were noted for.
  std::pair<const Part*, size_t> last_keys_ = {nullptr, 0};
  BuiltParts built_;
};

/// What the metadata of a source take in memory, those of all its rows.
double MetadataBytes(const FlushSource& source, uint64_t float_bytes) {
  const uint64_t dense_bytes = source.row_count * float_bytes;
  const auto beside_floats = [dense_bytes](uint64_t bytes) {
    return static_cast<double>(bytes - std::min(bytes, dense_bytes));
  };
  if (source.part == nullptr) return beside_floats(source.memtable->memory_bytes());
  // Where vectors are compressed, the size of the file does not tell what lies beside them.
  const auto logical = source.part->maps_vectors() ? std::nullopt : source.part->logical_bytes();
  return logical ? beside_floats(*logical)
                 : kDecodedToStored * beside_floats(source.part->added().size);
}

}  // namespace

uint64_t BuildMemoryBytes(const FlushPlan& plan, const PartBuildOptions& options) {
  const uint64_t float_bytes = plan.schema->dim * sizeof(float);
  uint64_t rows = 0;
  uint64_t decoded_rows = 0;  // whose floats are not written from where they are
  double scalar_bytes = 0;
  for (const FlushSource& source : plan.sources) {
    if (source.keeps_file || source.live_count() == 0) continue;
    const double row_bytes =
        kRowBytes + MetadataBytes(source, float_bytes) / static_cast<double>(source.row_count);
    rows += source.live_count();
    if (source.part != nullptr && !source.part->maps_vectors()) decoded_rows += source.live_count();
    scalar_bytes += static_cast<double>(source.live_count()) * row_bytes;
  }
  const uint64_t group_rows = options.row_group_bytes / float_bytes + 1;
  const double share = rows <= group_rows || options.holds_all_rows
                           ? 1
                           : static_cast<double>(group_rows) / static_cast<double>(rows);
  const uint64_t held_rows =
      options.holds_all_rows ? decoded_rows : std::min(decoded_rows, group_rows);
  // As values, and encoded.
  return static_cast<uint64_t>(2 * share * scalar_bytes) + held_rows * float_bytes;
}

Result<BuiltParts> BuildParts(const FlushPlan& plan, const PartBuildOptions& options,
                              int64_t now_ms, const PlacedRows& order) {
  MemoryCharge charge(options.memory, MemoryUse::kFiles);
  charge.Set(BuildMemoryBytes(plan, options));
  Builder builder(options, *plan.schema, now_ms);
  if (!order.empty()) {
    VIPER_RETURN_IF_ERROR(builder.AddInOrder(plan, order));
    return builder.Finish();
  }
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    const FlushSource& source = plan.sources[i];
    if (source.keeps_file || source.live_count() == 0) continue;
    VIPER_RETURN_IF_ERROR(source.part != nullptr ? builder.AddPart(i, source)
                                                 : builder.AddMemtable(i, source));
  }
  return builder.Finish();
}

}  // namespace viper::core
