/// Schemas that follow on others, and the half of Flusher that gives the table one: its own by
/// ChangeSchema, or another writer's by AdoptCommitsOfOthers.
///
///   1. make the new columns of the table from those that it has, whoever made them;
///   2. open all parts by the new schema, or, if a field changes its type, write them all anew;
///   3. commit: the one moment at which the schema changes;
///   4. swap parts and schema at once, so that a view has both of before or both of after.
///
/// Rows in memory stay as they were written; who reads them by the new schema converts
/// (metadata_split.h). The log is replayed in the same way.

#include "core/schema_change.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "columnar/value_compare.h"
#include "core/flusher.h"
#include "core/retention.h"
#include "core/table_schema.h"
#include "storage/table_rules.h"

namespace viper::core {
namespace {

bool IsRemoved(const std::vector<std::string>& removed_paths, const Part& part) {
  return std::find(removed_paths.begin(), removed_paths.end(), part.added().path) !=
         removed_paths.end();
}

/// Integers of a field that floats would not give back.
struct InexactIntegers {
  uint64_t live = 0;
  /// Of records that are gone, in files that still have them.
  uint64_t dead = 0;
  int64_t example = 0;

  void Note(int64_t value, bool is_dead) {
    if (columnar::IsExactFloat64(value)) return;
    ++(is_dead ? dead : live);
    example = value;
  }
  Status Check(const Field& field) const {
    if (live > 0) {
      return Status::InvalidArgument(fmt::format(
          "field '{}' cannot become float64: integers that are not exact as a float: count={} "
          "example={}",
          field.name, live, example));
    }
    if (dead == 0) return {};
    return Status::FailedPrecondition(fmt::format(
        "field '{}' cannot become float64 before files are compacted, with their deletion vectors: "
        "deleted records have integers that are not exact as a float: count={} example={}",
        field.name, dead, example));
  }
};

Status CheckWidening(const ReadView& view, const Field& field) {
  InexactIntegers inexact;
  for (const PartView& part : view.parts) {
    for (size_t group = 0; group < part.part->row_groups().size(); ++group) {
      VIPER_ASSIGN_OR_RETURN(const auto column, part.part->RowGroup(field.name, group));
      const uint64_t first = part.part->row_groups()[group].first;
      for (size_t i = 0; i < column->row_count(); ++i) {
        if (!column->IsPresent(i)) continue;
        inexact.Note(column->int64s()[i], part.dead != nullptr && part.dead->Test(first + i));
      }
    }
  }
  for (const MemtableView& memtable : view.memtables) {
    for (uint32_t number = 0; number < memtable.row_count; ++number) {
      if (memtable.IsDead(number)) continue;
      const auto found = memtable.row(number).metadata.find(field.name);
      if (found == memtable.row(number).metadata.end()) continue;
      if (const int64_t* value = found->second.as_int64()) inexact.Note(*value, false);
    }
  }
  return inexact.Check(field);
}

/// Unsupported if a file has columns that would not be copied with its rows.
Status CheckNothingIsLost(const ReadView& view) {
  for (const PartView& part : view.parts) {
    if (part.part->unread_columns().empty()) continue;
    return Status::Unsupported(fmt::format(
        "a field cannot change its type, which takes copying every file, while one has columns of "
        "another writer that would be lost: file={} column='{}'",
        part.part->added().path, part.part->unread_columns().front()));
  }
  return {};
}

/// OK if no value of a field that changes its type is lost.
Status CheckTypeChanges(const ReadView& view, const CollectionSchema& after) {
  for (const Field& field : view.schema->fields) {
    const Field* other = after.FindField(field.name);
    if (other == nullptr || other->type == field.type) continue;
    VIPER_RETURN_IF_ERROR(CheckWidening(view, field));
  }
  return {};
}

}  // namespace

Result<CollectionSchema> WithFields(const CollectionSchema& schema, std::span<const Field> added) {
  CollectionSchema result = schema;
  for (const Field& field : added) {
    const Field* declared = schema.FindField(field.name);
    if (declared == nullptr) {
      result.fields.push_back(field);
    } else if (declared->type != field.type) {
      return Status::InvalidArgument(
          fmt::format("field '{}' is declared already, with another type: declared={} actual={}",
                      field.name, FieldTypeName(declared->type), FieldTypeName(field.type)));
    }
  }
  VIPER_RETURN_IF_ERROR(result.Validate());
  return result;
}

Result<CollectionSchema> WithWidenedField(const CollectionSchema& schema, const Field& field) {
  CollectionSchema result = schema;
  const auto found =
      std::find_if(result.fields.begin(), result.fields.end(),
                   [&](const Field& declared) { return declared.name == field.name; });
  if (found == result.fields.end()) {
    return Status::NotFound(fmt::format("there is no declared field '{}'", field.name));
  }
  const bool is_sound = found->type == field.type ||
                        (found->type == FieldType::kInt64 && field.type == FieldType::kFloat64);
  if (!is_sound) {
    return Status::InvalidArgument(fmt::format(
        "field '{}' cannot become {}: only int64 can become float64; every other change would give "
        "back other values than were written: declared={}",
        field.name, FieldTypeName(field.type), FieldTypeName(found->type)));
  }
  found->type = field.type;
  return result;
}

bool ChangesTypes(const CollectionSchema& before, const CollectionSchema& after) {
  return std::any_of(before.fields.begin(), before.fields.end(), [&](const Field& field) {
    const Field* other = after.FindField(field.name);
    return other != nullptr && other->type != field.type;
  });
}

Status Flusher::ChangeSchema(const MakeSchema& make) {
  MutexLock lock(flush_mutex_);
  Status status;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const auto view = state_.View();
    if (std::any_of(view->parts.begin(), view->parts.end(),
                    [](const PartView& part) { return part.part->is_foreign(); })) {
      VIPER_RETURN_IF_ERROR(CommitDeathsByOthers());
    }
    const SchemaPointer current = state_.schema();
    VIPER_ASSIGN_OR_RETURN(CollectionSchema made, make(*current));
    if (made == *current) return {};
    status = ChangeSchemaOnce(std::make_shared<const CollectionSchema>(std::move(made)));
    if (status.code() != StatusCode::kConflict) return status;
    VIPER_RETURN_IF_ERROR(AdoptCommitsOfOthers());
  }
  return status;
}

