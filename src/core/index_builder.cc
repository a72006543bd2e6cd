#include "core/index_builder.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "index/byte_row.h"
#include "index/model_training.h"
#include "storage/file_names.h"
#include "storage/part_sidecar.h"

namespace viper::core {
namespace {

/// A build makes one segment of all parts when there would be more than this.
constexpr size_t kSegmentsMax = 4;
/// The model is trained anew when there are so many times the rows that it was trained on.
constexpr uint64_t kGrowthMax = 3;
/// Rows that are asked for to fit the probe curves.
constexpr size_t kCalibrationQueries = 1000;
constexpr uint64_t kSeed = 0x5649504552;
/// Shares of a build: training, assigning, writing; the rest is fitting.
constexpr double kTrainedAt = 0.4;
constexpr double kAssignedAt = 0.6;
constexpr double kWrittenAt = 0.9;

std::function<bool(double)> Portion(const std::function<bool(double)>& progress, double from,
                                    double to) {
  if (!progress) return {};
  return [&progress, from, to](double share) { return progress(from + (to - from) * share); };
}

bool Goes(const std::function<bool(double)>& progress, double share) {
  return !progress || progress(share);
}

Status Stopped() { return Status::Cancelled("index: the build was stopped"); }

Result<std::shared_ptr<const OpenSegment>> OpenSegmentFile(FileSystem& files,
                                                           const std::string& path,
                                                           const index::Model& model) {
  auto open = std::make_shared<OpenSegment>();
  open->path = path;
  VIPER_ASSIGN_OR_RETURN(open->file, files.Map(path));
  auto segment = index::Segment::Open(open->file->bytes(), model);
  if (!segment.ok()) return segment.status().WithContext(path);
  open->segment = std::move(*segment);
  return std::shared_ptr<const OpenSegment>(std::move(open));
}

Result<std::shared_ptr<const index::Model>> ReadModel(FileSystem& files, const std::string& path) {
  VIPER_ASSIGN_OR_RETURN(const auto mapped, files.Map(path));
  auto model = index::Model::Decode(mapped->bytes());
  if (!model.ok()) return model.status().WithContext(path);
  return model;
}

std::set<std::string, std::less<>> IndexedPaths(const IndexFiles* files) {
  std::set<std::string, std::less<>> paths;
  if (files == nullptr) return paths;
  for (const auto& open : files->segments) {
    for (const index::SegmentPart& part : open->segment->parts()) paths.insert(part.path);
  }
  return paths;
}

}  // namespace

std::shared_ptr<const IndexFiles> LoadIndex(const CollectionContext& context,
                                            std::vector<std::string>& rejected) {
  FileSystem& files = *context.file_system;
  const std::string directory = storage::IndexDirectory(context.directory);
  const auto names = files.List(directory);
  if (!names.ok()) return nullptr;
  auto loaded = std::make_shared<IndexFiles>();
  for (const std::string& name : *names) {
    if (!storage::IsModelName(name)) continue;
    const std::string path = storage::JoinPath(directory, name);
    auto model = ReadModel(files, path);
    const bool fits = model.ok() && (*model)->dim() == context.schema->dim &&
                      (*model)->metric() == context.schema->metric;
    if (!fits) {
      rejected.push_back(model.ok() ? path + ": a model of another collection"
                                    : model.status().ToString());
      continue;
    }
    // After a build that was cut off there may be two: the one that saw more rows is the newer.
    if (loaded->model == nullptr ||
        loaded->model->content().trained_rows < (*model)->content().trained_rows) {
      loaded->model = std::move(*model);
      loaded->model_path = path;
    }
  }
  if (loaded->model == nullptr) return nullptr;
  for (const std::string& name : *names) {
    if (!storage::IsSegmentName(name)) continue;
    auto segment = OpenSegmentFile(files, storage::JoinPath(directory, name), *loaded->model);
    if (segment.ok()) {
      loaded->segments.push_back(std::move(*segment));
    } else {
      rejected.push_back(segment.status().ToString());
    }
  }
  return loaded;
}

class IndexBuilder::Rows {
 public:
  Rows(const ReadView& view, const std::vector<size_t>& parts) {
    for (const size_t part : parts) {
      firsts_.push_back(count_);
      parts_.push_back(view.parts[part].part);
      count_ += parts_.back()->row_count();
    }
  }

  uint64_t count() const { return count_; }
  const std::vector<std::shared_ptr<const Part>>& parts() const { return parts_; }

  Result<const std::byte*> Floats(uint64_t row) const {
    const auto after = std::upper_bound(firsts_.begin(), firsts_.end(), row);
    const auto part = static_cast<size_t>(after - firsts_.begin()) - 1;
    return parts_[part]->Floats(row - firsts_[part]);
  }

  /// `count` rows, spread evenly, each moved at random inside its stretch; rising.
  std::vector<uint64_t> Sample(size_t count, uint64_t seed) const {
    Random random(seed);
    std::vector<uint64_t> rows;
    for (size_t i = 0; i < count; ++i) {
      const uint64_t first = count_ * i / count;
      const uint64_t last = std::max(count_ * (i + 1) / count, first + 1);
      rows.push_back(first + random.Uniform(last - first));
    }
    return rows;
  }

