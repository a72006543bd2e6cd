#include "resume_key.h"

#include <filesystem>
#include <system_error>

#include "viper/value.h"

namespace viper::cli {
namespace {

// Errors leave their member as it is: opening the file reports them.
Value Identify(const std::string& path) {
  std::error_code ignored;
  const auto size = std::filesystem::file_size(path, ignored);
  const auto changed = std::filesystem::last_write_time(path, ignored);
  return Value(Value::List{std::filesystem::absolute(path, ignored).lexically_normal().string(),
                           static_cast<int64_t>(size),
                           static_cast<int64_t>(changed.time_since_epoch().count())});
}

}  // namespace

std::string ResumeKey(const std::string& path, const RecordSourceOptions& options) {
  Value::Object key;
  key["file"] = Identify(path);
  if (!options.metadata_path.empty()) key["metadata"] = Identify(options.metadata_path);
  key["format"] = static_cast<int64_t>(options.format);
  key["id_column"] = options.id_column;
  key["id_prefix"] = options.id_prefix;
  key["vector_column"] = options.vector_column;
  // Only where there is one, so that what an older version began goes on.
  if (options.first_row > 0) key["first_row"] = static_cast<int64_t>(options.first_row);
  key["limit"] = static_cast<int64_t>(options.limit);
  return Value(std::move(key)).ToJson();
}

}  // namespace viper::cli
