// How a search runs:
//
// 1. The rows, in the order of the blocks, are cut into one contiguous share per thread.
// 2. A share is scanned in runs of rows that fit the first cache, for up to kQueriesPerScan of the
//    queries. Words of the selection that are nearly full are taken whole; the rows of sparser ones
//    are first gathered into a run of their own.
// 3. Single precision says of most rows that they are farther than k rows already found: for many
//    queries at once by QueryPanels, for one or few by a rank above the query's cut (RankBound). Of
//    the others the distance is computed in double precision and offered to the query's TopRows,
//    which lowers the limit and the cut.
// 4. The TopRows of the shares are merged.
//
// Invariant: a row is passed over only when k rows of its share are nearer beyond doubt. So the
// result is exact, and the way the work was split does not show in it. About k * (1 + ln(rows / k))
// rows of a share get to step 3's second half if they come in random order; rows at equal distances
// all do.

#include "index/exact_search.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/row_range.h"
#include "base/status_macros.h"
#include "index/query_panels.h"
#include "index/rank_bound.h"

namespace viper::index {
namespace {

/// Bytes of rows that are scanned at once: small enough that every panel, and the rows computed in
/// double, find them in an L1 cache.
constexpr size_t kRunBytes = size_t{24} * 1024;
constexpr size_t kRowsPerRunMin = 16;
constexpr size_t kRowsPerRunMax = 1008;
/// Whole tiles of every kernel.
constexpr size_t kRowsPerRunStep = 48;
/// From this many queries on a panel, however empty, takes less time than one query after the
/// other.
constexpr size_t kPanelQueriesMin = 6;
/// Panels are given up when more than one in so many pairs of row and query gets through, since a
/// distance in double precision takes about that many times as long as a score.
constexpr size_t kPairsPerDistance = 8;
/// Queries that go over the rows together. More gain nothing: at 64 arithmetic takes several times
/// as long as reading the rows.
constexpr size_t kQueriesPerScan = 64;
/// A thread gets at least this much to scan, or waking it costs more than it saves.
constexpr size_t kBytesPerThreadMin = size_t{1} << 20;
/// Rows between two looks at whether the search has to stop.
constexpr size_t kRowsPerCheck = 8192;
constexpr size_t kWordBits = 64;
/// From this many rows of a word on, ranking all of them costs less than copying the selected ones.
constexpr size_t kDenseRowsPerWord = 48;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Rows that are scanned at once.
struct Run {
  const std::byte* floats = nullptr;
  size_t row_count = 0;
  uint64_t first_row = 0;
  /// The number of each row, where they do not follow each other from first_row on.
  const uint64_t* row_numbers = nullptr;
  /// Bit i: row i takes part. Only for runs of at most 64 rows, others take part whole.
  uint64_t selected = ~uint64_t{0};

  uint64_t RowNumber(size_t i) const {
    return row_numbers == nullptr ? first_row + i : row_numbers[i];
  }
  bool IsSelected(size_t i) const { return i >= kWordBits || ((selected >> i) & 1) != 0; }
};

/// Queries in the form that ranks them (see RankBound).
struct RankedQueries {
  std::vector<float> floats;
  std::vector<double> squared_norms;
  std::vector<RankBound> bounds;
};

RankedQueries PrepareQueries(const ExactSearchRequest& request) {
  RankedQueries prepared;
  prepared.floats.assign(request.queries.begin(), request.queries.end());
  for (size_t q = 0; q < request.query_count; ++q) {
    float* query = prepared.floats.data() + q * request.dim;
    const double squared_norm = SquaredNormOf(query, request.dim);
    const double norm = std::sqrt(squared_norm);
    prepared.squared_norms.push_back(squared_norm);
    prepared.bounds.emplace_back(request.metric, request.dim, norm, request.max_norm);
    if (request.metric == Metric::kL2) continue;
    const double divisor = request.metric == Metric::kCosine && norm > 0 ? norm : 1;
    for (size_t i = 0; i < request.dim; ++i) query[i] = static_cast<float>(-query[i] / divisor);
  }
  return prepared;
}

/// Whether all of 16 ranks are above the cut; NaN is not. A function of its own, since GCC 12 turns
/// the loop into four vector comparisons only where it is not part of another loop.
[[gnu::noinline]] bool SixteenAreAbove(const float* ranks, float cut) {
  int all = -1;
  for (size_t i = 0; i < 16; ++i) all &= ranks[i] > cut ? -1 : 0;
  return all != 0;
}

/// Call `visit(i)` for every rank that is not above `cut`, which `visit` may lower.
template <typename Visit>
void VisitRanksWithin(const float* ranks, size_t count, const float& cut, Visit visit) {
  for (size_t i = 0; i < count; i += 16) {
    if (i + 16 <= count && SixteenAreAbove(ranks + i, cut)) continue;
    for (size_t j = i; j < std::min(i + 16, count); ++j) {
      if (!(ranks[j] > cut)) visit(j);
    }
  }
}

/// Bits [first, first + 64) of a bitmap; those past its end are zero.
uint64_t WordAt(const Bitmap& bitmap, size_t first) {
  const std::vector<uint64_t>& words = bitmap.words();
  const size_t word = first / kWordBits;
  const size_t shift = first % kWordBits;
  uint64_t bits = word < words.size() ? words[word] >> shift : 0;
  if (shift != 0 && word + 1 < words.size()) bits |= words[word + 1] << (kWordBits - shift);
  return bits;
}

/// One thread's scan of its share of the rows for some of the queries.
class ShareScan {
 public:
  /// Queries [first_query, first_query + query_count).
  ShareScan(const ExactSearchRequest& request, const RankedQueries& queries, size_t first_query,
            size_t query_count);

