// The numbers of clusters that the curves of several k tell together.

#include <algorithm>
#include <cmath>

#include "index/probe_curve.h"

namespace viper::index {
namespace {

/// Probes when nothing was fitted: this share of the clusters for each power of ten that the recall
/// leaves.
constexpr double kUnfittedShare = 0.05;

}  // namespace

double ProbeCounter::LineThrough(const Point& a, const Point& b, double k) {
  return a.probes + (b.probes - a.probes) * (k - a.k) / (b.k - a.k);
}

double ProbeCounter::ParabolaThrough(const Point& a, const Point& b, const Point& c, double k) {
  const double first = (b.probes - a.probes) / (b.k - a.k);
  const double second = ((c.probes - b.probes) / (c.k - b.k) - first) / (c.k - a.k);
  return a.probes + (k - a.k) * (first + (k - b.k) * second);
}

const ProbeCounter::Point& ProbeCounter::PointOf(size_t curve) {
  while (points_.size() <= curve) {
    const ProbeCurve& next = curves_[points_.size()];
    const size_t probes = next.ProbesFor(distances_, shares_, goal_.recall);
    Point point = {std::log(static_cast<double>(next.k())),
                   std::log(static_cast<double>(std::max<size_t>(probes, 1)))};
    // More neighbours are never found in fewer clusters.
    if (!points_.empty()) point.probes = std::max(point.probes, points_.back().probes);
    points_.push_back(point);
  }
  return points_[curve];
}

double ProbeCounter::LogProbes(double log_k) {
  size_t above = 0;
  while (above + 1 < curves_.size() && PointOf(above).k < log_k) ++above;
  const Point last = PointOf(above);
  if (log_k <= last.k) {
    return above == 0 ? last.probes : LineThrough(PointOf(above - 1), last, log_k);
  }
  const Point all = {std::log(std::max(goal_.row_count, 1.0)),
                     std::log(static_cast<double>(std::max<size_t>(goal_.cluster_count, 1)))};
  if (log_k >= all.k || last.k >= all.k) return all.probes;
  const double probes = above == 0 ? LineThrough(last, all, log_k)
                                   : ParabolaThrough(PointOf(above - 1), last, all, log_k);
  return std::max(probes, last.probes);
}

size_t ProbeCounter::ProbesFor(double k) {
  const auto most = static_cast<double>(std::max<size_t>(goal_.cluster_count, 1));
  double probes = 0;
  if (curves_.empty()) {
    const double powers = -std::log10(std::max(1 - goal_.recall, 1e-6));
    probes = kUnfittedShare * (1 + powers) * most;
  } else {
    // What comes back from its logarithm is not quite whole.
    probes = std::exp(LogProbes(std::log(std::max(k, 1.0)))) - 1e-6;
  }
  return static_cast<size_t>(std::clamp(std::ceil(probes), 1.0, most));
}

std::vector<float> ExpectedShares(std::span<const ProbeCurve> curves,
                                  const ProbeDistances& distances, double k) {
  if (curves.empty()) return {};
  const auto found = std::find_if(curves.begin(), curves.end(), [k](const ProbeCurve& curve) {
    return k <= static_cast<double>(curve.k());
  });
  return (found == curves.end() ? curves.back() : *found).ExpectedShares(distances);
}

}  // namespace viper::index
