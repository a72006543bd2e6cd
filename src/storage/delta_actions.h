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
};

/// Unknown actions and fields are ignored. Corruption naming `path` and the line; Unsupported for
/// what a plain list of files cannot say.
Result<CommitFile> DecodeCommit(std::string_view text, const std::string& path);

}  // namespace viper::storage
