#include "viper/pipeline.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/hash.h"
#include "base/status_macros.h"
#include "parquet/parquet_record_source.h"
#include "pipeline/batch_run.h"
#include "pipeline/compaction_engine_impl.h"
#include "pipeline/pipeline_impl.h"
#include "pipeline/schema_inference.h"
#include "pipeline/stopwatch.h"

namespace viper {
namespace {

std::optional<double> Quotient(double dividend, double divisor) {
  if (divisor == 0) return std::nullopt;
  return dividend / divisor;
}

}  // namespace

Pipeline::Impl::Impl(PipelineConfig config, FileSystem& file_system, Engine* engine,
                     std::shared_ptr<RecordProcessor> processor)
    : config_(std::move(config)),
      file_system_(file_system),
      engine_(engine),
      processor_(std::move(processor)) {
  if (engine_ == nullptr) return;
  auto tasks = std::make_unique<CompactionEngine::Impl>(config_.compaction, *engine_);
  tasks_ = tasks.get();
  compaction_ = std::make_unique<CompactionEngine>(std::move(tasks));
  if (config_.enable_background_processing) compaction_->Start();
}

Result<CollectionSchema> Pipeline::Impl::SchemaOf(const std::string& collection,
                                                  const std::vector<Record>& records,
                                                  const ProcessOptions& options) const {
  if (options.schema) return *options.schema;
  if (engine_ != nullptr) {
    VIPER_ASSIGN_OR_RETURN(const auto names, engine_->ListCollections());
    if (std::binary_search(names.begin(), names.end(), collection)) {
      VIPER_ASSIGN_OR_RETURN(const auto open, engine_->OpenCollection(collection));
      return open->schema();
    }
  }
  return pipeline::InferSchema(records);
}

Result<ProcessResult> Pipeline::Impl::Process(const std::string& collection,
                                              std::vector<Record>& records, const std::string& path,
                                              const ProcessOptions& options) {
  const pipeline::Stopwatch whole;
  std::optional<pipeline::BatchRun> batch;
  double schema_ms = 0;
  auto run = [&]() -> Result<ProcessResult> {
    VIPER_RETURN_IF_ERROR(ValidateCollectionName(collection));
    if (!config_.flushing.overwrite && !path.empty() &&
        !pipeline::SplitsFiles(config_.processing)) {
      // Before anything is computed; looked at again when the file gets its name.
      VIPER_ASSIGN_OR_RETURN(const bool exists, file_system_.Exists(path));
      if (exists) {
        return Status::AlreadyExists(
            fmt::format("the file exists, and overwriting was not asked for: {}", path));
      }
    }
    batch.emplace(pipeline::BatchInput{config_, file_system_, *processor_, collection, path});
    VIPER_RETURN_IF_ERROR(batch->Preprocess(records));
    const pipeline::Stopwatch watch;
    VIPER_ASSIGN_OR_RETURN(const CollectionSchema schema, SchemaOf(collection, records, options));
    schema_ms = watch.ElapsedMs();
    VIPER_RETURN_IF_ERROR(batch->Check(records, schema));
    return batch->Write();
  };
  Result<ProcessResult> result = run();
  // Giving back the records takes its time too, and the caller pays for it.
  const pipeline::Stopwatch finish;
  batch.reset();
  std::vector<Record>().swap(records);
  if (result.ok()) {
    for (PhaseTime& phase : result->phases) {
      if (phase.phase == "check") phase.ms += schema_ms;
      if (phase.phase == "finish") phase.ms += finish.ElapsedMs();
    }
    result->flush_duration_ms = whole.ElapsedMs();
  }
  NoteBatch(result);
  return result;
}

void Pipeline::Impl::NoteBatch(const Result<ProcessResult>& result) {
  MutexLock lock(mutex_);
  if (!result.ok()) {
    ++statistics_.failed_batches;
    return;
  }
  ++statistics_.batches;
  statistics_.files += result->files.size();
  statistics_.records += result->entries_flushed;
  statistics_.duplicates_dropped += result->duplicates_dropped;
  statistics_.bytes_written += result->bytes_written;
  statistics_.logical_bytes += result->logical_bytes;
  statistics_.total_ms += result->flush_duration_ms;
  statistics_.max_ms = std::max(statistics_.max_ms, result->flush_duration_ms);
  for (const PhaseTime& phase : result->phases) {
    statistics_.phase_ms[std::string(phase.phase)] += phase.ms;
  }
}

Result<LoadSummary> Pipeline::Impl::Attach(const std::string& collection, const std::string& path) {
  if (engine_ == nullptr) {
    return Status::FailedPrecondition(
        fmt::format("a file can be attached only if an engine is bound: {}", path));
  }
  VIPER_ASSIGN_OR_RETURN(const auto open, engine_->OpenCollection(collection));
  LoadOptions options;
  {
    VIPER_ASSIGN_OR_RETURN(const auto map, file_system_.Map(path));
    options.resume_key = fmt::format("viper-file:{}:{:016x}:{:016x}", map->bytes().size(),
                                     Hash64(map->bytes()), Hash64(map->bytes(), 1));
  }
  VIPER_ASSIGN_OR_RETURN(const auto source, OpenParquetSource(path, {}, file_system_));
  auto loaded = open->Load(*source, options);
  if (!loaded.ok()) return loaded.status().WithContext(fmt::format("attach {}", path));
  MutexLock lock(mutex_);
  ++statistics_.attached_files;
  statistics_.attached_rows += loaded->rows_resumed + loaded->rows_committed;
  return loaded;
}

PipelineStatistics Pipeline::Impl::Statistics() const {
  MutexLock lock(mutex_);
  PipelineStatistics told = statistics_;
  told.compression_ratio =
      Quotient(static_cast<double>(told.logical_bytes), static_cast<double>(told.bytes_written));
  if (tasks_ != nullptr) {
    const pipeline::TaskCounts counts = tasks_->queue().Counts();
    told.tasks_queued = counts.queued;
    told.tasks_done = counts.done;
    told.tasks_failed = counts.failed;
    told.tasks_cancelled = counts.cancelled;
    told.task_retries = counts.retries;
  }
  told.mean_ms = Quotient(told.total_ms, static_cast<double>(told.batches));
  return told;
}

Pipeline::Pipeline(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pipeline::~Pipeline() = default;

Result<std::unique_ptr<Pipeline>> Pipeline::Make(const PipelineConfig& config,
                                                 FileSystem* file_system, Engine* engine,
                                                 std::shared_ptr<RecordProcessor> processor) {
  VIPER_RETURN_IF_ERROR(config.Validate());
  if (processor == nullptr) processor = MakeStandardProcessor();
  auto impl =
      std::make_unique<Impl>(config, file_system != nullptr ? *file_system : FileSystem::Local(),
                             engine, std::move(processor));
  return std::make_unique<Pipeline>(std::move(impl));
}

const PipelineConfig& Pipeline::config() const { return impl_->config(); }

Result<ProcessResult> Pipeline::ProcessRecords(const std::string& collection,
                                               std::vector<Record> records, const std::string& path,
                                               const ProcessOptions& options) {
  return impl_->Process(collection, records, path, options);
}

Result<LoadSummary> Pipeline::AttachFile(const std::string& collection, const std::string& path) {
  return impl_->Attach(collection, path);
}

CompactionEngine* Pipeline::compaction() const { return impl_->compaction(); }

Status Pipeline::StartBackgroundProcessing() {
  if (compaction() == nullptr) {
    return Status::FailedPrecondition(
        "there is nothing to do in the background: no engine is bound to the pipeline");
  }
  compaction()->Start();
  return {};
}

void Pipeline::StopBackgroundProcessing() {
  if (compaction() != nullptr) compaction()->Stop();
}

PipelineStatistics Pipeline::Statistics() const { return impl_->Statistics(); }

std::vector<ServiceHealth> Pipeline::Health() const {
  return compaction() == nullptr ? std::vector<ServiceHealth>() : compaction()->Health();
}

}  // namespace viper
