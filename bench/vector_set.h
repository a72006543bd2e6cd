#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scenario.h"
#include "viper/engine.h"

namespace viper::bench {

/// Dimension of the seeded set, as of sift-photos-1m.
inline constexpr size_t kDefaultDim = 128;

/// Vectors to load and vectors to ask with.
struct VectorSet {
  /// "sift-photos-1m", or "synthetic clusters, seed N".
  std::string label;
  /// An .fvecs file of at least `rows` rows.
  std::string base_path;
  size_t rows = 0;
  size_t dim = 0;
  /// `query_count x dim`, row-major.
  std::vector<float> queries;
  size_t query_count = 0;

  std::span<const float> query(size_t i) const {
    return std::span(queries).subspan((i % query_count) * dim, dim);
  }
};

/// The set at options.data_folder, or a seeded one of 128 dimensions written into the work folder.
Result<VectorSet> OpenOrMakeVectors(const RunOptions& options);

/// Write `rows` seeded clustered vectors (Gaussian around 1,000 centres) as an .fvecs file.
Result<VectorSet> MakeVectors(const std::string& path, size_t rows, size_t dim);

/// A fresh collection, loaded with all rows of the set by one thread and flushed.
/// Rows [first, first + count) of the set's file, with ids of their own.
Result<std::unique_ptr<RecordSource>> OpenRows(const VectorSet& set, const std::string& id_prefix,
                                               size_t first, size_t count);

/// Share of the k places that are filled with rows as near as the k-th of the truth; one list for
/// each query.
double RecallOf(const std::vector<Hits>& found, const std::vector<Hits>& truth);

// An engine that builds no index unless it is told to: what is measured is not disturbed.
Result<Engine> OpenQuietEngine(const std::string& root, EngineOptions options = {});

Result<std::shared_ptr<Collection>> LoadCollection(Engine& engine, const std::string& name,
                                                   const VectorSet& set, Metric metric);

}  // namespace viper::bench
