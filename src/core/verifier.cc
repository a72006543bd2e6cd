// A verification, in steps; damage in one does not stop the next:
//
//   1. the table log, which says what there is to check;
//   2. the parts and their sidecars, one at a time;
//   3. ids, which may be in one part only;
//   4. what only older versions need;
//   5. the write-ahead log;
//   6. the index;
//   7. what nobody refers to.
//
// No lock is taken, so a writer may move on meanwhile. What is found about a file is forgotten if
// the file is not in the table any more by then.

#include "core/verifier.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "core/id_audit.h"
#include "core/leftover_files.h"
#include "core/table_schema.h"
#include "core/verification.h"
#include "core/verify_index.h"
#include "core/verify_part.h"
#include "core/verify_retained.h"
#include "core/verify_wal.h"
#include "parquet/part_file.h"
#include "storage/file_names.h"
#include "storage/part_sidecar.h"
#include "storage/table_log.h"
#include "storage/table_log_audit.h"

namespace viper::core {
namespace {

/// How often a step starts again because a writer moved on.
constexpr int kVerifyAttemptsMax = 5;
/// Pairs of rows of one hash that are looked at, and told, in each pass.
constexpr size_t kEqualIdsMax = 1000;

/// The worst first, then by file, then as they were found.
void SortFindings(std::vector<VerifyFinding>& findings) {
  std::vector<size_t> order(findings.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::tuple(findings[b].kind, std::string_view(findings[a].file), a) <
           std::tuple(findings[a].kind, std::string_view(findings[b].file), b);
  });
  std::vector<VerifyFinding> sorted;
  sorted.reserve(findings.size());
  for (const size_t i : order) sorted.push_back(std::move(findings[i]));
  findings = std::move(sorted);
}

class Verifier {
 public:
  Verifier(const CollectionContext& context, const VerifyOptions& options)
      : context_(context),
        files_(*context.file_system),
        directory_(context.directory),
        verification_(files_, directory_, options) {}

  Result<VerifyReport> Run() {
    const auto begin = std::chrono::steady_clock::now();
    VIPER_RETURN_IF_ERROR(VerifyTableLog());
    VIPER_RETURN_IF_ERROR(VerifyParts());
    VIPER_RETURN_IF_ERROR(retained_->Verify());
    VIPER_RETURN_IF_ERROR(VerifyLog());
    VIPER_RETURN_IF_ERROR(VerifyIndexFiles());
    ReportUnreferenced();
    VerifyReport report = std::move(verification_.report());
    report.collection = context_.name;
    SortFindings(report.findings);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    report.seconds = seconds.count();
    return report;
  }

 private:
  // -- Step 1

  Status VerifyTableLog() {
    VIPER_RETURN_IF_ERROR(verification_.BeginFile(storage::LogDirectory(directory_)));
    VIPER_ASSIGN_OR_RETURN(audit_, storage::AuditTableLog(files_, directory_));
    VerifyReport& report = verification_.report();
    report.files = audit_.file_count;
    report.bytes = audit_.bytes;
    report.table_versions = audit_.versions.size();
    report.table_version = audit_.is_exact ? audit_.state.version : -1;
    for (const storage::LogProblem& problem : audit_.problems) AddLogProblem(problem);
    if (audit_.is_exact && audit_.problems.empty()) {
      // Rules of the protocol that this build does not know.
      const auto loaded = storage::TableLog::Make(files_, directory_, {})->Load();
      if (!loaded.ok()) {
        verification_.AddTruth({storage::LogDirectory(directory_), {}}, loaded.status().message(),
                               "this build cannot open the collection");
      }
    }
    auto schema = ReadTableSchema(audit_.state.metadata);
    if (schema.ok()) {
      schema_ = std::move(*schema);
    } else if (audit_.is_exact) {
      verification_.AddTruth({audit_.metadata_origin, {}}, schema.status().message(),
                             "the columns of all rows");
    }
    retained_.emplace(audit_, verification_);
    verification_.set_bytes_total(BytesToRead());
    return {};
  }

  void AddLogProblem(const storage::LogProblem& problem) {
    const Verification::Subject subject = {problem.path, problem.other_path};
    if (problem.is_derived) return verification_.AddDerived(subject, problem.what);
    std::string affected = "what the table holds";
    if (problem.version >= 0 && audit_.is_exact) {
      affected =
          fmt::format("version {} of the table; its newest version can be read", problem.version);
    } else if (problem.version >= 0) {
      affected = fmt::format("the table from version {} on", problem.version);
    }
    verification_.AddTruth(subject, problem.what, std::move(affected));
  }

