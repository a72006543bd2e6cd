#include "core/read_view.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/status_macros.h"
#include "storage/part_sidecar.h"

namespace viper::core {

uint64_t ReadView::source_rows(size_t source) const {
  return is_part(source) ? parts[source].part->row_count() : memtable_of(source).row_count;
}

Result<std::optional<Location>> ReadView::Find(std::string_view id, int64_t now) const {
  const uint64_t hash = storage::HashId(id);
  std::optional<Location> found;
  for (size_t i = memtables.size(); i-- > 0 && !found;) {
    const MemtableView& view = memtables[i];
    auto row = view.memtable->FindNewest(id, hash, view.row_count);
    if (!row) continue;
    // Its newest row is dead: it was deleted, or written again in a newer place looked at already.
    if (view.IsDead(*row)) return std::optional<Location>();
    found = Location{parts.size() + i, *row};
  }
  for (size_t i = parts.size(); i-- > 0 && !found;) {
    VIPER_ASSIGN_OR_RETURN(auto row, parts[i].part->FindId(id, hash, parts[i].dead.get()));
    if (row) found = Location{i, *row};
  }
  if (!found) return found;
  VIPER_ASSIGN_OR_RETURN(int64_t expires_at, ExpiryOf(*found));
  if (expires_at <= now) return std::optional<Location>();
  return found;
}

Result<int64_t> ReadView::ExpiryOf(const Location& location) const {
  if (!is_part(location.source)) {
    return memtable_of(location.source).row(static_cast<uint32_t>(location.row)).expires_at;
  }
  const Part& part = *parts[location.source].part;
  if (part.first_expiry() == kNeverExpires) return kNeverExpires;
  VIPER_ASSIGN_OR_RETURN(Part::PagePlace place,
                         part.PageOfRow(columnar::kExpiresAtColumn, location.row));
  if (!place.column->IsPresent(place.index)) return kNeverExpires;
  return place.column->int64s()[place.index];
}

Result<std::string> ReadView::IdOf(const Location& location) const {
  if (is_part(location.source)) return parts[location.source].part->IdOf(location.row);
  return memtable_of(location.source).row(static_cast<uint32_t>(location.row)).id;
}

Result<std::vector<std::string>> ReadView::IdsOf(std::span<const Location> locations) const {
  std::vector<Part::PagePlace> places(locations.size());
  for (size_t i = 0; i < locations.size(); ++i) {
    const Location& location = locations[i];
    if (!is_part(location.source)) continue;
    VIPER_ASSIGN_OR_RETURN(places[i], parts[location.source].part->PlaceOfId(location.row));
    places[i].column->strings().PrefetchPlace(places[i].index);
  }
  for (const Part::PagePlace& place : places) {
    if (place.column != nullptr) place.column->strings().PrefetchBytes(place.index);
  }
  std::vector<std::string> ids(locations.size());
  for (size_t i = 0; i < locations.size(); ++i) {
    if (places[i].column != nullptr) {
      ids[i] = places[i].column->strings()[places[i].index];
    } else {
      VIPER_ASSIGN_OR_RETURN(ids[i], IdOf(locations[i]));
    }
  }
  return ids;
}

Result<HeldFloats> ReadView::FloatsOf(const Location& location) const {
  if (is_part(location.source)) return parts[location.source].part->Floats(location.row);
  return HeldFloats(memtable_of(location.source).row(static_cast<uint32_t>(location.row)).vector);
}

Result<columnar::Predicate> BindFilter(const ReadView& view, const Filter& filter) {
  uint64_t rows = 0;
  for (size_t i = 0; i < view.source_count(); ++i) rows += view.source_rows(i);
  columnar::Predicate::Names names;
  names.schema = view.schema.get();
  // A filter on a collection without rows cannot be told from a misspelt one: it matches nothing.
  names.is_known_key = [&view, rows](std::string_view key) {
    if (rows == 0) return true;
    for (const PartView& part : view.parts) {
      if (part.part->MayHaveKey(key)) return true;
    }
    return std::any_of(view.memtables.begin(), view.memtables.end(),
                       [key](const MemtableView& m) { return m.memtable->MayHaveKey(key); });
  };
  for (const PartView& part : view.parts) {
    if (!part.part->payload_keys()) continue;
    names.known_names.insert(names.known_names.end(), part.part->payload_keys()->begin(),
                             part.part->payload_keys()->end());
  }
  for (const MemtableView& memtable : view.memtables) {
    if (auto keys = memtable.memtable->KnownKeys()) {
      names.known_names.insert(names.known_names.end(), keys->begin(), keys->end());
    }
  }
  return columnar::Predicate::Bind(filter, names);
}

}  // namespace viper::core
