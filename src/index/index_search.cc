// The road of a query (one thread, no locks): prepare and rotate it; rank the centroids by their
// codes, the best of them exactly; scan the codes of the nearest clusters block by block; compare
// those rows whose lower bound is below the k-th best so far with their byte rows; read the floats
// of the few that are left. Each step reads less than a tenth of what the one before let through,
// and asks for its memory before it is needed.

#include "index/index_search.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "index/byte_row.h"
#include "index/cluster_ranking.h"
#include "index/exact_distance.h"
#include "index/probe_count.h"
#include "index/row_code.h"
#include "index/smallest_picker.h"
#include "index/threshold.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

using kernels::kBlockRows;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
/// Clusters that are scanned before any row is compared: their best rows give a tight threshold.
constexpr size_t kFirstClusters = 4;
/// Blocks that are asked for ahead of the one being scanned. Into the second-level cache: measured
/// half as fast again as the first.
constexpr size_t kBlocksAhead = 8;
/// Rows that wait for their bytes to arrive before they are compared together.
constexpr size_t kRowsTogether = 16;
/// Blocks between two looks at whether the search has to stop.
constexpr size_t kBlocksPerCheck = 64;
constexpr size_t kLineBytes = 64;
/// Centroids whose distance is computed exactly: this many floats of them, and at least some.
constexpr size_t kExactCentroidFloats = size_t{16} * 1024;
constexpr size_t kExactCentroidsMin = 24;
constexpr size_t kExactCentroidsMax = 128;

/// Standard deviations of the error of 1-bit codes that bounds allow for: each row is lost with the
/// probability that the rest of the normal distribution has, and only one that is near the k-th.
float DeviationsFor(double recall) {
  if (recall <= 0.95) return 1.65F;
  if (recall <= 0.98) return 1.8F;
  if (recall <= 0.99) return 1.95F;
  return 2.5F;
}

void PrefetchRow(const std::byte* row, size_t bytes) {
  for (size_t i = 0; i < bytes; i += kLineBytes) __builtin_prefetch(row + i, 0, 3);
}

void PrefetchBlock(const std::byte* block, size_t bytes) {
  for (size_t i = 0; i < bytes; i += kLineBytes) __builtin_prefetch(block + i, 0, 2);
}

/// A block on its way to being scanned.
struct BlockPlace {
  const std::byte* block = nullptr;
  const ClusterView* cluster = nullptr;
  uint32_t segment = 0;
  /// Row of the cluster that is row 0 of the block.
  uint32_t first_row = 0;
  /// Rows of the block that take part.
  uint64_t selected = 0;
  float base = 0;
  float shift = 0;
};

/// A row whose code passed.
struct Survivor {
  uint32_t segment = 0;
  /// In the segment.
  uint32_t number = 0;
  const std::byte* byte_row = nullptr;
};

/// A row whose bytes passed.
struct Candidate {
  float lower = 0;
  uint64_t row = 0;
  /// Its bytes, if they tell the exact distance, and the query to compare them with.
  const std::byte* exact_row = nullptr;
  const ByteQuery* query = nullptr;
};

/// What a thread keeps between searches, so that they allocate nothing.
struct Scratch {
  std::vector<float> prepared;
  std::vector<float> rotated;
  std::vector<uint8_t> table;
  std::vector<float> values;
  SmallestPicker picker;
  std::vector<ClusterDistance> ranked;
  ClusterSorter sorter;
  std::vector<float> squared_distances;
  std::vector<BlockPlace> blocks;
  /// Of which only few rows take part.
  std::vector<BlockPlace> sparse_blocks;
  std::vector<Survivor> survivors;
  std::vector<Candidate> candidates;
  Threshold threshold;
  ByteQuery byte_queries[3];
  bool byte_query_is_ready[3] = {};
};

Scratch& ThreadScratch() {
  static thread_local Scratch scratch;
  return scratch;
}

