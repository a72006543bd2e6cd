#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bitmap.h"
#include "base/stop_signal.h"
#include "columnar/predicate.h"
#include "core/read_view.h"
#include "core/row.h"

namespace viper::core {

/// Which rows of a part match, dead and expired ones too. Row groups that the statistics exclude
/// are not read. `stop` is asked before each other.
Result<Bitmap> MatchPart(const Part& part, const columnar::Predicate& predicate,
                         const StopSignal& stop);

/// Which rows of a part match a predicate that requires one of `ids` (Predicate::RequiredIds):
/// those are looked up, by the newest row that is not set in `dead`.
Result<Bitmap> MatchPartByIds(const PartView& part, const columnar::Predicate& predicate,
                              std::span<const std::string> ids);

/// Which of the rows from `first` on match; bit 0 is that row.
Result<Bitmap> MatchMemtable(const MemtableView& memtable, uint32_t first,
                             const columnar::Predicate& predicate);

/// Whether one row matches, wherever it was read. A value that does not fit its declared field
/// counts as null.
Result<bool> MatchRow(const Row& row, const columnar::Predicate& predicate);

/// The rows of a source that have expired at some moment, dead ones too.
struct ExpiredRows {
  /// Null = none. May be shorter than the source: rows past its end have not.
  std::shared_ptr<const Bitmap> rows;
  /// So it was from `made_at` on, and is until the next row expires (kNeverExpires: none does).
  int64_t made_at = 0;
  int64_t next_expiry = kNeverExpires;

  bool HoldsAt(int64_t now) const { return made_at <= now && now < next_expiry; }
};

/// Reads the expiry of every row, unless none has expired at `now`.
Result<ExpiredRows> FindExpired(const ReadView& view, size_t source, int64_t now);

/// Some of the rows of a source or a segment. Null = all.
struct SelectedRows {
  std::shared_ptr<const Bitmap> rows;
  uint64_t count = 0;
};

/// Those of `matches` (null = all) of the rows of a source that are in neither of the others (null
/// = none).
SelectedRows KeepRows(std::shared_ptr<const Bitmap> matches, uint64_t row_count, const Bitmap* dead,
                      const Bitmap* expired);
/// The rows of a source that are neither dead nor expired at `now`.
Result<SelectedRows> LiveRows(const ReadView& view, size_t source, int64_t now);

}  // namespace viper::core
