#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "viper/export.h"
#include "viper/result.h"
#include "viper/value.h"

namespace viper {

/// One node of a filter tree. Immutable.
struct FilterNode;

/// A condition on records, as a tree built by `Field(...)` or parsed from text. A value type:
/// copying shares the immutable tree. A default-made filter matches everything.
///
/// Semantics are those of SQL: a comparison with an absent or null field is neither true nor false,
/// NOT keeps it so, and only rows for which the whole is true match. Comparing values of different
/// kinds (after widening integers to floats) is an error for declared fields and never true for
/// others.
class VIPER_EXPORT Filter {
 public:
  /// Match every record.
  Filter() = default;
  explicit Filter(std::shared_ptr<const FilterNode> root) : root_(std::move(root)) {}

  /// Parse text such as
  ///   category = 'text' AND year >= 2000 AND tags CONTAINS 'x' AND NOT (price < 5 OR note IS NULL)
  ///
  /// Keywords in any case; AND binds closer than OR, NOT closest. Operators: = == != <> < <= > >=,
  /// [NOT] IN (a, b), [NOT] BETWEEN a AND b, [NOT] LIKE 'pre%' (% any run, _ one character),
  /// [NOT] CONTAINS (an element of a list, a part of a string), IS [NOT] NULL; TRUE and FALSE
  /// alone. Strings in single quotes ('' is one quote), numbers, TRUE, FALSE, TIMESTAMP
  /// '2026-11-22'. Fields: bare words, dotted paths into nested metadata (author.name), or any key
  /// in double quotes or backticks. `_id`, `_timestamp`, `_ingested_at` and `_expires_at` are
  /// fields too. Empty text matches everything. At most 64 KiB, 10,000 conditions, 10,000 values of
  /// one IN and 64 parentheses inside each other. Errors are InvalidArgument with position
  /// (1-based, in bytes), what was found and what was expected. Whether fields exist and types fit
  /// shows when the filter is used.
  static Result<Filter> Parse(std::string_view text);

  bool matches_all() const { return root_ == nullptr; }
  const std::shared_ptr<const FilterNode>& root() const { return root_; }
  /// Print in the text form; parsing it gives an equal filter.
  std::string ToString() const;

  friend VIPER_EXPORT Filter operator&&(const Filter& left, const Filter& right);
  friend VIPER_EXPORT Filter operator||(const Filter& left, const Filter& right);
  friend VIPER_EXPORT Filter operator!(const Filter& operand);

 private:
  std::shared_ptr<const FilterNode> root_;
};

/// A field of a filter under construction: `Field("year") >= 2000 && Field("tags").Contains("x")`.
/// In namespace `where`, as `Field` alone is a declared field of a schema.
namespace where {
class VIPER_EXPORT Field {
 public:
  /// Name a field. Dots separate the steps of a path into nested metadata; a key that holds a dot
  /// is given as a path of one step with `Path`.
  explicit Field(std::string_view name);
  /// Name a field by the steps of its path.
  static Field Path(std::vector<std::string> steps);

  Filter In(std::vector<Value> values) const;
  Filter Between(Value low, Value high) const;
  Filter Like(std::string pattern) const;
  Filter Contains(Value element) const;
  Filter IsNull() const;

  friend VIPER_EXPORT Filter operator==(const Field& field, Value value);
  friend VIPER_EXPORT Filter operator!=(const Field& field, Value value);
  friend VIPER_EXPORT Filter operator<(const Field& field, Value value);
  friend VIPER_EXPORT Filter operator<=(const Field& field, Value value);
  friend VIPER_EXPORT Filter operator>(const Field& field, Value value);
  friend VIPER_EXPORT Filter operator>=(const Field& field, Value value);

 private:
  std::vector<std::string> steps_;
};
}  // namespace where

}  // namespace viper
