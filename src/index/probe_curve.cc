// Features are those that ranked highest among a larger set on held-out data: how far the cluster
// is beyond the nearest, in units of the spread of the nearest twenty and of the nearest distance;
// its rank; and how far away its border is, in units of the distance of the k-th row found in the
// first clusters. The border of two cells lies halfway between their centroids, at
// (r^2 - n^2) / (2 |c_r - c_n|) from the query for the distances r and n of the two; directions are
// nearly orthogonal in many dimensions, so that |c_r - c_n|^2 is about r^2 + n^2. The fit is by
// Newton's method with steps that are halved if need be (McCullagh and Nelder, Generalized Linear
// Models, 2nd ed., section 4.4), with fractional responses: the share of the true neighbours in
// each cluster.

#include "index/probe_curve.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace viper::index {
namespace {

/// The rank whose distance tells how spread out the nearest centroids are.
constexpr size_t kSpreadRank = 20;
constexpr int kIterationsMax = 20;
/// Of the likelihood's logarithm: a step that gains less ends the fit.
constexpr double kGainMin = 1e-3;
/// Ranks that are looked at one by one, and how many are taken together after them.
constexpr size_t kSingleRanks = 32;
constexpr size_t kRanksTogether = 8;
constexpr size_t kRunsMax =
    kSingleRanks + (ProbeCurve::kRanksMax - kSingleRanks + kRanksTogether - 1) / kRanksTogether;
/// Added to the diagonal: features may depend on each other.
constexpr double kRidge = 1e-4;

/// Solve a (symmetric, positive definite) x = b in place by Gaussian elimination.
template <size_t kSize>
void SolveInPlace(std::array<std::array<double, kSize>, kSize>& a, std::array<double, kSize>& b) {
  for (size_t i = 0; i < kSize; ++i) {
    for (size_t j = i + 1; j < kSize; ++j) {
      const double factor = a[j][i] / a[i][i];
      for (size_t c = i; c < kSize; ++c) a[j][c] -= factor * a[i][c];
      b[j] -= factor * b[i];
    }
  }
  for (size_t i = kSize; i-- > 0;) {
    for (size_t c = i + 1; c < kSize; ++c) b[i] -= a[i][c] * b[c];
    b[i] /= a[i][i];
  }
}

/// log(rank + 1)
const std::array<float, ProbeCurve::kRanksMax>& LogsOfRanks() {
  static const std::array<float, ProbeCurve::kRanksMax> logs = [] {
    std::array<float, ProbeCurve::kRanksMax> all;
    for (size_t i = 0; i < all.size(); ++i) {
      all[i] = static_cast<float>(std::log(static_cast<double>(i + 1)));
    }
    return all;
  }();
  return logs;
}

/// exp(x) to six digits for -87 <= x <= 87: 2^n times a polynomial in what is left (Cephes).
float FastExp(float x) {
  const float clamped = std::min(std::max(x, -87.0F), 87.0F);
  const float powers = clamped * 1.44269504F;
  const auto n = static_cast<int32_t>(powers + (powers < 0 ? -0.5F : 0.5F));
  const float rest = clamped - static_cast<float>(n) * 0.693147181F;
  const float polynomial =
      1 + rest * (1 + rest * (0.5F +
                              rest * (0.16666667F + rest * (0.041665796F + rest * 0.0083334520F))));
  return polynomial * std::bit_cast<float>((n + 127) << 23);
}

}  // namespace

class ProbeCurve::FeatureMaker {
 public:
  FeatureMaker(std::span<const float> squared_distances, double opening)
      : squared_distances_(squared_distances), nearest_(Root(0)) {
    const double end = Root(std::min(squared_distances.size() - 1, kSpreadRank));
    spread_ = std::max(end - nearest_, 1e-6 * (end + 1e-30));
    unit_ = std::max(nearest_, 1e-30);
    spread_in_unit_ = std::min(spread_ / unit_, kRatioMax);
    opening_ = std::max(opening, 1e-30);
  }

  Features Of(size_t rank) const {
    const double beyond = Root(rank) - nearest_;
    const double in_spread = std::min(beyond / spread_, kRatioMax);
    const double in_nearest = std::min(beyond / unit_, kRatioMax);
    const double log_rank = double{LogsOfRanks()[rank]};
    const double border = std::min(BorderOf(rank) / opening_, kBorderMax);
    return {1,
            in_spread,
            in_nearest,
            log_rank,
            spread_in_unit_,
            in_spread * in_spread,
            in_nearest * in_nearest,
            log_rank * log_rank,
            log_rank * spread_in_unit_,
            border,
            border * border,
            border * log_rank};
  }

