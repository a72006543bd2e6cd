#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/held_floats.h"
#include "index/index_search.h"
#include "index/prepared_query.h"
#include "index/threshold.h"
#include "viper/result.h"

namespace viper::index {

/// A row whose code passed the threshold.
struct PassedRow {
  /// Which of the request's segments it is in.
  uint32_t segment = 0;
  /// Where its number in the segment stands, and its bytes (null if the segment has none).
  const std::byte* number = nullptr;
  const std::byte* byte_row = nullptr;
};

/// The rows that may be among the k nearest of a query, and the stages behind the codes: their
/// bytes are compared in groups, which gives each memory the time to arrive, and rows whose lower
/// bound is above the k-th smallest upper bound drop out; the floats of the few that are left
/// decide. Keeps its memory from one query to the next. Not thread-safe.
class CandidateRows {
 public:
  /// All outlive the search.
  void Start(const IndexSearchRequest& request, PreparedQuery& query, IndexSearchCounts& counts);
  /// After Start for the query of `whole`: leave out the rows that it would. Makes what the query
  /// makes when first asked, so that others may work with it on other threads.
  void StartFrom(const CandidateRows& whole);
  /// Take in the rows that another has found, which are none of these.
  void Merge(const CandidateRows& other);

  /// A row is of interest only if its lower bound is not above this. Finite.
  float threshold() const;
  /// Whether k rows are held.
  bool are_enough() const;
  /// A place for a row, to be filled before the next call; its bytes are compared later. `byte_row`
  /// may be null.
  PassedRow& Add(const std::byte* byte_row) {
    const size_t asked_bytes = byte_row == nullptr ? 0 : row_bytes_;
    for (size_t i = 0; i < asked_bytes; i += kLineBytes) __builtin_prefetch(byte_row + i, 0, 3);
    if (groups_[filling_].count == kGroupRows) TakeNextGroup();
    Group& group = groups_[filling_];
    PassedRow& row = group.rows[group.count++];
    row.byte_row = byte_row;
    return row;
  }
  /// Compare what Add left waiting.
  void CompareWaiting();
  /// The nearest of all, best first, at most k, with their exact distances.
  Result<std::vector<ScoredRow>> TakeNearest();

 private:
  static constexpr size_t kLineBytes = 64;
  /// Rows that are compared together: while one group waits for its bytes the next one is filled.
  static constexpr size_t kGroupRows = 16;
  struct Group {
    size_t count = 0;
    std::array<PassedRow, kGroupRows> rows;
  };
  /// A row whose bytes passed.
  struct Candidate {
    float lower = 0;
    PassedRow row;
  };

  /// Fill the other group, after what waits in it has been compared.
  void TakeNextGroup();
  void CompareGroup(Group& group);
  void CompareRun(const PassedRow* rows, size_t count);
  void CompareFloats(const PassedRow& row);
  void Keep(float estimate, float error, const PassedRow& row);
  void DropTheFar();
  /// Absent (and noted in failure_) if it is none of the segment's rows: the file was overwritten
  /// after its checksum had been compared.
  std::optional<uint64_t> NumberOf(const PassedRow& row);
  const ByteQuery* ExactBytesOf(const PassedRow& row) const;
  /// Null (and noted in failure_) if they cannot be read.
  HeldFloats FloatsOf(const PassedRow& row);
  double DistanceTo(const std::byte* floats);
  /// Offer candidates [first, last), as long as they may be nearer than what is held.
  void OfferGroup(size_t first, size_t last, TopRows& top);
  void AddZeroRows(TopRows& top) const;

  const IndexSearchRequest* request_ = nullptr;
  PreparedQuery* query_ = nullptr;
  IndexSearchCounts* counts_ = nullptr;
  size_t row_bytes_ = 0;
  Threshold threshold_;
  std::array<Group, 2> groups_;
  size_t filling_ = 0;
  std::vector<Candidate> candidates_;
  Status failure_;
};

}  // namespace viper::index
