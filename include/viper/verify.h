#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viper/export.h"
#include "viper/value.h"

namespace viper {

/// How much a finding matters, the worst last.
enum class FindingKind : uint8_t {
  /// Nothing is wrong, but somebody may want to know it: a torn log tail that was never
  /// acknowledged, files that older versions of the table need.
  kNote = 0,
  /// A file that nobody refers to: it only takes room.
  kLeftover = 1,
  /// A file that is made from others is missing, damaged or not what they say: a sidecar, the
  /// index, a hint. Answers stay right (slower, perhaps) and it can be made again.
  kDerivedDamage = 2,
  /// What holds records or says which ones there are is damaged or contradicts itself: the table
  /// log, a part, the write-ahead log.
  kTruthDamage = 3,
};

/// "note", "leftover", "derived" or "truth".
VIPER_EXPORT std::string_view FindingKindName(FindingKind kind);

/// One thing that a verification found.
struct VerifyFinding {
  FindingKind kind = FindingKind::kNote;
  /// The file, relative to the collection's directory; "." is the directory itself.
  std::string file;
  /// The file that it contradicts; empty if the finding is about one file.
  std::string other_file;
  /// What is wrong: the place, what was expected and what is there.
  std::string problem;
  /// What the damage reaches, as far as can be told, such as "rows 0 to 511"; empty if nothing is
  /// lost by it.
  std::string affected;
  /// Engine::Repair can put it right.
  bool is_repairable = false;
  /// Bytes of the files that a leftover or a note is about, else 0.
  uint64_t bytes = 0;

  bool is_damage() const { return kind >= FindingKind::kDerivedDamage; }
};

/// How far a verification is.
struct VerifyProgress {
  /// The file that is read now, relative to the collection's directory; valid during the call.
  std::string_view file;
  uint64_t bytes_done = 0;
  /// As known when it began; a collection that is written to may turn out larger.
  uint64_t bytes_total = 0;
};

struct VerifyOptions {
  /// Told as the work goes on, on the caller's thread; false stops it: Cancelled.
  std::function<bool(const VerifyProgress&)> progress;
  /// Memory for comparing ids between parts, 16 bytes a row; where there are more rows, ids are
  /// read several times. Beside it one part's sidecar (14 bytes a row of the part) and decoded
  /// pages are held.
  size_t memory_bytes = size_t{256} << 20;
};

/// What Engine::Verify looked at and found.
struct VerifyReport {
  std::string collection;
  /// The version of the table that was checked; -1 if none could be read.
  int64_t table_version = -1;
  /// The worst first, then by file. Of very many the first of each file, see `findings_left_out`.
  std::vector<VerifyFinding> findings;
  uint64_t findings_left_out = 0;

  // What was read.
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t table_versions = 0;
  /// Parts of the newest version; and physical rows of those of which every column was decoded.
  uint64_t parts = 0;
  uint64_t rows = 0;
  uint64_t log_records = 0;
  uint64_t index_segments = 0;
  double seconds = 0;

  uint64_t CountOf(FindingKind kind) const {
    uint64_t count = 0;
    for (const VerifyFinding& finding : findings) count += finding.kind == kind ? 1 : 0;
    return count;
  }
  /// Nothing is damaged: there are notes and leftovers at most.
  bool is_sound() const {
    return CountOf(FindingKind::kTruthDamage) + CountOf(FindingKind::kDerivedDamage) == 0;
  }
};

struct RepairOptions {
  /// Change nothing, and say what would be done.
  bool dry_run = false;
  /// Of the verifications before and after; see VerifyOptions.
  std::function<bool(const VerifyProgress&)> progress;
  size_t memory_bytes = VerifyOptions().memory_bytes;
};

/// What was done about a finding.
struct RepairStep {
  VerifyFinding finding;
  /// In words, such as "removed; the next build of the index makes it again". For what cannot be
  /// repaired: why not, and what can be done by hand.
  std::string action;
  /// It was done (in a dry run: it would be).
  bool is_done = false;
};

/// What Engine::Repair found and did.
struct RepairReport {
  bool dry_run = false;
  VerifyReport before;
  /// One for each finding of `before` that is not a note.
  std::vector<RepairStep> steps;
  /// What a verification found after the work; absent in a dry run, and where there was nothing to
  /// do.
  std::optional<VerifyReport> after;

  /// Nothing is damaged any more (in a dry run: nothing would be).
  VIPER_EXPORT bool is_sound() const;
};

/// The reports as JSON values, for programs; keys are those of the fields.
VIPER_EXPORT Value ToValue(const VerifyFinding& finding);
VIPER_EXPORT Value ToValue(const VerifyReport& report);
VIPER_EXPORT Value ToValue(const RepairReport& report);

}  // namespace viper
