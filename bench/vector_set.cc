#include "vector_set.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>

namespace viper::bench {

namespace {

constexpr uint64_t kSeed = 20261122;
constexpr size_t kCentres = 1000;
constexpr size_t kQueries = 256;
constexpr size_t kDimMax = 65'536;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

Result<File> OpenFile(const std::string& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode));
  if (file == nullptr) return Status::IoError(fmt::format("cannot open {}", path));
  return file;
}

struct Floats {
  size_t dim = 0;
  std::vector<float> values;
};

// The first `limit` rows of an .fvecs file: per row an int32 dimension, then that many floats.
Result<Floats> ReadFvecs(const std::string& path, size_t limit) {
  auto file = OpenFile(path, "rb");
  if (!file.ok()) return file.status();
  Floats floats;
  int32_t dim = 0;
  for (size_t row = 0; row < limit && std::fread(&dim, sizeof dim, 1, file->get()) == 1; ++row) {
    auto row_dim = static_cast<size_t>(dim);
    if (dim < 1 || row_dim > kDimMax || (row > 0 && row_dim != floats.dim)) {
      return Status::Corruption(fmt::format("{}: row {} has dimension {}", path, row, dim));
    }
    floats.dim = row_dim;
    size_t begin = floats.values.size();
    floats.values.resize(begin + row_dim);
    if (std::fread(&floats.values[begin], sizeof(float), row_dim, file->get()) != row_dim) {
      return Status::Corruption(fmt::format("{}: row {} is cut off", path, row));
    }
  }
  return floats;
}

// Draws Gaussian clusters; the same sequence of numbers for the same dimension.
class ClusterGenerator {
 public:
  explicit ClusterGenerator(size_t dim) : centres_(kCentres * dim), dim_(dim) {
    for (float& value : centres_) value = uniform_(random_) * kSpread;
  }
  void Draw(std::span<float> row) {
    size_t centre = random_() % kCentres;
    for (size_t d = 0; d < dim_; ++d) row[d] = centres_[centre * dim_ + d] + normal_(random_);
  }

 private:
  static constexpr float kSpread = 8.0F;
  std::mt19937_64 random_{kSeed};
  std::uniform_real_distribution<float> uniform_{0, 1};
  std::normal_distribution<float> normal_{0, 1};
  std::vector<float> centres_;
  size_t dim_;
};

}  // namespace

Result<VectorSet> MakeVectors(const std::string& path, size_t rows, size_t dim) {
  VectorSet set;
  set.label = fmt::format("synthetic clusters, seed {}", kSeed);
  set.base_path = path;
  set.rows = rows;
  set.dim = dim;
  auto file = OpenFile(set.base_path, "wb");
  if (!file.ok()) return file.status();
  ClusterGenerator generator(dim);
  std::vector<std::byte> record(sizeof(int32_t) + dim * sizeof(float));
  std::vector<float> row(dim);
  auto dim_on_disk = static_cast<int32_t>(dim);
  std::memcpy(record.data(), &dim_on_disk, sizeof dim_on_disk);
  for (size_t i = 0; i < rows; ++i) {
    generator.Draw(row);
    std::memcpy(&record[sizeof dim_on_disk], row.data(), dim * sizeof(float));
    if (std::fwrite(record.data(), 1, record.size(), file->get()) != record.size()) {
      return Status::IoError(fmt::format("cannot write {}", set.base_path));
    }
  }
  set.query_count = kQueries;
  set.queries.resize(kQueries * dim);
  for (size_t i = 0; i < kQueries; ++i)
    generator.Draw(std::span(set.queries).subspan(i * dim, dim));
  return set;
}

Result<VectorSet> OpenOrMakeVectors(const RunOptions& options) {
  namespace fs = std::filesystem;
  std::string base = options.data_folder + "/base.fvecs";
  if (options.data_folder.empty() || !fs::exists(base)) {
    return MakeVectors(options.work_folder + "/seeded.fvecs", options.rows, kDefaultDim);
  }
  auto first = ReadFvecs(base, 1);
  if (!first.ok()) return first.status();
  auto queries = ReadFvecs(options.data_folder + "/queries.fvecs", kQueries);
  if (!queries.ok()) return queries.status();
  if (first->dim == 0 || queries->dim != first->dim) {
    return Status::InvalidArgument(fmt::format("{}: base and queries differ in dimension: {} {}",
                                               options.data_folder, first->dim, queries->dim));
  }
  VectorSet set;
  set.label = fs::path(options.data_folder).filename().string();
  set.base_path = base;
  set.dim = first->dim;
  set.rows = fs::file_size(base) / (sizeof(int32_t) + set.dim * sizeof(float));
  set.rows = std::min(set.rows, options.rows);
  set.queries = std::move(queries->values);
  set.query_count = set.queries.size() / set.dim;
  return set;
}

double RecallOf(const std::vector<Hits>& found, const std::vector<Hits>& truth) {
  // The same distance comes out of one computation in either way.
  constexpr double kTieRelative = 1e-6;
  size_t right = 0;
  size_t wanted = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    if (truth[i].empty()) continue;
    const double limit = truth[i].back().distance * (1 + kTieRelative);
    wanted += truth[i].size();
    right += static_cast<size_t>(
        std::count_if(found[i].begin(), found[i].end(),
                      [limit](const Hit& hit) { return hit.distance <= limit; }));
  }
  return static_cast<double>(right) / static_cast<double>(std::max<size_t>(wanted, 1));
}

Result<std::unique_ptr<RecordSource>> OpenRows(const VectorSet& set, const std::string& id_prefix,
                                               size_t first, size_t count) {
  RecordSourceOptions source_options;
  source_options.id_prefix = id_prefix;
  source_options.limit = first + count;
  auto source = OpenRecordSource(set.base_path, source_options);
  if (!source.ok()) return source.status();
  if (Status status = (*source)->Skip(first); !status.ok()) return status;
  return source;
}

Result<Engine> OpenQuietEngine(const std::string& root, EngineOptions options) {
  options.background_index = false;
  options.background_compaction = false;
  return Engine::Open(root, options);
}

Result<std::shared_ptr<Collection>> LoadCollection(Engine& engine, const std::string& name,
                                                   const VectorSet& set, Metric metric) {
  auto collection = engine.CreateCollection(name, {.dim = set.dim, .metric = metric, .fields = {}});
  if (!collection.ok()) return collection.status();
  RecordSourceOptions source_options;
  source_options.limit = set.rows;
  auto source = OpenRecordSource(set.base_path, source_options);
  if (!source.ok()) return source.status();
  auto summary = (*collection)->Load(**source);
  if (!summary.ok()) return summary.status();
  if (summary->rows_committed != set.rows) {
    return Status::Corruption(fmt::format("{}: rows loaded and expected differ: {} {}", name,
                                          summary->rows_committed, set.rows));
  }
  if (Status status = (*collection)->Flush(); !status.ok()) return status;
  return collection;
}

}  // namespace viper::bench
