#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bitmap.h"
#include "core/id_audit.h"
#include "core/verification.h"
#include "storage/table_log.h"
#include "viper/schema.h"

namespace viper::core {

/// A file of the table to verify.
struct PartSubject {
  const storage::AddedFile* added = nullptr;
  /// The log file that names it, and the one that has the table's schema.
  std::string origin;
  std::string schema_origin;
  /// Among the parts, for the audit of ids.
  uint32_t number = 0;
  /// Of the table, at the versions that have the file; null if that cannot be read: then only the
  /// bytes are checked that need none.
  const CollectionSchema* schema = nullptr;
  /// The table has the column `_sparse`.
  bool has_sparse_column = false;
};

/// Check one part and its sidecar, every byte that means something: the size and the footer's
/// checksum against the table log; each page of each column by its checksum and by decoding it;
/// ids, payloads and vectors for what they may hold; statistics, bloom filters and the sidecar
/// against the content. Its ids go to `ids`, which is null for a file that only older versions
/// have: that has no sidecar, and is not among the parts and rows of the report. Fails only if the
/// verification was stopped.
Status VerifyPart(const PartSubject& subject, IdAudit* ids, Verification& verification);

/// Read the deletion vector of a file with `row_count` rows, and tell what is wrong with it: then
/// nullopt. `origin` is the log file that names it.
std::optional<Bitmap> VerifyDeletionVector(const storage::AddedFile& added,
                                           const std::string& origin, uint64_t row_count,
                                           Verification& verification);

}  // namespace viper::core