  uint64_t BytesToRead() {
    uint64_t bytes = audit_.bytes + retained_->bytes();
    for (const auto& [path, added] : audit_.state.files) bytes += added.size;
    for (const std::string& folder :
         {storage::IndexDirectory(directory_), storage::WalDirectory(directory_)}) {
      const auto names = files_.List(folder);
      if (!names.ok()) continue;
      for (const std::string& name : *names) {
        const auto size = files_.FileSize(storage::JoinPath(folder, name));
        bytes += size.ok() ? *size : 0;
      }
    }
    return bytes;
  }

  // -- Steps 2 and 3

  Status VerifyParts() {
    uint64_t rows_bound = 0;
    for (const auto& [path, added] : audit_.state.files) {
      files_to_verify_.push_back(&added);
      // A row takes at least the floats of its vector.
      rows_bound += added.size / (sizeof(float) * (schema_ ? schema_->dim : 1));
    }
    IdAudit ids(rows_bound, verification_.options().memory_bytes);
    ids.BeginPass(0);
    for (size_t i = 0; i < files_to_verify_.size(); ++i) {
      PartSubject subject;
      subject.added = files_to_verify_[i];
      subject.origin = audit_.file_origins[subject.added->path];
      subject.schema_origin = audit_.metadata_origin;
      subject.has_sparse_column = HasSparseColumn(audit_.state.metadata);
      subject.number = static_cast<uint32_t>(i);
      subject.schema = schema_ ? &*schema_ : nullptr;
      const size_t before = verification_.finding_count();
      VIPER_RETURN_IF_ERROR(VerifyPart(subject, &ids, verification_));
      if (verification_.finding_count() > before && !IsUnchanged(*subject.added)) {
        verification_.ForgetFindingsFrom(before);
      }
    }
    if (!schema_ || !audit_.is_exact) return {};
    for (uint64_t pass = 0; pass < ids.pass_count(); ++pass) {
      if (pass > 0) VIPER_RETURN_IF_ERROR(ReadIds(pass, ids));
      TellEqualIds(ids.EqualHashes(kEqualIdsMax));
    }
    return {};
  }

  /// Whether the newest version of the table has this file with this deletion vector, too.
  bool IsUnchanged(const storage::AddedFile& file) {
    const auto newest = storage::TableLog::Make(files_, directory_, {})->Load();
    if (!newest.ok()) return true;
    const auto found = newest->files.find(file.path);
    return found != newest->files.end() && found->second.deletion_vector == file.deletion_vector;
  }

  /// Null if it cannot be opened, which was told.
  std::unique_ptr<parquet::PartReader> OpenPart(uint32_t number) {
    const std::string path = storage::DataFilePath(directory_, files_to_verify_[number]->path);
    auto mapped = files_.Map(path);
    if (!mapped.ok()) return nullptr;
    parquet::PartOpenOptions options;
    options.path = path;
    auto reader = parquet::PartReader::Open(std::move(*mapped), *schema_, options);
    return reader.ok() ? std::move(*reader) : nullptr;
  }

  Status ReadIds(uint64_t pass, IdAudit& ids) {
    ids.BeginPass(pass);
    for (uint32_t number = 0; number < files_to_verify_.size(); ++number) {
      VIPER_RETURN_IF_ERROR(verification_.AddBytes(0));
      if (!storage::ParsePartName(files_to_verify_[number]->path)) continue;
      const auto reader = OpenPart(number);
      if (reader == nullptr) continue;
      Bitmap dead;
      if (const auto& vector = files_to_verify_[number]->deletion_vector) {
        auto rows = storage::ReadDeletionVector(files_, directory_, *vector, reader->row_count());
        if (!rows.ok()) continue;  // which was told
        dead = std::move(*rows);
      }
      for (size_t page = 0; page < reader->PageCount(columnar::kIdColumn); ++page) {
        const uint64_t first = reader->PageRows(columnar::kIdColumn, page).first;
        const auto column = reader->ReadPage(columnar::kIdColumn, page);
        if (!column.ok()) continue;
        for (size_t i = 0; i < column->row_count(); ++i) {
          if (!dead.empty() && dead.Test(first + i)) continue;
          ids.Add({number, static_cast<uint32_t>(first + i)},
                  storage::HashId(column->strings()[i]));
        }
      }
    }
    return {};
  }

  void TellEqualIds(const std::vector<IdAudit::Pair>& pairs) {
    for (const IdAudit::Pair& pair : pairs) {
      const auto first = IdAt(pair.first);
      const auto second = IdAt(pair.second);
      if (!first || !second || *first != *second) continue;
      const std::string& path = files_to_verify_[pair.second.part]->path;
      const std::string& other = files_to_verify_[pair.first.part]->path;
      // A flush moves rows from part to part; what was read may be of two versions.
      if (!IsUnchanged(*files_to_verify_[pair.second.part]) ||
          !IsUnchanged(*files_to_verify_[pair.first.part])) {
        continue;
      }
      verification_.AddTruth(
          {storage::DataFilePath(directory_, path), storage::DataFilePath(directory_, other)},
          fmt::format("an id is there twice: id={} row={} row_of_other={}", *first, pair.second.row,
                      pair.first.row),
          RowsText(pair.second.row, 1));
    }
  }

