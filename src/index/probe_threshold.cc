// How far a query looks: what makes it strange, the thresholds that it probes up to, and what lies
// beyond the ranks that are modelled.

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "index/probe_curve.h"

namespace viper::index {
namespace {

constexpr float kRecalls[] = {0.5F,  0.7F,  0.8F,   0.85F, 0.9F,   0.93F, 0.95F,
                              0.97F, 0.98F, 0.985F, 0.99F, 0.995F, 0.999F};
/// Thresholds tried when calibrating, from half to all of the probability.
constexpr size_t kThresholdSteps = 1000;
constexpr double kThresholdStep = 16.0 / kThresholdSteps;
/// Strange queries may miss so many times less (8) than others do, or than the recall allows, as
/// steps.
constexpr double kStrangeStepsMax = 3 / kThresholdStep;
/// Of the stored rows this share is stranger than any query counts.
constexpr double kStrangeShare = 0.05;
/// The farthest from the median that counts, in times of that. There the threshold leaves at most
/// half of what it leaves a strange query, and less where those made to be far need it.
constexpr double kStrangenessMax = 3;
constexpr double kFarStepsMin = 1 / kThresholdStep;
/// By so much may made queries fall short before stored rows pay for them.
constexpr double kShortfallMax = 0.02;
/// Where stored rows are all as far from their k-th, this share of that is the least that counts.
constexpr double kRangeMin = 0.01;
/// The power by which what is missed falls with the number of clusters, as far as it is believed.
constexpr double kMissPowerMin = 0.5;
constexpr double kMissPowerMax = 4;

float ThresholdOfStep(double step) {
  return static_cast<float>(1 - std::exp2(-step * kThresholdStep));
}

}  // namespace

double ProbeCurve::PlaceIn(const Range& range, double value) {
  if (range.is_unknown() || !(value > range.median)) return 0;
  const double width = std::max(range.high - range.median, kRangeMin * range.median);
  return std::min((value - range.median) / std::max(width, 1e-30), kStrangenessMax);
}

double ProbeCurve::StrangenessOf(const ProbeDistances& distances) const {
  if (!distances.opening || !distances.is_of_all_rows) return 0;
  const double opening = RootOf(*distances.opening);
  const double ratio = opening / std::max(RootOf(distances.squared.front()), 1e-30);
  return std::max(PlaceIn(openings_, opening), PlaceIn(opening_ratios_, ratio));
}

void ProbeCurve::MeasureOpenings(std::span<const Sample* const> samples) {
  std::vector<double> openings;
  std::vector<double> ratios;
  for (const Sample* sample : samples) {
    const double nearest = RootOf(sample->squared_distances.front());
    if (sample->origin != Origin::kStored || !sample->opening) continue;
    openings.push_back(RootOf(*sample->opening));
    if (nearest > 0) ratios.push_back(openings.back() / nearest);
  }
  const auto range_of = [](std::vector<double>& values) -> Range {
    if (values.empty()) return {};
    std::sort(values.begin(), values.end());
    const auto last = static_cast<double>(values.size() - 1);
    return {values[values.size() / 2], values[static_cast<size_t>(last * (1 - kStrangeShare))]};
  };
  openings_ = range_of(openings);
  opening_ratios_ = range_of(ratios);
}

void ProbeCurve::MeasureReach(std::span<const Sample> samples, size_t k) {
  std::array<Reach, kOriginCount> sums;
  sums.fill({0, 0});
  std::array<float, kOriginCount> wanted = {};
  for (const Sample& sample : samples) {
    if (sample.neighbours.size() < kRanksMax) continue;
    const auto origin = static_cast<size_t>(sample.origin);
    const auto middle = sample.neighbours.begin() + kRanksMax / 2;
    const auto near = std::accumulate(sample.neighbours.begin(), middle, 0U);
    const auto far = std::accumulate(middle, middle + kRanksMax / 2, 0U);
    sums[origin].half += static_cast<float>(near);
    sums[origin].all += static_cast<float>(near + far);
    wanted[origin] += static_cast<float>(k);
  }
  for (size_t origin = 0; origin < sums.size(); ++origin) {
    if (wanted[origin] == 0) continue;
    const Reach reach = {sums[origin].half / wanted[origin], sums[origin].all / wanted[origin]};
    if (origin == static_cast<size_t>(Origin::kStored)) reach_ = reach;
    Reach& widest = origin == static_cast<size_t>(Origin::kFar) ? far_reach_ : strange_reach_;
    if (reach.all < widest.all) widest = reach;
  }
}

double ProbeCurve::Reach::ProbesBeyond(double recall) const {
  const double missed = 1 - double{all};
  if (missed <= 1 - recall) return 0;
  const double power =
      std::clamp(std::log2((1 - double{half}) / missed), kMissPowerMin, kMissPowerMax);
  return kRanksMax * std::min(std::pow(missed / std::max(1 - recall, 1e-6), 1 / power), 1e6);
}

double ProbeCurve::ProbesBeyond(double strangeness, double recall) const {
  const double strange = strange_reach_.ProbesBeyond(recall);
  if (strangeness <= 1) return std::lerp(reach_.ProbesBeyond(recall), strange, strangeness);
  // By their logarithms: far ones may need nearly all clusters.
  const double far = std::max(strange, far_reach_.ProbesBeyond(recall));
  const double part = (strangeness - 1) / (kStrangenessMax - 1);
  return std::exp2(std::lerp(std::log2(strange + 1), std::log2(far + 1), part)) - 1;
}

/// The square keeps low what queries pay that are hardly stranger than stored rows.
double ProbeCurve::Steps::For(double strangeness) const {
  const double part = std::min(strangeness, 1.0);
  const double beyond = std::max(0.0, strangeness - 1) / (kStrangenessMax - 1);
  return usual + part * part * (strange - usual) + beyond * (far - strange);
}

/// Samples of one origin: what each finds with each step, and how strange it is.
struct ProbeCurve::Finders {
  std::vector<std::vector<float>> found;
  std::vector<double> strangeness;

