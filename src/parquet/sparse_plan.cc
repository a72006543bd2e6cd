// Chooses which rows of a row group are stored sparse:
//   1. count the zeros of each row: which rows count as sparse;
//   2. under kAdaptive and kSpeed, compare what a page would hold with what reading a row in place
//      touches, by arithmetic alone;
//   3. encode a sample of the sparse rows; under kAdaptive it must be smaller than dense rows are
//      under the same policy: compressed as well as can be, or as they lie.

#include "parquet/sparse_plan.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/zero_count.h"
#include "parquet/page_trial.h"
#include "parquet/sparse_page.h"
#include "parquet/vector_coding.h"

namespace viper::parquet {
namespace {

/// Floats of the rows of a page. All of it is decoded for a single row, so there are few of them
/// where speed counts.
constexpr size_t kSparseSpeedPageBytes = size_t{16} << 10;
constexpr size_t kSparseSizePageBytes = size_t{1} << 20;
/// Floats of the rows that are tried: what the trial of dense vectors takes.
constexpr size_t kSparseSampleBytes = size_t{1} << 20;
/// An index and a value, not encoded.
constexpr uint64_t kComponentBytes = sizeof(int32_t) + sizeof(float);
/// Header, checksum and place in the index of a page of each of three leaves, about.
constexpr uint64_t kPageOverhead = uint64_t{3} * 64;

using RowPointers = std::vector<const std::byte*>;

struct ZeroCounts {
  std::vector<bool> is_sparse;
  uint64_t sparse_rows = 0;
  /// Of the sparse rows.
  uint64_t components = 0;
};

ZeroCounts CountSparse(std::span<const std::byte* const> rows, size_t dim, double threshold) {
  ZeroCounts counts;
  counts.is_sparse.resize(rows.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    const size_t zeros = CountZeros({rows[row], dim * sizeof(float)});
    if (!IsSparse(zeros, dim, threshold)) continue;
    counts.is_sparse[row] = true;
    ++counts.sparse_rows;
    counts.components += dim - zeros;
  }
  return counts;
}

/// Sparse rows, spread evenly.
RowPointers SampleRows(std::span<const std::byte* const> rows, size_t dim,
                       const ZeroCounts& counts) {
  RowPointers all;
  for (size_t row = 0; row < rows.size(); ++row) {
    if (counts.is_sparse[row]) all.push_back(rows[row]);
  }
  const size_t wanted =
      std::clamp<size_t>(kSparseSampleBytes / (dim * sizeof(float)), 1, all.size());
  RowPointers sample;
  for (size_t i = 0; i < wanted; ++i) sample.push_back(all[i * all.size() / wanted]);
  return sample;
}

template <typename Encode>
ColumnChoice TryLeaf(const std::vector<SparsePage>& pages, std::span<const Encoding> encodings,
                     const std::optional<Compression>& codec, const Encode& encode) {
  std::vector<EncodedSample> samples;
  for (const Encoding encoding : encodings) {
    EncodedSample& sample = samples.emplace_back(EncodedSample{.encoding = encoding, .pages = {}});
    for (const SparsePage& page : pages) {
      std::vector<uint8_t>& bytes = sample.pages.emplace_back(page.levels);
      const auto values = encode(page, encoding);
      bytes.insert(bytes.end(), values->data(), values->data() + values->size());
    }
  }
  return ChoosePageCoding(samples, codec);
}

/// Try the leaves on the sample; the bytes that it takes.
uint64_t TryLeaves(const RowPointers& sample, size_t dim, const std::optional<Compression>& codec,
                   SparsePlan& plan) {
  constexpr Encoding kIndexEncodings[] = {Encoding::kPlain, Encoding::kDeltaBinaryPacked};
  constexpr Encoding kValueEncodings[] = {Encoding::kPlain, Encoding::kByteStreamSplit};
  const std::vector<bool> all_sparse(sample.size(), true);
  std::vector<SparsePage> pages;
  for (size_t first = 0; first < sample.size(); first += plan.rows_per_page) {
    const size_t count = std::min(plan.rows_per_page, sample.size() - first);
    pages.push_back(MakeSparsePage(sample, dim, all_sparse, {first, count}));
  }
  plan.indices = TryLeaf(pages, kIndexEncodings, codec, EncodeIndices);
  plan.values = TryLeaf(pages, kValueEncodings, codec, EncodeValues);
  return pages.size() * kPageOverhead + TriedBytes(plan.indices, plan.indices.coding) +
         TriedBytes(plan.values, plan.values.coding);
}

/// Whether reading a row costs clearly less than in place, where that is what counts; and why.
bool ReadsFaster(const ZeroCounts& counts, size_t dim, const CompressionOptions& compression,
                 SparsePlan& plan) {
  const bool may_choose = compression.adaptive && !compression.keeps_codec;
  const bool is_in_place = compression.policy == StoragePolicy::kSpeed &&
                           (may_choose || compression.fixed.codec == Codec::kNone);
  if (!is_in_place) return true;
  const auto rows = static_cast<double>(counts.is_sparse.size());
  const double dense_rows = rows - static_cast<double>(counts.sparse_rows);
  const double row_bytes = static_cast<double>(dim * sizeof(float));
  if (rows * row_bytes < static_cast<double>(kSpeedBytesMin)) {
    plan.reason = fmt::format("fewer than {} bytes", kSpeedBytesMin);
    return false;
  }
  // Not as encoded: it is components that decoding takes its time by.
  const double row =
      (dense_rows * row_bytes + static_cast<double>(counts.components * kComponentBytes)) / rows;
  const double page = row * static_cast<double>(plan.rows_per_page);
  plan.reason = fmt::format("a page of {} rows takes {:.0f} bytes, reading a row in place {:.0f}",
                            plan.rows_per_page, page, InPlaceBytes(dim));
  return kPlaceToPage * page <= InPlaceBytes(dim);
}

/// Whether the sparse rows take fewer bytes so; sets the codings and the reason.
bool TakesFewerBytes(std::span<const std::byte* const> rows, size_t dim, const ZeroCounts& counts,
                     const CompressionOptions& compression, SparsePlan& plan) {
  uint64_t sparse = 0;
  uint64_t dense = 0;
  std::string ways = "before compression";
  if (compression.adaptive) {
    const RowPointers sample = SampleRows(rows, dim, counts);
    const TrialLimits limits = VectorTrialLimits(compression);
    sparse = TryLeaves(sample, dim, limits.codec, plan);
    dense = sample.size() * dim * sizeof(float);
    ways = fmt::format("in place, on {} vectors", sample.size());
    if (compression.policy == StoragePolicy::kSize || limits.codec) {
      const ColumnChoice best = ChooseVectorCoding(sample, dim, StoragePolicy::kSize, limits);
      dense = TriedBytes(best, best.coding);
      ways = fmt::format("{}, on {} vectors", CodingName(best.coding), sample.size());
    }
  } else {
    sparse = counts.components * kComponentBytes;
    dense = counts.sparse_rows * dim * sizeof(float);
  }
  plan.reason = fmt::format("{} bytes sparse, {} dense ({}){}{}", sparse, dense, ways,
                            plan.reason.empty() ? "" : "; ", plan.reason);
  return sparse < dense;
}

/// How the leaves are written where nothing is tried.
void SetUntriedCodings(const CompressionOptions& compression, SparsePlan& plan) {
  constexpr Compression kFast = {.codec = Codec::kZstd, .level = 1};
  const TrialLimits limits = VectorTrialLimits(compression);
  const auto choice = [&](Encoding encoding) {
    const ColumnCoding coding = compression.adaptive
                                    ? ColumnCoding{encoding, limits.codec.value_or(kFast)}
                                    : ColumnCoding{Encoding::kPlain, compression.fixed};
    return ColumnChoice{
        coding,
        coding,
        compression.adaptive ? "the first row group has none" : "set by the options",
        {}};
  };
  plan.indices = choice(Encoding::kDeltaBinaryPacked);
  plan.values = choice(Encoding::kByteStreamSplit);
}

}  // namespace

SparsePlan PlanSparseRows(std::span<const std::byte* const> rows, size_t dim,
                          const SparseOptions& sparse, const CompressionOptions& compression) {
  const bool is_fast = compression.policy == StoragePolicy::kSpeed;
  SparsePlan plan;
  plan.rows_per_page = std::max<size_t>(
      1, (is_fast ? kSparseSpeedPageBytes : kSparseSizePageBytes) / (dim * sizeof(float)));
  SetUntriedCodings(compression, plan);
  if (sparse.format == VectorFormat::kDense) return plan;
  ZeroCounts counts = CountSparse(rows, dim, sparse.threshold);
  if (counts.sparse_rows == 0) return plan;
  const bool is_asked_for = sparse.format == VectorFormat::kSparse;
  const bool pays = (is_asked_for || ReadsFaster(counts, dim, compression, plan)) &&
                    TakesFewerBytes(rows, dim, counts, compression, plan);
  if (!pays && !is_asked_for) {
    plan.reason = "sparse rows stay dense: " + plan.reason;
    return plan;
  }
  plan.reason = fmt::format("{} of {} rows are sparse{}: {}", counts.sparse_rows, rows.size(),
                            is_asked_for ? ", set by the options" : "", plan.reason);
  plan.is_sparse = std::move(counts.is_sparse);
  plan.row_count = counts.sparse_rows;
  return plan;
}

}  // namespace viper::parquet