class Search {
 public:
  Search(const IndexSearchRequest& request, IndexSearchCounts& counts)
      : request_(request),
        model_(*request.model),
        kernel_(kernels::Active()),
        scratch_(ThreadScratch()),
        counts_(counts),
        is_dot_(model_.metric() == Metric::kDot),
        block_bytes_(kernels::BlockBytes(model_.planes())),
        error_share_(ErrorShare(model_.code_dim(), DeviationsFor(request.recall))),
        cluster_count_(request.clusters == nullptr ? model_.cluster_count()
                                                   : request.clusters->count()),
        top_(request.k, request.tie_less) {}

  Result<std::vector<ScoredRow>> Run() {
    PrepareQuery();
    RankClusters();
    scratch_.threshold.Reset(request_.k);
    scratch_.candidates.clear();
    scratch_.survivors.clear();
    size_t probes = ProbeCount();
    size_t done = 0;
    while (true) {
      if (probes > exact_ranks_) RankExactly(probes + probes / 4);
      if (probes > exact_ranks_) RankTheRest();
      VIPER_RETURN_IF_ERROR(Probe(done, probes));
      done = probes;
      if (scratch_.threshold.value() < kInfinity || done == cluster_count_) break;
      probes = std::min(cluster_count_, 2 * probes);
    }
    counts_.probed_clusters += done;
    VIPER_RETURN_IF_ERROR(ReadFloats());
    VIPER_RETURN_IF_ERROR(AddZeroRows());
    return std::move(top_).TakeSorted();
  }

 private:
  void PrepareQuery() {
    scratch_.prepared.resize(model_.dim());
    scratch_.rotated.resize(model_.code_dim());
    model_.PrepareQuery(request_.query.data(), scratch_.prepared.data());
    model_.rotation().Apply(scratch_.prepared.data(), scratch_.rotated.data());
    scratch_.table.resize(kernel_.table_bytes(model_.planes()) + kLineBytes);
    void* table = scratch_.table.data();
    size_t room = scratch_.table.size();
    table_.entries = static_cast<uint8_t*>(
        std::align(kLineBytes, kernel_.table_bytes(model_.planes()), table, room));
    kernel_.build_table(scratch_.rotated.data(), model_.planes(), &table_);
    float sum = 0;
    for (const float x : scratch_.rotated) sum += x;
    // <x, q> - sum q_i / 2, in steps of the table.
    centre_ = table_.offset - sum / 2;
    squared_query_norm_ = SquaredNormOf(request_.query.data(), model_.dim());
    squared_norm_ = static_cast<float>(SquaredNormOf(scratch_.prepared.data(), model_.dim()));
    for (bool& ready : scratch_.byte_query_is_ready) ready = false;
  }

  /// Order the clusters by nearness: the first exact_ranks_ of `ranked` exactly.
  void RankClusters() {
    const size_t count = model_.cluster_count();
    const size_t blocks = (count + kBlockRows - 1) / kBlockRows;
    scratch_.values.resize(blocks * kBlockRows);
    const kernels::BlockBound bound = {table_.scale, centre_, is_dot_ ? 0 : squared_norm_,
                                       kInfinity};
    for (size_t i = 0; i < blocks; ++i) {
      kernel_.scan_block(model_.centroid_blocks().data() + i * block_bytes_, model_.planes(),
                         table_.entries, bound, scratch_.values.data() + i * kBlockRows);
      if (request_.clusters != nullptr) {
        Hide(~request_.clusters->words()[i], scratch_.values.data() + i * kBlockRows);
      }
    }
    scratch_.picker.Pick(scratch_.values, std::max(ProbeCurve::kRanksMax, 2 * request_.probes));
    scratch_.ranked.clear();
    for (size_t block = 0; block < blocks; ++block) {
      for (uint64_t mask = scratch_.picker.masks()[block]; mask != 0; mask &= mask - 1) {
        const size_t cluster = block * kBlockRows + static_cast<size_t>(std::countr_zero(mask));
        scratch_.ranked.push_back({scratch_.values[cluster], static_cast<uint32_t>(cluster)});
      }
    }
    scratch_.sorter.Sort(scratch_.ranked);
    const size_t affordable =
        std::clamp(kExactCentroidFloats / model_.dim(), kExactCentroidsMin, kExactCentroidsMax);
    RankExactly(std::max(affordable, request_.probes + request_.probes / 2));
  }

  /// Put the values of these rows of a block out of reach.
  static void Hide(uint64_t rows, float* values) {
    for (; rows != 0; rows &= rows - 1) values[std::countr_zero(rows)] = kInfinity;
  }

