#include "core/compactor.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"
#include "core/coding_ahead.h"
#include "core/part_builder.h"

namespace viper::core {
namespace {

/// How often a step is planned anew because a flush replaced one of its files.
constexpr int kOvertakenMax = 10;
/// A compaction that is slowed down looks so often whether it is to stop.
constexpr double kSecondsBetweenStops = 0.05;

double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The rows of a part that have expired and that the table does not know to be dead; null for none.
Result<std::shared_ptr<const Bitmap>> NewlyExpired(const PartView& view, int64_t now) {
  if (view.part->first_expiry() > now) return std::shared_ptr<const Bitmap>();
  // Known without reading anything.
  if (view.part->last_expiry() <= now) {
    return std::make_shared<const Bitmap>(view.part->row_count(), true);
  }
  Bitmap expired(view.part->row_count());
  uint64_t row = 0;
  const parquet::PartReader& reader = view.part->reader();
  for (size_t page = 0; page < reader.PageCount(columnar::kExpiresAtColumn); ++page) {
    VIPER_ASSIGN_OR_RETURN(const auto column, reader.ReadPage(columnar::kExpiresAtColumn, page));
    for (size_t i = 0; i < column.row_count(); ++i, ++row) {
      if (column.IsPresent(i) && column.int64s()[i] <= now) expired.Set(row);
    }
  }
  if (view.deletion_vector != nullptr) expired.AndNot(*view.deletion_vector->rows);
  if (!expired.AnySet()) return std::shared_ptr<const Bitmap>();
  return std::make_shared<const Bitmap>(std::move(expired));
}

/// Keeps the copying below a rate, and asks whether to go on.
class Pacer {
 public:
  Pacer(const CompactOptions& options, uint64_t bytes_per_second, uint64_t bytes)
      : options_(options),
        bytes_per_second_(bytes_per_second),
        bytes_(std::max<uint64_t>(1, bytes)) {}

  Status Advance(uint64_t bytes) {
    done_ += bytes;
    const double due = bytes_per_second_ == 0
                           ? 0
                           : static_cast<double>(done_) / static_cast<double>(bytes_per_second_);
    const double share = static_cast<double>(done_) / static_cast<double>(bytes_);
    // However slow it is to be, it can be stopped at any time.
    while (true) {
      if (options_.progress && !options_.progress(std::min(share, 1.0))) {
        return Status::Cancelled("compaction: stopped by its caller");
      }
      const double left = due - SecondsSince(begin_);
      if (left <= 0) return {};
      std::this_thread::sleep_for(
          std::chrono::duration<double>(std::min(left, kSecondsBetweenStops)));
    }
  }