  /// The model's probability at each of these squared distances, with the logarithms of their
  /// ranks.
  void Probabilities(const Features& coefficients, std::span<const float> distances,
                     const float* log_ranks, float* probabilities) const {
    std::array<float, kFeatureCount> c;
    for (size_t i = 0; i < kFeatureCount; ++i) c[i] = static_cast<float>(coefficients[i]);
    const auto nearest = static_cast<float>(nearest_);
    const auto squared_nearest = static_cast<float>(nearest_ * nearest_);
    const auto per_spread = static_cast<float>(1 / spread_);
    const auto per_unit = static_cast<float>(1 / unit_);
    const auto per_opening = static_cast<float>(0.5 / opening_);
    const auto spread_in_unit = static_cast<float>(spread_in_unit_);
    const auto ratio_max = static_cast<float>(kRatioMax);
    const auto border_max = static_cast<float>(kBorderMax);
    const float fixed = c[0] + c[4] * spread_in_unit;
    for (size_t i = 0; i < distances.size(); ++i) {
      const float squared = std::max(0.0F, distances[i]);
      const float beyond = std::sqrt(squared) - nearest;
      const float in_spread = std::min(beyond * per_spread, ratio_max);
      const float in_nearest = std::min(beyond * per_unit, ratio_max);
      const float log_rank = log_ranks[i];
      const float between = std::sqrt(squared + squared_nearest) + 1e-30F;
      const float border =
          std::min((squared - squared_nearest) / between * per_opening, border_max);
      const float z = fixed + in_spread * (c[1] + c[5] * in_spread) +
                      in_nearest * (c[2] + c[6] * in_nearest) +
                      log_rank * (c[3] + c[7] * log_rank + c[8] * spread_in_unit) +
                      border * (c[9] + c[10] * border + c[11] * log_rank);
      probabilities[i] = 1 / (1 + FastExp(-z));
    }
  }

 private:
  static constexpr double kRatioMax = 20;
  static constexpr double kBorderMax = 5;

  double Root(size_t rank) const {
    return std::sqrt(std::max(0.0, double{squared_distances_[rank]}));
  }
  /// How far away the border to the cell of a rank is.
  double BorderOf(size_t rank) const {
    const double far = Root(rank);
    return (far * far - nearest_ * nearest_) /
           (2 * std::sqrt(far * far + nearest_ * nearest_) + 1e-30);
  }

  std::span<const float> squared_distances_;
  double nearest_;
  double spread_ = 0;
  double unit_ = 0;
  double spread_in_unit_ = 0;
  double opening_ = 0;
};

ProbeCurve::FeatureMaker ProbeCurve::MakerFor(const ProbeDistances& distances) const {
  const double ratio = opening_ratios_.median > 0 ? opening_ratios_.median : 1;
  return {distances.squared, distances.opening ? RootOf(*distances.opening)
                                               : ratio * RootOf(distances.squared.front())};
}

double ProbeCurve::LogitOf(const Features& features) const {
  return std::inner_product(features.begin(), features.end(), coefficients_.begin(), 0.0);
}

/// The probabilities that LogitOf stands for, of many ranks at a time: in single precision and
/// without branches, so that the compiler makes vectors of it.
size_t ProbeCurve::SharesOf(const ProbeDistances& known,
                            std::array<float, kRanksMax>& shares) const {
  const size_t count = std::min(known.squared.size(), kRanksMax);
  // Further out neighbouring ranks are alike: the middle one stands for several.
  std::array<size_t, kRunsMax + 1> firsts;
  size_t runs = 0;
  for (size_t rank = 0; rank < count; ++runs) {
    firsts[runs] = rank;
    rank += rank < kSingleRanks ? 1 : std::min(kRanksTogether, count - rank);
  }
  firsts[runs] = count;
  std::array<float, kRunsMax> distances;
  std::array<float, kRunsMax> log_ranks;
  for (size_t i = 0; i < runs; ++i) {
    const size_t middle = firsts[i] + (firsts[i + 1] - firsts[i]) / 2;
    distances[i] = known.squared[middle];
    log_ranks[i] = LogsOfRanks()[middle];
  }
  std::array<float, kRunsMax> probabilities;
  MakerFor(known).Probabilities(coefficients_, {distances.data(), runs}, log_ranks.data(),
                                probabilities.data());
  float sum = 0;
  for (size_t i = 0; i < runs; ++i) {
    sum += probabilities[i] * static_cast<float>(firsts[i + 1] - firsts[i]);
  }
  const float scale = 1 / std::max(sum, 1e-30F);
  for (size_t i = 0; i < runs; ++i) {
    std::fill(shares.begin() + firsts[i], shares.begin() + firsts[i + 1], probabilities[i] * scale);
  }
  return count;
}