  /// Replace the estimates of the first `count` ranks by exact values, and put those ranks in
  /// order.
  void RankExactly(size_t count) {
    const size_t last = std::min(count, scratch_.ranked.size());
    if (last <= exact_ranks_) return;
    const std::span<ClusterDistance> ranks =
        std::span(scratch_.ranked).subspan(exact_ranks_, last - exact_ranks_);
    for (const ClusterDistance& rank : ranks) {
      PrefetchRow(reinterpret_cast<const std::byte*>(model_.centroid(rank.cluster)),
                  2 * kLineBytes);
    }
    for (ClusterDistance& rank : ranks) rank.value = ValueOf(rank.cluster);
    exact_ranks_ = last;
    scratch_.sorter.Sort(std::span(scratch_.ranked).first(last));
  }

  float ValueOf(uint32_t cluster) const {
    return CentroidValue(model_, cluster, scratch_.prepared.data());
  }

  /// Add the clusters that RankClusters left out.
  void RankTheRest() {
    RankExactly(scratch_.ranked.size());
    const size_t first = scratch_.ranked.size();
    std::vector<bool> has(model_.cluster_count());
    for (const ClusterDistance& ranked : scratch_.ranked) has[ranked.cluster] = true;
    for (uint32_t i = 0; i < model_.cluster_count(); ++i) {
      if (request_.clusters != nullptr && !request_.clusters->Has(i)) continue;
      if (!has[i]) scratch_.ranked.push_back({ValueOf(i), i});
    }
    scratch_.sorter.Sort(std::span(scratch_.ranked).subspan(first));
    exact_ranks_ = scratch_.ranked.size();
  }

  size_t ProbeCount() {
    if (cluster_count_ == 0) return 0;
    if (request_.probes != 0) return std::min(request_.probes, cluster_count_);
    scratch_.squared_distances.clear();
    AppendProbeDistances(model_, request_.query, scratch_.ranked, scratch_.squared_distances);
    ProbeQuery query;
    query.model = &model_;
    query.clusters = request_.clusters;
    for (const SearchedSegment& searched : request_.segments) {
      query.row_count += searched.segment->row_count();
    }
    query.ranked = scratch_.ranked;
    query.squared_distances = scratch_.squared_distances;
    query.recall = request_.recall;
    query.k = request_.k;
    return CountProbes(query);
  }

  /// Scan the clusters of ranks [first, last).
  Status Probe(size_t first, size_t last) {
    const size_t opening = first == 0 ? std::min(last, kFirstClusters) : first;
    if (opening > first) {
      VIPER_RETURN_IF_ERROR(ListBlocks(first, opening));
      TakeSparseBlocks();
      ScanOpening();
    }
    VIPER_RETURN_IF_ERROR(ListBlocks(opening, last));
    TakeSparseBlocks();
    ScanBlocks();
    CompareSurvivors();
    return failure_;
  }

  /// Up to so many rows of a block cost less when all of them are compared by their bytes than when
  /// its codes are scanned first.
  size_t SparseRowsMax(const Segment& segment) const {
    const size_t row_bytes = ByteRowBytes(segment.byte_rows(), model_);
    return row_bytes == 0 ? 0 : block_bytes_ / (2 * (row_bytes + kLineBytes));
  }

  static void PrefetchNumbers(const BlockPlace& place) {
    const std::byte* numbers = place.cluster->numbers + place.first_row * sizeof(uint32_t);
    for (uint64_t rows = place.selected; rows != 0; rows &= rows - 1) {
      __builtin_prefetch(numbers + std::countr_zero(rows) * sizeof(uint32_t), 0, 3);
    }
  }

  /// Let the rows go on of the blocks that are not worth scanning.
  void TakeSparseBlocks() {
    for (const BlockPlace& place : scratch_.sparse_blocks) TakeRows(place, place.selected);
    CompareSurvivors();
  }

