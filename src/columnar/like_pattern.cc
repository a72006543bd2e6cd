#include "columnar/like_pattern.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "viper/result.h"
#include "viper/status.h"

namespace viper::columnar {
namespace {

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// The place after the character at `begin`. A character has at most four bytes; more continuation
/// bytes are not UTF-8 and count as further characters.
size_t NextCharacter(std::string_view text, size_t begin) {
  const size_t limit = std::min(text.size(), begin + 4);
  size_t end = begin + 1;
  while (end < limit && IsContinuation(text[end])) ++end;
  return end;
}

}  // namespace

Result<LikePattern> LikePattern::Compile(std::string_view pattern) {
  LikePattern compiled;
  Segment segment;
  bool has_wildcard = false;
  const auto finish_segment = [&] {
    if (!has_wildcard) segment.is_wildcard.clear();
    compiled.segments_.push_back(std::exchange(segment, {}));
    has_wildcard = false;
  };
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '%') {
      finish_segment();
      continue;
    }
    const bool is_wildcard = pattern[i] == '_';
    if (pattern[i] == '\\' && ++i == pattern.size()) {
      return Status::InvalidArgument("the pattern ends with a lone backslash");
    }
    segment.bytes += pattern[i];
    segment.is_wildcard.push_back(is_wildcard);
    has_wildcard = has_wildcard || is_wildcard;
  }
  finish_segment();
  const Segment& first = compiled.segments_.front();
  const auto wildcard = std::find(first.is_wildcard.begin(), first.is_wildcard.end(), true);
  compiled.prefix_ = first.bytes.substr(
      0, first.is_wildcard.empty() ? first.bytes.size()
                                   : static_cast<size_t>(wildcard - first.is_wildcard.begin()));
  return compiled;
}

bool LikePattern::Matches(std::string_view text) const {
  const std::optional<size_t> begin = MatchAt(segments_.front(), text, 0);
  if (!begin) return false;
  if (segments_.size() == 1) return *begin == text.size();
  // The leftmost place of a segment leaves the most text to the rest, so none is ever taken back.
  size_t next = *begin;
  for (size_t i = 1; i + 1 < segments_.size(); ++i) {
    const std::optional<size_t> end = FindEnd(segments_[i], text, next);
    if (!end) return false;
    next = *end;
  }
  return EndsWith(segments_.back(), text, next);
}

/// Where a match that begins at `begin` ends.
std::optional<size_t> LikePattern::MatchAt(const Segment& segment, std::string_view text,
                                           size_t begin) {
  if (segment.is_wildcard.empty()) {
    if (!text.substr(begin).starts_with(segment.bytes)) return std::nullopt;
    return begin + segment.bytes.size();
  }
  size_t at = begin;
  for (size_t i = 0; i < segment.bytes.size(); ++i) {
    if (at == text.size()) return std::nullopt;
    if (segment.is_wildcard[i]) {
      at = NextCharacter(text, at);
    } else if (text[at++] != segment.bytes[i]) {
      return std::nullopt;
    }
  }
  return at;
}

/// Where the leftmost match at or after `begin` ends.
std::optional<size_t> LikePattern::FindEnd(const Segment& segment, std::string_view text,
                                           size_t begin) {
  if (segment.is_wildcard.empty()) {
    const size_t found = text.find(segment.bytes, begin);
    if (found == std::string_view::npos) return std::nullopt;
    return found + segment.bytes.size();
  }
  for (size_t at = begin; at < text.size(); at = NextCharacter(text, at)) {
    if (const auto end = MatchAt(segment, text, at)) return end;
  }
  return std::nullopt;
}

/// Whether a match that begins at or after `begin` ends the text.
bool LikePattern::EndsWith(const Segment& segment, std::string_view text, size_t begin) {
  if (segment.is_wildcard.empty()) return text.substr(begin).ends_with(segment.bytes);
  for (size_t at = begin; at < text.size(); at = NextCharacter(text, at)) {
    if (MatchAt(segment, text, at) == text.size()) return true;
  }
  return false;
}

}  // namespace viper::columnar
