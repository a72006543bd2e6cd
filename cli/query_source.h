#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "viper/engine.h"
#include "viper/result.h"

namespace viper::cli {

/// Some queries that are answered together.
struct QueryBlock {
  /// One per query: what people call it.
  std::vector<std::string> labels;
  /// `labels.size() x dim`, row-major.
  std::vector<float> floats;
};

/// Where the queries of a search come from.
class QuerySource {
 public:
  virtual ~QuerySource() = default;
  /// The next queries, at most kQueriesMax; none at the end.
  virtual Result<QueryBlock> Next() = 0;
};

/// Queries answered in one call: bounds the memory of their hits.
inline constexpr size_t kQueriesMax = 256;

/// The ways to give queries; exactly one is not empty.
struct QueryArguments {
  std::string id;
  std::string vector;
  std::string file;
  std::string standard_input;
};

/// InvalidArgument unless there is exactly one way.
Result<std::unique_ptr<QuerySource>> OpenQueries(const QueryArguments& arguments,
                                                 const Collection& collection,
                                                 const Snapshot& snapshot);

}  // namespace viper::cli
