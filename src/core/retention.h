#pragma once

#include <cstdint>

#include "core/collection_context.h"
#include "storage/table_log.h"
#include "viper/maintenance.h"
#include "viper/result.h"

namespace viper::core {

/// The time, in milliseconds, up to which versions that were replaced by then lose their files in
/// such a vacuum. A table that says how long it keeps files (storage::ReadRetention) keeps all that
/// are younger; else the engine's options say it, by age and by number of versions.
/// FailedPrecondition, naming both, if the vacuum would keep less than the table says. Errors of
/// reading `log`, the table's own.
Result<int64_t> ExpiredBefore(const CollectionContext& context, const storage::TableState& table,
                              storage::TableLog& log, const VacuumOptions& options);

/// Log the properties of a table that were to say how long it is kept and cannot be read.
void LogUnreadableRetention(const CollectionContext& context,
                            const storage::TableMetadata& metadata);

}  // namespace viper::core