  /// The mean share found; 1 without any sample.
  double Found(const Steps& steps) const {
    double sum = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      const auto step = static_cast<size_t>(steps.For(strangeness[i]));
      sum += double{found[i][std::min(step, kThresholdSteps)]};
    }
    return found.empty() ? 1 : sum / static_cast<double>(found.size());
  }
  /// About the standard error of that where it is `recall`: samples find nearly all or little of
  /// their neighbours, with half the variance of all or nothing.
  double ErrorAt(double recall) const {
    const auto count = static_cast<double>(std::max<size_t>(found.size(), 1));
    return std::sqrt(recall * (1 - recall) / count / 2);
  }
  /// Half a standard error more than the recall, since samples are few.
  double WantedFor(double recall) const { return std::min(1.0, recall + ErrorAt(recall) / 2); }
  bool Reach(double recall, const Steps& steps) const { return Found(steps) >= WantedFor(recall); }
  /// Whether they find that but for kShortfallMax, or all that they can.
  bool NearlyReach(double recall, const Steps& steps) const {
    constexpr double kAll = kThresholdSteps;
    return Found(steps) >= std::min(WantedFor(recall), Found({kAll, kAll, kAll})) - kShortfallMax;
  }
};

std::vector<float> ProbeCurve::FoundBySteps(const Sample& sample) const {
  std::vector<float> found(kThresholdSteps + 1);
  std::array<float, kRanksMax> shares;
  const size_t ranks = SharesOf({sample.squared_distances, sample.opening}, shares);
  float seen = 0;
  size_t neighbours = 0;
  size_t rank = 0;
  for (size_t step = 0; step <= kThresholdSteps; ++step) {
    const float threshold = ThresholdOfStep(static_cast<double>(step));
    while (rank < ranks && (rank == 0 || seen < threshold)) {
      seen += shares[rank];
      neighbours += sample.neighbours[rank];
      ++rank;
    }
    found[step] = static_cast<float>(neighbours) / static_cast<float>(k_);
  }
  return found;
}