  Status ListBlocks(size_t first, size_t last) {
    scratch_.blocks.clear();
    scratch_.sparse_blocks.clear();
    for (size_t rank = first; rank < last; ++rank) {
      const ClusterDistance& ranked = scratch_.ranked[rank];
      const float spread = std::sqrt(is_dot_ ? squared_norm_ : std::max(0.0F, ranked.value));
      for (uint32_t i = 0; i < request_.segments.size(); ++i) {
        const Segment& segment = *request_.segments[i].segment;
        const ScanMask* mask = request_.segments[i].mask;
        const ClusterView& cluster = segment.cluster(ranked.cluster);
        if (cluster.row_count == 0 || (mask != nullptr && mask->SelectedIn(ranked.cluster) == 0)) {
          continue;
        }
        VIPER_RETURN_IF_ERROR(segment.CheckCluster(ranked.cluster));
        const size_t sparse_rows_max = mask == nullptr ? 0 : SparseRowsMax(segment);
        for (size_t block = 0; block < cluster.block_count; ++block) {
          const uint64_t selected =
              mask == nullptr ? ~uint64_t{0} : mask->WordsOf(ranked.cluster)[block];
          if (selected == 0) continue;
          const size_t first_row = block * kBlockRows;
          const BlockPlace place = {cluster.blocks + block * block_bytes_, &cluster, i,
                                    static_cast<uint32_t>(first_row),      selected, ranked.value,
                                    centre_ + error_share_ * spread};
          if (static_cast<size_t>(std::popcount(selected)) <= sparse_rows_max) {
            PrefetchNumbers(place);
            scratch_.sparse_blocks.push_back(place);
            continue;
          }
          counts_.scanned_rows += std::min<size_t>(kBlockRows, cluster.row_count - first_row);
          scratch_.blocks.push_back(place);
        }
      }
    }
    return {};
  }

  kernels::BlockBound BoundOf(const BlockPlace& place, float threshold) const {
    return {table_.scale, place.shift, place.base, threshold};
  }

  /// Scan the blocks listed, compare the most promising rows, then the others that still may count.
  void ScanOpening() {
    const auto& blocks = scratch_.blocks;
    scratch_.values.resize(blocks.size() * kBlockRows);
    for (size_t i = 0; i < blocks.size(); ++i) {
      if (i + kBlocksAhead < blocks.size()) {
        PrefetchBlock(blocks[i + kBlocksAhead].block, block_bytes_);
      }
      kernel_.scan_block(blocks[i].block, model_.planes(), table_.entries,
                         BoundOf(blocks[i], kInfinity), scratch_.values.data() + i * kBlockRows);
      Hide(~blocks[i].selected, scratch_.values.data() + i * kBlockRows);
    }
    const size_t wanted = std::max<size_t>(16, request_.k + request_.k / 2);
    scratch_.picker.Pick(scratch_.values, wanted);
    TakePicked();
    CompareSurvivors();
    // The others that still may count.
    const float limit = std::min(scratch_.threshold.value(), std::numeric_limits<float>::max());
    scratch_.picker.TakeUpTo(scratch_.values, limit);
    TakePicked();
    CompareSurvivors();
  }

  /// Let the rows go on that the picker holds, and not again.
  void TakePicked() {
    for (size_t i = 0; i < scratch_.blocks.size(); ++i) {
      const uint64_t mask = scratch_.picker.masks()[i];
      if (mask == 0) continue;
      TakeRows(scratch_.blocks[i], mask);
      float* values = scratch_.values.data() + i * kBlockRows;
      for (uint64_t bits = mask; bits != 0; bits &= bits - 1) {
        values[std::countr_zero(bits)] = kInfinity;
      }
    }
  }

  /// Notes why, once the search has to stop; `done` of the blocks listed are scanned.
  bool MustStop(size_t done) {
    if (request_.stop == nullptr || !failure_.ok()) return !failure_.ok();
    failure_ = request_.stop->Check([&] {
      return fmt::format("in the index, after {} of {} blocks of codes", done,
                         scratch_.blocks.size());
    });
    return !failure_.ok();
  }

