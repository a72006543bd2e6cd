// 1. A record goes to the active segment, which was written with zeros and synced before its first
//    use: a sync then has no sizes and no block maps to write.
// 2. A segment gets its name only when it is whole and all records before it are durable. So a
// named
//    segment with a bad header is damage, and so is a hole before it.
// 3. A segment loses its name, durably, before its blocks are written again.
//
// Locks: appends_, then drops_, then mutex_. Files are synced under none but appends_ and drops_.

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "platform/mutex.h"
#include "storage/directory_creation.h"
#include "storage/file_names.h"
#include "storage/wal.h"
#include "storage/wal_format.h"

namespace viper::storage {
namespace {

constexpr size_t kCopiedBytes = size_t{1} << 20;
constexpr size_t kZeroBytes = size_t{1} << 20;
constexpr size_t kSegmentGranularity = 4096;
// A larger buffer is given back after the append that needed it.
constexpr size_t kKeptBufferBytesMax = size_t{4} << 20;

uint64_t MakeSalt() { return Hash64(MakeUuid()); }

struct Segment {
  uint64_t first_sequence = 0;
  uint64_t bytes = 0;
};

// The segment that records go to. Only the appender changes `end`.
struct ActiveSegment {
  std::unique_ptr<WritableFile> file;
  WalFrameCode code;
  uint64_t bytes = 0;
  uint64_t end = kWalFirstFrame;
};

class WalWriterImpl final : public WalWriter {
 public:
  WalWriterImpl(FileSystem& file_system, std::string directory, const WalWriterOptions& options,
                uint64_t last_sequence, std::vector<Segment> segments)
      : file_system_(file_system),
        directory_(std::move(directory)),
        options_(options),
        unfinished_path_(JoinPath(directory_, kWalUnfinishedName)),
        spare_path_(JoinPath(directory_, kWalSpareName)),
        next_segment_bytes_(options.segment_bytes_first),
        segments_(std::move(segments)),
        last_sequence_(last_sequence),
        durable_sequence_(last_sequence) {}

  ~WalWriterImpl() override { RemoveWhatIsNotNeeded(); }

  Result<uint64_t> Append(std::span<const WalEntry> entries) override {
    const MutexLock appends(appends_);
    VIPER_ASSIGN_OR_RETURN(const size_t group_bytes, GroupBytes(entries));
    uint64_t first = 0;
    uint64_t durable = 0;
    {
      const MutexLock lock(mutex_);
      VIPER_RETURN_IF_ERROR(poison_);
      first = last_sequence_ + 1;
    }
    if (active_ == nullptr || group_bytes > active_->bytes - active_->end) {
      VIPER_RETURN_IF_ERROR(StartSegment(first, group_bytes));
    }
    {
      const MutexLock lock(mutex_);
      durable = durable_sequence_;
    }
    EncodeGroup(entries, first, durable);
    VIPER_ASSERT(buffer_.size() == group_bytes);
    const Status written = active_->file->WriteAt(active_->end, buffer_);
    if (buffer_.capacity() > kKeptBufferBytesMax) buffer_ = {};
    if (!written.ok()) return AfterFailedWrite(written);
    active_->end += group_bytes;
    {
      const MutexLock lock(mutex_);
      last_sequence_ += entries.size();
      counters_.records += entries.size();
    }
    if (options_.durability == Durability::kSync) VIPER_RETURN_IF_ERROR(Sync());
    return first;
  }

  Status Sync() override {
    std::shared_ptr<ActiveSegment> segment;
    uint64_t target = 0;
    {
      const MutexLock lock(mutex_);
      VIPER_RETURN_IF_ERROR(poison_);
      if (durable_sequence_ == last_sequence_) return Status::Ok();
      segment = syncable_;
      target = last_sequence_;
    }
    // Without the lock: appends go on meanwhile. A segment that is full was synced before the next.
    VIPER_ASSERT(segment != nullptr);
    const Status synced = segment->file->Sync();
    const MutexLock lock(mutex_);
    ++counters_.syncs;
    if (!synced.ok()) return PoisonLocked(synced);
    durable_sequence_ = std::max(durable_sequence_, target);
    return Status::Ok();
  }

  Status DropThrough(uint64_t sequence) override {
    const MutexLock drops(drops_);
    bool has_renamed = false;
    for (const Segment& segment : TakeDroppable(sequence)) {
      VIPER_ASSIGN_OR_RETURN(const bool renamed, DropSegment(segment));
      has_renamed |= renamed;
    }
    if (!has_renamed) return Status::Ok();
    // The old name must be gone for good before the blocks may be written again.
    VIPER_RETURN_IF_ERROR(file_system_.SyncDirectory(directory_));
    const MutexLock lock(mutex_);
    spare_is_ready_ = true;
    return Status::Ok();
  }

