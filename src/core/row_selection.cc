/// Which rows a read sees: alive, not expired, matching the filter (SelectRows of read_view.h).
/// Parts are evaluated a row group at a time, skipping groups that the statistics exclude; memory
/// rows are presented to the same predicate as columns made on the fly.

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/status_macros.h"
#include "core/read_view.h"
#include "storage/part_sidecar.h"

namespace viper::core {
namespace {

using columnar::Column;
using columnar::FieldReference;
using columnar::FieldRows;

/// The value at a path inside metadata; null when any step is absent.
const Value* FindPath(const Metadata& metadata, const std::vector<std::string>& path) {
  const Metadata* object = &metadata;
  for (size_t step = 0; step < path.size(); ++step) {
    auto found = object->find(path[step]);
    if (found == object->end()) return nullptr;
    if (step + 1 == path.size()) return &found->second;
    object = found->second.as_object();
    if (object == nullptr) return nullptr;
  }
  return nullptr;
}

/// One row group of a part.
class RowGroupAccess : public columnar::RowAccess {
 public:
  RowGroupAccess(const Part& part, size_t group) : part_(part), group_(group) {}

  size_t row_count() const override { return part_.row_groups()[group_].count; }

  Result<FieldRows> Fetch(const FieldReference& field) const override {
    if (field.type) {
      VIPER_ASSIGN_OR_RETURN(auto column, part_.RowGroup(field.path.front(), group_));
      return FieldRows(std::move(column));
    }
    VIPER_ASSIGN_OR_RETURN(auto payload, part_.RowGroup(columnar::kPayloadColumn, group_));
    std::vector<Value> values(row_count());
    for (size_t i = 0; i < values.size(); ++i) {
      if (!payload->IsPresent(i)) continue;
      VIPER_ASSIGN_OR_RETURN(Value document, Value::FromJson(payload->strings()[i]));
      if (document.as_object() == nullptr) continue;
      if (const Value* found = FindPath(*document.as_object(), field.path)) values[i] = *found;
    }
    return FieldRows(std::move(values));
  }

 private:
  const Part& part_;
  const size_t group_;
};

/// All rows of a memtable, as far as the view sees them.
class MemtableAccess : public columnar::RowAccess {
 public:
  explicit MemtableAccess(const MemtableView& view) : view_(view) {}

  size_t row_count() const override { return view_.row_count; }

  Result<FieldRows> Fetch(const FieldReference& field) const override {
    if (!field.type) {
      std::vector<Value> values(row_count());
      for (uint32_t i = 0; i < view_.row_count; ++i) {
        if (const Value* found = FindPath(view_.row(i).metadata, field.path)) values[i] = *found;
      }
      return FieldRows(std::move(values));
    }
    auto column = std::make_shared<Column>(*field.type);
    for (uint32_t i = 0; i < view_.row_count; ++i) AppendField(view_.row(i), field, *column);
    return FieldRows(std::shared_ptr<const Column>(std::move(column)));
  }

 private:
  static void AppendField(const Row& row, const FieldReference& field, Column& column) {
    const std::string& name = field.path.front();
    if (name == columnar::kIdColumn) return column.AppendString(row.id);
    if (name == columnar::kTimestampColumn) return column.AppendInt64(row.timestamp);
    if (name == columnar::kIngestedAtColumn) return column.AppendInt64(row.ingested_at);
    if (name == columnar::kExpiresAtColumn) {
      return row.expires_at == kNeverExpires ? column.AppendNull()
                                             : column.AppendInt64(row.expires_at);
    }
    auto found = row.metadata.find(name);
    column.AppendValue(found == row.metadata.end() ? Value() : found->second);
  }

