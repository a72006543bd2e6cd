#include "index/candidate_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/core.h>

#include "base/coding.h"
#include "base/status_macros.h"
#include "index/byte_row.h"
#include "index/exact_distance.h"

namespace viper::index {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();
/// Rows whose floats are asked for before the first of them is compared.
constexpr size_t kFloatsTogether = 16;
/// Candidates between two looks whether to stop.
constexpr size_t kCandidatesPerCheck = 64 * kFloatsTogether;
/// Estimates are rounded to single precision.
constexpr float kRounding = 1e-6F;

/// Corruption if a row is there twice, as the numbers of a file that was overwritten may say.
Status CheckEachIsThereOnce(const std::vector<ScoredRow>& nearest) {
  std::vector<uint64_t> numbers;
  numbers.reserve(nearest.size());
  for (const ScoredRow& row : nearest) numbers.push_back(row.row);
  std::sort(numbers.begin(), numbers.end());
  const auto twice = std::adjacent_find(numbers.begin(), numbers.end());
  if (twice == numbers.end()) return {};
  return Status::Corruption(fmt::format("index segment: two places have the row {}", *twice));
}

}  // namespace

void CandidateRows::Start(const IndexSearchRequest& request, PreparedQuery& query,
                          IndexSearchCounts& counts) {
  request_ = &request;
  query_ = &query;
  counts_ = &counts;
  row_bytes_ = 0;
  for (const SearchedSegment& searched : request.segments) {
    row_bytes_ = std::max(row_bytes_, ByteRowBytes(searched.segment->byte_rows(), *request.model));
  }
  threshold_.Reset(request.k);
  for (Group& group : groups_) group.count = 0;
  candidates_.clear();
  failure_ = Status();
}

void CandidateRows::StartFrom(const CandidateRows& whole) {
  threshold_.Reset(request_->k, whole.threshold_.value());
  for (const SearchedSegment& searched : request_->segments) {
    const ByteRows kind = searched.segment->byte_rows();
    if (kind != ByteRows::kNone) query_->bytes(kind);
  }
}

void CandidateRows::Merge(const CandidateRows& other) {
  candidates_.insert(candidates_.end(), other.candidates_.begin(), other.candidates_.end());
  threshold_.Merge(other.threshold_);
  if (failure_.ok()) failure_ = other.failure_;
}

float CandidateRows::threshold() const { return std::min(threshold_.value(), kLargest); }

bool CandidateRows::are_enough() const { return threshold_.value() < kInfinity; }

void CandidateRows::TakeNextGroup() {
  filling_ = 1 - filling_;
  CompareGroup(groups_[filling_]);
}

void CandidateRows::CompareWaiting() {
  CompareGroup(groups_[1 - filling_]);
  CompareGroup(groups_[filling_]);
}

void CandidateRows::CompareGroup(Group& group) {
  size_t first = 0;
  while (first < group.count) {
    // A run of one segment: rows of different segments may be of different kinds.
    size_t last = first + 1;
    while (last < group.count && group.rows[last].segment == group.rows[first].segment) ++last;
    CompareRun(group.rows.data() + first, last - first);
    first = last;
  }
  group.count = 0;
}

void CandidateRows::CompareRun(const PassedRow* rows, size_t count) {
  const ByteRows kind = request_->segments[rows->segment].segment->byte_rows();
  if (kind == ByteRows::kNone) {
    for (size_t i = 0; i < count; ++i) CompareFloats(rows[i]);
    return;
  }
  const std::byte* bytes[kGroupRows];
  float estimates[kGroupRows];
  float errors[kGroupRows];
  for (size_t i = 0; i < count; ++i) bytes[i] = rows[i].byte_row;
  query_->bytes(kind).Estimate(bytes, count, estimates, errors);
  counts_->byte_rows += count;
  for (size_t i = 0; i < count; ++i) Keep(estimates[i], errors[i], rows[i]);
}

/// Without byte rows: the floats decide at once.
void CandidateRows::CompareFloats(const PassedRow& row) {
  const HeldFloats held = FloatsOf(row);
  if (held.floats != nullptr) Keep(query_->PreparedValue(DistanceTo(held.floats)), 0, row);
}

void CandidateRows::Keep(float estimate, float error, const PassedRow& row) {
  const float margin = error + std::fabs(estimate) * kRounding;
  const float lower = estimate - margin;
  // Nor one that is no number, from a byte row that nobody wrote.
  if (!(lower <= threshold_.value())) return;
  __builtin_prefetch(row.number);
  candidates_.push_back({lower, row});
  threshold_.Offer(estimate + margin);
}

