// When rows in memory, and the log, go to the table, and who waits for that.

#include <algorithm>
#include <chrono>
#include <string>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "core/coding_ahead.h"
#include "core/collection_impl.h"

namespace viper {
namespace {

using core::OperationKind;

/// Writers wait for a flush when this many times EngineOptions::flush_bytes are in memory.
constexpr size_t kMemoryFactorMax = 4;
/// Who waits for a flush looks so often whether something else has made room.
constexpr std::chrono::milliseconds kFlushWait(50);
/// The log is flushed away when it has this many times EngineOptions::flush_bytes, at least so many
/// bytes: deletes take room in it, and none in memory.
constexpr uint64_t kLogFactorMax = 4;
constexpr uint64_t kLogBytesMin = uint64_t{128} << 20;

}  // namespace

Status Collection::Impl::WaitForFlush(std::chrono::steady_clock::time_point deadline) {
  const uint64_t bytes_max = kMemoryFactorMax * context_.options.flush_bytes;
  const auto is_crowded = [&] { return state()->memory_bytes() >= bytes_max; };
  if (!is_crowded()) return {};
  if (writer_->flush_thread == nullptr) return Flush();
  MutexLock lock(status_mutex_);
  const uint64_t seen = flushes_ended_;
  while (is_crowded()) {
    // Tried for this writer, and in vain.
    if (flushes_ended_ > seen + 1 && !newest_flush_.ok()) return newest_flush_;
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) {
      return Status::DeadlineExceeded(fmt::format(
          "collection '{}': no room in memory for a write within {} ms: rows wait to be flushed: "
          "bytes={} max={}",
          context_.name, context_.options.write_timeout_ms, state()->memory_bytes(), bytes_max));
    }
    writer_->memory_is_wanted = true;
    writer_->flush_thread->Notify();
    flush_ended_.WaitUntil(status_mutex_, std::min(deadline, now + kFlushWait));
  }
  return {};
}

Result<MemoryCharge> Collection::Impl::TakeRoom(uint64_t bytes) {
  const std::chrono::milliseconds timeout(context_.options.write_timeout_ms);
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  VIPER_RETURN_IF_ERROR(WaitForFlush(deadline));
  MemoryBudget& memory = *context_.memory;
  if (!memory.is_limited()) return MemoryCharge();
  // What a flush needs to write files, so that there can be less, stays free.
  const uint64_t spare = core::FileMemory(memory);
  const auto charge = [&] { return MemoryCharge(context_.memory, MemoryUse::kRows, bytes); };
  if (memory.TakeIfRoom(MemoryUse::kRows, bytes, spare)) return charge();
  const uint64_t needed = bytes + spare;
  if (needed > memory.limit()) {
    return Status::ResourceExhausted(fmt::format(
        "collection '{}': a write is larger than memory_limit allows; split it: needed={} "
        "memory_limit={}",
        context_.name, needed, memory.limit()));
  }
  if (writer_->flush_thread == nullptr) VIPER_RETURN_IF_ERROR(Flush());
  if (memory.TakeBefore(deadline, MemoryUse::kRows, bytes, spare)) return charge();
  return Status::DeadlineExceeded(fmt::format(
      "collection '{}': no room in memory for a write within {} ms: needed={} memory_limit={} "
      "rows={} caches={} index_builds={} files={}",
      context_.name, timeout.count(), needed, memory.limit(), memory.used(MemoryUse::kRows),
      memory.used(MemoryUse::kCaches), memory.used(MemoryUse::kIndexBuilds),
      memory.used(MemoryUse::kFiles)));
}

void Collection::Impl::NoteUnflushed() {
  MutexLock lock(status_mutex_);
  if (!oldest_unflushed_) oldest_unflushed_ = std::chrono::steady_clock::now();
}

bool Collection::Impl::LogIsLong() const {
  const uint64_t bytes_max =
      std::max<uint64_t>(kLogFactorMax * context_.options.flush_bytes, kLogBytesMin);
  return writer_->wal->counters().bytes_on_disk >= bytes_max;
}

void Collection::Impl::FlushInBackground() {
  const bool is_large = state()->active_memory_bytes() >= context_.options.flush_bytes;
  const bool is_long = LogIsLong();
  bool is_old = false;
  {
    MutexLock lock(status_mutex_);
    is_old = context_.options.flush_age_ms > 0 && oldest_unflushed_ &&
             std::chrono::steady_clock::now() - *oldest_unflushed_ >=
                 std::chrono::milliseconds(context_.options.flush_age_ms);
  }
  const bool is_wanted = writer_->memory_is_wanted.exchange(false);
  if (!is_large && !is_long && !is_old && !is_wanted) return;
  core::CodingAhead ahead(context_, *writer_->index_builder);
  const Status flushed = Measured(OperationKind::kBackgroundFlush, [&] {
    return FlushPreparing([&](const auto& plan, const auto& written) {
      // Who waits for memory does not wait for the index as well.
      if (is_wanted) return;
      ahead.Code([this] { return state()->View(); }, plan, written,
                 [this] { return !writer_->stopping.load(); });
    });
  });
  MutexLock lock(status_mutex_);
  background_error_.reset();
  if (flushed.ok()) return;
  background_error_ = flushed.ToString();
  context_.Log(fmt::format("collection '{}': background flush failed: {}", context_.name,
                           *background_error_));
}

void Collection::Impl::NoteWritten(core::WriteKind kind, uint64_t rows) {
  (kind == core::WriteKind::kDelete ? deleted_rows_ : upserted_rows_).fetch_add(rows);
  NoteUnflushed();
  if (writer_->flush_thread != nullptr &&
      (state()->active_memory_bytes() >= context_.options.flush_bytes || LogIsLong())) {
    writer_->flush_thread->Notify();
  }
  NoteRowsToCode(rows);
}

Status Collection::Impl::Flush() {
  return FlushPreparing([](const auto&, const auto&) {});
}

Status Collection::Impl::FlushPreparing(const core::Flusher::Prepare& prepare) {
  VIPER_RETURN_IF_ERROR(CheckWritable());
  {
    MutexLock lock(status_mutex_);
    oldest_unflushed_.reset();
  }
  Status flushed = writer_->flusher->Flush(prepare);
  if (!flushed.ok()) NoteUnflushed();
  {
    MutexLock lock(status_mutex_);
    ++flushes_ended_;
    newest_flush_ = flushed;
  }
  flush_ended_.NotifyAll();
  if (writer_->index_thread == nullptr) writer_->memtable_coder->ForgetFlushed(*state()->View());
  NotifyOfNewFiles();
  return flushed;
}

}  // namespace viper
