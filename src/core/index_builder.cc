#include "core/index_builder.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include <fmt/core.h>

#include "base/random.h"
#include "base/status_macros.h"
#include "core/index_accuracy.h"
#include "core/index_cost.h"
#include "core/index_files.h"
#include "core/rows_of_parts.h"
#include "core/staged_file.h"
#include "core/unpacked_vectors.h"
#include "index/byte_row.h"
#include "index/model_training.h"
#include "storage/file_names.h"
#include "storage/part_sidecar.h"

namespace viper::core {
namespace {

/// Above so many segments a build takes small ones into the one that it writes,
constexpr size_t kSegmentsMax = 4;
/// as long as they hold at most so many times the rows that it writes anyway.
constexpr uint64_t kTakenPerWritten = 2;
/// The sample that is compared with all rows is drawn again when this part of the rows is new.
constexpr uint64_t kMeasuredPart = 20;
/// Rows that are asked for to fit the probe curves.
constexpr uint64_t kCalibrationQueries = 1000;
/// Of a small collection, one row of so many: more would take longer than all the rest of its
/// build. Of one so small that this takes no time, as many as tell anything.
constexpr uint64_t kRowsPerCalibrationQuery = 20;
constexpr uint64_t kCalibrationQueriesMin = 250;
/// Of one call: a damaged segment, then new rows, then the training that they lead to.
constexpr int kRoundsMax = 3;
constexpr double kCautionMin = 0.05;
constexpr uint64_t kSeed = 0x5649504552;
/// Between the seeds of models that follow each other; the others lie in between.
constexpr uint64_t kSeedStep = 16;
constexpr uint64_t kProbeSeed = kSeed + 1;
constexpr uint64_t kAccuracySeed = kSeed + 2;
/// Shares of a build: training, assigning, writing, fitting; the rest is measuring.
constexpr double kTrainedAt = 0.4;
constexpr double kAssignedAt = 0.6;
constexpr double kWrittenAt = 0.85;
constexpr double kFittedAt = 0.92;

std::function<bool(double)> Portion(const std::function<bool(double)>& progress, double from,
                                    double to) {
  if (!progress) return {};
  return [&progress, from, to](double share) { return progress(from + (to - from) * share); };
}

bool Goes(const std::function<bool(double)>& progress, double share) {
  return !progress || progress(share);
}

Status Stopped() { return Status::Cancelled("index: the build was stopped"); }

std::function<Status()> CheckOf(const std::function<bool(double)>& progress, double share) {
  return [&progress, share] { return Goes(progress, share) ? Status() : Stopped(); };
}

/// What becomes of it when audits judge so (RecallAudit::ShareOfMissesAllowed): never so low that
/// searches would scan everything for the sake of a few hard queries.
double CautionFor(double caution, const std::optional<double>& share_of_misses_allowed) {
  if (!share_of_misses_allowed) return caution;
  return std::max(kCautionMin, caution * *share_of_misses_allowed);
}

/// A segment, and how many of its rows a view reads through it.
struct SegmentUse {
  std::shared_ptr<const OpenSegment> open;
  uint64_t used_rows = 0;
  std::vector<size_t> parts;  // of the view
};

/// The parts of a view, of which segments take theirs.
class PartsOfView {
 public:
  explicit PartsOfView(const ReadView& view) {
    for (size_t i = 0; i < view.parts.size(); ++i) {
      const Part& part = *view.parts[i].part;
      left_[part.added().path] = {i, part.row_count(), part.added().size};
      rows_ += part.row_count();
    }
  }

  SegmentUse Take(const std::shared_ptr<const OpenSegment>& open) {
    SegmentUse use = {open, 0, {}};
    for (const index::SegmentPart& part : open->segment->parts()) {
      const auto found = left_.find(part.path);
      if (found == left_.end() || found->second.rows != part.row_count ||
          found->second.bytes != part.file_bytes) {
        continue;
      }
      use.used_rows += part.row_count;
      use.parts.push_back(found->second.index);
      left_.erase(found);
    }
    return use;
  }

  uint64_t rows() const { return rows_; }
  /// Those that no segment has taken.
  std::vector<size_t> left() const {
    std::vector<size_t> indices;
    for (const auto& [path, part] : left_) indices.push_back(part.index);
    return indices;
  }
  uint64_t left_rows() const {
    uint64_t rows = 0;
    for (const auto& [path, part] : left_) rows += part.rows;
    return rows;
  }