  void ScanBlocks() {
    const auto& blocks = scratch_.blocks;
    float values[kBlockRows];
    for (size_t i = 0; i < std::min(kBlocksAhead, blocks.size()); ++i) {
      PrefetchBlock(blocks[i].block, block_bytes_);
    }
    for (size_t i = 0; i < blocks.size(); ++i) {
      if (i % kBlocksPerCheck == 0 && MustStop(i)) return;
      if (i + kBlocksAhead < blocks.size()) {
        PrefetchBlock(blocks[i + kBlocksAhead].block, block_bytes_);
      }
      const float threshold =
          std::min(scratch_.threshold.value(), std::numeric_limits<float>::max());
      const uint64_t mask =
          blocks[i].selected & kernel_.scan_block(blocks[i].block, model_.planes(), table_.entries,
                                                  BoundOf(blocks[i], threshold), values);
      if (mask != 0) TakeRows(blocks[i], mask);
    }
  }

  /// Let the rows of a block go on that the mask holds and the selection allows.
  void TakeRows(const BlockPlace& place, uint64_t mask) {
    const SearchedSegment& searched = request_.segments[place.segment];
    const size_t row_bytes = ByteRowBytes(searched.segment->byte_rows(), model_);
    for (; mask != 0; mask &= mask - 1) {
      const size_t row = place.first_row + static_cast<size_t>(std::countr_zero(mask));
      const auto number = LoadFixed<uint32_t>(place.cluster->numbers + row * sizeof(uint32_t));
      if (searched.selection != nullptr && !searched.selection->Test(number)) continue;
      Survivor survivor = {place.segment, number, nullptr};
      if (row_bytes != 0) {
        survivor.byte_row = place.cluster->byte_rows + row * row_bytes;
        PrefetchRow(survivor.byte_row, row_bytes);
      }
      scratch_.survivors.push_back(survivor);
      if (scratch_.survivors.size() == 2 * kRowsTogether) CompareFirst(kRowsTogether);
    }
  }

  void CompareSurvivors() { CompareFirst(scratch_.survivors.size()); }

  /// Compare the survivors that have waited longest.
  void CompareFirst(size_t count) {
    auto& survivors = scratch_.survivors;
    size_t first = 0;
    while (first < count) {
      // A run of one segment: rows of different segments may be of different kinds.
      size_t last = first + 1;
      while (last < count && last - first < kRowsTogether &&
             survivors[last].segment == survivors[first].segment) {
        ++last;
      }
      CompareRun(std::span(survivors).subspan(first, last - first));
      first = last;
    }
    survivors.erase(survivors.begin(), survivors.begin() + static_cast<ptrdiff_t>(count));
  }

  void CompareRun(std::span<const Survivor> run) {
    const SearchedSegment& searched = request_.segments[run.front().segment];
    const ByteRows kind = searched.segment->byte_rows();
    float estimates[kRowsTogether];
    float errors[kRowsTogether];
    if (kind == ByteRows::kNone) {
      for (const Survivor& survivor : run) CompareFloats(searched.first_row + survivor.number);
      return;
    }
    const std::byte* rows[kRowsTogether];
    for (size_t i = 0; i < run.size(); ++i) rows[i] = run[i].byte_row;
    const ByteQuery& query = ByteQueryOf(kind);
    query.Estimate(rows, run.size(), estimates, errors);
    counts_.byte_rows += run.size();
    for (size_t i = 0; i < run.size(); ++i) {
      Candidate candidate = {0, searched.first_row + run[i].number, nullptr, nullptr};
      if (query.is_exact()) {
        candidate.exact_row = rows[i];
        candidate.query = &query;
      }
      Keep(estimates[i], errors[i], candidate);
    }
  }

  void Keep(float estimate, float error, Candidate candidate) {
    // Estimates are rounded to single precision.
    const float rounding = std::fabs(estimate) * 1e-6F;
    candidate.lower = estimate - error - rounding;
    if (candidate.lower > scratch_.threshold.value()) return;
    scratch_.candidates.push_back(candidate);
    scratch_.threshold.Offer(estimate + error + rounding);
  }

  const ByteQuery& ByteQueryOf(ByteRows kind) {
    const auto i = static_cast<size_t>(kind);
    if (!scratch_.byte_query_is_ready[i]) {
      scratch_.byte_queries[i].Prepare(kind, model_, request_.query, scratch_.rotated);
      scratch_.byte_query_is_ready[i] = true;
    }
    return scratch_.byte_queries[i];
  }

