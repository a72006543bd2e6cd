// Arbitrary text as a commit of the table log. Nothing may crash; what is read and written again is
// the same.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "base/limits.h"
#include "storage/delta_actions.h"
#include "storage/file_names.h"
#include "storage/table_log.h"
#include "storage/table_retention.h"
#include "testing/memory_file_system.h"

namespace {

using viper::storage::CommitFile;

void Require(bool condition, const char* promise) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

void CheckRoundTrip(CommitFile file) {
  // Feature lists of old protocols are not written again.
  if (auto& protocol = file.commit.protocol) {
    if (protocol->min_reader_version < 3) protocol->reader_features.clear();
    if (protocol->min_writer_version < 7) protocol->writer_features.clear();
  }
  const std::string text = viper::storage::EncodeCommit(file.commit, file.stamp);
  const auto again = viper::storage::DecodeCommit(text, "again");
  Require(again.ok(), "what we write can be read");
  Require(again->commit == file.commit, "the actions come back");
  Require(again->stamp.transaction_id == file.stamp.transaction_id, "the stamp comes back");
}

void CheckInterval(std::string_view text) {
  const auto parsed = viper::storage::ParseInterval(text);
  const int64_t milliseconds = parsed.value_or(0);
  Require(milliseconds >= 0 && milliseconds <= viper::kRetentionMsMax, "intervals are in range");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = viper::AsText(std::as_bytes(std::span(data, size)));
  auto file = viper::storage::DecodeCommit(text, "commit");
  if (file.ok()) CheckRoundTrip(*file);
  CheckInterval(text);

  viper::MemoryFileSystem file_system;
  Require(file_system.CreateDirectories(viper::storage::LogDirectory("/t")).ok(), "directory");
  auto commit = file_system.CreateFile(viper::storage::CommitPath("/t", 0));
  Require(commit.ok() && (*commit)->Append(viper::AsBytes(text)).ok(), "file");
  const auto log = viper::storage::TableLog::Make(file_system, "/t", {});
  const auto state = log->Load();
  Require(!state.ok() || file.ok(), "a table is loaded from commits that can be read");
  Require(log->ReadAfter(-1).ok() || !state.ok(), "what can be loaded can be followed");
  return 0;
}