/// What the coefficients c are fitted to make largest, and where that leads from some of them: the
/// logarithm of the likelihood minus ridge |c|^2 / 2, its gradient, and minus its second
/// derivatives.
struct ProbeCurve::Likelihood {
  double value = 0;
  Features gradient = {};
  std::array<Features, kFeatureCount> curvature = {};

  explicit Likelihood(const Features& coefficients) {
    for (size_t i = 0; i < kFeatureCount; ++i) {
      value -= kRidge * coefficients[i] * coefficients[i] / 2;
      gradient[i] = -kRidge * coefficients[i];
      curvature[i][i] = kRidge;
    }
  }

  /// An observation: a share of 0 to 1 where the model has the logit z.
  void Add(const Features& x, double share, double z) {
    const double tail = std::exp(-std::fabs(z));
    const double p = (z < 0 ? tail : 1) / (1 + tail);
    value += share * z - std::max(z, 0.0) - std::log1p(tail);
    const double weight = std::max(p * (1 - p), 1e-6);
    for (size_t i = 0; i < kFeatureCount; ++i) {
      gradient[i] += (share - p) * x[i];
      for (size_t j = 0; j < kFeatureCount; ++j) curvature[i][j] += weight * x[i] * x[j];
    }
  }
};

/// Steps of Newton's method. Where the first rank says nearly all, a whole step may lead far beyond
/// the maximum, and the next one further: one that makes things worse is halved.
void ProbeCurve::FitCoefficients(std::span<const Sample* const> samples) {
  std::vector<std::vector<Features>> features(samples.size());
  for (size_t s = 0; s < samples.size(); ++s) {
    const auto& distances = samples[s]->squared_distances;
    const FeatureMaker maker = MakerFor({distances, samples[s]->opening});
    for (size_t rank = 0; rank < std::min(distances.size(), kRanksMax); ++rank) {
      features[s].push_back(maker.Of(rank));
    }
  }
  coefficients_ = {};
  Features best = coefficients_;
  Features step = {};
  double best_value = -std::numeric_limits<double>::infinity();
  for (int iteration = 0; iteration < kIterationsMax; ++iteration) {
    Likelihood likelihood(coefficients_);
    for (size_t s = 0; s < samples.size(); ++s) {
      for (size_t rank = 0; rank < features[s].size(); ++rank) {
        const Features& x = features[s][rank];
        const double share =
            static_cast<double>(samples[s]->neighbours[rank]) / static_cast<double>(k_);
        likelihood.Add(x, share, LogitOf(x));
      }
    }
    if (likelihood.value > best_value) {
      const double gain = likelihood.value - best_value;
      best_value = likelihood.value;
      best = coefficients_;
      if (gain < kGainMin * std::fabs(best_value)) break;
      SolveInPlace(likelihood.curvature, likelihood.gradient);
      step = likelihood.gradient;
    } else {
      for (double& x : step) x /= 2;
    }
    for (size_t i = 0; i < kFeatureCount; ++i) coefficients_[i] = best[i] + step[i];
  }
  coefficients_ = best;
}

ProbeCurve ProbeCurve::Fit(std::span<const Sample> samples, size_t k) {
  ProbeCurve model;
  if (samples.size() < 2 || k == 0) return model;
  std::vector<const Sample*> fitted;
  std::vector<const Sample*> others;
  std::vector<const Sample*> far;
  for (size_t s = 0; s < samples.size(); ++s) {
    const bool is_far = samples[s].origin == Origin::kFar;
    (is_far ? far : s % 2 == 0 ? fitted : others).push_back(&samples[s]);
  }
  model.k_ = k;
  model.MeasureOpenings(fitted);
  model.MeasureReach(samples, k);
  // A dozen coefficients hardly bend to the few queries of each made kind: all of them calibrate.
  for (const Sample* sample : fitted) {
    if (sample->origin != Origin::kStored) others.push_back(sample);
  }
  others.insert(others.end(), far.begin(), far.end());
  model.FitCoefficients(fitted);
  // To those from anywhere they would: only where all the probability that there is leaves out what
  // such a query looks for.
  if (!model.FindsAll(far)) {
    fitted.insert(fitted.end(), far.begin(), far.end());
    model.FitCoefficients(fitted);
  }
  model.Calibrate(others);
  return model;
}