  /// Without byte rows: the floats decide at once.
  void CompareFloats(uint64_t row) {
    const std::optional<double> distance = DistanceOf(row);
    if (!distance) return;
    const float value = PreparedValue(*distance);
    Keep(value, 0, {0, row, nullptr, nullptr});
  }

  std::optional<double> DistanceOf(const Candidate& candidate) {
    if (candidate.exact_row == nullptr) return DistanceOf(candidate.row);
    double distance = 0;
    candidate.query->ExactDistances(&candidate.exact_row, 1, &distance);
    return distance;
  }

  /// The distance of a row; absent (and noted) if its floats cannot be read.
  std::optional<double> DistanceOf(uint64_t row) {
    const auto floats = request_.floats(row);
    if (!floats.ok()) {
      if (failure_.ok()) failure_ = floats.status();
      return std::nullopt;
    }
    ++counts_.exact_rows;
    return ExactDistance(model_.metric(), *floats, request_.query.data(), model_.dim(),
                         squared_query_norm_);
  }

  /// A distance as bounds measure it, in the prepared space.
  float PreparedValue(double distance) {
    const double scale = model_.content().scale;
    if (model_.metric() == Metric::kL2) {
      return static_cast<float>(distance * distance * scale * scale);
    }
    if (model_.metric() == Metric::kCosine) return static_cast<float>(2 * distance * scale * scale);
    if (!dot_with_mean_) {
      dot_with_mean_ = std::inner_product(request_.query.begin(), request_.query.end(),
                                          model_.content().mean.begin(), 0.0);
    }
    return static_cast<float>((distance + *dot_with_mean_) * scale);
  }

  Status ReadFloats() {
    auto& candidates = scratch_.candidates;
    const float threshold = scratch_.threshold.value();
    std::erase_if(candidates, [&](const Candidate& c) { return c.lower > threshold; });
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
      return a.lower != b.lower ? a.lower < b.lower : a.row < b.row;
    });
    const size_t compared_max =
        request_.rerank == 0 ? candidates.size() : std::max(request_.rerank, request_.k);
    if (candidates.size() > compared_max) candidates.resize(compared_max);
    for (const Candidate& candidate : candidates) {
      if (top_.full() && candidate.lower > PreparedValue(top_.worst_distance())) break;
      const std::optional<double> distance = DistanceOf(candidate);
      if (distance) top_.Offer({candidate.row, *distance});
    }
    return failure_;
  }

  static std::span<const uint32_t> ZeroRowsOf(const SearchedSegment& searched) {
    return searched.mask == nullptr ? searched.segment->zero_rows() : searched.mask->zero_rows();
  }

  Status AddZeroRows() {
    for (const SearchedSegment& searched : request_.segments) {
      for (const uint32_t number : ZeroRowsOf(searched)) {
        if (searched.selection != nullptr && !searched.selection->Test(number)) continue;
        // A zero vector has cosine 0 with everything.
        if (top_.full() && top_.worst_distance() < 1) return {};
        top_.Offer({searched.first_row + number, 1.0});
      }
    }
    return {};
  }

  const IndexSearchRequest& request_;
  const Model& model_;
  const kernels::KernelTable& kernel_;
  Scratch& scratch_;
  IndexSearchCounts& counts_;
  const bool is_dot_;
  const size_t block_bytes_;
  const float error_share_;
  /// Clusters of which some row takes part: there are no others to this search.
  const size_t cluster_count_;
  kernels::CodeTable table_;
  float centre_ = 0;
  /// Of the prepared query, and of the query as it is.
  float squared_norm_ = 0;
  double squared_query_norm_ = 0;
  size_t exact_ranks_ = 0;
  TopRows top_;
  std::optional<double> dot_with_mean_;
  Status failure_;
};

}  // namespace

Result<std::vector<ScoredRow>> IndexSearch(const IndexSearchRequest& request,
                                           IndexSearchCounts* counts) {
  VIPER_ASSERT(request.query.size() == request.model->dim());
  IndexSearchCounts unused;
  if (request.k == 0 || request.segments.empty()) return std::vector<ScoredRow>();
  return Search(request, counts == nullptr ? unused : *counts).Run();
}

}  // namespace viper::index
