#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/verification.h"
#include "viper/schema.h"

namespace viper::core {

/// How the table stands to its log.
struct WalSubject {
  /// The newest record that the table holds; absent if the table cannot be read, and then segments
  /// are read but nobody can tell what is missing.
  std::optional<uint64_t> flushed;
  /// The log file of the table that says so; empty if none does.
  std::string origin;
  /// A writer may be at work: what seems missing may have been moved to the table meanwhile.
  bool writer_may_run = true;
  /// Null if it is not known: then records are not decoded.
  const CollectionSchema* schema = nullptr;
};

/// Check the write-ahead log: the header of every segment, and every record that the table does not
/// hold yet, by its checksum and by decoding it. A torn tail is a note. Conflict, with nothing
/// reported, if a writer moved on meanwhile: call again with the newest state of the table. Else
/// fails only if the verification was stopped, or the directory cannot be read.
Status VerifyWal(const WalSubject& subject, Verification& verification);

}  // namespace viper::core