  Result<std::vector<float>> SampleFloats(size_t count, size_t dim, uint64_t seed) const {
    std::vector<float> floats(count * dim);
    size_t next = 0;
    for (const uint64_t row : Sample(count, seed)) {
      VIPER_ASSIGN_OR_RETURN(const std::byte* bytes, Floats(row));
      std::memcpy(floats.data() + next, bytes, dim * sizeof(float));
      next += dim;
    }
    return floats;
  }

 private:
  std::vector<std::shared_ptr<const Part>> parts_;
  std::vector<uint64_t> firsts_;
  uint64_t count_ = 0;
};

namespace {

/// The cluster of every row, and whether all rows are whole numbers of a byte.
struct Assigned {
  std::vector<uint32_t> clusters;
  bool are_whole = true;
};

/// Pages are contiguous runs of rows: the unit of the work.
Result<Assigned> AssignRows(const std::vector<std::shared_ptr<const Part>>& parts,
                            const std::shared_ptr<const index::Model>& model, ThreadPool* threads,
                            const std::function<bool(double)>& progress) {
  struct Page {
    const Part* part;
    size_t page;
    uint64_t first_row;
  };
  std::vector<Page> pages;
  uint64_t rows = 0;
  for (const auto& part : parts) {
    for (size_t i = 0; i < part->reader().vector_pages().size(); ++i) {
      pages.push_back({part.get(), i, rows + part->reader().vector_pages()[i].rows.first});
    }
    rows += part->row_count();
  }
  const index::ClusterAssigner assigner(model);
  Assigned assigned;
  assigned.clusters.resize(rows);
  std::atomic<bool> are_whole{model->metric() == Metric::kL2};
  std::atomic<size_t> done{0};
  std::vector<Status> statuses(pages.size());
  const auto assign = [&](size_t i) {
    const Page& page = pages[i];
    statuses[i] = page.part->CheckPage(page.page);
    if (!statuses[i].ok()) return;
    const parquet::VectorPage& place = page.part->reader().vector_pages()[page.page];
    const std::byte* floats = page.part->reader().Floats(place);
    assigner.Assign(floats, place.rows.count, assigned.clusters.data() + page.first_row);
    if (are_whole) {
      std::vector<float> copy(place.rows.count * model->dim());
      std::memcpy(copy.data(), floats, copy.size() * sizeof(float));
      if (!index::IsWhole(copy)) are_whole = false;
    }
    if (!Goes(progress, static_cast<double>(++done) / static_cast<double>(pages.size()))) {
      statuses[i] = Stopped();
    }
  };
  // A thread at a time takes a few pages, so that a stop is noticed soon.
  const size_t step = threads == nullptr ? 1 : 4 * threads->thread_count();
  for (size_t first = 0; first < pages.size(); first += step) {
    const size_t count = std::min(step, pages.size() - first);
    if (threads == nullptr) {
      assign(first);
    } else {
      threads->ParallelFor(count, [&](size_t i) { assign(first + i); });
    }
    for (size_t i = 0; i < count; ++i) VIPER_RETURN_IF_ERROR(statuses[first + i]);
  }
  assigned.are_whole = are_whole;
  return assigned;
}

}  // namespace

IndexBuilder::Plan IndexBuilder::MakePlan(const ReadView& view) const {
  const auto files = context_.read->index.files();
  const auto indexed = IndexedPaths(files.get());
  Plan plan;
  uint64_t rows = 0;
  uint64_t missing_rows = 0;
  std::vector<size_t> missing;
  for (size_t i = 0; i < view.parts.size(); ++i) {
    const Part& part = *view.parts[i].part;
    rows += part.row_count();
    if (indexed.contains(part.added().path)) continue;
    missing.push_back(i);
    missing_rows += part.row_count();
  }
  if (rows < context_.options.index_min_rows || rows > storage::kSidecarRowsMax) return plan;
  const bool has_model = files != nullptr && files->model != nullptr;
  plan.trains = !has_model || rows > kGrowthMax * files->model->content().trained_rows;
  if (missing.empty() && !plan.trains) return plan;
  plan.replaces_all =
      plan.trains || files->segments.size() + 1 > kSegmentsMax || 2 * missing_rows > rows;
  plan.parts = std::move(missing);
  if (plan.replaces_all) {
    plan.parts.clear();
    for (size_t i = 0; i < view.parts.size(); ++i) plan.parts.push_back(i);
  }
  return plan;
}

bool IndexBuilder::IsBehind(const ReadView& view) const { return !MakePlan(view).parts.empty(); }

Status IndexBuilder::Build(const ReadView& view, ThreadPool* threads,
                           const std::function<bool(double)>& progress) {
  MutexLock lock(mutex_);
  const Plan plan = MakePlan(view);
  if (plan.parts.empty()) return {};
  return Run(view, plan, threads, progress).WithContext("index");
}

Status IndexBuilder::Run(const ReadView& view, const Plan& plan, ThreadPool* threads,
                         const std::function<bool(double)>& progress) {
  const Rows rows(view, plan.parts);
  const auto old_files = context_.read->index.files();
  std::shared_ptr<const index::Model> model = plan.trains ? nullptr : old_files->model;
  if (plan.trains) {
    index::TrainingOptions options;
    options.metric = context_.schema->metric;
    options.dim = context_.schema->dim;
    options.cluster_count = index::ClusterCountFor(rows.count(), options.dim);
    options.seed = kSeed;
    options.pool = threads;
    options.progress = Portion(progress, 0, kTrainedAt);
    options.row_count = rows.count();
    const size_t sampled = index::SampleRowsFor(rows.count(), options.cluster_count);
    VIPER_ASSIGN_OR_RETURN(auto sample, rows.SampleFloats(sampled, options.dim, kSeed));
    VIPER_ASSIGN_OR_RETURN(model, index::TrainModel(std::move(sample), options));
  }
  VIPER_ASSIGN_OR_RETURN(Assigned assigned, AssignRows(rows.parts(), model, threads,
                                                       Portion(progress, kTrainedAt, kAssignedAt)));
  const auto floats = [&rows](uint64_t row) { return rows.Floats(row); };
  const index::ByteRows kind =
      assigned.are_whole ? index::ByteRows::kWhole : index::ByteRows::kScaled;
  VIPER_ASSIGN_OR_RETURN(auto segment,
                         WriteSegmentFile(rows, model, kind, assigned.clusters, threads,
                                          Portion(progress, kAssignedAt, kWrittenAt)));
  if (plan.trains) {
    const size_t queries = std::min<uint64_t>(kCalibrationQueries, rows.count() / 4);
    VIPER_ASSIGN_OR_RETURN(model,
                           index::FitProbes(model, *segment->segment, assigned.clusters,
                                            rows.Sample(queries, kSeed + 1), floats, threads));
  }
  if (!Goes(progress, 1)) return Stopped();
  auto files = std::make_shared<IndexFiles>();
  files->model = model;
  files->model_path = storage::ModelPath(context_.directory, model->id());
  if (!plan.replaces_all) files->segments = old_files->segments;
  files->segments.push_back(std::move(segment));
  if (plan.trains) VIPER_RETURN_IF_ERROR(WriteModelFile(*model, files->model_path));
  context_.read->index.Replace(files);
  RemoveUnused(*files);
  return {};
}

Result<std::shared_ptr<const OpenSegment>> IndexBuilder::WriteSegmentFile(
    const Rows& rows, const std::shared_ptr<const index::Model>& model, index::ByteRows byte_rows,
    std::vector<uint32_t> clusters, ThreadPool* threads,
    const std::function<bool(double)>& progress) const {
  FileSystem& files = *context_.file_system;
  const std::string uuid = MakeUuid();
  const std::string path = storage::SegmentPath(context_.directory, uuid);
  const std::string staged = storage::TmpPath(context_.directory, uuid + ".vseg");
  index::SegmentInput input;
  input.model = model;
  for (const auto& part : rows.parts()) {
    input.parts.push_back({part->added().path, part->added().size, part->row_count()});
  }
  input.byte_rows = byte_rows;
  input.floats = [&rows](uint64_t row) { return rows.Floats(row); };
  input.clusters = std::move(clusters);
  input.pool = threads;
  input.progress = progress;
  VIPER_ASSIGN_OR_RETURN(auto file, files.CreateFile(staged));
  input.append = [&file](std::span<const std::byte> bytes) { return file->Append(bytes); };
  Status written = index::WriteSegment(input);
  if (written.ok()) written = file->Close();
  if (written.ok()) written = files.Rename(staged, path);
  if (!written.ok()) {
    // Best effort: what stays behind is swept at the next open.
    (void)files.RemoveFile(staged).ok();
    return written;
  }
  return OpenSegmentFile(files, path, *model);
}

Status IndexBuilder::WriteModelFile(const index::Model& model, const std::string& path) const {
  FileSystem& files = *context_.file_system;
  const std::string staged = storage::TmpPath(context_.directory, MakeUuid() + ".vmodel");
  VIPER_ASSIGN_OR_RETURN(auto file, files.CreateFile(staged));
  VIPER_RETURN_IF_ERROR(file->Append(model.Encode()));
  VIPER_RETURN_IF_ERROR(file->Close());
  return files.Rename(staged, path);
}

void IndexBuilder::RemoveUnused(const IndexFiles& used) const {
  FileSystem& files = *context_.file_system;
  const std::string directory = storage::IndexDirectory(context_.directory);
  const auto names = files.List(directory);
  if (!names.ok()) return;
  std::set<std::string, std::less<>> kept = {used.model_path};
  for (const auto& open : used.segments) kept.insert(open->path);
  for (const std::string& name : *names) {
    const std::string path = storage::JoinPath(directory, name);
    const bool is_index = storage::IsModelName(name) || storage::IsSegmentName(name);
    // Best effort: the next build tries again. Readers keep what they have mapped.
    if (is_index && !kept.contains(path)) (void)files.RemoveFile(path).ok();
  }
}

}  // namespace viper::core
