#include "columnar/filter_message.h"

#include <fmt/core.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "viper/status.h"
#include "viper/value.h"

namespace viper::columnar {

std::string AtPosition(size_t position) {
  return position == 0 ? std::string() : fmt::format(" at position {}", position);
}

std::string Shortened(std::string_view text) {
  constexpr size_t kShownBytesMax = 64;
  if (text.size() <= kShownBytesMax) return std::string(text);
  size_t end = kShownBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

std::string PathName(const std::vector<std::string>& path) {
  std::string name;
  for (const std::string& step : path) {
    if (!name.empty()) name += '.';
    name += step;
  }
  return Shortened(name);
}

std::string Described(const Value& value) {
  const std::string_view kind = KindName(value.kind());
  if (value.is_null()) return "null";
  if (value.as_string() != nullptr) {
    return fmt::format("{} '{}'", kind, Shortened(*value.as_string()));
  }
  if (value.as_timestamp() != nullptr) {
    return fmt::format("{} '{}'", kind, value.as_timestamp()->ToString());
  }
  if (value.as_list() != nullptr || value.as_object() != nullptr) return std::string(kind);
  return fmt::format("{} {}", kind, value.ToJson());
}

Status FilterError(std::string_view message) {
  return Status::InvalidArgument(fmt::format("filter: {}", message));
}

}  // namespace viper::columnar
