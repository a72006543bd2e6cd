#pragma once

#include "core/verification.h"
#include "storage/table_log.h"
#include "viper/schema.h"

namespace viper::core {

/// Check the files of the index: models by decoding them, segments by their footers, the checksum
/// of every cluster and the numbers of their rows, and against the table. Files that another model,
/// or other parts than the table's, belong to are leftovers. `table` is null if its newest state is
/// not known, and then nothing is compared with it. Fails only if the verification was stopped.
Status VerifyIndex(const storage::TableState* table, const CollectionSchema& schema,
                   Verification& verification);

}  // namespace viper::core