size_t ProbeCurve::ProbesFor(const ProbeDistances& distances, std::span<const float> shares,
                             double recall) const {
  const size_t count = distances.squared.size();
  if (count <= 1) return count;
  const double strangeness = StrangenessOf(distances);
  float wanted = ThresholdFor(recall, strangeness);
  std::array<float, kRanksMax> expected;
  const size_t ranks = SharesOf(distances, expected);
  if (!shares.empty()) {
    float sum = 0;
    for (size_t rank = 0; rank < ranks; ++rank) sum += expected[rank] *= shares[rank];
    wanted *= sum;
  }
  size_t beyond = 0;
  if (ranks == kRanksMax) {
    beyond = static_cast<size_t>(std::ceil(ProbesBeyond(strangeness, recall)));
  }
  float seen = 0;
  for (size_t rank = 0; rank < ranks; ++rank) {
    seen += expected[rank];
    if (seen >= wanted) return std::max(rank + 1, beyond);
  }
  return std::max(ranks, beyond);
}

std::vector<float> ProbeCurve::ExpectedShares(const ProbeDistances& distances) const {
  if (distances.squared.empty()) return {};
  std::array<float, kRanksMax> shares;
  const size_t ranks = SharesOf(distances, shares);
  return {shares.begin(), shares.begin() + static_cast<ptrdiff_t>(ranks)};
}

std::optional<double> ProbeCurve::calibration_error() const {
  if (k_ == 0) return std::nullopt;
  return calibration_error_;
}

void ProbeCurve::Encode(ByteWriter& writer) const {
  writer.PutFixed32(static_cast<uint32_t>(k_));
  for (const double coefficient : coefficients_) {
    writer.PutFixed64(std::bit_cast<uint64_t>(coefficient));
  }
  for (const Range& range : {openings_, opening_ratios_}) {
    writer.PutFixed64(std::bit_cast<uint64_t>(range.median));
    writer.PutFixed64(std::bit_cast<uint64_t>(range.high));
  }
  writer.PutFixed64(std::bit_cast<uint64_t>(calibration_error_));
  for (const Reach& reach : {reach_, strange_reach_, far_reach_}) {
    writer.PutFixed32(std::bit_cast<uint32_t>(reach.half));
    writer.PutFixed32(std::bit_cast<uint32_t>(reach.all));
  }
  writer.PutVarint(thresholds_.size());
  for (const Threshold& threshold : thresholds_) {
    writer.PutFixed32(std::bit_cast<uint32_t>(threshold.recall));
    for (const double step :
         {threshold.steps.usual, threshold.steps.strange, threshold.steps.far}) {
      writer.PutFixed32(std::bit_cast<uint32_t>(static_cast<float>(step)));
    }
  }
}

std::optional<ProbeCurve> ProbeCurve::Decode(ByteReader& reader) {
  ProbeCurve model;
  const auto k = reader.ReadFixed32();
  if (!k || *k == 0) return std::nullopt;
  model.k_ = *k;
  for (double& coefficient : model.coefficients_) {
    const auto bits = reader.ReadFixed64();
    if (!bits) return std::nullopt;
    coefficient = std::bit_cast<double>(*bits);
    if (!std::isfinite(coefficient)) return std::nullopt;
  }
  for (Range* range : {&model.openings_, &model.opening_ratios_}) {
    for (double* number : {&range->median, &range->high}) {
      const auto bits = reader.ReadFixed64();
      if (!bits) return std::nullopt;
      *number = std::bit_cast<double>(*bits);
      if (!std::isfinite(*number)) return std::nullopt;
    }
  }
  const auto error = reader.ReadFixed64();
  for (Reach* reach : {&model.reach_, &model.strange_reach_, &model.far_reach_}) {
    for (float* number : {&reach->half, &reach->all}) {
      const auto bits = reader.ReadFixed32();
      if (!bits) return std::nullopt;
      *number = std::bit_cast<float>(*bits);
    }
    if (!(reach->half >= 0 && reach->half <= reach->all && reach->all <= 1)) return std::nullopt;
  }
  const auto count = reader.ReadVarint();
  if (!error || !count || *count == 0 || *count > 1000) return std::nullopt;
  model.calibration_error_ = std::bit_cast<double>(*error);
  for (uint64_t i = 0; i < *count; ++i) {
    Threshold& threshold = model.thresholds_.emplace_back();
    Steps& steps = threshold.steps;
    const auto recall = reader.ReadFixed32();
    if (!recall) return std::nullopt;
    threshold.recall = std::bit_cast<float>(*recall);
    for (double* step : {&steps.usual, &steps.strange, &steps.far}) {
      const auto bits = reader.ReadFixed32();
      if (!bits) return std::nullopt;
      *step = double{std::bit_cast<float>(*bits)};
    }
  }
  return model;
}

}  // namespace viper::index