 private:
  struct PartOfView {
    size_t index = 0;
    uint64_t rows = 0;
    uint64_t bytes = 0;
  };
  std::map<std::string, PartOfView, std::less<>> left_;
  uint64_t rows_ = 0;
};

/// Decide which segments stay where `added_rows` rows are to be coded; the parts of the others go
/// to `parts`, which come out in rising order.
std::vector<std::shared_ptr<const OpenSegment>> KeepSegments(std::vector<SegmentUse> uses,
                                                             uint64_t added_rows,
                                                             std::vector<size_t>& parts) {
  std::erase_if(uses, [](const SegmentUse& use) { return use.used_rows == 0; });
  std::vector<std::shared_ptr<const OpenSegment>> kept;
  if (added_rows > 0) {
    std::sort(uses.begin(), uses.end(), [](const SegmentUse& a, const SegmentUse& b) {
      return a.used_rows != b.used_rows ? a.used_rows < b.used_rows : a.open->path < b.open->path;
    });
    uint64_t written = added_rows;
    bool are_many = uses.size() + 1 > kSegmentsMax;
    for (SegmentUse& use : uses) {
      const bool is_half_gone = 2 * use.used_rows < use.open->segment->row_count();
      if (is_half_gone || (are_many && use.used_rows <= kTakenPerWritten * written)) {
        written += use.used_rows;
        parts.insert(parts.end(), use.parts.begin(), use.parts.end());
        use.open = nullptr;
      } else {
        // The larger ones are larger still.
        are_many = false;
      }
    }
  }
  for (SegmentUse& use : uses) {
    if (use.open != nullptr) kept.push_back(std::move(use.open));
  }
  std::sort(parts.begin(), parts.end());
  return kept;
}

}  // namespace

struct IndexBuilder::Made {
  std::shared_ptr<const index::Model> model;
  AssignedRows assigned;
  std::shared_ptr<const OpenSegment> segment;
  /// Where its file is until it is put in place.
  std::optional<StagedFile> segment_file;
  std::shared_ptr<const IndexFiles> files;
  MemoryCharge memory;
  /// Rows that the model and its curves were fitted to, rising.
  std::vector<uint64_t> fitted_rows;
  uint64_t seed = kSeed;
};

IndexBuilder::Plan IndexBuilder::MakePlan(const ReadView& view, Training training) const {
  const auto files = context_.read->index.files();
  Plan plan;
  PartsOfView parts(view);
  plan.rows = parts.rows();
  if (!context_.options.enable_clustering || plan.rows < context_.options.index_min_rows ||
      plan.rows > storage::kSidecarRowsMax) {
    return plan;
  }
  std::vector<SegmentUse> uses;
  if (files != nullptr) {
    for (const auto& open : files->segments) {
      SegmentUse use = parts.Take(open);
      if (IsExpected(*open)) {
        plan.kept.push_back(open);
      } else {
        uses.push_back(std::move(use));
      }
    }
  }
  plan.parts = parts.left();
  plan.added_rows = parts.left_rows();
  for (const size_t i : plan.parts) {
    const Part& part = *view.parts[i].part;
    plan.moved_rows += MovedRows(part);
  }
  const bool has_model = files != nullptr && files->model != nullptr;
  if (has_model) {
    plan.caution =
        CautionFor(files->model->record().caution, context_.read->audit.ShareOfMissesAllowed());
  }
  if (training == Training::kNever) {
    if (!has_model) return plan;
  } else if (!has_model) {
    plan.reason = "there is no model yet";
  } else if (training == Training::kAlways) {
    plan.reason = "a new model was asked for";
  } else {
    const IndexCost cost = CostOf(files->segments, files->model->cluster_count());
    plan.reason = ReasonToTrain(files->model->record(), cost, plan.rows);
  }
  if (plan.reason) {
    plan.kept.clear();
    plan.parts.resize(view.parts.size());
    std::iota(plan.parts.begin(), plan.parts.end(), size_t{0});
  } else {
    const auto kept = KeepSegments(std::move(uses), plan.added_rows, plan.parts);
    plan.kept.insert(plan.kept.end(), kept.begin(), kept.end());
  }
  plan.has_work = plan.reason || !plan.parts.empty() ||
                  plan.kept.size() != files->segments.size() ||
                  plan.caution != files->model->record().caution;
  return plan;
}

bool IndexBuilder::IsBehind(const ReadView& view) const {
  return MakePlan(view, Training::kAllowed).has_work;
}

Status IndexBuilder::Build(const ViewNow& view, ThreadPool* threads,
                           const std::function<bool(double)>& progress) {
  MutexLock lock(build_mutex_);
  return Run(view, Training::kAllowed, threads, progress);
}

Status IndexBuilder::Retrain(const ViewNow& view, ThreadPool* threads,
                             const std::function<bool(double)>& progress) {
  MutexLock lock(build_mutex_);
  const auto now = view();
  const Plan plan = MakePlan(*now, Training::kAlways);
  if (!plan.reason) {
    return Status::FailedPrecondition(fmt::format(
        "no index is trained: rows={} index_min_rows={} enable_clustering={}", plan.rows,
        context_.options.index_min_rows, context_.options.enable_clustering));
  }
  const Status trained = Train(*now, plan, threads, progress);
  if (!trained.ok()) return trained.WithContext("index");
  return Run(view, Training::kAllowed, threads, progress);
}

Status IndexBuilder::KeepUp(const ViewNow& view, ThreadPool* threads,
                            const std::function<bool(double)>& progress) {
  return Run(view, Training::kNever, threads, progress);
}

Status IndexBuilder::CodeAhead(const ViewNow& view, std::span<const ExpectedPart> parts,
                               const std::function<bool(double)>& progress) {
  {
    MutexLock lock(expected_mutex_);
    for (const ExpectedPart& expected : parts) expected_[expected.part->added().path] = expected;
  }
  const auto with_parts = [&] {
    auto ahead = std::make_shared<ReadView>(*view());
    for (const ExpectedPart& expected : parts) ahead->parts.push_back({.part = expected.part});
    return ahead;
  };
  return KeepUp(with_parts, nullptr, progress);
}

void IndexBuilder::ForgetAhead(std::span<const std::string> paths) {
  MutexLock lock(expected_mutex_);
  for (const std::string& path : paths) expected_.erase(path);
}

bool IndexBuilder::IsExpected(const OpenSegment& open) const {
  MutexLock lock(expected_mutex_);
  for (const index::SegmentPart& part : open.segment->parts()) {
    if (expected_.contains(part.path)) return true;
  }
  return false;
}

uint64_t IndexBuilder::MovedRows(const Part& part) const {
  MutexLock lock(expected_mutex_);
  const auto found = expected_.find(part.added().path);
  if (found == expected_.end()) return 0;
  uint64_t rows = 0;
  for (const CopiedRows& copies : found->second.copies) rows += copies.count;
  return rows;
}

Status IndexBuilder::Run(const ViewNow& view, Training training, ThreadPool* threads,
                         const std::function<bool(double)>& progress) {
  // What new rows cost is known when they are coded: that may be a reason to train.
  for (int round = 0; round < kRoundsMax; ++round) {
    const auto now = view();
    const Plan plan = MakePlan(*now, training);
    if (!plan.has_work) return {};
    const Status done =
        plan.reason ? Train(*now, plan, threads, progress) : CodeNew(view, threads, progress);
    const bool may_go_on = done.ok() || (done.code() == StatusCode::kCorruption && DropDamaged());
    if (!may_go_on) return done.WithContext("index");
  }
  return {};
}

Status IndexBuilder::CodeNew(const ViewNow& view, ThreadPool* threads,
                             const std::function<bool(double)>& progress) {
  MutexLock lock(files_mutex_);
  const auto now = view();
  const Plan plan = MakePlan(*now, Training::kNever);
  if (!plan.has_work) return {};
  Made made;
  VIPER_RETURN_IF_ERROR(Make(*now, plan, threads, progress, made));
  return PutInPlace(plan, made);
}

Status IndexBuilder::Train(const ReadView& view, const Plan& plan, ThreadPool* threads,
                           const std::function<bool(double)>& progress) {
  Made made;
  const auto told = [&](double share) { return Goes(progress, training_share_ = share); };
  const Status done = Make(view, plan, threads, told, made);
  training_share_ = kNoTraining;
  VIPER_RETURN_IF_ERROR(done);
  MutexLock lock(files_mutex_);
  return PutInPlace(plan, made);
}

bool IndexBuilder::DropDamaged() const {
  const auto files = context_.read->index.files();
  if (files == nullptr) return false;
  bool dropped = false;
  for (const auto& open : files->segments) {
    const index::Segment& segment = *open->segment;
    for (size_t i = 0; i < segment.cluster_count(); ++i) {
      if (segment.CheckClusterAgain(i).ok() && !segment.is_cut()) continue;
      dropped |= context_.read->index.Drop(&segment);
      break;
    }
  }
  return dropped;
}

Status IndexBuilder::Make(const ReadView& view, const Plan& plan, ThreadPool* threads,
                          const std::function<bool(double)>& progress, Made& made) {
  const RowsOfParts rows(view, plan.parts);
  VIPER_RETURN_IF_ERROR(TakeMemory(rows.count(), made));
  UnpackedVectors unpacked;
  // Codes of moved rows are copied; all others are read in the order of the clusters.
  if (plan.moved_rows < rows.count()) {
    VIPER_ASSIGN_OR_RETURN(unpacked,
                           UnpackedVectors::Make(context_, rows.parts(), CheckOf(progress, 0)));
  }
  if (plan.reason) {
    // So that a model that is asked for is another one, also of the same rows.
    const auto old_files = context_.read->index.files();
    if (old_files != nullptr && old_files->model != nullptr) {
      made.seed += kSeedStep * old_files->model->record().version;
    }
    VIPER_RETURN_IF_ERROR(TrainModel(rows, threads, progress, made));
  } else {
    made.model = context_.read->index.files()->model;
  }
  auto files = std::make_shared<IndexFiles>();
  files->segments = plan.kept;
  if (rows.count() > 0) {
    VIPER_RETURN_IF_ERROR(Code(rows, threads, progress, made));
    files->segments.push_back(made.segment);
  }
  if (plan.reason) VIPER_RETURN_IF_ERROR(Fit(view, rows, threads, progress, made));
  files->model = made.model;
  files->model_path = storage::ModelPath(context_.directory, made.model->id());
  VIPER_ASSIGN_OR_RETURN(index::ModelRecord record,
                         MakeRecord(view, plan, files, threads, progress, made));
  files->model = made.model->WithRecord(std::move(record));
  made.files = std::move(files);
  return Goes(progress, 1) ? Status() : Stopped();
}

Status IndexBuilder::PutInPlace(const Plan& plan, Made& made) {
  const IndexFiles& files = *made.files;
  if (made.segment_file) VIPER_RETURN_IF_ERROR(made.segment_file->PutInPlace(made.segment->path));
  VIPER_RETURN_IF_ERROR(WriteModelFile(*files.model, files.model_path));
  const auto old_files = context_.read->index.files();
  const bool is_more_cautious = old_files != nullptr && old_files->model != nullptr &&
                                files.model->record().caution != old_files->model->record().caution;
  context_.read->index.Replace(made.files);
  if (is_more_cautious || plan.reason) context_.read->audit.Forget();
  RemoveUnusedIndexFiles(context_, files);
  if (plan.reason) ++trainings_;
  return {};
}

uint64_t IndexBuilder::AllowedMemory() const {
  return std::min<uint64_t>(context_.options.index_memory_bytes, context_.memory->room());
}

/// Rows are coded with two numbers each in memory. What training takes is limited by its sample.
Status IndexBuilder::TakeMemory(uint64_t rows, Made& made) const {
  const uint64_t needed = rows * 2 * sizeof(uint32_t);
  const uint64_t allowed = AllowedMemory();
  if (needed > allowed) {
    return Status::ResourceExhausted(
        fmt::format("the memory is too small to code so many rows: needed={} allowed={} rows={}",
                    needed, allowed, rows));
  }
  made.memory = MemoryCharge(context_.memory, MemoryUse::kIndexBuilds);
  made.memory.Set(needed);
  return {};
}

Status IndexBuilder::TrainModel(const RowsOfParts& rows, ThreadPool* threads,
                                const std::function<bool(double)>& progress, Made& made) const {
  index::TrainingOptions options;
  options.metric = context_.metric;
  options.dim = context_.dim;
  options.row_count = rows.count();
  options.seed = made.seed;
  options.pool = threads;
  options.progress = Portion(progress, 0, kTrainedAt);
  const size_t thread_count = threads == nullptr ? 1 : threads->thread_count();
  const uint64_t allowed = AllowedMemory();
  VIPER_ASSIGN_OR_RETURN(const index::TrainingSize size,
                         index::SizeTraining(rows.count(), options.dim, thread_count, allowed,
                                             context_.options.index_clusters));
  MemoryCharge charge(context_.memory, MemoryUse::kIndexBuilds);
  charge.Set(index::TrainingBytes(size, options.dim, thread_count));
  options.cluster_count = size.cluster_count;
  options.wanted_clusters = context_.options.index_clusters;
  made.fitted_rows = rows.Sample(size.sample_rows, made.seed);
  VIPER_ASSIGN_OR_RETURN(auto sample, rows.FloatsOf(made.fitted_rows, options.dim));
  VIPER_ASSIGN_OR_RETURN(made.model, index::TrainModel(std::move(sample), options));
  const uint64_t wanted = made.model->record().wanted_rows;
  if (size.sample_rows < wanted) {
    context_.Log(fmt::format(
        "collection '{}': index_memory_bytes={} and memory_limit leave {} bytes to train the index "
        "on {} rows for {} clusters; without these limits it would be {} rows for {}",
        context_.name, context_.options.index_memory_bytes, allowed, size.sample_rows,
        size.cluster_count, wanted,
        options.wanted_clusters > 0 ? options.wanted_clusters
                                    : index::ClusterCountFor(rows.count(), options.dim)));
  }
  return {};
}

Result<KnownCodes> IndexBuilder::FindCodes(const RowsOfParts& rows, Made& made) const {
  const auto files = context_.read->index.files();
  if (files == nullptr || files->model == nullptr || files->model->id() != made.model->id())
    return KnownCodes();
  const uint64_t needed = KnownCodes::FindingBytes(rows, files->segments);
  if (made.memory.bytes() + needed > AllowedMemory()) return KnownCodes();
  const uint64_t before = made.memory.bytes();
  made.memory.Set(before + needed);
  auto known = KnownCodes::Find(rows, files->segments, [this](const std::string& path) {
    MutexLock lock(expected_mutex_);
    const auto found = expected_.find(path);
    return found == expected_.end() ? std::vector<CopiedRows>() : found->second.copies;
  });
  made.memory.Set(before + (known.ok() && !known->empty() ? KnownCodes::Bytes(rows) : 0));
  return known;
}

Status IndexBuilder::Code(const RowsOfParts& rows, ThreadPool* threads,
                          const std::function<bool(double)>& progress, Made& made) {
  VIPER_ASSIGN_OR_RETURN(KnownCodes known, FindCodes(rows, made));
  VIPER_ASSIGN_OR_RETURN(made.assigned, AssignRows(rows, made.model, known.TakeClusters(), threads,
                                                   Portion(progress, kTrainedAt, kAssignedAt)));
  const auto compared = static_cast<double>(made.assigned.compared_rows);
  const auto copied = static_cast<double>(known.count());
  made.assigned.mean_squared_distance =
      (compared * made.assigned.mean_squared_distance + copied * known.mean_squared_distance()) /
      std::max(1.0, compared + copied);
  made.assigned.are_whole &= known.AllAre(index::ByteRows::kWhole);
  index::SegmentInput input;
  input.model = made.model;
  for (const auto& part : rows.parts()) {
    input.parts.push_back({part->added().path, part->added().size, part->row_count()});
  }
  if (!context_.options.index_byte_rows) {
    input.byte_rows = index::ByteRows::kNone;
  } else {
    input.byte_rows = made.assigned.are_whole ? index::ByteRows::kWhole : index::ByteRows::kScaled;
  }
  input.floats = [&rows](uint64_t row) { return rows.Floats(row); };
  input.clusters = made.assigned.clusters;
  if (!known.empty()) input.known = [&known](uint64_t row) { return known.Of(row); };
  input.mean_squared_distance = made.assigned.mean_squared_distance;
  input.pool = threads;
  input.progress = Portion(progress, kAssignedAt, kWrittenAt);
  const bool copies = known.count() > 0 && known.AllAre(input.byte_rows);
  VIPER_RETURN_IF_ERROR(WriteSegmentFile(std::move(input), made));
  if (known.is_cut()) return Status::Corruption("the file that codes were copied from was cut");
  copied_rows_ += copies ? known.count() : 0;
  coded_rows_ += rows.count() - (copies ? known.count() : 0);
  return {};
}

Status IndexBuilder::Fit(const ReadView& view, const RowsOfParts& rows, ThreadPool* threads,
                         const std::function<bool(double)>& progress, Made& made) const {
  const uint64_t wanted = std::clamp<uint64_t>(rows.count() / kRowsPerCalibrationQuery,
                                               kCalibrationQueriesMin, kCalibrationQueries);
  const size_t count = std::min(wanted, rows.count() / 2);
  const std::vector<uint64_t> queries = rows.Sample(count, kProbeSeed);
  index::ProbeTraining training;
  training.segment = made.segment->segment.get();
  training.clusters = made.assigned.clusters;
  training.queries = queries;
  training.floats = [&rows](uint64_t row) { return rows.Floats(row); };
  training.nearest = [&](std::span<const float> floats, size_t k) {
    return rows.Nearest(view, floats, k,
                        {threads, [&progress] { return Goes(progress, kWrittenAt); }});
  };
  training.pool = threads;
  training.progress = Portion(progress, kWrittenAt, kFittedAt);
  VIPER_ASSIGN_OR_RETURN(made.model, index::FitProbes(made.model, training));
  std::vector<uint64_t> fitted;
  std::set_union(made.fitted_rows.begin(), made.fitted_rows.end(), queries.begin(), queries.end(),
                 std::back_inserter(fitted));
  made.fitted_rows = std::move(fitted);
  return {};
}

Result<index::ModelRecord> IndexBuilder::MakeRecord(const ReadView& view, const Plan& plan,
                                                    const std::shared_ptr<const IndexFiles>& files,
                                                    ThreadPool* threads,
                                                    const std::function<bool(double)>& progress,
                                                    const Made& made) const {
  index::ModelRecord record = made.model->record();
  if (plan.reason) {
    const auto old_files = context_.read->index.files();
    const bool had_model = old_files != nullptr && old_files->model != nullptr;
    record.version = had_model ? old_files->model->record().version + 1 : 1;
    record.trained_at = context_.NowMicros();
    record.trained_squared_distance = made.assigned.mean_squared_distance;
    record.trained_imbalance = CostOf(files->segments, files->model->cluster_count()).imbalance;
    record.added_rows = 0;
  } else {
    record.added_rows += plan.added_rows - plan.moved_rows;
  }
  // Rows that are moved are in the view twice, and nothing new.
  const uint64_t new_rows = made.assigned.clusters.size() - plan.moved_rows;
  const bool is_known =
      record.accuracy && record.caution == plan.caution && new_rows * kMeasuredPart < plan.rows;
  record.caution = plan.caution;
  if (is_known && !plan.reason) return record;
  const RowsOfParts all(view);
  VIPER_ASSIGN_OR_RETURN(const auto unpacked, UnpackedVectors::Make(context_, all.parts(),
                                                                    CheckOf(progress, kFittedAt)));
  auto cautious = std::make_shared<IndexFiles>(*files);
  cautious->model = files->model->WithRecord(record);
  const ViewIndex view_index = MakeViewIndex(cautious, view);
  AccuracyRequest request;
  request.view = &view;
  request.index = &view_index;
  request.fitted_rows = made.fitted_rows;
  request.seed = kAccuracySeed;
  request.threads = threads;
  request.progress = Portion(progress, kFittedAt, 1);
  VIPER_ASSIGN_OR_RETURN(record.accuracy, MeasureAccuracy(*context_.read, request));
  if (plan.reason) record.trained_scanned_rows = ScannedRowsOf(record.accuracy);
  return record;
}

Status IndexBuilder::WriteSegmentFile(index::SegmentInput input, Made& made) const {
  FileSystem& files = *context_.file_system;
  const std::string uuid = MakeUuid();
  const StagedFile& staged =
      made.segment_file.emplace(files, storage::TmpPath(context_.directory, uuid + ".vseg"));
  VIPER_ASSIGN_OR_RETURN(auto file, files.CreateFile(staged.path()));
  input.append = [&file](std::span<const std::byte> bytes) { return file->Append(bytes); };
  VIPER_RETURN_IF_ERROR(index::WriteSegment(input));
  VIPER_RETURN_IF_ERROR(file->Close());
  VIPER_ASSIGN_OR_RETURN(auto open, OpenSegmentFile(files, staged.path(), *input.model));
  // What is mapped goes by its later name.
  open->path = storage::SegmentPath(context_.directory, uuid);
  made.segment = std::move(open);
  return {};
}

Status IndexBuilder::WriteModelFile(const index::Model& model, const std::string& path) const {
  FileSystem& files = *context_.file_system;
  StagedFile staged(files, storage::TmpPath(context_.directory, MakeUuid() + ".vmodel"));
  VIPER_ASSIGN_OR_RETURN(auto file, files.CreateFile(staged.path()));
  VIPER_RETURN_IF_ERROR(file->Append(model.Encode()));
  VIPER_RETURN_IF_ERROR(file->Close());
  return staged.PutInPlace(path);
}

}  // namespace viper::core
