/// Bulk load: rows gather in a memtable of their own and are committed to the table directly,
/// without the log. Each commit also records how many rows of the input it covers, as a transaction
/// of the table, so that an interrupted load goes on exactly where its last durable commit was.

#include <string>
#include <utility>

#include <fmt/core.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "core/collection_impl.h"
#include "storage/table_log.h"

namespace viper {
namespace {

/// Rows on their way into the next commit, and the bookkeeping of a load.
class Loader {
 public:
  Loader(const core::CollectionContext& context, const core::CollectionState& state,
         core::Flusher& flusher, const LoadOptions& options)
      : context_(context), state_(state), flusher_(flusher), options_(options) {
    if (!options.resume_key.empty()) {
      application_ =
          fmt::format("{}{:016x}", storage::kLoadApplicationPrefix, Hash64(options.resume_key));
    }
    StartChunk();
  }

  Result<LoadSummary> Run(RecordSource& source) {
    VIPER_RETURN_IF_ERROR(Resume(source));
    while (!summary_.stopped) {
      VIPER_ASSIGN_OR_RETURN(RecordBatch batch, source.Next());
      if (batch.row_count() == 0) break;
      VIPER_RETURN_IF_ERROR(Add(batch));
      const bool is_large = chunk_->memory_bytes() >= options_.commit_bytes;
      if (is_large || MemoryIsShort()) VIPER_RETURN_IF_ERROR(Commit(position_));
      Report();
    }
    // A finished load starts from the beginning when it is run again.
    if (!summary_.stopped) VIPER_RETURN_IF_ERROR(Commit(0));
    return summary_;
  }

 private:
  Status Resume(RecordSource& source) {
    if (application_.empty()) return {};
    recorded_ = flusher_.TransactionVersion(application_);
    if (recorded_ == 0) return {};
    VIPER_RETURN_IF_ERROR(source.Skip(static_cast<uint64_t>(recorded_)));
    position_ = recorded_;
    summary_.rows_resumed = static_cast<uint64_t>(recorded_);
    return {};
  }

  Status Add(RecordBatch& batch) {
    const auto schema = state_.schema();
    VIPER_RETURN_IF_ERROR(core::CheckShape(batch, *schema));
    const size_t rows = batch.row_count();
    auto prepared = core::PrepareUpsert(batch, 0, rows, *schema, context_.RulesOfWrite());
    if (!prepared.ok()) {
      return prepared.status().WithContext(
          fmt::format("load: after {} rows of the input", position_));
    }
    summary_.duplicates += prepared->duplicates;
    for (core::Row& row : prepared->rows) {
      if (chunk_->IsRepeated(chunk_->Append(std::move(row)))) ++repeated_;
    }
    position_ += static_cast<int64_t>(rows);
    summary_.rows_read += rows;
    return {};
  }

  Status Commit(int64_t position) {
    if (chunk_->row_count() == 0 && position == recorded_) return {};
    std::map<std::string, int64_t> transactions;
    if (!application_.empty() && position != recorded_) transactions[application_] = position;
    if (chunk_->row_count() > 0 || !transactions.empty()) {
      VIPER_RETURN_IF_ERROR(flusher_.CommitLoaded(chunk_, transactions));
    }
    summary_.rows_committed += chunk_->row_count() - repeated_;
    summary_.duplicates += repeated_;
    recorded_ = application_.empty() ? 0 : position;
    StartChunk();
    return {};
  }

  /// What is committed leaves memory: a load waits for nobody.
  bool MemoryIsShort() const {
    return context_.memory->is_limited() &&
           context_.memory->room() < core::FileMemory(*context_.memory);
  }

  void StartChunk() {
    chunk_ = std::make_shared<core::Memtable>(context_.dim,
                                              MemoryCharge(context_.memory, MemoryUse::kRows));
    repeated_ = 0;
  }

  void Report() {
    if (options_.progress && !options_.progress(summary_.rows_resumed + summary_.rows_read,
                                                summary_.rows_resumed + summary_.rows_committed)) {
      summary_.stopped = true;
    }
  }

  const core::CollectionContext& context_;
  const core::CollectionState& state_;
  core::Flusher& flusher_;
  const LoadOptions& options_;
  std::string application_;
  std::shared_ptr<core::Memtable> chunk_;
  /// Rows of the chunk that a later one of the same id replaced.
  uint64_t repeated_ = 0;
  /// Rows of the input that were taken, and up to where the table says they are committed.
  int64_t position_ = 0;
  int64_t recorded_ = 0;
  LoadSummary summary_;
};

}  // namespace

Result<LoadSummary> Collection::Impl::Load(RecordSource& source, const LoadOptions& options) {
  VIPER_RETURN_IF_ERROR(CheckWritable());
  if (source.dim() != context_.dim) {
    return Status::InvalidArgument(
        fmt::format("load: the input's dimension is not the collection's: expected={} actual={}",
                    context_.dim, source.dim()));
  }
  if (options.commit_bytes < kLoadCommitBytesMin || options.commit_bytes > kLoadCommitBytesMax) {
    return Status::InvalidArgument(fmt::format("load: commit_bytes must be {} to {}: actual={}",
                                               kLoadCommitBytesMin, kLoadCommitBytesMax,
                                               options.commit_bytes));
  }
  auto loaded = Loader(context_, *state(), *writer_->flusher, options).Run(source);
  if (loaded.ok()) loaded_rows_.fetch_add(loaded->rows_committed);
  NotifyOfNewFiles();
  return loaded;
}

}  // namespace viper