  const MemtableView& view_;
};

/// Clear the rows that have expired.
Status MaskExpired(const ReadView& view, size_t source, int64_t now, Bitmap& selection) {
  if (!view.is_part(source)) {
    const MemtableView& memtable = view.memtable_of(source);
    for (uint32_t row = 0; row < memtable.row_count; ++row) {
      if (memtable.row(row).expires_at <= now) selection.Clear(row);
    }
    return {};
  }
  const Part& part = *view.parts[source].part;
  if (part.first_expiry() > now) return {};
  for (size_t group = 0; group < part.row_groups().size(); ++group) {
    VIPER_ASSIGN_OR_RETURN(auto column, part.RowGroup(columnar::kExpiresAtColumn, group));
    for (size_t i = 0; i < column->row_count(); ++i) {
      if (column->IsPresent(i) && column->int64s()[i] <= now) {
        selection.Clear(part.row_groups()[group].first + i);
      }
    }
  }
  return {};
}

bool HasExpired(const ReadView& view, size_t source, int64_t now) {
  const int64_t first = view.is_part(source) ? view.parts[source].part->first_expiry()
                                             : view.memtable_of(source).first_expiry;
  return first <= now;
}

/// Statistics of each column used, per row group, fetched once per part.
class PartBounds {
 public:
  explicit PartBounds(const Part& part) : part_(part) {}

  const columnar::ColumnBounds* Of(std::string_view column, size_t group) {
    auto found = columns_.find(column);
    if (found == columns_.end()) {
      found = columns_.emplace(std::string(column), part_.reader().RowGroupBounds(column)).first;
    }
    return group < found->second.size() ? &found->second[group] : nullptr;
  }

 private:
  const Part& part_;
  std::map<std::string, std::vector<columnar::ColumnBounds>, std::less<>> columns_;
};

Status MatchPart(const PartView& view, const columnar::Predicate& predicate, Bitmap& matching) {
  const Part& part = *view.part;
  if (auto ids = predicate.RequiredIds()) {
    Bitmap candidates(part.row_count());
    for (const std::string& id : *ids) {
      VIPER_ASSIGN_OR_RETURN(auto row, part.FindId(id, storage::HashId(id), view.dead.get()));
      if (row) candidates.Set(*row);
    }
    matching &= candidates;
  }
  PartBounds bounds(part);
  for (size_t group = 0; group < part.row_groups().size(); ++group) {
    const RowRange rows = part.row_groups()[group];
    const bool wanted =
        matching.CountSet(rows.first, rows.end()) != 0 &&
        predicate.MayMatch([&](std::string_view column) { return bounds.Of(column, group); });
    Bitmap matches(rows.count);
    if (wanted) {
      VIPER_ASSIGN_OR_RETURN(matches, predicate.Evaluate(RowGroupAccess(part, group)));
    }
    for (uint64_t i = 0; i < rows.count; ++i) {
      if (!matches.Test(i)) matching.Clear(rows.first + i);
    }
  }
  return {};
}

Bitmap AliveRows(const ReadView& view, size_t source) {
  Bitmap alive(view.source_rows(source), true);
  const auto& dead = view.is_part(source) ? view.parts[source].dead : view.memtable_of(source).dead;
  if (dead != nullptr) {
    Bitmap sized = *dead;
    sized.Resize(alive.size());
    alive.AndNot(sized);
  }
  return alive;
}

}  // namespace

Result<std::shared_ptr<const Bitmap>> SelectRows(const ReadView& view, size_t source,
                                                 const columnar::Predicate& predicate,
                                                 int64_t now) {
  const bool has_dead = view.is_part(source) ? view.parts[source].dead != nullptr
                                             : view.memtable_of(source).dead != nullptr;
  const bool has_expired = HasExpired(view, source, now);
  if (!has_dead && !has_expired && predicate.matches_all()) {
    return std::shared_ptr<const Bitmap>();
  }
  Bitmap selection = AliveRows(view, source);
  if (has_expired) VIPER_RETURN_IF_ERROR(MaskExpired(view, source, now, selection));
  if (!predicate.matches_all()) {
    if (view.is_part(source)) {
      VIPER_RETURN_IF_ERROR(MatchPart(view.parts[source], predicate, selection));
    } else {
      VIPER_ASSIGN_OR_RETURN(Bitmap matches,
                             predicate.Evaluate(MemtableAccess(view.memtable_of(source))));
      selection &= matches;
    }
  }
  return std::make_shared<const Bitmap>(std::move(selection));
}

}  // namespace viper::core