  /// Scan the rows [first, last) of a block.
  void Scan(const RowBlock& block, size_t first, size_t last);
  /// The rows found; ends the scan.
  std::vector<TopRows> Finish() &&;

 private:
  void ScanSelected(const RowBlock& block, size_t first, size_t last);
  void Gather(const RowBlock& block, size_t first, uint64_t selected);
  void ScanGathered();
  void ScanRun(const Run& run);
  void ScanWithPanels(const Run& run);
  void RankAndOffer(const Run& run, size_t query);
  void RankByCosine(const Run& run, const float* query);
  void Offer(const Run& run, size_t i, size_t query);
  bool ArePanelsWorthwhile() const;

  const ExactSearchRequest& request_;
  const RankedQueries& queries_;
  const kernels::KernelTable& kernel_;
  const size_t first_query_;
  const size_t query_count_;
  const size_t row_bytes_;
  const size_t rows_per_run_;

  std::vector<TopRows> top_;
  std::optional<QueryPanels> panels_;
  /// Pairs of row and query that went through the panels, and that got through.
  uint64_t panel_pairs_ = 0;
  uint64_t panel_distances_ = 0;
  /// Per query: a rank above it is farther than all of its top_.
  std::vector<float> cuts_;
  /// Per row of the run.
  std::vector<float> ranks_;
  std::vector<float> squared_norms_;
  std::vector<std::byte> gathered_;
  std::vector<uint64_t> gathered_rows_;
};

size_t RowsPerRun(size_t row_bytes) {
  const size_t fitting = std::clamp(kRunBytes / row_bytes, kRowsPerRunMin, kRowsPerRunMax);
  return fitting < kRowsPerRunStep ? kRowsPerRunMin : fitting - fitting % kRowsPerRunStep;
}

ShareScan::ShareScan(const ExactSearchRequest& request, const RankedQueries& queries,
                     size_t first_query, size_t query_count)
    : request_(request),
      queries_(queries),
      kernel_(request.kernel == nullptr ? kernels::Active() : *request.kernel),
      first_query_(first_query),
      query_count_(query_count),
      row_bytes_(request.dim * sizeof(float)),
      rows_per_run_(RowsPerRun(row_bytes_)),
      top_(query_count, TopRows(request.k, request.tie_less)),
      cuts_(query_count, kInfinity),
      ranks_(rows_per_run_),
      squared_norms_(rows_per_run_) {
  if (query_count < kPanelQueriesMin) return;
  panels_.emplace(request.metric, request.dim,
                  request.queries.subspan(first_query * request.dim, query_count * request.dim),
                  std::span(queries.squared_norms).subspan(first_query, query_count),
                  request.max_norm);
}

void ShareScan::Scan(const RowBlock& block, size_t first, size_t last) {
  if (block.selection != nullptr) return ScanSelected(block, first, last);
  for (size_t i = first; i < last; i += rows_per_run_) {
    ScanRun({.floats = block.floats + i * row_bytes_,
             .row_count = std::min(rows_per_run_, last - i),
             .first_row = block.first_row + i});
  }
}

void ShareScan::ScanSelected(const RowBlock& block, size_t first, size_t last) {
  const size_t step = std::min(rows_per_run_, kWordBits);
  for (size_t word = first; word < last; word += kWordBits) {
    const size_t count = std::min(kWordBits, last - word);
    uint64_t selected = WordAt(*block.selection, block.selection_offset + word);
    if (count < kWordBits) selected &= (uint64_t{1} << count) - 1;
    if (selected == 0) continue;
    if (static_cast<size_t>(std::popcount(selected)) < kDenseRowsPerWord) {
      Gather(block, word, selected);
      continue;
    }
    for (size_t i = 0; i < count; i += step) {
      ScanRun({.floats = block.floats + (word + i) * row_bytes_,
               .row_count = std::min(step, count - i),
               .first_row = block.first_row + word + i,
               .selected = selected >> i});
    }
  }
}

void ShareScan::Gather(const RowBlock& block, size_t first, uint64_t selected) {
  gathered_.resize(rows_per_run_ * row_bytes_);
  for (; selected != 0; selected &= selected - 1) {
    const size_t row = first + static_cast<size_t>(std::countr_zero(selected));
    std::memcpy(gathered_.data() + gathered_rows_.size() * row_bytes_,
                block.floats + row * row_bytes_, row_bytes_);
    gathered_rows_.push_back(block.first_row + row);
    if (gathered_rows_.size() == rows_per_run_) ScanGathered();
  }
}

void ShareScan::ScanGathered() {
  ScanRun({.floats = gathered_.data(),
           .row_count = gathered_rows_.size(),
           .row_numbers = gathered_rows_.data()});
  gathered_rows_.clear();
}

void ShareScan::ScanRun(const Run& run) {
  if (panels_.has_value()) return ScanWithPanels(run);
  for (size_t q = 0; q < query_count_; ++q) RankAndOffer(run, q);
}

void ShareScan::ScanWithPanels(const Run& run) {
  panel_pairs_ += run.row_count * query_count_;
  panels_->VisitWithin(kernel_, {run.floats, run.row_count}, [&](size_t i, size_t query) {
    ++panel_distances_;
    if (run.IsSelected(i)) Offer(run, i, query);
  });
  if (!ArePanelsWorthwhile()) panels_.reset();
}

/// Until every query has found its k rows, and some more, nearly all pairs get through.
bool ShareScan::ArePanelsWorthwhile() const {
  const uint64_t at_first = query_count_ * (4 * request_.k + 2 * rows_per_run_);
  return panel_distances_ <= panel_pairs_ / kPairsPerDistance + at_first;
}

void ShareScan::RankAndOffer(const Run& run, size_t query) {
  const float* floats = queries_.floats.data() + (first_query_ + query) * request_.dim;
  if (request_.metric == Metric::kL2) {
    kernel_.squared_l2(run.floats, run.row_count, request_.dim, floats, ranks_.data());
  } else if (request_.metric == Metric::kDot) {
    kernel_.dot(run.floats, run.row_count, request_.dim, floats, ranks_.data());
  } else {
    RankByCosine(run, floats);
  }
  VisitRanksWithin(ranks_.data(), run.row_count, cuts_[query], [&](size_t i) {
    if (run.IsSelected(i)) Offer(run, i, query);
  });
}

void ShareScan::RankByCosine(const Run& run, const float* query) {
  float* ranks = ranks_.data();
  float* squared_norms = squared_norms_.data();
  kernel_.dot_and_squared_norm(run.floats, run.row_count, request_.dim, query, ranks,
                               squared_norms);
  // A norm that is NaN makes a rank that is never above the cut.
  for (size_t i = 0; i < run.row_count; ++i) ranks[i] *= 1 / NormInRange(squared_norms[i]);
}

void ShareScan::Offer(const Run& run, size_t i, size_t query) {
  const size_t request_query = first_query_ + query;
  const float* floats = request_.queries.data() + request_query * request_.dim;
  const double distance = ExactDistance(request_.metric, run.floats + i * row_bytes_, floats,
                                        request_.dim, queries_.squared_norms[request_query]);
  TopRows& top = top_[query];
  if (top.full() && distance > top.worst_distance()) return;
  top.Offer({run.RowNumber(i), distance});
  if (!top.full()) return;
  cuts_[query] = queries_.bounds[request_query].LargestRankWithin(top.worst_distance());
  if (panels_.has_value()) panels_->SetLimit(query, top.worst_distance());
}

std::vector<TopRows> ShareScan::Finish() && {
  if (!gathered_rows_.empty()) ScanGathered();
  return std::move(top_);
}

/// Rows [first, last) of the blocks, counted through all of them.
struct Share {
  size_t first = 0;
  size_t last = 0;
};

/// Rows of a share that were walked, of all of them.
struct ScanProgress {
  size_t done = 0;
  size_t all = 0;
};

/// Whether some row of [first, last) of a block takes part.
bool AnySelected(const RowBlock& block, size_t first, size_t last) {
  if (block.selection == nullptr) return true;
  const size_t size = block.selection->size();
  return block.selection->CountSet(std::min(block.selection_offset + first, size),
                                   std::min(block.selection_offset + last, size)) != 0;
}

/// Scan some rows of a block; `progress` is that before.
Status ScanInPieces(const ExactSearchRequest& request, const RowBlock& block, const RowRange& rows,
                    const ScanProgress& progress, ShareScan& scan) {
  for (size_t i = rows.first; i < rows.end(); i += kRowsPerCheck) {
    if (request.stop != nullptr) {
      VIPER_RETURN_IF_ERROR(request.stop->Check([&] {
        return fmt::format("after comparing {} of {} rows", progress.done + i - rows.first,
                           progress.all);
      }));
    }
    scan.Scan(block, i, std::min<size_t>(i + kRowsPerCheck, rows.end()));
  }
  return {};
}

Result<std::vector<TopRows>> ScanShare(const ExactSearchRequest& request,
                                       const RankedQueries& queries, const Share& share) {
  std::vector<TopRows> found;
  for (size_t q = 0; q < request.query_count; q += kQueriesPerScan) {
    ShareScan scan(request, queries, q, std::min(kQueriesPerScan, request.query_count - q));
    size_t block_first = 0;
    for (size_t i = 0; i < request.blocks.size(); ++i) {
      const RowBlock& block = request.blocks[i];
      const size_t first = std::clamp(share.first, block_first, block_first + block.row_count);
      const size_t last = std::clamp(share.last, block_first, block_first + block.row_count);
      if (first < last && AnySelected(block, first - block_first, last - block_first)) {
        RowBlock opened = block;
        HeldFloats held;
        if (request.open_block) {
          VIPER_ASSIGN_OR_RETURN(held, request.open_block(i));
          opened.floats = held.floats;
        }
        VIPER_RETURN_IF_ERROR(ScanInPieces(request, opened, {first - block_first, last - first},
                                           {first - share.first, share.last - share.first}, scan));
      }
      block_first += block.row_count;
    }
    for (TopRows& top : std::move(scan).Finish()) found.push_back(std::move(top));
  }
  return found;
}

std::vector<Share> SplitRows(const ExactSearchRequest& request) {
  size_t row_count = 0;
  for (const RowBlock& block : request.blocks) row_count += block.row_count;
  const size_t worthwhile = row_count * request.dim * sizeof(float) / kBytesPerThreadMin;
  const size_t threads = request.pool == nullptr ? 1 : request.pool->thread_count();
  const size_t count = std::clamp(worthwhile, size_t{1}, threads);
  std::vector<Share> shares(count);
  for (size_t i = 0; i < count; ++i) {
    shares[i].first = i == 0 ? 0 : shares[i - 1].last;
    shares[i].last = shares[i].first + (row_count - shares[i].first) / (count - i);
  }
  return shares;
}

}  // namespace

Result<std::vector<std::vector<ScoredRow>>> ExactSearch(const ExactSearchRequest& request) {
  VIPER_ASSERT(request.dim > 0);
  VIPER_ASSERT(request.queries.size() == request.query_count * request.dim);
  std::vector<std::vector<ScoredRow>> results(request.query_count);
  if (request.k == 0) return results;

  const RankedQueries queries = PrepareQueries(request);
  const std::vector<Share> shares = SplitRows(request);
  std::vector<std::vector<TopRows>> found(shares.size());
  std::vector<Status> statuses(shares.size());
  const auto scan = [&](size_t i) {
    auto scanned = ScanShare(request, queries, shares[i]);
    statuses[i] = scanned.status();
    if (scanned.ok()) found[i] = std::move(*scanned);
  };
  if (shares.size() == 1) {
    scan(0);
  } else {
    request.pool->ParallelFor(shares.size(), scan);
  }
  for (const Status& status : statuses) VIPER_RETURN_IF_ERROR(status);
  for (size_t q = 0; q < request.query_count; ++q) {
    TopRows& top = found[0][q];
    for (size_t i = 1; i < shares.size(); ++i) top.Merge(found[i][q]);
    results[q] = std::move(top).TakeSorted();
  }
  return results;
}

}  // namespace viper::index
