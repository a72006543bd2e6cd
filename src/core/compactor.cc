#include "core/compactor.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <iterator>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"
#include "core/coding_ahead.h"
#include "core/compaction_pacer.h"
#include "core/expired_rows.h"
#include "core/part_builder.h"
#include "core/storage_trial.h"
#include "core/unpacked_vectors.h"
#include "index/model_training.h"
#include "platform/thread_pool.h"

namespace viper::core {
namespace {

/// How often a step is planned anew because a flush replaced one of its files.
constexpr int kOvertakenMax = 10;
/// Who waits for another run to end asks so often whether to go on waiting.
constexpr std::chrono::milliseconds kTurnWait(20);

double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Under the names that Delta's own OPTIMIZE uses, as far as it has them; before its commit.
std::map<std::string, std::string> MetricsOf(const CompactionStep& step) {
  const auto milliseconds = [](double seconds) { return fmt::format("{:.0f}", 1000 * seconds); };
  std::map<std::string, std::string> metrics = {
      {"numRemovedFiles", std::to_string(step.files.size())},
      {"numRemovedBytes", std::to_string(step.bytes_before)},
      {"numAddedFiles", std::to_string(step.files_after)},
      {"numAddedBytes", std::to_string(step.bytes_after)},
      {"numDeletedRows", std::to_string(step.dropped_rows)},
      {"rewriteTimeMs", milliseconds(step.seconds)},
      {"predictedAddedBytes", std::to_string(step.predicted_bytes)}};
  if (step.predicted_seconds) metrics["predictedTimeMs"] = milliseconds(*step.predicted_seconds);
  return metrics;
}

uint64_t LiveRows(const FlushPlan& plan) {
  uint64_t rows = 0;
  for (const FlushSource& source : plan.sources) rows += source.live_count();
  return rows;
}

/// All of it or none: several workers ask at once.
Result<MemoryCharge> TakeMemory(const std::shared_ptr<MemoryBudget>& memory, uint64_t needed) {
  MemoryCharge charge(memory, MemoryUse::kFiles, memory->TakeUpTo(MemoryUse::kFiles, needed));
  if (charge.bytes() == needed) return charge;
  return Status::ResourceExhausted(
      fmt::format("there is no memory to write a file: needed={} memory_limit={} used={}", needed,
                  memory->limit(), memory->used() - charge.bytes()));
}

void AddForetold(CompactionStep step, CompactionReport& report) {
  report.files_after += step.predicted_files;
  report.files_after -= step.files.size();
  report.bytes_after += step.predicted_bytes;
  report.bytes_after -= step.bytes_before;
  report.steps.push_back(std::move(step));
}

}  // namespace

struct Compactor::Shared {
  Shared(const CompactOptions& compact_options, AfterFailure after, uint64_t bytes_per_second)
      : options(compact_options), after_failure(after), pacer(compact_options, bytes_per_second) {}

  const CompactOptions& options;
  const AfterFailure after_failure;
  CompactionPacer pacer;

  Mutex mutex;
  std::shared_ptr<const Inventory> inventory VIPER_GUARDED_BY(mutex);
  /// What nobody has begun, as planned for that inventory.
  std::deque<CompactionTask> tasks VIPER_GUARDED_BY(mutex);
  /// Paths of files that workers are at.
  std::set<std::string> busy VIPER_GUARDED_BY(mutex);
  /// Files of it that are gone do no harm.
  Scope scope VIPER_GUARDED_BY(mutex);
  uint64_t begun_bytes VIPER_GUARDED_BY(mutex) = 0;
  int overtaken VIPER_GUARDED_BY(mutex) = 0;
  CompactionReport report VIPER_GUARDED_BY(mutex);
  /// Of the first task that failed.
  Status failure VIPER_GUARDED_BY(mutex);
  bool is_stopped VIPER_GUARDED_BY(mutex) = false;
  /// Paths of the files of tasks that failed, if the others go on.
  std::set<std::string> left VIPER_GUARDED_BY(mutex);

