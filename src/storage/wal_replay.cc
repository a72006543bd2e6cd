// Replay goes through the segments by rising first number:
//
// 1. Segments whose records are all in the table are not opened.
// 2. A segment owns the numbers from its own first up to that of the next segment. What lies behind
//    the last of them is a torn tail that an earlier writer left, and stays buried.
// 3. Where number e is expected and no valid frame is found: if the next segment begins with e, the
//    segment simply ended. In the last segment it is the end of the log, unless a valid frame
//    further on says that e had been durable. Else it is damage.
//
// The writer of another process may append, and may drop and reuse segments, while this reads.
// Before anything is called damaged it is read again, and before an end is believed the segment
// must still have its name: the writer takes the name away before it writes over the bytes.

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "storage/file_names.h"
#include "storage/wal.h"
#include "storage/wal_segment_reader.h"

namespace viper::storage {
namespace {

using Visitor = std::function<Status(const WalRecord&)>;

// Where replay found that records are gone.
struct Damage {
  std::string path;
  uint64_t offset = 0;
  uint64_t lost_from = 0;
  // At least; what is behind a damaged header is not known.
  uint64_t lost_to = 0;
  std::string reason;
};

class Replayer {
 public:
  Replayer(FileSystem& file_system, const std::string& directory, const WalReplayOptions& options,
           const Visitor& visit)
      : file_system_(file_system), directory_(directory), options_(options), visit_(visit) {}

  Result<WalReplay> Run() {
    VIPER_ASSIGN_OR_RETURN(segments_, ListSegments());
    // Step 1.
    const uint64_t first_needed = options_.after_sequence + 1;
    while (segments_.size() >= 2 && segments_[1] <= first_needed)
      segments_.erase(segments_.begin());

    VIPER_RETURN_IF_ERROR(ReplaySegments());
    const uint64_t end = result_.lost_from != 0 ? result_.lost_from : expected_;
    result_.last_sequence = std::max(options_.after_sequence, end == 0 ? 0 : end - 1);
    return result_;
  }

 private:
  enum class Next { kContinue, kEndOfSegment, kEndOfLog };

  Result<std::vector<uint64_t>> ListSegments() {
    auto names = file_system_.List(directory_);
    if (!names.ok() && names.status().code() == StatusCode::kNotFound) {
      return std::vector<uint64_t>();
    }
    VIPER_RETURN_IF_ERROR(names.status());
    std::vector<uint64_t> segments;
    for (const std::string& name : *names) {
      const auto first = ParseWalSegmentName(name);
      if (first && *first > 0) segments.push_back(*first);  // numbers begin with 1
    }
    std::sort(segments.begin(), segments.end());
    return segments;
  }

  Status ReplaySegments() {
    if (segments_.empty()) return Status::Ok();
    expected_ = std::min(segments_[0], options_.after_sequence + 1);
    if (expected_ < segments_[0]) {
      if (options_.writer_may_run) {
        return Status::Conflict(
            fmt::format("{}: the records from {} to {} were dropped: load the table again",
                        directory_, expected_, segments_[0] - 1));
      }
      return GiveUpOrRefuse(
          MakeDamage(0, 0, NewestInLastSegment(), "no segment holds these records"));
    }
    for (size_t i = 0; i < segments_.size(); ++i) {
      VIPER_ASSIGN_OR_RETURN(const Next next, ReplaySegment(i));
      if (next == Next::kEndOfLog) break;
    }
    return Status::Ok();
  }

  Result<Next> ReplaySegment(size_t i) {
    auto reader = OpenSegment(i);
    if (!reader.ok()) {
      if (reader.status().code() != StatusCode::kCorruption) return reader.status();
      VIPER_RETURN_IF_ERROR(CheckStillThere(i));
      VIPER_RETURN_IF_ERROR(
          GiveUpOrRefuse(MakeDamage(i, 0, NewestInLastSegment(), reader.status().message())));
      return Next::kEndOfLog;
    }
    const uint64_t limit =
        i + 1 < segments_.size() ? segments_[i + 1] : std::numeric_limits<uint64_t>::max();
    offset_ = kWalFirstFrame;
    while (expected_ < limit) {
      VIPER_ASSIGN_OR_RETURN(const auto record, (*reader)->Read(offset_, expected_));
      if (record) {
        VIPER_RETURN_IF_ERROR(Deliver(*record));
        continue;
      }
      VIPER_ASSIGN_OR_RETURN(const Next next, ReplayBadFrame(**reader, i));
      if (next != Next::kContinue) return next;
    }
    return Next::kEndOfSegment;
  }

