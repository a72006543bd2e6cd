/// How rows are split by their density:
///
/// 1. A row of the sample is as far from the others as from its kNeighbours-th nearest: its core
///    distance. Two rows are reached from each other at the largest of their core distances and
///    what lies between them.
/// 2. The minimum spanning tree of these distances (Prim), its edges taken from the shortest on,
///    gives the dendrogram of single linkage.
/// 3. From its root down, a part below the least size only falls away from its cluster; where both
///    parts are large enough the cluster ends and two begin. With lambda = 1 / distance a cluster
///    is as stable as the sum over its rows of how long, in lambda, each stays in it.
/// 4. From the leaves up, a cluster is taken if it is more stable than the best of those that it
///    falls into (the excess of mass). The root is not taken: that is all rows in one.

#include "utilities/density_partitions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

#include "index/clustering.h"
#include "index/lloyd.h"

namespace viper::utilities {
namespace {

constexpr size_t kDensitySample = 4'096;
/// Of whom the last gives the core distance.
constexpr size_t kNeighbours = 10;
constexpr size_t kClusterRowsMin = 5;
constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

struct TreeEdge {
  double distance = 0;
  uint32_t a = 0;
  uint32_t b = 0;
};

std::vector<double> CoreDistances(const VectorRows& rows) {
  std::vector<double> core(rows.count());
  std::vector<double> squared(rows.count());
  const size_t place = std::min(kNeighbours, rows.count() - 1);
  for (size_t i = 0; i < rows.count(); ++i) {
    for (size_t j = 0; j < rows.count(); ++j) {
      squared[j] = SquaredDistance(rows.row(i), rows.row(j), rows.dim);
    }
    const auto nth = squared.begin() + static_cast<std::ptrdiff_t>(place);
    std::nth_element(squared.begin(), nth, squared.end());
    core[i] = std::sqrt(*nth);
  }
  return core;
}

/// Of the distances at which rows are reached from each other, the shortest first.
std::vector<TreeEdge> SpanningTree(const VectorRows& rows) {
  const std::vector<double> core = CoreDistances(rows);
  std::vector<TreeEdge> nearest(rows.count(), {std::numeric_limits<double>::infinity(), 0, 0});
  std::vector<TreeEdge> edges;
  std::vector<uint32_t> outside(rows.count() - 1);
  std::iota(outside.begin(), outside.end(), 1U);
  uint32_t last = 0;
  while (!outside.empty()) {
    size_t next = 0;
    for (size_t i = 0; i < outside.size(); ++i) {
      const uint32_t row = outside[i];
      const double between = std::sqrt(SquaredDistance(rows.row(last), rows.row(row), rows.dim));
      const double distance = std::max({between, core[last], core[row]});
      if (distance < nearest[row].distance) nearest[row] = {distance, last, row};
      if (nearest[row].distance < nearest[outside[next]].distance) next = i;
    }
    last = outside[next];
    edges.push_back(nearest[last]);
    outside[next] = outside.back();
    outside.pop_back();
  }
  std::sort(edges.begin(), edges.end(), [](const TreeEdge& x, const TreeEdge& y) {
    return std::tuple(x.distance, x.a, x.b) < std::tuple(y.distance, y.a, y.b);
  });
  return edges;
}

/// Rows are its first nodes; each other node joins two at a distance. The last is the root.
struct Dendrogram {
  struct Node {
    uint32_t left = kNone;
    uint32_t right = kNone;
    uint32_t size = 1;
    double distance = 0;
  };
  std::vector<Node> nodes;

