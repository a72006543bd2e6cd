#include "columnar/nearest_name.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace viper::columnar {
namespace {

/// Longer keys are not compared: a hint is not worth quadratic work on outside data.
constexpr size_t kComparedBytesMax = 128;
constexpr size_t kComparedNamesMax = 10'000;

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

/// Optimal string alignment: Damerau-Levenshtein without edits inside a swapped pair.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, current);
  }
  return last[b.size()];
}

}  // namespace

std::optional<std::string> NearestName(std::string_view wanted,
                                       std::span<const std::string> names) {
  if (wanted.size() > kComparedBytesMax) return std::nullopt;
  const std::string lower = LowerCase(wanted);
  const size_t limit = std::max<size_t>(1, wanted.size() / 3);
  size_t best_distance = limit + 1;
  std::optional<std::string> best;
  for (const std::string& name : names.first(std::min(names.size(), kComparedNamesMax))) {
    if (name.size() > wanted.size() + limit || name.size() + limit < wanted.size()) continue;
    const size_t distance = EditDistance(lower, LowerCase(name));
    // Every name is within reach of a name of one letter.
    if (distance >= best_distance || distance >= std::max<size_t>(1, wanted.size())) continue;
    best_distance = distance;
    best = name;
  }
  return best;
}

}  // namespace viper::columnar