  void SetPlan(std::shared_ptr<const Inventory> files, std::vector<CompactionTask> planned)
      VIPER_REQUIRES(mutex) {
    inventory = std::move(files);
    uint64_t bytes = begun_bytes;
    for (const CompactionTask& task : planned) bytes += task.live_bytes;
    pacer.Expect(bytes);
    tasks.assign(std::make_move_iterator(planned.begin()), std::make_move_iterator(planned.end()));
  }
  void Fail(Status status) VIPER_REQUIRES(mutex) {
    if (failure.ok()) failure = std::move(status);
    is_stopped = true;
    pacer.Stop();
  }
  /// What no other task may touch.
  std::set<std::string> Taken() const VIPER_REQUIRES(mutex) {
    std::set<std::string> taken = busy;
    taken.insert(left.begin(), left.end());
    return taken;
  }
};

Result<std::shared_ptr<const Compactor::Inventory>> Compactor::Look(
    const std::set<std::string>& busy, const Scope& scope) {
  auto inventory = std::make_shared<Inventory>();
  const int64_t now = context_.ExpiryNow();
  const auto read_view = state_.View();
  for (const PartView& view : read_view->parts) {
    CompactionFile file{.path = view.part->added().path,
                        .bytes = view.part->added().size,
                        .float_bytes = view.part->row_count() * context_.dim * sizeof(float),
                        .rows = view.part->row_count()};
    file.is_rewritten = scope.written.contains(file.path);
    if (busy.contains(file.path)) continue;
    if (!file.is_rewritten && !scope.found.contains(file.path)) continue;
    VIPER_ASSIGN_OR_RETURN(auto expired, NewlyExpired(view, now));
    file.has_vector = view.deletion_vector != nullptr;
    file.is_back_filled = view.part->BackFillsAny();
    file.has_unread_columns = !view.part->unread_columns().empty();
    file.is_asked_for = scope.asked_for.contains(file.path);
    file.is_expired = view.part->last_expiry() <= now;
    if (file.has_vector && !file.is_expired) {
      file.dead_rows += view.deletion_vector->rows->CountSet();
    }
    if (expired != nullptr) {
      file.expired_rows = expired->CountSet();
      file.dead_rows += file.expired_rows;
    }
    inventory->parts.push_back(view);
    inventory->files.push_back(std::move(file));
    inventory->expired.push_back(std::move(expired));
  }
  MutexLock lock(cost_mutex_);
  cost_.Observe(context_.read->search_costs.Summarize(), inventory->files);
  return std::shared_ptr<const Inventory>(std::move(inventory));
}

CompactionLimits Compactor::LimitsOf(const CompactOptions& options) const {
  MutexLock lock(cost_mutex_);
  return {.target_bytes = options.part_bytes > 0 ? options.part_bytes : context_.options.part_bytes,
          .copy_bytes_per_second = cost_.copy_bytes_per_second(),
          .everything = options.everything,
          .expired_share_min = options.expired_share_min,
          .fold_vectors = options.fold_deletion_vectors,
          .merged_files_max = options.files_per_step};
}

Status Compactor::KeepUp(const std::function<bool()>& goes_on) {
  CompactOptions options;
  options.progress = [&](double) { return goes_on(); };
  return RunInTurn(options, AfterFailure::kGoOn,
                   std::max<uint32_t>(1, context_.options.compaction_threads))
      .status();
}

Result<CompactionReport> Compactor::Run(const CompactOptions& options) {
  if (options.part_bytes != 0 &&
      (options.part_bytes < kPartBytesMin || options.part_bytes > kPartBytesMax)) {
    return Status::InvalidArgument(
        fmt::format("CompactOptions::part_bytes is out of range: min={} max={} actual={}",
                    kPartBytesMin, kPartBytesMax, options.part_bytes));
  }
  if (options.files_per_step == 1) {
    return Status::InvalidArgument(
        "CompactOptions::files_per_step is out of range: min=2 (or 0 for no limit) actual=1");
  }
  if (options.expired_share_min &&
      !(*options.expired_share_min >= 0 && *options.expired_share_min <= 1)) {
    return Status::InvalidArgument(
        fmt::format("CompactOptions::expired_share_min is out of range: min=0 max=1 actual={}",
                    *options.expired_share_min));
  }
  if (options.expired_share_min &&
      (options.everything || options.fold_deletion_vectors || options.rewrite_as ||
       options.rewrite_all || options.fill_columns)) {
    return Status::InvalidArgument(
        "CompactOptions::expired_share_min excludes everything, fold_deletion_vectors, rewrite_as, "
        "rewrite_all and fill_columns");
  }
  if (options.dry_run) return Foretell(options);
  const uint32_t threads =
      options.threads > 0 ? options.threads : context_.options.compaction_threads;
  return RunInTurn(options, AfterFailure::kStop,
                   threads > 0 ? threads : context_.read->pool.thread_count());
}

Result<Compactor::Plan> Compactor::MakePlan(const CompactOptions& options) {
  Plan plan;
  const auto view = state_.View();
  for (const PartView& part : view->parts) {
    const bool is_asked_for = options.rewrite_all || options.rewrite_as ||
                              (options.fill_columns && part.part->BackFillsAny());
    plan.scope.found.insert(part.part->added().path);
    if (is_asked_for) plan.scope.asked_for.insert(part.part->added().path);
  }
  VIPER_ASSIGN_OR_RETURN(plan.inventory, Look({}, plan.scope));
  plan.tasks = PlanCompaction(plan.inventory->files, LimitsOf(options));
  plan.report.files_before = plan.report.files_after = plan.inventory->files.size();
  for (const CompactionFile& file : plan.inventory->files) plan.report.bytes_before += file.bytes;
  plan.report.bytes_after = plan.report.bytes_before;
  return plan;
}

Result<CompactionReport> Compactor::Foretell(const CompactOptions& options) {
  VIPER_ASSIGN_OR_RETURN(Plan plan, MakePlan(options));
  std::set<std::string> rewritten;
  for (CompactionTask& task : plan.tasks) {
    CompactionStep step = Predict({plan.inventory, std::move(task)});
    rewritten.insert(step.files.begin(), step.files.end());
    AddForetold(std::move(step), plan.report);
  }
  if (options.fold_deletion_vectors) {
    plan.report.lowered_protocol = flusher_.WouldLowerProtocol(rewritten);
  }
  return std::move(plan.report);
}

Status Compactor::TakeTurn(const CompactOptions& options) {
  for (;;) {
    {
      MutexLock lock(turn_mutex_);
      if (is_running_) {
        turn_ended_.WaitUntil(turn_mutex_, std::chrono::steady_clock::now() + kTurnWait);
      }
      if (!is_running_) {
        is_running_ = true;
        return {};
      }
    }
    if (options.progress && !options.progress(0)) {
      return Status::Cancelled("compaction was cancelled while another one ran");
    }
  }
}

void Compactor::EndTurn() {
  {
    MutexLock lock(turn_mutex_);
    is_running_ = false;
  }
  turn_ended_.NotifyAll();
}

Result<CompactionReport> Compactor::RunInTurn(const CompactOptions& options, AfterFailure after,
                                              size_t workers) {
  VIPER_RETURN_IF_ERROR(TakeTurn(options));
  // Also where a caller's progress throws: nobody would have a turn again.
  struct Ending {
    Compactor& compactor;
    ~Ending() { compactor.EndTurn(); }
  } const ending{*this};
  return DoAll(options, after, workers);
}

Result<CompactionReport> Compactor::DoAll(const CompactOptions& options, AfterFailure after,
                                          size_t workers) {
  VIPER_RETURN_IF_ERROR(flusher_.CheckTakesCommits());
  Shared shared(options, after,
                options.bytes_per_second > 0 ? options.bytes_per_second
                                             : context_.options.compaction_bytes_per_second);
  VIPER_ASSIGN_OR_RETURN(Plan plan, MakePlan(options));
  workers = std::min(workers, plan.tasks.size());
  {
    MutexLock lock(shared.mutex);
    shared.report = std::move(plan.report);
    shared.scope = std::move(plan.scope);
    shared.SetPlan(plan.inventory, std::move(plan.tasks));
  }
  if (workers > 1) {
    ThreadPool threads("viper-compact", workers);
    threads.ParallelFor(workers, [&](size_t) { Work(shared); });
  } else {
    Work(shared);
  }
  MutexLock lock(shared.mutex);
  VIPER_RETURN_IF_ERROR(shared.failure);
  if (options.fold_deletion_vectors) {
    VIPER_ASSIGN_OR_RETURN(shared.report.lowered_protocol, flusher_.LowerProtocol());
  }
  // Flushes went on meanwhile.
  const auto view = state_.View();
  shared.report.files_after = view->parts.size();
  shared.report.bytes_after = 0;
  for (const PartView& part : view->parts) shared.report.bytes_after += part.part->added().size;
  return std::move(shared.report);
}

void Compactor::Work(Shared& shared) {
  while (const std::optional<Job> job = Take(shared)) {
    if (!Note(shared, *job, Do(*job, shared))) return;
  }
}

std::optional<Compactor::Job> Compactor::Take(Shared& shared) {
  MutexLock lock(shared.mutex);
  if (shared.is_stopped || shared.tasks.empty()) return {};
  Job job{shared.inventory, std::move(shared.tasks.front())};
  shared.tasks.pop_front();
  shared.begun_bytes += job.task.live_bytes;
  for (const size_t i : job.task.files) shared.busy.insert(job.inventory->files[i].path);
  return job;
}

bool Compactor::Note(Shared& shared, const Job& job, Result<CompactionStep> step) {
  MutexLock lock(shared.mutex);
  for (const size_t i : job.task.files) shared.busy.erase(job.inventory->files[i].path);
  const StatusCode code = step.status().code();
  const bool is_overtaken = code == StatusCode::kConflict && ++shared.overtaken <= kOvertakenMax;
  // Where there is no room for so many at once, those that are left do its job too.
  const bool is_too_many = code == StatusCode::kResourceExhausted && !shared.busy.empty();
  if (!step.ok() && !is_overtaken && !is_too_many) {
    if (shared.after_failure == AfterFailure::kStop || code == StatusCode::kCancelled) {
      shared.Fail(step.status());
      return false;
    }
    if (shared.failure.ok()) shared.failure = step.status();
    for (const size_t i : job.task.files) shared.left.insert(job.inventory->files[i].path);
  }
  if (step.ok()) shared.report.steps.push_back(std::move(*step));
  // What the flush wrote in place of the files takes their place here, too.
  if (!step.ok() && is_overtaken) {
    for (const PartView& part : state_.View()->parts) {
      shared.scope.found.insert(part.part->added().path);
    }
  }
  auto inventory = Look(shared.Taken(), shared.scope);
  if (!inventory.ok()) {
    shared.Fail(inventory.status());
    return false;
  }
  shared.SetPlan(*inventory, PlanCompaction((*inventory)->files, LimitsOf(shared.options)));
  return !is_too_many;
}

CompactionStep Compactor::Predict(const Job& job) const {
  CompactionStep step;
  step.reason = job.task.reason;
  step.predicted_bytes = job.task.live_bytes;
  step.predicted_files = job.task.files_after;
  step.wasted_seconds = job.task.wasted_seconds;
  for (const size_t i : job.task.files) {
    const CompactionFile& file = job.inventory->files[i];
    step.files.push_back(file.path);
    step.bytes_before += file.bytes;
    step.dropped_rows += file.dead_rows;
  }
  MutexLock lock(cost_mutex_);
  if (const auto speed = cost_.copy_bytes_per_second()) {
    step.predicted_seconds = static_cast<double>(job.task.live_bytes) / *speed;
  }
  return step;
}

Result<PlacedRows> Compactor::OrderByCluster(const FlushPlan& plan,
                                             const std::function<Status()>& check) const {
  const auto files = context_.read->index.files();
  if (files == nullptr || files->model == nullptr) return PlacedRows();
  constexpr size_t kRowsAtOnce = 1024;
  const index::ClusterAssigner assigner(files->model);
  const size_t row_bytes = context_.dim * sizeof(float);
  std::vector<std::byte> block(kRowsAtOnce * row_bytes);
  std::vector<uint32_t> clusters(kRowsAtOnce);
  std::vector<float> distances(kRowsAtOnce);
  PlacedRows order;
  order.reserve(LiveRows(plan));
  for (size_t source = 0; source < plan.sources.size(); ++source) {
    const FlushSource& from = plan.sources[source];
    size_t filled = 0;
    const auto assign = [&] {
      assigner.Assign(block.data(), filled, clusters.data(), distances.data());
      for (size_t i = 0; i < filled; ++i) {
        PlacedRow& placed = order[order.size() - filled + i];
        placed.cluster = clusters[i];
        placed.distance = distances[i];
      }
      filled = 0;
    };
    uint64_t live = 0;
    for (uint64_t row = 0; row < from.row_count; ++row) {
      if (from.dead->Test(row)) continue;
      VIPER_ASSIGN_OR_RETURN(const HeldFloats held, from.part->Floats(row));
      std::memcpy(block.data() + filled * row_bytes, held.floats, row_bytes);
      order.push_back({.cluster = 0,
                       .distance = 0,
                       .source = static_cast<uint32_t>(source),
                       .row = static_cast<uint32_t>(row),
                       .live = static_cast<uint32_t>(live++)});
      if (++filled < kRowsAtOnce) continue;
      assign();
      VIPER_RETURN_IF_ERROR(check());
    }
    assign();
  }
  std::sort(order.begin(), order.end(), [](const PlacedRow& a, const PlacedRow& b) {
    return std::tuple(a.cluster, a.distance, a.source, a.row) <
           std::tuple(b.cluster, b.distance, b.source, b.row);
  });
  return order;
}

Result<CompactionStep> Compactor::Do(const Job& job, Shared& shared) {
  const auto begin = std::chrono::steady_clock::now();
  CompactionStep step = Predict(job);
  std::vector<PartView> parts;
  for (const size_t i : job.task.files) parts.push_back(job.inventory->parts[i]);
  FlushPlan plan;
  {
    MutexLock apply(apply_mutex_);
    plan = state_.PlanRewrite(parts);
  }
  if (plan.sources.size() < parts.size()) {
    return Status::Conflict("a file that was to be replaced is no longer in the table");
  }
  bool drops_expired = false;
  step.dropped_rows = 0;
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    FlushSource& source = plan.sources[i];
    if (const auto& expired = job.inventory->expired[job.task.files[i]]; expired != nullptr) {
      Bitmap dead = *source.dead;
      dead |= *expired;
      source.dead = std::make_shared<const Bitmap>(std::move(dead));
      drops_expired = true;
    }
    step.dropped_rows += source.dead->CountSet();
  }
  double waited_seconds = 0;
  PartBuildOptions build_options = flusher_.BuildOptions();
  build_options.part_bytes = LimitsOf(shared.options).target_bytes;
  build_options.advance = [&](uint64_t bytes) -> Status {
    VIPER_ASSIGN_OR_RETURN(const double waited, shared.pacer.Advance(bytes));
    waited_seconds += waited;
    return {};
  };
  build_options.holds_all_rows = shared.options.order_by_cluster;
  if (shared.options.rewrite_as) {
    build_options.compression = CompressionOf(*shared.options.rewrite_as);
  }
  const uint64_t order_bytes =
      shared.options.order_by_cluster ? LiveRows(plan) * sizeof(PlacedRow) : 0;
  VIPER_ASSIGN_OR_RETURN(
      MemoryCharge charge,
      TakeMemory(context_.memory, BuildMemoryBytes(plan, build_options) + order_bytes));
  PlacedRows order;
  UnpackedVectors unpacked;
  if (shared.options.order_by_cluster) {
    const auto check = [&] { return shared.pacer.Advance(0).status(); };
    std::vector<std::shared_ptr<const Part>> sources;
    for (const FlushSource& source : plan.sources) sources.push_back(source.part);
    VIPER_ASSIGN_OR_RETURN(unpacked, UnpackedVectors::Make(context_, sources, check));
    VIPER_ASSIGN_OR_RETURN(order, OrderByCluster(plan, check));
  }
  charge.Set(order_bytes);  // the rest is taken by who builds
  VIPER_ASSIGN_OR_RETURN(BuiltParts built,
                         BuildParts(plan, build_options, context_.NowMillis(), order));
  for (const storage::AddedFile& file : built.added) step.bytes_after += file.size;
  step.files_after = built.added.size();
  {
    MutexLock lock(shared.mutex);
    for (const storage::AddedFile& file : built.added) shared.scope.written.insert(file.path);
  }
  step.seconds = SecondsSince(begin);
  CodingAhead ahead(context_, index_builder_);
  VIPER_RETURN_IF_ERROR(flusher_.CommitCompacted(
      plan, std::move(built),
      {.reason = step.reason, .metrics = MetricsOf(step), .data_change = drops_expired},
      [&](const FlushPlan& done, const FlushResult& result) {
        // Rows in another order are not copied run by run: they are coded when the index is built.
        if (!order.empty()) return;
        ahead.Code([this] { return state_.View(); }, done, result,
                   [&] { return shared.pacer.Advance(0).ok(); });
      }));
  step.seconds = SecondsSince(begin);
  steps_.fetch_add(1);
  copied_bytes_.fetch_add(step.bytes_after);
  MutexLock lock(cost_mutex_);
  // What drops files without reading them says nothing about copying.
  if (job.task.live_bytes > 0) {
    cost_.NoteCopied(job.task.live_bytes, step.seconds - waited_seconds);
  }
  return step;
}

}  // namespace viper::core
