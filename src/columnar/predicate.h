#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bitmap.h"
#include "columnar/column.h"
#include "viper/filter.h"
#include "viper/schema.h"

namespace viper::columnar {

/// What a bound predicate needs to know of one field.
struct FieldReference {
  /// The column's name if typed (a declared field or `_id`, `_timestamp`, `_ingested_at`,
  /// `_expires_at`); else the path into the undeclared metadata.
  std::vector<std::string> path;
  /// Set for typed columns.
  std::optional<FieldType> type;
};

/// Values of one field for a run of rows: a typed column, or one Value per row (undeclared
/// metadata; Value() = absent or null).
using FieldRows = std::variant<std::shared_ptr<const Column>, std::vector<Value>>;

/// A run of rows under evaluation. Fetches a field's rows when asked, so that only needed columns
/// are read. Must return exactly row_count() rows.
class RowAccess {
 public:
  virtual ~RowAccess() = default;
  virtual size_t row_count() const = 0;
  virtual Result<FieldRows> Fetch(const FieldReference& field) const = 0;
};

/// Smallest and largest present value of a typed column over a run of rows, and how many are
/// absent.
struct ColumnBounds {
  /// Absent: unknown. Need not occur, but nothing lies outside (strings may be cut, and rounded
  /// up).
  std::optional<Value> min;
  std::optional<Value> max;
  uint64_t null_count = 0;
  /// 0: neither count is known.
  uint64_t row_count = 0;
};

struct BoundFilter;

/// A filter bound to a schema: names resolved, types checked, literals converted. Immutable,
/// thread-safe.
class Predicate {
 public:
  /// Bind. InvalidArgument with the position (when parsed from text), the field and the types, for:
  /// an undeclared field for which `is_known_key(first step)` is false (with the nearest known name
  /// as a hint, from `known_names`), a literal that cannot be compared with a declared field's
  /// type, an operator that the type does not have (CONTAINS on a number, LIKE on a list, < on
  /// bool), and a filter beyond the limits of base/limits.h.
  struct Names {
    /// Not owned, not null; needed only while binding.
    const CollectionSchema* schema = nullptr;
    /// Whether an undeclared top-level key may occur in some row; not set: every key may.
    std::function<bool(std::string_view)> is_known_key;
    /// For the hint.
    std::vector<std::string> known_names;
  };
  /// Match everything.
  Predicate() = default;
  static Result<Predicate> Bind(const Filter& filter, const Names& names);

  bool matches_all() const { return bound_ == nullptr; }
  /// Rows for which the filter is true (SQL three-valued logic).
  Result<Bitmap> Evaluate(const RowAccess& rows) const;
  /// False if no row within these bounds can match; `bounds` returns null for unknown columns.
  /// Only ever errs on the side of true.
  bool MayMatch(const std::function<const ColumnBounds*(std::string_view column)>& bounds) const;
  /// If the filter as a whole implies `_id` in a set: those ids, so that rows are looked up, not
  /// scanned: sorted, each once. Absent otherwise.
  std::optional<std::vector<std::string>> RequiredIds() const;

 private:
  explicit Predicate(std::shared_ptr<const BoundFilter> bound) : bound_(std::move(bound)) {}

  std::shared_ptr<const BoundFilter> bound_;
};

/// The names of the system columns, as filters and files spell them.
inline constexpr std::string_view kIdColumn = "_id";
inline constexpr std::string_view kTimestampColumn = "_timestamp";
inline constexpr std::string_view kIngestedAtColumn = "_ingested_at";
inline constexpr std::string_view kExpiresAtColumn = "_expires_at";
inline constexpr std::string_view kPayloadColumn = "_payload";
inline constexpr std::string_view kSparseColumn = "_sparse";
inline constexpr std::string_view kVectorColumn = "_vector";

}  // namespace viper::columnar
