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

/// Which rows of a source take part.
struct SourceSelection {
  /// Null = all.
  std::shared_ptr<const Bitmap> rows;
  /// When the next of them expires; kNeverExpires = none does.
  int64_t next_expiry = kNeverExpires;
};

/// Those of the rows `matches` (null = all) that are neither dead nor expired at `now`.
Result<SourceSelection> KeepLiveRows(const ReadView& view, size_t source,
                                     std::shared_ptr<const Bitmap> matches, int64_t now);

}  // namespace viper::core
