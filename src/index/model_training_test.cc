#include "index/model_training.h"

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>

#include "index/cluster_ranking.h"
#include "index/index_fixture.h"
#include "index/index_search.h"
#include "platform/thread_pool.h"

namespace viper::index {
namespace {

/// Bytes allocated by operator new in this program, and the most there were at once.
std::atomic<size_t> live_bytes{0};
std::atomic<size_t> peak_bytes{0};

void* CountedAllocate(size_t bytes, size_t alignment) {
  void* memory = alignment == 0 ? std::malloc(bytes)
                                : std::aligned_alloc(
                                      alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  const size_t now = live_bytes += malloc_usable_size(memory);
  size_t peak = peak_bytes;
  while (now > peak && !peak_bytes.compare_exchange_weak(peak, now)) {
  }
  return memory;
}

void CountedFree(void* memory) {
  if (memory == nullptr) return;
  live_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace
}  // namespace viper::index

// NOLINTBEGIN: the replaceable functions of the language
void* operator new(size_t bytes) { return viper::index::CountedAllocate(bytes, 0); }
void* operator new[](size_t bytes) { return viper::index::CountedAllocate(bytes, 0); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  return viper::index::CountedAllocate(bytes, static_cast<size_t>(alignment));
}
void* operator new[](size_t bytes, std::align_val_t alignment) {
  return viper::index::CountedAllocate(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { viper::index::CountedFree(memory); }
void operator delete[](void* memory) noexcept { viper::index::CountedFree(memory); }
void operator delete(void* memory, size_t) noexcept { viper::index::CountedFree(memory); }
void operator delete[](void* memory, size_t) noexcept { viper::index::CountedFree(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { viper::index::CountedFree(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept {
  viper::index::CountedFree(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  viper::index::CountedFree(memory);
}
void operator delete[](void* memory, size_t, std::align_val_t) noexcept {
  viper::index::CountedFree(memory);
}
// NOLINTEND

namespace viper::index {
namespace {

/// Rows around some centres; cheaper to make than ClusteredRows.
std::vector<float> NoisyRows(size_t count, size_t dim, size_t centres, Random& random) {
  std::vector<float> rows(count * dim);
  for (size_t row = 0; row < count; ++row) {
    const auto centre = static_cast<double>(random.Uniform(centres));
    for (size_t i = 0; i < dim; ++i) {
      rows[row * dim + i] =
          static_cast<float>(random.UniformDouble() + centre * static_cast<double>(i % 7));
    }
  }
  return rows;
}

/// The most bytes at once while a model was trained on these rows, which are counted, too.
size_t PeakOfTraining(const std::vector<float>& rows, size_t dim, size_t clusters,
                      ThreadPool* pool) {
  TrainingOptions options;
  options.dim = dim;
  options.cluster_count = clusters;
  options.row_count = rows.size() / dim;
  options.pool = pool;
  const size_t before = live_bytes;
  peak_bytes = before;
  std::vector<float> sample = rows;
  EXPECT_TRUE(TrainModel(std::move(sample), options).ok());
  return peak_bytes - before;
}

TEST(TrainModel, TakesNoMoreMemoryThanIsTold) {
  Random random(71);
  ThreadPool pool("test", 2);
  struct Shape {
    size_t dim;
    size_t clusters;
    size_t centres;
  };
  // Of one centre most rows end in few coarse clusters, of which all are copied.
  for (const Shape shape : {Shape{3, 400, 10}, Shape{33, 300, 1}, Shape{768, 90, 40},
                            Shape{768, 90, 1}, Shape{4096, 20, 3}}) {
    SCOPED_TRACE(shape.dim);
    const size_t count = SampleRowsFor(1'000'000, shape.clusters);
    const std::vector<float> rows = NoisyRows(count, shape.dim, shape.centres, random);
    const TrainingSize size = {shape.clusters, count};
    EXPECT_LE(PeakOfTraining(rows, shape.dim, shape.clusters, nullptr),
              TrainingBytes(size, shape.dim, 1));
    const size_t peak = PeakOfTraining(rows, shape.dim, shape.clusters, &pool);
    EXPECT_LE(peak, TrainingBytes(size, shape.dim, 2));
    EXPECT_GE(peak, count * shape.dim * sizeof(float));
  }
}

TEST(TrainModel, ARowThatIsFarFromEverythingChangesLittle) {
  constexpr size_t kDim = 16;
  Random random(5);
  std::vector<float> sample(2000 * kDim);
  for (float& x : sample) x = static_cast<float>(random.UniformDouble());
  TrainingOptions options;
  options.dim = kDim;
  options.cluster_count = 20;
  options.row_count = 2000;
  const float usual = TrainModel(sample, options).value()->content().scale;
  for (const float far : {1e8F, 1e20F, 3e38F}) {
    std::fill_n(sample.begin() + 7 * kDim, kDim, far);
    const auto model = TrainModel(sample, options).value();
    EXPECT_NEAR(model->content().scale / usual, 1, 0.05) << far;
    EXPECT_LT(model->content().mean[0], 1) << far;
  }
}

TEST(TrainModel, TakesNoMoreMemoryForRowsThatAreAllEqual) {
  const size_t count = SampleRowsFor(1'000'000, 90);
  EXPECT_LE(PeakOfTraining(std::vector<float>(count * 768, 2.5F), 768, 90, nullptr),
            TrainingBytes({90, count}, 768, 1));
}

TEST(SizeTraining, IsTheIdealWhereMemoryAllows) {
  const auto size = SizeTraining(1'000'000, 128, 1, size_t{1} << 30);
  ASSERT_TRUE(size.ok());
  EXPECT_EQ(size->cluster_count, ClusterCountFor(1'000'000, 128));
  EXPECT_EQ(size->sample_rows, SampleRowsFor(1'000'000, size->cluster_count));
}

TEST(SizeTraining, ShrinksTheSampleThenTheClusters) {
  constexpr uint64_t kRows = 1'000'000;
  constexpr size_t kDim = 256;
  const size_t clusters = ClusterCountFor(kRows, kDim);
  const TrainingSize ideal = {clusters, SampleRowsFor(kRows, clusters)};
  TrainingSize last = ideal;
  bool had_fewer_rows = false;
  bool had_fewer_clusters = false;
  for (size_t memory = TrainingBytes(ideal, kDim, 1);; memory -= memory / 16) {
    const auto size = SizeTraining(kRows, kDim, 1, memory);
    if (!size.ok()) {
      EXPECT_EQ(size.status().code(), StatusCode::kResourceExhausted);
      EXPECT_NE(size.status().message().find("allowed=" + std::to_string(memory)),
                std::string::npos);
      EXPECT_NE(size.status().message().find("needed="), std::string::npos);
      break;
    }
    EXPECT_LE(TrainingBytes(*size, kDim, 1), memory);
    EXPECT_LE(size->sample_rows, last.sample_rows);
    EXPECT_LE(size->cluster_count, last.cluster_count);
    EXPECT_GE(size->sample_rows, 64 * size->cluster_count);
    EXPECT_GE(size->cluster_count, clusters / 32);
    had_fewer_rows |= size->sample_rows < ideal.sample_rows && size->cluster_count == clusters;
    had_fewer_clusters |= size->cluster_count < clusters;
    last = *size;
  }
  EXPECT_TRUE(had_fewer_rows);
  EXPECT_TRUE(had_fewer_clusters);
  EXPECT_LT(last.cluster_count, clusters / 16);
}

TEST(FitProbes, StopsWhenToldToAndTellsHowFarItIs) {
  Random random(72);
  const BuiltIndex built =
      BuildIndex(ClusteredRows(2000, 16, 10, random), 16, Metric::kL2, 20, ByteRows::kScaled);
  std::vector<uint64_t> queries;
  for (uint64_t row = 0; row < 100; ++row) queries.push_back(row * 20);
  ProbeTraining training;
  training.segment = built.segment.get();
  training.clusters = built.clusters;
  training.queries = queries;
  training.floats = [&built](uint64_t row) -> Result<HeldFloats> { return built.Row(row); };
  double told = 0;
  training.progress = [&told](double share) {
    told = share;
    return share < 0.5;
  };
  EXPECT_EQ(FitProbes(built.model, training).status().code(), StatusCode::kCancelled);
  EXPECT_NEAR(told, 0.5, 0.01);
  training.progress = [&told](double share) {
    told = share;
    return true;
  };
  const auto fitted = FitProbes(built.model, training);
  ASSERT_TRUE(fitted.ok());
  EXPECT_EQ(told, 1);
  EXPECT_EQ((*fitted)->content().probes.size(), 2U);
  EXPECT_EQ((*fitted)->id(), built.model->id());
}

/// Rows without any clusters: the neighbours of a row lie in many.
TEST(FitProbes, ComparesWithEveryRowWhereAPartOfTheClustersIsNotEnough) {
  Random random(74);
  constexpr size_t kDim = 48;
  for (const size_t centres : {1U, 60U}) {
    SCOPED_TRACE(centres);
    const BuiltIndex built = BuildIndex(ClusteredRows(6000, kDim, centres, random), kDim,
                                        Metric::kL2, 500, ByteRows::kScaled);
    std::vector<uint64_t> queries;
    for (uint64_t row = 0; row < 300; ++row) queries.push_back(row * 20);
    ProbeTraining training;
    training.segment = built.segment.get();
    training.clusters = built.clusters;
    training.queries = queries;
    training.floats = [&built](uint64_t row) -> Result<HeldFloats> { return built.Row(row); };
    const auto unchecked = FitProbes(built.model, training).value();
    std::vector<size_t> asked;
    training.nearest = [&](std::span<const float> floats,
                           size_t k) -> Result<std::vector<std::vector<uint64_t>>> {
      asked.push_back(floats.size() / kDim);
      std::vector<std::vector<uint64_t>> nearest(asked.back());
      for (size_t i = 0; i < nearest.size(); ++i) {
        for (const ScoredRow& row : built.Nearest(floats.subspan(i * kDim, kDim), k)) {
          nearest[i].push_back(row.row);
        }
      }
      return nearest;
    };
    const auto checked = FitProbes(built.model, training).value();
    double probes_unchecked = 0;
    double probes_checked = 0;
    for (int i = 0; i < 20; ++i) {
      const std::span<const float> query(built.rows.data() + (7 + i * 111) * kDim, kDim);
      std::vector<float> distances;
      AppendProbeDistances(*built.model, query,
                           RankClusters(*built.model, query, ProbeCurve::kRanksMax), distances);
      const auto probes_by = [&](const Model& model) {
        const ProbeGoal goal = {0.9, 500, static_cast<double>(built.count())};
        ProbeCounter counter(model.content().probes, distances, {}, goal);
        return static_cast<double>(counter.ProbesFor(10));
      };
      probes_unchecked += probes_by(*unchecked);
      probes_checked += probes_by(*checked);
    }
    if (centres == 1) {
      EXPECT_EQ(asked, (std::vector<size_t>{64, 150 + 76 + 38}));
      EXPECT_GT(probes_checked, 1.2 * probes_unchecked);
    } else {
      EXPECT_EQ(asked, std::vector<size_t>{64});
      EXPECT_EQ(probes_checked, probes_unchecked);
    }
  }
}

/// Where rows lie may have to do with what they are: here the second half repeats the first, and
/// the middle of a row and the one half a table further is just that row.
TEST(FitProbes, WhatQueriesBetweenRowsFindDoesNotHangOnTheOrderOfTheRows) {
  Random random(77);
  constexpr size_t kDim = 12;
  constexpr size_t kHalf = 8000;
  std::vector<float> rows = ClusteredRows(kHalf, kDim, 1000, random);
  rows.insert(rows.end(), rows.begin(), rows.end());
  BuiltIndex built = BuildIndex(std::move(rows), kDim, Metric::kL2, 500, ByteRows::kScaled);
  std::vector<uint64_t> queries;
  for (uint64_t row = 0; row < 2 * kHalf; row += 20) queries.push_back(row);
  ProbeTraining training;
  training.segment = built.segment.get();
  training.clusters = built.clusters;
  training.queries = queries;
  training.floats = [&built](uint64_t row) -> Result<HeldFloats> { return built.Row(row); };
  built.model = FitProbes(built.model, training).value();
  double found = 0;
  constexpr int kQueries = 100;
  for (int i = 0; i < kQueries; ++i) {
    std::vector<float> middle(kDim);
    const float* a = built.rows.data() + random.Uniform(kHalf) * kDim;
    const float* b = built.rows.data() + random.Uniform(kHalf) * kDim;
    for (size_t j = 0; j < kDim; ++j) middle[j] = (a[j] + b[j]) / 2;
    const SearchedSegment searched = {.segment = built.segment.get()};
    IndexSearchRequest request;
    request.model = built.model.get();
    request.segments = {&searched, 1};
    request.queries = middle;
    request.k = 10;
    request.recall = 0.9;
    request.floats = training.floats;
    const auto nearest = built.Nearest(middle, 10);
    const auto hits = IndexSearch(request, nullptr).value();
    for (const ScoredRow& hit : hits.front()) {
      found += hit.distance <= nearest.back().distance ? 0.1 / kQueries : 0;
    }
  }
  EXPECT_GT(found, 0.8);
}

TEST(FitProbes, LearnsNothingFromASingleQuery) {
  Random random(76);
  const BuiltIndex built =
      BuildIndex(ClusteredRows(300, 8, 3, random), 8, Metric::kL2, 2, ByteRows::kScaled);
  const std::vector<uint64_t> queries = {7};
  ProbeTraining training;
  training.segment = built.segment.get();
  training.clusters = built.clusters;
  training.queries = queries;
  training.floats = [&built](uint64_t row) -> Result<HeldFloats> { return built.Row(row); };
  const auto fitted = FitProbes(built.model, training).value();
  EXPECT_TRUE(fitted->content().probes.empty());
  EXPECT_TRUE(Model::Decode(fitted->Encode()).ok());
}

TEST(FitProbes, FailsAsTheComparisonDoes) {
  Random random(75);
  const BuiltIndex built =
      BuildIndex(ClusteredRows(2000, 8, 10, random), 8, Metric::kL2, 100, ByteRows::kScaled);
  const std::vector<uint64_t> queries = {1, 2, 3};
  ProbeTraining training;
  training.segment = built.segment.get();
  training.clusters = built.clusters;
  training.queries = queries;
  training.floats = [&built](uint64_t row) -> Result<HeldFloats> { return built.Row(row); };
  training.nearest = [](std::span<const float>,
                        size_t) -> Result<std::vector<std::vector<uint64_t>>> {
    return Status::Cancelled("stopped");
  };
  EXPECT_EQ(FitProbes(built.model, training).status().code(), StatusCode::kCancelled);
}

TEST(ClusterAssigner, TellsHowFarRowsAreFromTheirCentroids) {
  Random random(73);
  const BuiltIndex built =
      BuildIndex(ClusteredRows(1000, 12, 8, random), 12, Metric::kL2, 15, ByteRows::kNone);
  std::vector<uint32_t> clusters(1000);
  std::vector<float> squared(1000);
  ClusterAssigner(built.model).Assign(built.Row(0), 1000, clusters.data(), squared.data());
  EXPECT_EQ(clusters, built.clusters);
  std::vector<float> prepared(12);
  for (uint64_t row = 0; row < 1000; row += 37) {
    built.model->PrepareRows(built.Row(row), 1, prepared.data());
    const float* centroid = built.model->centroid(clusters[row]);
    double sum = 0;
    for (size_t i = 0; i < 12; ++i) sum += std::pow(double{prepared[i]} - double{centroid[i]}, 2);
    EXPECT_NEAR(squared[row], sum, 1e-4);
  }
}

}  // namespace
}  // namespace viper::index