Status Flusher::ChangeSchemaOnce(const SchemaPointer& schema) {
  VIPER_ASSIGN_OR_RETURN(const storage::TableMetadata metadata,
                         ChangeTableMetadata(table_.metadata, *schema));
  const bool rewrites = ChangesTypes(*state_.schema(), *schema);
  VIPER_RETURN_IF_ERROR(rewrites ? RewriteForSchema(schema, metadata)
                                 : DeclareFields(schema, metadata));
  WriteCheckpointIfDue();
  return {};
}

Status Flusher::DeclareFields(const SchemaPointer& schema, const storage::TableMetadata& metadata) {
  TableChange change;
  change.schema = schema;
  VIPER_ASSIGN_OR_RETURN(change.reopened, Reopen(*schema, {}));
  storage::TableCommit commit;
  commit.operation = "ADD COLUMNS";
  commit.metadata = metadata;
  VIPER_RETURN_IF_ERROR(log_->Commit(table_.version + 1, commit, context_.NowMillis()));
  storage::ApplyCommit(commit, table_);
  change.table_version = table_.version;
  MutexLock apply(apply_mutex_);
  return state_.Adopt(change);
}

Status Flusher::RewriteForSchema(const SchemaPointer& schema,
                                 const storage::TableMetadata& metadata) {
  VIPER_RETURN_IF_ERROR(log_->CheckTakesCommits());
  VIPER_RETURN_IF_ERROR(CheckNothingIsLost(*state_.View()));
  VIPER_RETURN_IF_ERROR(CheckTypeChanges(*state_.View(), *schema));
  VIPER_ASSIGN_OR_RETURN(const auto reopened, Reopen(*schema, {}));
  FlushPlan plan;
  {
    MutexLock apply(apply_mutex_);
    plan = state_.PlanRewrite(state_.View()->parts);
  }
  FlushPlan reading = plan;
  reading.schema = schema;
  for (FlushSource& source : reading.sources) source.part = reopened.at(source.part.get());
  VIPER_ASSIGN_OR_RETURN(BuiltParts built,
                         BuildParts(reading, BuildOptions(), context_.NowMillis()));
  VIPER_ASSIGN_OR_RETURN(Written written, OpenBuilt(reading, std::move(built)));
  written.result.schema = schema;
  storage::TableCommit commit = MakeCommit(plan, written);
  commit.operation = "CHANGE COLUMN";
  commit.metadata = written.has_sparse_column ? WithSparseColumn(metadata) : metadata;
  const Status committed = Commit(commit, written);
  if (!committed.ok()) RemoveFiles(written);
  VIPER_RETURN_IF_ERROR(committed);
  {
    MutexLock apply(apply_mutex_);
    state_.FinishFlush(plan, written.result, table_.version);
  }
  RemoveSidecars(plan);
  return {};
}

