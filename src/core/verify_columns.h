#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/bitmap.h"
#include "core/verify_part.h"
#include "parquet/part_file.h"
#include "parquet/part_layout.h"

namespace viper::core {

/// A part that is open for verification.
struct OpenedPart {
  std::string path;
  std::span<const std::byte> bytes;
  const parquet::PartReader* reader = nullptr;
  const parquet::PartLayout* layout = nullptr;
  /// Another writer made it.
  bool is_foreign = false;
  /// Rows that the table says are dead; empty = none.
  Bitmap dead = {};
};

/// "rows 3 to 700: ids a, b, c, d, e and 693 more"; without ids where they cannot be read.
std::string NamedRowsText(const parquet::PartReader& reader, uint64_t first, uint64_t count);

/// Decode every page of every scalar column of a part, whose checksums are compared on the way, and
/// check what they hold: ids, payloads, bloom filters, and the statistics of the file and of the
/// table log. `ids` may be null, as for VerifyPart. Fails only if the verification was stopped.
Status VerifyColumns(const PartSubject& subject, const OpenedPart& part, IdAudit* ids,
                     Verification& verification);

}  // namespace viper::core
