/// Parts are evaluated a row group at a time, skipping groups that the statistics exclude; memory
/// rows are presented to the same predicate as columns made on the fly.

#include "core/row_selection.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/status_macros.h"
#include "columnar/field_conversion.h"
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
      VIPER_ASSIGN_OR_RETURN(
          const Value::Object object,
          part_.PayloadObject(payload->strings()[i], part_.row_groups()[group_].first + i));
      if (const Value* found = FindPath(object, field.path)) values[i] = *found;
    }
    return FieldRows(std::move(values));
  }

 private:
  const Part& part_;
  const size_t group_;
};

/// `count` rows in memory, which `row_at` gives by their place.
template <typename RowAt>
class MemoryAccess : public columnar::RowAccess {
 public:
  MemoryAccess(size_t count, RowAt row_at) : count_(count), row_at_(std::move(row_at)) {}

  size_t row_count() const override { return count_; }

  Result<FieldRows> Fetch(const FieldReference& field) const override {
    if (!field.type) {
      std::vector<Value> values(count_);
      for (size_t i = 0; i < count_; ++i) {
        const Value* found = FindPath(row_at_(i).metadata, field.path);
        if (found != nullptr) values[i] = *found;
      }
      return FieldRows(std::move(values));
    }
    auto column = std::make_shared<Column>(*field.type);
    for (size_t i = 0; i < count_; ++i) AppendField(row_at_(i), field, *column);
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
    const auto found = row.metadata.find(name);
    if (found == row.metadata.end()) return column.AppendNull();
    // The field may have been declared since the row was written.
    columnar::AppendFitting({name, column.type()}, found->second, column);
  }

  const size_t count_;
  const RowAt row_at_;
};

/// Collects the rows that have expired, and when the next of the others does.
class ExpiryScan {
 public:
  ExpiryScan(int64_t now, uint64_t row_count) : now_(now), rows_(row_count) {}

  void Read(const MemtableView& memtable) {
    for (uint32_t row = 0; row < memtable.row_count; ++row) Add(row, memtable.row(row).expires_at);
  }
  Status Read(const Part& part) {
    for (size_t group = 0; group < part.row_groups().size(); ++group) {
      VIPER_ASSIGN_OR_RETURN(auto column, part.RowGroup(columnar::kExpiresAtColumn, group));
      const uint64_t first = part.row_groups()[group].first;
      for (size_t i = 0; i < column->row_count(); ++i) {
        if (column->IsPresent(i)) Add(first + i, column->int64s()[i]);
      }
    }
    return {};
  }
  ExpiredRows Finish() && {
    return {std::make_shared<const Bitmap>(std::move(rows_)), now_, next_expiry_};
  }

 private:
  void Add(size_t row, int64_t expires_at) {
    if (expires_at <= now_) {
      rows_.Set(row);
    } else {
      next_expiry_ = std::min(next_expiry_, expires_at);
    }
  }

  const int64_t now_;
  Bitmap rows_;
  int64_t next_expiry_ = kNeverExpires;
};

int64_t FirstExpiry(const ReadView& view, size_t source) {
  return view.is_part(source) ? view.parts[source].part->first_expiry()
                              : view.memtable_of(source).first_expiry;
}

/// Statistics of each column used, per row group, fetched once per part.
class PartBounds {
 public:
  explicit PartBounds(const Part& part) : part_(part) {}