  uint64_t last_sequence() const override {
    const MutexLock lock(mutex_);
    return last_sequence_;
  }

  WalCounters counters() const override {
    const MutexLock lock(mutex_);
    WalCounters counters = counters_;
    counters.bytes_on_disk = spare_bytes_;
    for (const Segment& segment : segments_) counters.bytes_on_disk += segment.bytes;
    return counters;
  }

 private:
  static Result<size_t> GroupBytes(std::span<const WalEntry> entries) {
    if (entries.empty()) return Status::InvalidArgument("write-ahead log: nothing to append");
    size_t bytes = 0;
    for (const WalEntry& entry : entries) {
      if (entry.payload.size() > kWalPayloadBytesMax) {
        return Status::InvalidArgument(
            fmt::format("write-ahead log: record is too large: max={} actual={}",
                        kWalPayloadBytesMax, entry.payload.size()));
      }
      bytes += WalFrameBytes(entry.payload.size());
    }
    return bytes;
  }

  void EncodeGroup(std::span<const WalEntry> entries, uint64_t first, uint64_t durable)
      VIPER_REQUIRES(appends_) {
    buffer_.clear();
    for (size_t i = 0; i < entries.size(); ++i) {
      active_->code.Append({.sequence = first + i,
                            .durable_sequence = durable,
                            .payload_bytes = static_cast<uint32_t>(entries[i].payload.size()),
                            .type = entries[i].type},
                           entries[i].payload, buffer_);
    }
  }

  // -- Segments begin
  // ------------------------------------------------------------------------------

  Status StartSegment(uint64_t first, size_t group_bytes) VIPER_REQUIRES(appends_) {
    VIPER_RETURN_IF_ERROR(Sync());
    const uint64_t needed = kWalFirstFrame + group_bytes;
    auto made = MakeSegment(first, needed);
    if (!made.ok()) {
      if (made.status().code() == StatusCode::kResourceExhausted) return made.status();
      const MutexLock lock(mutex_);
      return PoisonLocked(made.status());
    }
    active_ = std::move(*made);
    const MutexLock lock(mutex_);
    syncable_ = active_;
    // A segment whose very first write failed has made way for the new one of the same name.
    if (!segments_.empty() && segments_.back().first_sequence == first) segments_.pop_back();
    segments_.push_back({.first_sequence = first, .bytes = active_->bytes});
    return Status::Ok();
  }

  // When this fails nothing is left behind under a name that replay reads, or the log is poisoned.
  Result<std::shared_ptr<ActiveSegment>> MakeSegment(uint64_t first, uint64_t needed)
      VIPER_REQUIRES(appends_) {
    WalSegmentHeader header{.salt = MakeSalt(), .first_sequence = first};
    auto file = WriteUnfinished(header, needed);
    Status status = file.status();
    if (status.ok()) {
      status = file_system_.Rename(unfinished_path_, JoinPath(directory_, WalSegmentName(first)));
    }
    if (!status.ok()) {
      RemoveQuietly(unfinished_path_);
      return status;
    }
    if (const Status synced = file_system_.SyncDirectory(directory_); !synced.ok()) {
      const MutexLock lock(mutex_);
      return PoisonLocked(synced);
    }
    return std::make_shared<ActiveSegment>(ActiveSegment{.file = std::move(*file),
                                                         .code = WalFrameCode(header.salt),
                                                         .bytes = header.segment_bytes});
  }

  // Sets header.segment_bytes.
  Result<std::unique_ptr<WritableFile>> WriteUnfinished(WalSegmentHeader& header, uint64_t needed)
      VIPER_REQUIRES(appends_) {
    VIPER_ASSIGN_OR_RETURN(header.segment_bytes, TakeSpare(needed));
    if (header.segment_bytes != 0) {
      VIPER_ASSIGN_OR_RETURN(auto file, file_system_.OpenForWrite(unfinished_path_));
      VIPER_RETURN_IF_ERROR(file->WriteAt(0, EncodeWalHeader(header)));
      VIPER_RETURN_IF_ERROR(file->Sync());
      return file;
    }
    const uint64_t bytes = std::max<uint64_t>(next_segment_bytes_, needed);
    header.segment_bytes =
        (bytes + kSegmentGranularity - 1) / kSegmentGranularity * kSegmentGranularity;
    VIPER_ASSIGN_OR_RETURN(auto file, file_system_.CreateFile(unfinished_path_));
    VIPER_RETURN_IF_ERROR(file->Append(EncodeWalHeader(header)));
    const std::vector<std::byte> zeros(std::min<uint64_t>(kZeroBytes, header.segment_bytes));
    for (uint64_t written = kWalHeaderBytes; written < header.segment_bytes;) {
      const uint64_t step = std::min<uint64_t>(zeros.size(), header.segment_bytes - written);
      VIPER_RETURN_IF_ERROR(file->Append(std::span(zeros).first(step)));
      written += step;
    }
    VIPER_RETURN_IF_ERROR(file->Sync());
    next_segment_bytes_ = std::min(2 * next_segment_bytes_, options_.segment_bytes_max);
    return file;
  }