  std::optional<std::string> IdAt(const IdAudit::Place& place) {
    const auto reader = OpenPart(place.part);
    if (reader == nullptr || place.row >= reader->row_count()) return std::nullopt;
    const size_t page = reader->PageOfRow(columnar::kIdColumn, place.row);
    const auto column = reader->ReadPage(columnar::kIdColumn, page);
    if (!column.ok()) return std::nullopt;
    const uint64_t first = reader->PageRows(columnar::kIdColumn, page).first;
    return std::string(column->strings()[place.row - first]);
  }

  // -- Step 5

  static std::optional<uint64_t> FlushedSequence(const storage::TableState& table) {
    const auto found = table.transactions.find(std::string(kLogApplication));
    if (found == table.transactions.end()) return 0;
    if (found->second < 0) return std::nullopt;
    return static_cast<uint64_t>(found->second);
  }

  Status VerifyLog() {
    WalSubject subject;
    subject.schema = schema_ ? &*schema_ : nullptr;
    if (audit_.is_exact) subject.flushed = FlushedSequence(audit_.state);
    subject.origin = audit_.transaction_origins[std::string(kLogApplication)];
    Status status;
    for (int attempt = 1; attempt <= kVerifyAttemptsMax; ++attempt) {
      status = VerifyWal(subject, verification_);
      if (status.code() != StatusCode::kConflict) break;
      const auto newest = storage::TableLog::Make(files_, directory_, {})->Load();
      const auto flushed = newest.ok() ? FlushedSequence(*newest) : subject.flushed;
      // Where the table did not move, what is missing was not moved to it.
      subject.writer_may_run = flushed != subject.flushed;
      subject.flushed = flushed;
    }
    if (status.code() == StatusCode::kCancelled) return status;
    if (!status.ok()) {
      verification_.AddTruth({storage::WalDirectory(directory_), subject.origin}, status.message(),
                             "records that are not in the table");
    }
    return {};
  }

  // -- Step 6

  Status VerifyIndexFiles() {
    if (!schema_) return {};
    const storage::TableState* table = audit_.is_exact ? &audit_.state : nullptr;
    const size_t findings = verification_.finding_count();
    const VerifyReport before = verification_.report();
    VIPER_RETURN_IF_ERROR(VerifyIndex(table, *schema_, verification_));
    if (verification_.finding_count() == findings) return {};
    // A builder may have been between two files.
    verification_.ForgetFindingsFrom(findings);
    VerifyReport& report = verification_.report();
    report.files = before.files;
    report.bytes = before.bytes;
    report.index_segments = before.index_segments;
    return VerifyIndex(table, *schema_, verification_);
  }

  // -- Step 7

  void ReportUnreferenced() {
    if (!audit_.is_exact) return;
    const auto found = FindUnreferencedFiles(files_, directory_, audit_.state);
    // A commit may have named a file since: those stay that are of no use to the newest version
    // too.
    const auto newest = storage::TableLog::Make(files_, directory_, {})->Load();
    std::set<std::string> of_no_use;
    if (newest.ok() && !found.leftovers.empty()) {
      for (const auto& file : FindUnreferencedFiles(files_, directory_, *newest).leftovers) {
        of_no_use.insert(file.path);
      }
    }
    for (const auto& file : found.leftovers) {
      if (of_no_use.contains(file.path)) {
        verification_.AddLeftover(file.path, file.why, file.bytes);
      }
    }
    for (const auto& file : found.others)
      verification_.AddNote({file.path, {}}, file.why, file.bytes);
    if (found.tombstone_count > 0) {
      verification_.AddNote(
          {directory_, {}},
          fmt::format("{} data files were removed from the table and are kept for "
                      "readers of its older versions",
                      found.tombstone_count),
          found.tombstone_bytes);
    }
  }

  const CollectionContext& context_;
  FileSystem& files_;
  const std::string& directory_;
  Verification verification_;
  storage::TableLogAudit audit_;
  /// After step 1.
  std::optional<RetainedFiles> retained_;
  std::optional<CollectionSchema> schema_;
  std::vector<const storage::AddedFile*> files_to_verify_;
};

}  // namespace

Result<VerifyReport> VerifyCollection(const CollectionContext& context,
                                      const VerifyOptions& options) {
  return Verifier(context, options).Run();
}

}  // namespace viper::core
