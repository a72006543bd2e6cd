#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viper/file_system.h"
#include "viper/options.h"

namespace viper::storage {

/// The write-ahead log of one collection: numbered records in preallocated, salted, checksummed
/// segments under one directory. docs/format/wal.md has the bytes.
///
/// Torn or damaged? Every frame carries the newest sequence number that was durable when it was
/// written. A bad frame where number e was expected is a torn tail (never acknowledged) unless a
/// valid frame further on, in this or a later segment, proves that e had been durable: that is
/// damage.

/// One record to append. `payload` is not interpreted. At most 1 GiB.
struct WalEntry {
  uint8_t type = 0;
  std::span<const std::byte> payload;
};

/// One record read back.
struct WalRecord {
  uint64_t sequence = 0;
  uint8_t type = 0;
  std::span<const std::byte> payload;
};

struct WalReplayOptions {
  /// Records up to here are in the table already: they are not visited, and damage that harms
  /// nothing else is passed over.
  uint64_t after_sequence = 0;
  /// Give up the records from here on, if that is the number which the refusal named; 0 = refuse.
  uint64_t accept_loss_from = 0;
  /// The writer of another process may be at work. If records right after `after_sequence` are
  /// missing then it may have moved them to the table meanwhile: Conflict, and not Corruption.
  bool writer_may_run = false;
};

struct WalReplay {
  /// Newest valid record (or after_sequence if there is none).
  uint64_t last_sequence = 0;
  /// Visited.
  uint64_t records = 0;
  /// Of records that had been written in part and never acknowledged as durable.
  uint64_t torn_bytes = 0;
  std::string torn_file;
  /// Given up by accept_loss_from: from here to the newest that is known to have existed. 0 = none.
  uint64_t lost_from = 0;
  uint64_t lost_to = 0;
};

/// Visit the records above `after_sequence` in order. Corruption, naming file, offset and the
/// sequence numbers that are lost, when a record that had been durable is damaged or missing, also
/// between after_sequence and the first record. Changes nothing on disk. A missing directory is an
/// empty log.
///
/// May run while the writer of another process appends: it sees all that was acknowledged before
/// the call. Conflict if that writer drops a segment that is being read: the caller loads the state
/// of the table again, which holds those records now, and retries.
Result<WalReplay> ReplayWal(FileSystem& file_system, const std::string& directory,
                            const WalReplayOptions& options,
                            const std::function<Status(const WalRecord&)>& visit);

struct WalWriterOptions {
  Durability durability = Durability::kSync;
  /// The first segment of a log has this size; each later one is twice as large, up to the maximum.
  size_t segment_bytes_first = size_t{1} << 20;
  size_t segment_bytes_max = size_t{32} << 20;
};

struct WalCounters {
  uint64_t syncs = 0;
  uint64_t records = 0;
  uint64_t bytes_on_disk = 0;
};

/// Appends to the log. One thread at a time appends (the group's leader); Sync, DropThrough and the
/// counters may run beside it. A failed sync, or a failed write other than for want of space,
/// poisons the log: every later append fails with FailedPrecondition naming the first cause.
class WalWriter {
 public:
  virtual ~WalWriter() = default;
  /// Continue after a replay that ended at `last_sequence`: the next record gets last_sequence + 1,
  /// in a new segment (made at the first append), so that nothing that lies behind a torn tail can
  /// come back. Makes what was replayed durable. Removes leftovers of half-made segments, and
  /// segments that begin after `last_sequence` (their records were given up).
  static Result<std::unique_ptr<WalWriter>> Open(FileSystem& file_system,
                                                 const std::string& directory,
                                                 uint64_t last_sequence,
                                                 const WalWriterOptions& options);

  /// Append the records as one write, numbered consecutively; with kSync also sync. Returns the
  /// number of the first. ResourceExhausted (disk full): nothing was written that will ever be
  /// replayed as acknowledged, and later appends may succeed.
  virtual Result<uint64_t> Append(std::span<const WalEntry> entries) = 0;
  /// Make everything appended durable (kInterval's background thread, close).
  virtual Status Sync() = 0;
  /// Forget records up to `sequence`, which the table holds durably by now: segments with nothing
  /// newer are removed, but for one that is kept to be written again. A writer that is destroyed
  /// with nothing left to keep leaves an empty directory.
  virtual Status DropThrough(uint64_t sequence) = 0;
  virtual uint64_t last_sequence() const = 0;
  virtual WalCounters counters() const = 0;
};

}  // namespace viper::storage