  const columnar::ColumnBounds* Of(std::string_view column, size_t group) {
    if (part_.BackFills(column)) return nullptr;
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

/// Of the rows `candidates` of a part clear those that do not match.
Status KeepMatching(const Part& part, const columnar::Predicate& predicate, const StopSignal& stop,
                    Bitmap& candidates) {
  PartBounds bounds(part);
  for (size_t group = 0; group < part.row_groups().size(); ++group) {
    const RowRange rows = part.row_groups()[group];
    const bool wanted =
        candidates.CountSet(rows.first, rows.end()) != 0 &&
        predicate.MayMatch([&](std::string_view column) { return bounds.Of(column, group); });
    Bitmap matches(rows.count);
    if (wanted) {
      VIPER_RETURN_IF_ERROR(stop.Check([&] {
        return fmt::format("in the filter, after {} of {} rows of part {}", rows.first,
                           part.row_count(), part.added().path);
      }));
      VIPER_ASSIGN_OR_RETURN(matches, predicate.Evaluate(RowGroupAccess(part, group)));
    }
    for (uint64_t i = 0; i < rows.count; ++i) {
      if (!matches.Test(i)) candidates.Clear(rows.first + i);
    }
  }
  return {};
}

}  // namespace

Result<Bitmap> MatchPart(const Part& part, const columnar::Predicate& predicate,
                         const StopSignal& stop) {
  Bitmap matches(part.row_count(), true);
  VIPER_RETURN_IF_ERROR(KeepMatching(part, predicate, stop, matches));
  return matches;
}

Result<Bitmap> MatchPartByIds(const PartView& part, const columnar::Predicate& predicate,
                              std::span<const std::string> ids) {
  Bitmap matches(part.part->row_count());
  for (const std::string& id : ids) {
    VIPER_ASSIGN_OR_RETURN(auto row, part.part->FindId(id, storage::HashId(id), part.dead.get()));
    if (row) matches.Set(*row);
  }
  VIPER_RETURN_IF_ERROR(KeepMatching(*part.part, predicate, StopSignal(), matches));
  return matches;
}

Result<Bitmap> MatchMemtable(const MemtableView& memtable, uint32_t first,
                             const columnar::Predicate& predicate) {
  const auto row_at = [&](size_t i) -> const Row& {
    return memtable.row(first + static_cast<uint32_t>(i));
  };
  return predicate.Evaluate(MemoryAccess(memtable.row_count - first, row_at));
}

Result<bool> MatchRow(const Row& row, const columnar::Predicate& predicate) {
  const auto row_at = [&](size_t) -> const Row& { return row; };
  VIPER_ASSIGN_OR_RETURN(const Bitmap matches, predicate.Evaluate(MemoryAccess(1, row_at)));
  return matches.Test(0);
}

SelectedRows KeepRows(std::shared_ptr<const Bitmap> matches, uint64_t row_count, const Bitmap* dead,
                      const Bitmap* expired) {
  if (dead == nullptr && expired == nullptr) {
    const uint64_t count = matches == nullptr ? row_count : matches->CountSet();
    return {std::move(matches), count};
  }
  Bitmap rows = matches == nullptr ? Bitmap(row_count, true) : *matches;
  if (dead != nullptr) rows.AndNot(*dead);
  if (expired != nullptr) rows.AndNot(*expired);
  const uint64_t count = rows.CountSet();
  return {std::make_shared<const Bitmap>(std::move(rows)), count};
}

Result<SelectedRows> LiveRows(const ReadView& view, size_t source, int64_t now) {
  VIPER_ASSIGN_OR_RETURN(const ExpiredRows expired, FindExpired(view, source, now));
  const Bitmap* const dead =
      view.is_part(source) ? view.parts[source].dead.get() : view.memtable_of(source).dead.get();
  return KeepRows(nullptr, view.source_rows(source), dead, expired.rows.get());
}

Result<ExpiredRows> FindExpired(const ReadView& view, size_t source, int64_t now) {
  const int64_t first_expiry = FirstExpiry(view, source);
  if (first_expiry > now) return ExpiredRows{nullptr, now, first_expiry};
  ExpiryScan scan(now, view.source_rows(source));
  if (view.is_part(source)) {
    VIPER_RETURN_IF_ERROR(scan.Read(*view.parts[source].part));
  } else {
    scan.Read(view.memtable_of(source));
  }
  return std::move(scan).Finish();
}

}  // namespace viper::core