std::optional<uint64_t> CandidateRows::NumberOf(const PassedRow& row) {
  const SearchedSegment& searched = request_->segments[row.segment];
  const auto number = LoadFixed<uint32_t>(row.number);
  if (number < searched.segment->row_count()) return searched.first_row + number;
  if (failure_.ok()) {
    failure_ = Status::Corruption(fmt::format("index segment: number of a row: rows={} actual={}",
                                              searched.segment->row_count(), number));
  }
  return std::nullopt;
}

const ByteQuery* CandidateRows::ExactBytesOf(const PassedRow& row) const {
  const ByteRows kind = request_->segments[row.segment].segment->byte_rows();
  if (kind != ByteRows::kWhole) return nullptr;
  const ByteQuery& query = query_->bytes(kind);
  return query.is_exact() ? &query : nullptr;
}

HeldFloats CandidateRows::FloatsOf(const PassedRow& row) {
  const auto number = NumberOf(row);
  if (!number) return {};
  auto floats = request_->floats(*number);
  if (floats.ok()) return std::move(*floats);
  if (failure_.ok()) failure_ = floats.status();
  return {};
}

double CandidateRows::DistanceTo(const std::byte* floats) {
  ++counts_->exact_rows;
  const Model& model = query_->model();
  return ExactDistance(model.metric(), floats, query_->plain().data(), model.dim(),
                       query_->squared_plain_norm());
}

void CandidateRows::DropTheFar() {
  const float threshold = threshold_.value();
  std::erase_if(candidates_, [&](const Candidate& c) { return c.lower > threshold; });
  std::sort(candidates_.begin(), candidates_.end(), [&](const Candidate& a, const Candidate& b) {
    return a.lower != b.lower ? a.lower < b.lower : a.row.number < b.row.number;
  });
}

void CandidateRows::OfferGroup(size_t first, size_t last, TopRows& top) {
  const size_t float_bytes = query_->model().dim() * sizeof(float);
  HeldFloats held[kFloatsTogether];
  for (size_t i = first; i < last; ++i) {
    const PassedRow& row = candidates_[i].row;
    if (ExactBytesOf(row) != nullptr) continue;
    held[i - first] = FloatsOf(row);
    const std::byte* floats = held[i - first].floats;
    if (floats == nullptr) continue;
    for (size_t line = 0; line < float_bytes; line += kLineBytes) {
      __builtin_prefetch(floats + line, 0, 3);
    }
  }
  for (size_t i = first; i < last; ++i) {
    const auto& [lower, row] = candidates_[i];
    if (top.full() && lower > query_->PreparedValue(top.worst_distance())) return;
    double distance = 0;
    if (const ByteQuery* bytes = ExactBytesOf(row)) {
      bytes->ExactDistances(&row.byte_row, 1, &distance);
    } else if (held[i - first].floats != nullptr) {
      distance = DistanceTo(held[i - first].floats);
    } else {
      continue;
    }
    if (const auto number = NumberOf(row)) top.Offer({*number, distance});
  }
}

Result<std::vector<ScoredRow>> CandidateRows::TakeNearest() {
  DropTheFar();
  if (request_->rerank != 0) {
    candidates_.resize(std::min(candidates_.size(), std::max(request_->rerank, request_->k)));
  }
  TopRows top(request_->k, request_->tie_less);
  for (size_t first = 0; first < candidates_.size(); first += kFloatsTogether) {
    if (request_->stop != nullptr && first % kCandidatesPerCheck == 0) {
      VIPER_RETURN_IF_ERROR(request_->stop->Check([&] {
        return fmt::format("in the index, at {} of {} candidates", first, candidates_.size());
      }));
    }
    // Bounds rise from here on.
    if (top.full() && candidates_[first].lower > query_->PreparedValue(top.worst_distance())) break;
    OfferGroup(first, std::min(candidates_.size(), first + kFloatsTogether), top);
  }
  VIPER_RETURN_IF_ERROR(failure_);
  AddZeroRows(top);
  std::vector<ScoredRow> nearest = std::move(top).TakeSorted();
  VIPER_RETURN_IF_ERROR(CheckEachIsThereOnce(nearest));
  return nearest;
}

void CandidateRows::AddZeroRows(TopRows& top) const {
  for (const SearchedSegment& searched : request_->segments) {
    const auto zero_rows =
        searched.mask == nullptr ? searched.segment->zero_rows() : searched.mask->zero_rows();
    for (const uint32_t number : zero_rows) {
      if (searched.selection != nullptr && !searched.selection->Test(number)) continue;
      // A zero vector has cosine 0 with everything.
      if (top.full() && top.worst_distance() < 1) return;
      top.Offer({searched.first_row + number, 1.0});
    }
  }
}

}  // namespace viper::index
