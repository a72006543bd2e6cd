#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/table_log.h"

namespace viper::storage {

/// The text of one commit file of the Delta log: an action in JSON per line (Delta protocol,
/// "Actions").

/// What sets a commit of ours apart from the same actions by somebody else.
struct CommitStamp {
  int64_t timestamp_ms = 0;
  std::string transaction_id;
};

std::string EncodeCommit(const TableCommit& commit, const CommitStamp& stamp);

/// A commit file that was read.
struct CommitFile {
  TableCommit commit;
  CommitStamp stamp;
  /// CRC-32C of all that follows the first line, as eight hexadecimal digits, as the commit says
  /// it; empty if it does not (another writer's).
  std::string actions_crc;
};

/// Unknown actions and fields are ignored. Corruption naming `path` and the line, also where the
/// actions are not those that the commit has the checksum of; Unsupported for
/// what a plain list of files cannot say.
Result<CommitFile> DecodeCommit(std::string_view text, const std::string& path);

}  // namespace viper::storage