bool ProbeCurve::FindsAll(std::span<const Sample* const> samples) const {
  double missed = 0;
  for (const Sample* sample : samples) {
    const auto all = std::accumulate(sample->neighbours.begin(), sample->neighbours.end(), 0.0);
    missed += all / static_cast<double>(k_) - double{FoundBySteps(*sample).back()};
  }
  return missed <= kShortfallMax * static_cast<double>(samples.size());
}

void ProbeCurve::Calibrate(std::span<const Sample* const> samples) {
  std::array<Finders, kOriginCount> finders;
  for (const Sample* sample : samples) {
    Finders& of_origin = finders[static_cast<size_t>(sample->origin)];
    of_origin.found.push_back(FoundBySteps(*sample));
    of_origin.strangeness.push_back(StrangenessOf({sample->squared_distances, sample->opening}));
  }
  const Finders& stored = finders[static_cast<size_t>(Origin::kStored)];
  const Finders& far = finders[static_cast<size_t>(Origin::kFar)];
  thresholds_.clear();
  double error = 0;
  Steps steps;
  for (const float asked : kRecalls) {
    const double recall{asked};
    // Above what was asked for: samples are few.
    const double wanted = std::min(1.0, recall + stored.ErrorAt(recall));
    while (steps.usual < kThresholdSteps &&
           stored.Found({steps.usual, steps.usual, steps.usual}) < wanted) {
      ++steps.usual;
    }
    // Where every stored row finds its neighbours in the first cluster, its step says nothing.
    const double strange_max =
        std::max(steps.usual, -std::log2(1 - recall) / kThresholdStep) + kStrangeStepsMax;
    const auto near_ones_find = [&] {
      return std::all_of(finders.begin(), finders.end(), [&](const Finders& of_origin) {
        return &of_origin == &far || of_origin.Reach(recall, steps);
      });
    };
    steps.strange = std::max(steps.strange, steps.usual);
    for (;; ++steps.strange) {
      steps.far = std::max(steps.far, steps.strange + kFarStepsMin);
      if (steps.strange >= strange_max || near_ones_find()) break;
    }
    while (steps.far < kThresholdSteps && !far.Reach(recall, steps)) ++steps.far;
    // Where strangeness does not tell those that need more from stored rows, all pay for them.
    const auto all_nearly_find = [&] {
      return std::all_of(finders.begin(), finders.end(), [&](const Finders& of_origin) {
        return of_origin.NearlyReach(recall, steps);
      });
    };
    while (steps.usual < kThresholdSteps && !all_nearly_find()) {
      ++steps.usual;
      steps.strange = std::max(steps.strange, steps.usual);
      steps.far = std::max(steps.far, steps.strange + kFarStepsMin);
    }
    thresholds_.push_back({asked, steps});
    error += std::fabs(stored.Found(steps) - recall);
  }
  calibration_error_ = error / static_cast<double>(std::size(kRecalls));
}

float ProbeCurve::ThresholdFor(double recall, double strangeness) const {
  const auto wanted = static_cast<float>(recall);
  const auto of = [&](const Threshold& threshold) { return threshold.steps.For(strangeness); };
  const Threshold& first = thresholds_.front();
  if (wanted <= first.recall) return ThresholdOfStep(of(first));
  for (size_t i = 1; i < thresholds_.size(); ++i) {
    const Threshold& high = thresholds_[i];
    if (wanted > high.recall) continue;
    const Threshold& low = thresholds_[i - 1];
    const auto place = double{(wanted - low.recall) / (high.recall - low.recall)};
    return ThresholdOfStep(std::lerp(of(low), of(high), place));
  }
  return 1;
}

}  // namespace viper::index