  // The size of the spare, which is called unfinished now; 0 if there is none that is large enough.
  Result<uint64_t> TakeSpare(uint64_t needed) VIPER_REQUIRES(appends_) {
    const MutexLock lock(mutex_);
    if (!spare_is_ready_ || spare_bytes_ < needed) return uint64_t{0};
    VIPER_RETURN_IF_ERROR(file_system_.Rename(spare_path_, unfinished_path_));
    spare_is_ready_ = false;
    return std::exchange(spare_bytes_, 0);
  }

  // -- Segments end
  // --------------------------------------------------------------------------------

  // What holds nothing above `sequence`, as the record of what is there; the active segment stays.
  std::vector<Segment> TakeDroppable(uint64_t sequence) VIPER_REQUIRES(drops_) {
    const MutexLock lock(mutex_);
    dropped_sequence_ = std::max(dropped_sequence_, sequence);
    std::vector<Segment> droppable;
    for (size_t i = 0; i < segments_.size(); ++i) {
      const bool is_newest = i + 1 == segments_.size();
      // Nor one without records whose name the next segment will take.
      if (is_newest && (syncable_ != nullptr || segments_[i].first_sequence > last_sequence_))
        break;
      const uint64_t last = is_newest ? last_sequence_ : segments_[i + 1].first_sequence - 1;
      if (last > dropped_sequence_) break;
      droppable.push_back(segments_[i]);
    }
    return droppable;
  }

  // True if the segment was renamed to be the spare.
  Result<bool> DropSegment(const Segment& segment) VIPER_REQUIRES(drops_) {
    const std::string path = JoinPath(directory_, WalSegmentName(segment.first_sequence));
    const MutexLock lock(mutex_);
    const bool is_spare =
        segment.bytes <= options_.segment_bytes_max && segment.bytes > spare_bytes_;
    VIPER_RETURN_IF_ERROR(is_spare ? file_system_.Rename(path, spare_path_)
                                   : file_system_.RemoveFile(path));
    std::erase_if(segments_, [&](const Segment& other) {
      return other.first_sequence == segment.first_sequence;
    });
    if (is_spare) {
      spare_bytes_ = segment.bytes;
      spare_is_ready_ = false;
    }
    return is_spare;
  }

  void RemoveWhatIsNotNeeded() {
    const MutexLock appends(appends_);
    active_.reset();
    const MutexLock lock(mutex_);
    syncable_.reset();
    if (spare_bytes_ > 0) RemoveQuietly(spare_path_);
    if (last_sequence_ > dropped_sequence_ || !poison_.ok()) return;
    for (const Segment& segment : segments_) {
      RemoveQuietly(JoinPath(directory_, WalSegmentName(segment.first_sequence)));
    }
  }

  // What stays is removed when the log is opened the next time.
  void RemoveQuietly(const std::string& path) { static_cast<void>(file_system_.RemoveFile(path)); }

  // -- Failures
  // ------------------------------------------------------------------------------------

  // After want of space the log must go on as if the group had never been written, and no part of
  // it may ever be replayed: the first frame is erased, and the segment is not used again, since
  // parts of the group may lie where later frames would lead to them.
  Status AfterFailedWrite(const Status& written) VIPER_REQUIRES(appends_) {
    Status erased = written;
    if (written.code() == StatusCode::kResourceExhausted) {
      const std::vector<std::byte> zeros(kWalFrameBytesMin);
      erased = active_->file->WriteAt(active_->end, zeros);
      if (erased.ok()) erased = active_->file->Sync();
    }
    active_.reset();
    const MutexLock lock(mutex_);
    if (!erased.ok()) return PoisonLocked(written);
    durable_sequence_ = last_sequence_;
    syncable_.reset();
    return written;
  }

  Status PoisonLocked(const Status& cause) VIPER_REQUIRES(mutex_) {
    if (poison_.ok()) {
      poison_ = Status::FailedPrecondition(
          fmt::format("write-ahead log {} has stopped; open the collection again: {}", directory_,
                      cause.ToString()));
    }
    return cause;
  }

