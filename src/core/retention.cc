#include "core/retention.h"

#include <algorithm>
#include <string>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "storage/table_retention.h"

namespace viper::core {
namespace {

/// Of a table that does not say it.
Result<int64_t> ExpiredByOptions(const CollectionContext& context, const storage::TableState& table,
                                 storage::TableLog& log, int64_t retention_ms) {
  const int64_t by_age = context.NowMillis() - retention_ms;
  const int64_t oldest_kept = table.version - int64_t{context.options.retained_versions} + 1;
  if (oldest_kept <= 0) return by_age;
  const auto committed_at = log.CommitTime(oldest_kept);
  // Where it is gone already, so are the versions before it.
  if (committed_at.status().code() == StatusCode::kNotFound) return by_age;
  VIPER_RETURN_IF_ERROR(committed_at.status());
  // What its commit removed it does not need; what the next one removed at that very moment it
  // does.
  return std::max(by_age, *committed_at - 1);
}

}  // namespace

Result<int64_t> ExpiredBefore(const CollectionContext& context, const storage::TableState& table,
                              storage::TableLog& log, const VacuumOptions& options) {
  const auto kept_ms = storage::ReadRetention(table.metadata).files_ms;
  if (!kept_ms) {
    const bool says_it = options.retention_ms >= 0;
    return ExpiredByOptions(context, table, log,
                            says_it ? options.retention_ms : context.options.retention_ms);
  }
  if (options.retention_ms >= 0 && options.retention_ms < *kept_ms) {
    return Status::FailedPrecondition(
        fmt::format("a vacuum may not keep less than the collection says; change its property "
                    "retention_ms first: property={} ms asked={} ms",
                    *kept_ms, options.retention_ms));
  }
  return context.NowMillis() - std::max(*kept_ms, options.retention_ms);
}

void LogUnreadableRetention(const CollectionContext& context,
                            const storage::TableMetadata& metadata) {
  for (const std::string& property : storage::ReadRetention(metadata).unreadable) {
    context.Log(
        fmt::format("collection '{}': a table property is no interval, so that nothing is "
                    "removed by it: {}",
                    context.name, property));
  }
}

}  // namespace viper::core
