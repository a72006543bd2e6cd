#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viper/result.h"

namespace viper::columnar {

/// A compiled LIKE pattern: '%' matches any run of characters, '_' exactly one (a code point of
/// UTF-8), a backslash takes the next character as it is. Immutable, thread-safe.
class LikePattern {
 public:
  /// InvalidArgument when the pattern ends with a lone backslash.
  static Result<LikePattern> Compile(std::string_view pattern);

  /// Whether the whole of `text` matches. O(text) for patterns without '_', else at worst
  /// O(text x pattern).
  bool Matches(std::string_view text) const;

  /// What every match begins with; empty if the pattern does not say.
  std::string_view literal_prefix() const { return prefix_; }

 private:
  /// What stands between two '%': bytes, some of which stand for any one character.
  struct Segment {
    std::string bytes;
    /// One per byte; empty when there is no '_'.
    std::vector<bool> is_wildcard;
  };
  static std::optional<size_t> MatchAt(const Segment& segment, std::string_view text, size_t begin);
  static std::optional<size_t> FindEnd(const Segment& segment, std::string_view text, size_t begin);
  static bool EndsWith(const Segment& segment, std::string_view text, size_t begin);

  /// One more than there are '%'; never empty. The first is bound to the begin of the text, the
  /// last to its end.
  std::vector<Segment> segments_;
  std::string prefix_;
};

}  // namespace viper::columnar
