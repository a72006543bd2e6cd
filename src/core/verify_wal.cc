#include "core/verify_wal.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "core/write_batch.h"
#include "storage/file_names.h"
#include "storage/wal.h"
#include "storage/wal_audit.h"

namespace viper::core {
namespace {

std::string RecordsText(uint64_t first, uint64_t last) {
  return first == last ? fmt::format("record {} of the log", first)
                       : fmt::format("records {} to {} of the log", first, last);
}

/// A record that is whole and yet says nothing that we know.
struct BadRecord {
  uint64_t sequence = 0;
  std::string what;
};

class WalVerifier {
 public:
  WalVerifier(const WalSubject& subject, Verification& verification)
      : subject_(subject),
        verification_(verification),
        directory_(storage::WalDirectory(verification.directory())) {}

  Status Run() {
    VIPER_ASSIGN_OR_RETURN(segments_, storage::AuditWalSegments(verification_.files(), directory_));
    Result<storage::WalReplay> replay = storage::WalReplay();
    if (subject_.flushed) {
      storage::WalReplayOptions options;
      options.after_sequence = *subject_.flushed;
      options.writer_may_run = subject_.writer_may_run;
      replay = storage::ReplayWal(verification_.files(), directory_, options,
                                  [this](const auto& record) { return Decode(record); });
      const StatusCode code = replay.status().code();
      if (code == StatusCode::kConflict || code == StatusCode::kCancelled) return replay.status();
    }
    for (const storage::WalSegmentAudit& segment : segments_) {
      VIPER_RETURN_IF_ERROR(verification_.BeginFile(segment.path));
      VIPER_RETURN_IF_ERROR(verification_.AddBytes(segment.file_bytes));
      verification_.report().log_records += segment.records;
    }
    Judge(replay);
    return {};
  }

 private:
  Status Decode(const storage::WalRecord& record) {
    VIPER_RETURN_IF_ERROR(verification_.AddBytes(0));
    if (subject_.schema == nullptr) return {};
    const auto kind = static_cast<WriteKind>(record.type);
    if (kind != WriteKind::kUpsert && kind != WriteKind::kDelete) {
      bad_records_.push_back({record.sequence, fmt::format("unknown type {}", record.type)});
      return {};
    }
    const auto batch = DecodeWriteBatch(kind, record.payload, *subject_.schema);
    if (!batch.ok()) bad_records_.push_back({record.sequence, batch.status().message()});
    return {};
  }

  void Judge(const Result<storage::WalReplay>& replay) {
    for (const BadRecord& bad : bad_records_) {
      verification_.AddTruth({PathOf(bad.sequence), {}},
                             fmt::format("record {}: {}", bad.sequence, bad.what),
                             RecordsText(bad.sequence, bad.sequence));
    }
    if (!replay.ok()) {
      verification_.AddTruth({PathNamedIn(replay.status().message()), subject_.origin},
                             replay.status().message(), "the records that the message names");
    } else if (replay->torn_bytes > 0) {
      verification_.AddNote(
          {replay->torn_file, {}},
          "a record at the end is not whole: it was torn, or it was damaged later",
          replay->torn_bytes);
    }
    for (size_t i = 0; i < segments_.size(); ++i) JudgeSegment(i, replay);
  }

  /// What the replay, which reads no more than it needs, does not tell.
  void JudgeSegment(size_t i, const Result<storage::WalReplay>& replay) {
    const storage::WalSegmentAudit& segment = segments_[i];
    const bool is_last = i + 1 == segments_.size();
    const bool is_told = !replay.ok() || replay->torn_file == segment.path;
    if (is_told) return;
    if (!segment.problem.empty() && !subject_.flushed) {
      verification_.AddTruth({segment.path, {}}, segment.problem, "its records");
    } else if (!segment.problem.empty()) {
      verification_.AddNote({segment.path, {}},
                            segment.problem + "; what it should hold is in the table");
    } else if (!is_last && segment.last_sequence + 1 < segments_[i + 1].first_sequence) {
      verification_.AddNote(
          {segment.path, {}},
          fmt::format("{} are damaged or missing; they are in the table",
                      RecordsText(segment.last_sequence + 1, segments_[i + 1].first_sequence - 1)));
    } else if (is_last && segment.has_remains) {
      verification_.AddNote(
          {segment.path, {}},
          fmt::format("at {} lies what is left of a record after the last whole one, "
                      "{}: it was torn, or it was damaged later",
                      segment.end_offset, segment.last_sequence));
    } else if (is_last && subject_.flushed && segment.last_sequence < *subject_.flushed) {
      verification_.AddNote({segment.path, subject_.origin},
                            fmt::format("the log ends at record {}, though the table says that it "
                                        "holds the records up to {}",
                                        segment.last_sequence, *subject_.flushed));
    }
  }

  std::string PathOf(uint64_t sequence) const {
    std::string path = directory_;
    for (const storage::WalSegmentAudit& segment : segments_) {
      if (segment.first_sequence <= sequence) path = segment.path;
    }
    return path;
  }

  std::string PathNamedIn(const std::string& message) const {
    for (const storage::WalSegmentAudit& segment : segments_) {
      if (message.find(segment.path) != std::string::npos) return segment.path;
    }
    return directory_;
  }

  const WalSubject& subject_;
  Verification& verification_;
  const std::string directory_;
  std::vector<storage::WalSegmentAudit> segments_;
  std::vector<BadRecord> bad_records_;
};

}  // namespace

Status VerifyWal(const WalSubject& subject, Verification& verification) {
  return WalVerifier(subject, verification).Run();
}

}  // namespace viper::core