  /// The rows below a node.
  RowGroup RowsOf(uint32_t node) const {
    RowGroup rows;
    std::vector<uint32_t> open = {node};
    while (!open.empty()) {
      const uint32_t next = open.back();
      open.pop_back();
      if (nodes[next].left == kNone) {
        rows.push_back(next);
      } else {
        open.insert(open.end(), {nodes[next].left, nodes[next].right});
      }
    }
    return rows;
  }
};

Dendrogram Link(size_t row_count, const std::vector<TreeEdge>& edges) {
  Dendrogram tree;
  tree.nodes.resize(row_count);
  // Sets of rows, each with the node that has them all.
  std::vector<uint32_t> parent(row_count);
  std::vector<uint32_t> top(row_count);
  std::iota(parent.begin(), parent.end(), 0U);
  std::iota(top.begin(), top.end(), 0U);
  const auto find = [&](uint32_t row) {
    while (parent[row] != row) row = parent[row] = parent[parent[row]];
    return row;
  };
  for (const TreeEdge& edge : edges) {
    const uint32_t a = find(edge.a);
    const uint32_t b = find(edge.b);
    const auto joined = static_cast<uint32_t>(tree.nodes.size());
    tree.nodes.push_back(
        {top[a], top[b], tree.nodes[top[a]].size + tree.nodes[top[b]].size, edge.distance});
    parent[b] = a;
    top[a] = joined;
  }
  return tree;
}

/// Rows that stay together while the distance shrinks.
struct DensityCluster {
  /// Has all that are in it when it begins.
  uint32_t node = 0;
  double begin = 0;
  double stability = 0;
  /// That it falls into; none if it dwindles.
  std::vector<size_t> parts;
};

/// Parents come before their parts; the first is the root.
std::vector<DensityCluster> Condense(const Dendrogram& tree, uint32_t size_min) {
  // Rows that are the same are reached at no distance: so near that it makes no difference.
  const double nearest = 1e-9 * std::max(tree.nodes.back().distance, 1e-300);
  std::vector<DensityCluster> clusters = {{.node = static_cast<uint32_t>(tree.nodes.size() - 1),
                                           .begin = 0,
                                           .stability = 0,
                                           .parts = {}}};
  for (size_t i = 0; i < clusters.size(); ++i) {
    uint32_t node = clusters[i].node;
    while (tree.nodes[node].left != kNone) {
      const Dendrogram::Node& at = tree.nodes[node];
      const double lambda = 1 / std::max(at.distance, nearest);
      uint32_t small = at.left;
      uint32_t large = at.right;
      if (tree.nodes[small].size > tree.nodes[large].size) std::swap(small, large);
      const bool both_stay = tree.nodes[small].size >= size_min;
      const bool one_stays = tree.nodes[large].size >= size_min;
      const uint32_t leaving = both_stay || !one_stays ? at.size : tree.nodes[small].size;
      clusters[i].stability += leaving * (lambda - clusters[i].begin);
      if (both_stay) {
        for (const uint32_t part : {at.left, at.right}) {
          clusters[i].parts.push_back(clusters.size());
          clusters.push_back({.node = part, .begin = lambda, .stability = 0, .parts = {}});
        }
      }
      if (both_stay || !one_stays) break;
      node = large;
    }
  }
  return clusters;
}

/// The clusters that are most stable together.
std::vector<size_t> MostStable(std::vector<DensityCluster>& clusters) {
  std::vector<bool> is_taken(clusters.size(), false);
  for (size_t i = clusters.size(); i-- > 1;) {
    double parts = 0;
    for (const size_t part : clusters[i].parts) parts += clusters[part].stability;
    is_taken[i] = clusters[i].parts.empty() || clusters[i].stability >= parts;
    // From here on the most that can be had of it.
    clusters[i].stability = std::max(clusters[i].stability, parts);
  }
  std::vector<size_t> taken;
  std::vector<size_t> open = clusters.front().parts;
  while (!open.empty()) {
    const size_t next = open.back();
    open.pop_back();
    if (is_taken[next]) {
      taken.push_back(next);
    } else {
      open.insert(open.end(), clusters[next].parts.begin(), clusters[next].parts.end());
    }
  }
  return taken;
}

/// Clusters of a sample, by the places of its rows.
std::vector<RowGroup> ClustersOf(const VectorRows& sample, uint32_t size_min) {
  const Dendrogram tree = Link(sample.count(), SpanningTree(sample));
  std::vector<DensityCluster> clusters = Condense(tree, size_min);
  std::vector<RowGroup> groups;
  for (const size_t taken : MostStable(clusters)) {
    groups.push_back(tree.RowsOf(clusters[taken].node));
  }
  return groups;
}

}  // namespace

std::vector<RowGroup> SplitByDensity(const VectorRows& rows, uint64_t rows_min, uint64_t seed) {
  const size_t wanted = std::min(kDensitySample, rows.count());
  const std::vector<uint32_t> drawn = index::DrawNumbers(wanted, rows.count(), seed);
  const std::vector<float> sample = GatherRows(rows, drawn);
  const double size_min = static_cast<double>(rows_min) * static_cast<double>(wanted) /
                          static_cast<double>(rows.count());
  const std::vector<RowGroup> clusters = ClustersOf(
      {sample, rows.dim}, std::max<uint32_t>(kClusterRowsMin, static_cast<uint32_t>(size_min)));
  RowGroup members;
  std::vector<uint32_t> cluster_of_member;
  for (uint32_t cluster = 0; cluster < clusters.size(); ++cluster) {
    for (const uint32_t place : clusters[cluster]) {
      members.push_back(drawn[place]);
      cluster_of_member.push_back(cluster);
    }
  }
  std::vector<RowGroup> groups(std::max<size_t>(1, clusters.size()));
  std::vector<uint32_t> nearest(rows.count(), 0);
  if (!members.empty()) {
    index::MakeClustering(GatherRows(rows, members), rows.dim)
        .AssignExactly(rows.floats.data(), rows.count(), nearest.data(), nullptr);
  }
  for (size_t row = 0; row < rows.count(); ++row) {
    const uint32_t group = members.empty() ? 0 : cluster_of_member[nearest[row]];
    groups[group].push_back(static_cast<uint32_t>(row));
  }
  return groups;
}

}  // namespace viper::utilities