  FileSystem& file_system_;
  const std::string directory_;
  const WalWriterOptions options_;
  const std::string unfinished_path_;
  const std::string spare_path_;

  Mutex appends_;
  std::shared_ptr<ActiveSegment> active_ VIPER_GUARDED_BY(appends_);
  size_t next_segment_bytes_ VIPER_GUARDED_BY(appends_);
  std::vector<std::byte> buffer_ VIPER_GUARDED_BY(appends_);

  Mutex drops_;  // one DropThrough at a time

  mutable Mutex mutex_;
  // By rising first number. The last is the active one if there is an active one.
  std::vector<Segment> segments_ VIPER_GUARDED_BY(mutex_);
  std::shared_ptr<ActiveSegment> syncable_ VIPER_GUARDED_BY(mutex_);
  uint64_t last_sequence_ VIPER_GUARDED_BY(mutex_);
  uint64_t durable_sequence_ VIPER_GUARDED_BY(mutex_);
  uint64_t dropped_sequence_ VIPER_GUARDED_BY(mutex_) = 0;
  uint64_t spare_bytes_ VIPER_GUARDED_BY(mutex_) = 0;
  bool spare_is_ready_ VIPER_GUARDED_BY(mutex_) = false;
  WalCounters counters_ VIPER_GUARDED_BY(mutex_);
  Status poison_ VIPER_GUARDED_BY(mutex_);
};

// What an earlier writer left: segments that stay, after the others are gone for good.
Result<std::vector<Segment>> TidyDirectory(FileSystem& file_system, const std::string& directory,
                                           uint64_t last_sequence) {
  VIPER_ASSIGN_OR_RETURN(const auto names, file_system.List(directory));
  std::vector<Segment> segments;
  bool has_removed = false;
  // The newest first: a crash between two removals then leaves no hole.
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const std::string path = JoinPath(directory, *name);
    const auto first = ParseWalSegmentName(*name);
    const bool is_leftover = *name == kWalSpareName || *name == kWalUnfinishedName;
    if (is_leftover || (first && *first > last_sequence)) {
      VIPER_RETURN_IF_ERROR(file_system.RemoveFile(path));
      has_removed = true;
    } else if (first) {
      VIPER_ASSIGN_OR_RETURN(const uint64_t bytes, file_system.FileSize(path));
      segments.push_back({.first_sequence = *first, .bytes = bytes});
    }
  }
  if (has_removed) VIPER_RETURN_IF_ERROR(file_system.SyncDirectory(directory));
  std::reverse(segments.begin(), segments.end());
  return segments;
}

// The writer before this one may have died between a write and its sync, or have seen a sync fail:
// then pages may be called clean that are not on disk, and another sync alone would not write them
// (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). So the last
// segment is written again, as it was read. All segments before it were synced before it got its
// name.
Status MakeDurable(FileSystem& file_system, const std::string& path) {
  VIPER_ASSIGN_OR_RETURN(const auto reading, file_system.OpenForRead(path));
  VIPER_ASSIGN_OR_RETURN(const auto writing, file_system.OpenForWrite(path));
  std::vector<std::byte> bytes(kCopiedBytes);
  for (uint64_t offset = 0; offset < reading->size(); offset += bytes.size()) {
    bytes.resize(std::min<uint64_t>(kCopiedBytes, reading->size() - offset));
    VIPER_RETURN_IF_ERROR(reading->ReadAt(offset, bytes));
    VIPER_RETURN_IF_ERROR(writing->WriteAt(offset, bytes));
  }
  return writing->Sync();
}

}  // namespace

Result<std::unique_ptr<WalWriter>> WalWriter::Open(FileSystem& file_system,
                                                   const std::string& directory,
                                                   uint64_t last_sequence,
                                                   const WalWriterOptions& options) {
  if (options.segment_bytes_first == 0 || options.segment_bytes_first > options.segment_bytes_max) {
    return Status::InvalidArgument(
        fmt::format("write-ahead log: bad segment sizes: first={} max={}",
                    options.segment_bytes_first, options.segment_bytes_max));
  }
  // "wal" in "_viper" in the table's directory, whose own entry is the business of the table's
  // creator.
  VIPER_RETURN_IF_ERROR(CreateDurableDirectories(file_system, directory, 2));
  VIPER_ASSIGN_OR_RETURN(auto segments, TidyDirectory(file_system, directory, last_sequence));
  if (!segments.empty()) {
    VIPER_RETURN_IF_ERROR(MakeDurable(
        file_system, JoinPath(directory, WalSegmentName(segments.back().first_sequence))));
  }
  return std::make_unique<WalWriterImpl>(file_system, directory, options, last_sequence,
                                         std::move(segments));
}

}  // namespace viper::storage