  Status Deliver(const WalSegmentReader::Record& record) {
    if (record.frame.sequence > options_.after_sequence) {
      VIPER_RETURN_IF_ERROR(visit_({.sequence = record.frame.sequence,
                                    .type = record.frame.type,
                                    .payload = record.payload}));
      ++result_.records;
    }
    ++expected_;
    offset_ += WalFrameBytes(record.frame.payload_bytes);
    return Status::Ok();
  }

  // Step 3. kContinue after moving on.
  Result<Next> ReplayBadFrame(WalSegmentReader& reader, size_t i) {
    VIPER_ASSIGN_OR_RETURN(const WalScan scan, reader.Scan(offset_, expected_));
    // What the scan saw may have been written after the bad frame was read.
    VIPER_ASSIGN_OR_RETURN(const auto again, reader.ReadAgain(offset_, expected_));
    if (again) {
      VIPER_RETURN_IF_ERROR(Deliver(*again));
      return Next::kContinue;
    }
    VIPER_RETURN_IF_ERROR(CheckStillThere(i));
    if (expected_ <= options_.after_sequence && scan.first &&
        scan.first->sequence <= options_.after_sequence + 1) {
      // Only what is in the table anyway is damaged.
      expected_ = scan.first->sequence;
      offset_ = scan.first->offset;
      return Next::kContinue;
    }
    const bool is_last = i + 1 == segments_.size();
    if (is_last && scan.newest_durable < expected_) {
      if (scan.written_end > offset_) {
        result_.torn_bytes = scan.written_end - offset_;
        result_.torn_file = reader.path();
      }
      return Next::kEndOfLog;
    }
    const uint64_t newest = is_last ? scan.newest_sequence : NewestInLastSegment();
    VIPER_RETURN_IF_ERROR(GiveUpOrRefuse(
        MakeDamage(i, offset_, newest, "a record that had been durable is damaged")));
    return Next::kEndOfLog;
  }

  Result<std::unique_ptr<WalSegmentReader>> OpenSegment(size_t i) {
    auto reader = WalSegmentReader::Open(file_system_, SegmentPath(i), segments_[i]);
    if (!reader.ok() && reader.status().code() == StatusCode::kNotFound) return Vanished(i);
    return reader;
  }

  Status CheckStillThere(size_t i) {
    VIPER_ASSIGN_OR_RETURN(const bool exists, file_system_.Exists(SegmentPath(i)));
    return exists ? Status::Ok() : Vanished(i);
  }

  Status Vanished(size_t i) const {
    return Status::Conflict(
        fmt::format("{}: the segment was dropped while it was being read: load the table again",
                    SegmentPath(i)));
  }

  // A best effort, for the message: whatever cannot be read adds nothing.
  uint64_t NewestInLastSegment() {
    const uint64_t first = segments_.back();
    auto reader = OpenSegment(segments_.size() - 1);
    if (!reader.ok()) return first;
    // As if the number before its first had been expected just before its first frame.
    const auto scan = (*reader)->Scan(kWalFirstFrame - kWalFrameBytesMin, first - 1);
    return scan.ok() ? std::max(scan->newest_sequence, first - 1) : first;
  }

  Damage MakeDamage(size_t i, uint64_t offset, uint64_t newest, std::string reason) const {
    const uint64_t from = std::max(expected_, options_.after_sequence + 1);
    return {.path = SegmentPath(i),
            .offset = offset,
            .lost_from = from,
            .lost_to = std::max(from, newest),
            .reason = std::move(reason)};
  }

  Status GiveUpOrRefuse(const Damage& damage) {
    if (options_.accept_loss_from != damage.lost_from) {
      return Status::Corruption(
          fmt::format("write-ahead log is damaged: {}; the records from the first lost one on can "
                      "be given up by "
                      "accepting the loss: file={} offset={} lost_from={} lost_to={}",
                      damage.reason, damage.path, damage.offset, damage.lost_from, damage.lost_to));
    }
    result_.lost_from = damage.lost_from;
    result_.lost_to = damage.lost_to;
    return Status::Ok();
  }

  std::string SegmentPath(size_t i) const {
    return JoinPath(directory_, WalSegmentName(segments_[i]));
  }

  FileSystem& file_system_;
  const std::string& directory_;
  const WalReplayOptions& options_;
  const Visitor& visit_;
  std::vector<uint64_t> segments_;  // first numbers
  uint64_t expected_ = 0;
  uint64_t offset_ = 0;
  WalReplay result_;
};

}  // namespace

Result<WalReplay> ReplayWal(FileSystem& file_system, const std::string& directory,
                            const WalReplayOptions& options, const Visitor& visit) {
  return Replayer(file_system, directory, options, visit).Run();
}

}  // namespace viper::storage
