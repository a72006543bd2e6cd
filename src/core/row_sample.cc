#include "core/row_sample.h"

#include <algorithm>

#include "base/random.h"
#include "base/status_macros.h"
#include "core/row_reader.h"

namespace viper::core {
namespace {

bool IsDeadAt(const ReadView& view, const Location& location) {
  if (!view.is_part(location.source)) {
    return view.memtable_of(location.source).IsDead(static_cast<uint32_t>(location.row));
  }
  const auto& dead = view.parts[location.source].dead;
  return dead != nullptr && dead->Test(location.row);
}

/// The row with this number, in the order of the sources.
Location LocationOf(const ReadView& view, uint64_t number) {
  Location location;
  while (number >= view.source_rows(location.source)) number -= view.source_rows(location.source++);
  location.row = number;
  return location;
}

}  // namespace

Result<std::vector<Record>> SampleRows(const ReadView& view, int64_t now, uint64_t row_count,
                                       uint64_t seed, const Projection& projection) {
  uint64_t all_rows = 0;
  for (size_t source = 0; source < view.source_count(); ++source) {
    all_rows += view.source_rows(source);
  }
  const uint64_t wanted = std::min(row_count, all_rows);
  std::vector<Record> records;
  Random random(seed);
  // One of each of so many stretches of about equal length.
  for (uint64_t i = 0; i < wanted; ++i) {
    const uint64_t begin = all_rows / wanted * i + std::min(i, all_rows % wanted);
    const uint64_t length = all_rows / wanted + (i < all_rows % wanted ? 1 : 0);
    const Location location = LocationOf(view, begin + random.Uniform(length));
    if (IsDeadAt(view, location)) continue;
    VIPER_ASSIGN_OR_RETURN(const int64_t expiry, view.ExpiryOf(location));
    if (expiry <= now) continue;
    VIPER_ASSIGN_OR_RETURN(records.emplace_back(), ReadRecord(view, location, projection));
  }
  return records;
}

}  // namespace viper::core
