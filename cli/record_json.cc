#include "record_json.h"

#include <bit>
#include <cstdint>
#include <iterator>

#include <fmt/format.h>

#include "viper/value.h"

namespace viper::cli {
namespace {

// The one float whose shortest digits, 7.038531e-26, lie so near the middle between two floats that
// reading them as a double first and rounding that to float gives its neighbour. Found by trying
// all floats.
constexpr uint32_t kMisreadFloat = 0x15ae43fd;

void AppendMember(std::string_view key, std::string_view json, std::string& out) {
  out += out.empty() ? '{' : ',';
  out += Value(key).ToJson();
  out += ':';
  out += json;
}

}  // namespace

void AppendFloat(float value, std::string& out) {
  if ((std::bit_cast<uint32_t>(value) & 0x7fffffff) == kMisreadFloat) {
    fmt::format_to(std::back_inserter(out), "{:.9g}", value);
  } else {
    const size_t start = out.size();
    fmt::format_to(std::back_inserter(out), "{}", value);
    // "-0" would be read as the integer zero, which has no sign.
    if (std::string_view(out).substr(start) == "-0") out += ".0";
  }
}

std::string VectorJson(std::span<const float> vector) {
  std::string out = "[";
  for (const float component : vector) {
    if (out.size() > 1) out += ',';
    AppendFloat(component, out);
  }
  return out + "]";
}

bool IsReservedKey(std::string_view key) { return key.starts_with('_') || key == "metadata"; }

std::string RecordJson(const Record& record) {
  std::string out;
  AppendMember("_id", Value(record.id).ToJson(), out);
  if (record.timestamp.has_value()) {
    AppendMember("_timestamp", Value(*record.timestamp).ToJson(), out);
  }
  if (record.expires_at.has_value()) {
    AppendMember("_expires_at", Value(*record.expires_at).ToJson(), out);
  }
  if (record.version != 0) {
    AppendMember("_ingested_at", Value(Timestamp{record.version}).ToJson(), out);
  }
  Metadata reserved;
  for (const auto& [key, value] : record.metadata) {
    if (IsReservedKey(key)) {
      reserved.emplace(key, value);
    } else {
      AppendMember(key, value.ToJson(), out);
    }
  }
  if (!reserved.empty()) AppendMember("_metadata", Value(std::move(reserved)).ToJson(), out);
  if (!record.vector.empty()) AppendMember("_vector", VectorJson(record.vector), out);
  return out + "}";
}

}  // namespace viper::cli
