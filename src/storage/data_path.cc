#include "storage/data_path.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace viper::storage {
namespace {

bool IsPlain(char c) {
  const bool is_alphanumeric =
      (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return is_alphanumeric ||
         std::string_view("-._~!$&'()*+,;=:@/").find(c) != std::string_view::npos;
}

std::optional<unsigned> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

Status CheckRelative(std::string_view path) {
  // A scheme comes before any slash.
  const size_t colon = path.find(':');
  const bool has_scheme = colon != std::string_view::npos && path.find('/') == colon + 1;
  if (path.starts_with('/') || has_scheme) {
    return Status::Unsupported(
        fmt::format("data file outside the table (shallow clone): path={}", path));
  }
  if (path.empty() || path.find('\0') != std::string_view::npos) {
    return Status::Corruption(fmt::format("bad path of a data file: path={}", path));
  }
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (path.substr(begin, end - begin) == "..") {
      return Status::Corruption(fmt::format("path climbs out of the table: path={}", path));
    }
    begin = end + 1;
  }
  return Status::Ok();
}

}  // namespace

std::string EncodeDataPath(std::string_view path) {
  std::string encoded;
  encoded.reserve(path.size());
  for (const char c : path) {
    if (IsPlain(c)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

Result<std::string> DecodeDataPath(std::string_view encoded) {
  std::string path;
  path.reserve(encoded.size());
  for (size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] != '%') {
      path += encoded[i];
      continue;
    }
    const auto high = i + 2 < encoded.size() ? HexDigit(encoded[i + 1]) : std::nullopt;
    const auto low = high ? HexDigit(encoded[i + 2]) : std::nullopt;
    if (!low) {
      return Status::Corruption(fmt::format("bad percent-encoding of a path: path={}", encoded));
    }
    path += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  if (const Status status = CheckRelative(path); !status.ok()) return status;
  return path;
}

}  // namespace viper::storage