Result<std::map<const Part*, std::shared_ptr<const Part>>> Flusher::Reopen(
    const CollectionSchema& schema, const std::vector<std::string>& removed_paths) const {
  std::map<const Part*, std::shared_ptr<const Part>> reopened;
  const auto view = state_.View();
  for (const PartView& part : view->parts) {
    if (IsRemoved(removed_paths, *part.part)) continue;
    VIPER_ASSIGN_OR_RETURN(reopened[part.part.get()],
                           Part::Open(part.part->added(), PartOptions(context_, schema)));
  }
  return reopened;
}

Result<Flusher::SchemaPointer> Flusher::SchemaAfter(const storage::TableState& next) const {
  if (next.metadata == table_.metadata) return SchemaPointer();
  VIPER_ASSIGN_OR_RETURN(CollectionSchema schema, ReadTableSchema(next.metadata));
  if (schema.dim != context_.dim || schema.metric != context_.metric) {
    return Status::Conflict(
        fmt::format("another writer changed the collection: version={} dim={} metric={}",
                    next.version, schema.dim, MetricName(schema.metric)));
  }
  if (schema == *state_.schema()) return SchemaPointer();
  return std::make_shared<const CollectionSchema>(std::move(schema));
}

Result<storage::TableState> Flusher::NewestTable() {
  const auto commits = log_->ReadAfter(table_.version);
  // They were cleaned away already.
  if (commits.status().code() == StatusCode::kConflict) return log_->Load();
  VIPER_RETURN_IF_ERROR(commits.status());
  storage::TableState next = table_;
  for (const storage::TableCommit& commit : *commits) storage::ApplyCommit(commit, next);
  return next;
}

Result<TableChange> Flusher::ChangeTo(const storage::TableState& next) const {
  // A checkpoint tells less of a file than its commit; what tells its rows are these two.
  const auto has_same = [](const storage::TableState& table, const storage::AddedFile& file) {
    const auto found = table.files.find(file.path);
    return found != table.files.end() && found->second.deletion_vector == file.deletion_vector;
  };
  TableChange change;
  change.table_version = next.version;
  for (const auto& [path, file] : table_.files) {
    if (!has_same(next, file)) change.removed_paths.push_back(path);
  }
  VIPER_ASSIGN_OR_RETURN(change.schema, SchemaAfter(next));
  if (change.schema != nullptr) {
    VIPER_ASSIGN_OR_RETURN(change.reopened, Reopen(*change.schema, change.removed_paths));
  }
  const SchemaPointer schema = change.schema != nullptr ? change.schema : state_.schema();
  for (const auto& [path, file] : next.files) {
    if (has_same(table_, file)) continue;
    VIPER_ASSIGN_OR_RETURN(change.added.emplace_back(), OpenPartView(context_, *schema, file));
  }
  SortByAge(change.added);
  return change;
}

Status Flusher::AdoptNewestTable() {
  VIPER_ASSIGN_OR_RETURN(storage::TableState next, NewestTable());
  if (next.version == table_.version) return {};
  if (Status status = storage::CheckCanWrite(next); !status.ok()) {
    return status.WithContext(
        fmt::format("another writer changed the table, up to version {}", next.version));
  }
  VIPER_ASSIGN_OR_RETURN(const CollectionProperties properties, ReadTableProperties(next.metadata));
  VIPER_ASSIGN_OR_RETURN(const TableChange change, ChangeTo(next));
  if (next.metadata != table_.metadata) LogUnreadableRetention(context_, next.metadata);
  MutexLock apply(apply_mutex_);
  VIPER_RETURN_IF_ERROR(state_.Adopt(change));
  table_ = std::move(next);
  allows_sparse_ = AllowsSparseColumn(table_.metadata);
  context_.properties->Set(properties);
  return {};
}

Status Flusher::AdoptCommitsOfOthers() {
  Status status = AdoptNewestTable();
  for (int attempt = 1; status.code() == StatusCode::kNotFound && attempt < kAttemptsMax;
       ++attempt) {
    status = AdoptNewestTable();
  }
  return status;
}

}  // namespace viper::core
