#include "core/revision.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "columnar/field_conversion.h"
#include "core/row_reader.h"
#include "core/row_selection.h"
#include "storage/part_sidecar.h"

namespace viper::core {

void CurrentRows::Add(const WriteBatch& batch) {
  for (const Row& row : batch.rows) group_.insert_or_assign(row.id, &row);
  for (const std::string& id : batch.deleted_ids) group_.insert_or_assign(id, nullptr);
}

std::optional<const Row*> CurrentRows::WrittenInGroup(std::string_view id) const {
  const auto found = group_.find(id);
  if (found == group_.end()) return std::nullopt;
  return found->second;
}

std::optional<const Row*> CurrentRows::FindInGroup(std::string_view id) const {
  const auto written = WrittenInGroup(id);
  if (!written || *written == nullptr) return written;
  return (*written)->expires_at > now_ ? *written : nullptr;
}

Result<CurrentRows::Place> CurrentRows::Find(std::string_view id) const {
  Place place;
  if (const auto in_group = FindInGroup(id)) {
    place.in_group = *in_group;
    return place;
  }
  VIPER_ASSIGN_OR_RETURN(place.in_view, view_->Find(id, now_));
  return place;
}

Result<Row> CurrentRows::Read(const Place& place) const {
  if (place.in_group != nullptr) return *place.in_group;
  return ReadRow(*view_, *place.in_view);
}

Result<int64_t> CurrentRows::VersionAt(const Place& place) const {
  if (place.in_group != nullptr) return place.in_group->ingested_at;
  if (!place.in_view) return int64_t{0};
  return ReadVersion(*view_, *place.in_view);
}

Status CheckChange(MetadataChange& change, const CollectionSchema& schema, Misfits misfits) {
  VIPER_RETURN_IF_ERROR(NormalizeMetadata(change.set, schema, misfits).status());
  if (change.replace_all && !change.remove.empty()) {
    return Status::InvalidArgument(
        fmt::format("a change that replaces all metadata has nothing to remove: key '{}'",
                    change.remove.front()));
  }
  for (const std::string& key : change.remove) {
    if (IsSystemName(key)) {
      return Status::InvalidArgument(fmt::format("the metadata key '{}' is reserved", key));
    }
    if (change.set.contains(key)) {
      return Status::InvalidArgument(
          fmt::format("the metadata key '{}' is both set and removed", key));
    }
  }
  return {};
}

void Compose(MetadataChange& first, const MetadataChange& second) {
  if (second.replace_all) {
    first = second;
    return;
  }
  for (const auto& [key, value] : second.set) {
    first.set.insert_or_assign(key, value);
    std::erase(first.remove, key);
  }
  for (const std::string& key : second.remove) {
    first.set.erase(key);
    // What replaces everything has nothing left to remove.
    if (!first.replace_all) first.remove.push_back(key);
  }
}

Status Revision::AddUpdate(std::string id, const MetadataChange& change,
                           const std::optional<Location>& seen) {
  Entry entry{std::move(id), &change, seen, false};
  if (seen) {
    VIPER_ASSIGN_OR_RETURN(Row row, ReadRow(*view_, *seen));
    VIPER_ASSIGN_OR_RETURN(row, Revise(entry, *view_->schema, std::move(row)));
    bytes_ += EncodedRowBytes(row, view_->schema->dim);
    Append(entry, std::move(row), batch_);
  }
  entries_.push_back(std::move(entry));
  return {};
}

Status Revision::AddUpdate(const Location& seen, const MetadataChange& change) {
  VIPER_ASSIGN_OR_RETURN(std::string id, view_->IdOf(seen));
  return AddUpdate(std::move(id), change, seen);
}

Status Revision::AddDelete(const Location& seen) {
  VIPER_ASSIGN_OR_RETURN(std::string id, view_->IdOf(seen));
  Entry entry{std::move(id), nullptr, seen, false};
  bytes_ += entry.id.size() + sizeof(uint32_t);
  Append(entry, std::nullopt, batch_);
  entries_.push_back(std::move(entry));
  return {};
}

Result<Row> Revision::Revise(const Entry& entry, const CollectionSchema& schema, Row row) const {
  const MetadataChange& change = *entry.change;
  if (change.replace_all) row.metadata.clear();
  for (const std::string& key : change.remove) row.metadata.erase(key);
  const auto at_id = [&](const Status& status) {
    return status.WithContext(fmt::format("id '{}'", entry.id));
  };
  for (const auto& [key, value] : change.set) {
    // Checked already, but perhaps before the field was declared.
    const Field* field = schema.FindField(key);
    auto converted = field == nullptr ? value : columnar::ConvertToField(*field, value);
    if (!converted.ok()) return at_id(converted.status());
    row.metadata.insert_or_assign(key, std::move(*converted));
  }
  // What is parked may stay so.
  auto bytes = NormalizeMetadata(row.metadata, schema, Misfits::kPark);
  if (!bytes.ok()) return at_id(bytes.status());
  row.metadata_bytes = *bytes;
  row.ingested_at = stamp_;
  return row;
}

void Revision::Append(Entry& entry, std::optional<Row> row, WriteBatch& batch) const {
  entry.is_in_batch = true;
  if (batch.kind == WriteKind::kDelete) {
    batch.deleted_ids.push_back(entry.id);
  } else {
    batch.rows.push_back(std::move(*row));
  }
}

bool Revision::IsWhereSeen(const Entry& entry, const CurrentRows::Place& place,
                           const ReadView& current) const {
  if (!place.exists() || !entry.seen) return !place.exists() && !entry.seen;
  if (place.in_group != nullptr || place.in_view->row != entry.seen->row) return false;
  const size_t seen = entry.seen->source;
  const size_t now = place.in_view->source;
  if (view_->is_part(seen) != current.is_part(now)) return false;
  // The view keeps both alive: nothing else can have come to lie at their addresses.
  if (view_->is_part(seen)) return view_->parts[seen].part == current.parts[now].part;
  return view_->memtable_of(seen).memtable == current.memtable_of(now).memtable;
}

Result<bool> Revision::BringUpToDate(const CurrentRows& rows) {
  std::vector<CurrentRows::Place> places(entries_.size());
  const bool same_schema = view_->schema == rows.view()->schema;
  bool is_same = same_schema;
  for (size_t i = 0; i < entries_.size(); ++i) {
    VIPER_ASSIGN_OR_RETURN(places[i], rows.Find(entries_[i].id));
    is_same &= IsWhereSeen(entries_[i], places[i], *rows.view());
  }
  if (is_same) return false;
  WriteBatch made;
  made.kind = batch_.kind;
  size_t next = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    std::optional<Row> row;
    if (entry.is_in_batch && entry.change != nullptr) row = std::move(batch_.rows[next++]);
    if (same_schema && IsWhereSeen(entry, places[i], *rows.view())) {
      if (entry.is_in_batch) Append(entry, std::move(row), made);
      continue;
    }
    entry.is_in_batch = false;
    if (!places[i].exists()) continue;
    VIPER_ASSIGN_OR_RETURN(row, rows.Read(places[i]));
    if (predicate_ != nullptr) {
      VIPER_ASSIGN_OR_RETURN(const bool matches, MatchRow(*row, *predicate_));
      if (!matches) continue;
    }
    if (entry.change != nullptr) {
      VIPER_ASSIGN_OR_RETURN(row, Revise(entry, *rows.view()->schema, std::move(*row)));
    }
    Append(entry, std::move(row), made);
  }
  batch_ = std::move(made);
  for (size_t i = 0; i < entries_.size(); ++i) entries_[i].seen = places[i].in_view;
  view_ = rows.view();
  return true;
}

}  // namespace viper::core