 private:
  const CompactOptions& options_;
  const uint64_t bytes_per_second_;
  const uint64_t bytes_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  uint64_t done_ = 0;
};

}  // namespace

Result<Compactor::Inventory> Compactor::Look() const {
  Inventory inventory;
  inventory.parts = state_.View()->parts;
  const int64_t now = context_.NowMicros();
  for (const PartView& view : inventory.parts) {
    VIPER_ASSIGN_OR_RETURN(inventory.expired.emplace_back(), NewlyExpired(view, now));
    CompactionFile file;
    file.bytes = view.part->added().size;
    file.float_bytes = view.part->row_count() * context_.dim * sizeof(float);
    file.rows = view.part->row_count();
    file.has_vector = view.deletion_vector != nullptr;
    file.is_back_filled = view.part->BackFillsAny();
    file.is_expired = view.part->last_expiry() <= now;
    if (file.has_vector && !file.is_expired) {
      file.dead_rows += view.deletion_vector->rows->CountSet();
    }
    if (inventory.expired.back() != nullptr) file.dead_rows += inventory.expired.back()->CountSet();
    inventory.files.push_back(file);
  }
  return inventory;
}

CompactionLimits Compactor::LimitsOf(const CompactOptions& options) const {
  return {.target_bytes = options.part_bytes > 0 ? options.part_bytes : context_.options.part_bytes,
          .everything = options.everything,
          .fold_vectors = options.fold_deletion_vectors};
}

Status Compactor::KeepUp(const std::function<bool()>& goes_on) {
  MutexLock lock(run_mutex_);
  CompactOptions options;
  options.progress = [&](double) { return goes_on(); };
  return RunLocked(options).status();
}

Result<CompactionReport> Compactor::Run(const CompactOptions& options) {
  if (options.part_bytes != 0 &&
      (options.part_bytes < kPartBytesMin || options.part_bytes > kPartBytesMax)) {
    return Status::InvalidArgument(
        fmt::format("CompactOptions::part_bytes is out of range: min={} max={} actual={}",
                    kPartBytesMin, kPartBytesMax, options.part_bytes));
  }
  MutexLock lock(run_mutex_);
  return RunLocked(options);
}

Result<CompactionReport> Compactor::RunLocked(const CompactOptions& options) {
  CompactionReport report;
  VIPER_ASSIGN_OR_RETURN(Inventory inventory, Look());
  report.files_before = inventory.files.size();
  for (const CompactionFile& file : inventory.files) report.bytes_before += file.bytes;
  report.files_after = report.files_before;
  report.bytes_after = report.bytes_before;
  int overtaken = 0;
  std::vector<CompactionTask> tasks = PlanCompaction(inventory.files, LimitsOf(options));
  while (!tasks.empty()) {
    auto step = Do(inventory, tasks.front(), options);
    if (step.status().code() == StatusCode::kConflict && ++overtaken <= kOvertakenMax) {
      VIPER_ASSIGN_OR_RETURN(inventory, Look());
      tasks = PlanCompaction(inventory.files, LimitsOf(options));
      continue;
    }
    VIPER_RETURN_IF_ERROR(step.status());
    const bool is_done = !options.dry_run;
    report.files_after += is_done ? step->files_after : step->predicted_files;
    report.files_after -= step->files.size();
    report.bytes_after += is_done ? step->bytes_after : step->predicted_bytes;
    report.bytes_after -= step->bytes_before;
    report.steps.push_back(std::move(*step));
    // In a dry run the steps are those of the table as it is, not of what they would make of it.
    tasks.erase(tasks.begin());
    if (!tasks.empty() || options.dry_run) continue;
    VIPER_ASSIGN_OR_RETURN(inventory, Look());
    tasks = PlanCompaction(inventory.files, LimitsOf(options));
  }
  if (options.fold_deletion_vectors && !options.dry_run) {
    VIPER_ASSIGN_OR_RETURN(report.lowered_protocol, flusher_.LowerProtocol());
  }
  return report;
}

Result<CompactionStep> Compactor::Do(const Inventory& inventory, const CompactionTask& task,
                                     const CompactOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  CompactionStep step;
  step.reason = task.reason;
  step.predicted_bytes = task.live_bytes;
  step.predicted_files = task.files_after;
  std::vector<PartView> parts;
  for (const size_t i : task.files) {
    parts.push_back(inventory.parts[i]);
    step.files.push_back(inventory.parts[i].part->added().path);
    step.bytes_before += inventory.files[i].bytes;
    step.dropped_rows += inventory.files[i].dead_rows;
  }
  if (options.dry_run) return step;
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
    if (const auto& expired = inventory.expired[task.files[i]]; expired != nullptr) {
      Bitmap dead = *source.dead;
      dead |= *expired;
      source.dead = std::make_shared<const Bitmap>(std::move(dead));
      drops_expired = true;
    }
    step.dropped_rows += source.dead->CountSet();
  }
  const uint64_t rate = options.bytes_per_second > 0 ? options.bytes_per_second
                                                     : context_.options.compaction_bytes_per_second;
  Pacer pacer(options, rate, task.live_bytes);
  PartBuildOptions build_options = flusher_.BuildOptions();
  build_options.part_bytes = LimitsOf(options).target_bytes;
  build_options.advance = [&](uint64_t bytes) { return pacer.Advance(bytes); };
  if (const uint64_t needed = BuildMemoryBytes(plan, build_options);
      needed > context_.memory->room()) {
    return Status::ResourceExhausted(
        fmt::format("there is no memory to write a file: needed={} memory_limit={} used={}", needed,
                    context_.memory->limit(), context_.memory->used()));
  }
  VIPER_ASSIGN_OR_RETURN(BuiltParts built, BuildParts(plan, build_options, context_.NowMillis()));
  for (const storage::AddedFile& file : built.added) step.bytes_after += file.size;
  step.files_after = built.added.size();
  CodingAhead ahead(context_, index_builder_);
  VIPER_RETURN_IF_ERROR(flusher_.CommitCompacted(
      plan, std::move(built), {.reason = task.reason, .data_change = drops_expired},
      [&](const auto& new_parts) {
        ahead.Code(*state_.View(), new_parts,
                   [&] { return !options.progress || options.progress(1); });
      }));
  step.seconds = SecondsSince(begin);
  steps_.fetch_add(1);
  copied_bytes_.fetch_add(step.bytes_after);
  return step;
}

}  // namespace viper::core
