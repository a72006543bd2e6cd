#include "viper/engine.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/random.h"
#include "base/status_macros.h"
#include "columnar/field_conversion.h"
#include "core/collection_impl.h"
#include "core/inspector.h"
#include "core/operation_recorder.h"
#include "core/repairer.h"
#include "core/verifier.h"
#include "platform/memory_budget.h"
#include "platform/mutex.h"
#include "platform/owner_process.h"
#include "storage/directory_creation.h"
#include "storage/file_names.h"

namespace viper {
namespace {

/// A dropped collection is renamed to this and something unique, then removed.
constexpr std::string_view kDroppedPrefix = ".dropped-";

/// Shares of a limit of memory. Of rows four times the first share are in memory at most, and less
/// where the rest is taken.
EngineOptions WithinMemory(EngineOptions options) {
  if (options.memory_limit == 0) return options;
  options.flush_bytes = std::min<uint64_t>(options.flush_bytes, options.memory_limit / 8);
  options.index_memory_bytes =
      std::min<uint64_t>(options.index_memory_bytes, options.memory_limit / 4);
  return options;
}

EngineOptions WithDefaults(const EngineOptions& options) {
  EngineOptions complete = WithinMemory(options);
  if (complete.file_system == nullptr) complete.file_system = &FileSystem::Local();
  if (complete.clock == nullptr) complete.clock = &Clock::System();
  return complete;
}

/// Sums over collections.
class StatisticsSum {
 public:
  void Add(const Collection& collection) {
    const CollectionStatistics one = collection.Statistics();
    ++sum_.open_collections;
    sum_.insert_operations += one.upserted_rows + one.loaded_rows;
    sum_.delete_operations += one.deleted_rows;
    sum_.search_operations += one.searches;
    sum_.get_operations += one.gets;
    sum_.flush_operations += one.flushes;
    sum_.compaction_operations += one.compactions;
    sum_.total_storage_size_bytes += one.part_bytes;
    sum_.active_clusters += one.active_clusters;
    if (one.compression_ratio()) {
      logical_bytes_ += *one.logical_bytes;
      stored_bytes_ += one.part_bytes;
    }
    const auto report = collection.ReportIndex();
    if (report.ok() && report->audit.mean_recall) {
      audited_ += report->audit.audited;
      recall_sum_ += *report->audit.mean_recall * static_cast<double>(report->audit.audited);
    }
  }

  EngineStatistics Finish() {
    sum_.total_operations = sum_.insert_operations + sum_.delete_operations +
                            sum_.search_operations + sum_.get_operations + sum_.flush_operations +
                            sum_.compaction_operations;
    if (stored_bytes_ > 0) {
      sum_.avg_compression_ratio =
          static_cast<double>(logical_bytes_) / static_cast<double>(stored_bytes_);
    }
    if (audited_ > 0) {
      sum_.avg_ml_prediction_accuracy = recall_sum_ / static_cast<double>(audited_);
    }
    return sum_;
  }

 private:
  EngineStatistics sum_;
  uint64_t logical_bytes_ = 0;
  uint64_t stored_bytes_ = 0;
  uint64_t audited_ = 0;
  double recall_sum_ = 0;
};

}  // namespace

class Engine::Impl {
 public:
  Impl(std::string root, const EngineOptions& options)
      : root_(std::move(root)),
        options_(WithDefaults(options)),
        memory_(std::make_shared<MemoryBudget>(options.memory_limit == 0 ? MemoryBudget::kUnlimited
                                                                         : options.memory_limit)) {
    files_ = options_.file_system;
    clock_ = options_.clock;
  }

  const std::string& root() const { return root_; }

  Status Prepare() {
    if (options_.read_only) return {};
    VIPER_RETURN_IF_ERROR(MakeRootDurable());
    VIPER_ASSIGN_OR_RETURN(auto names, files_->List(root_));
    for (const std::string& name : names) {
      if (name.starts_with(kDroppedPrefix)) {
        VIPER_RETURN_IF_ERROR(files_->RemoveDirectoryTree(storage::JoinPath(root_, name)));
      }
    }
    return {};
  }

  core::CollectionContext MakeContext(const std::string& name) const {
    core::CollectionContext context;
    context.name = name;
    context.directory = storage::JoinPath(root_, name);
    context.options = options_;
    context.file_system = files_;
    context.clock = clock_;
    context.memory = memory_;
    return context;
  }

  MemoryUsage Memory() const {
    MemoryUsage usage;
    usage.limit = options_.memory_limit;
    usage.rows = memory_->used(MemoryUse::kRows);
    usage.caches = memory_->used(MemoryUse::kCaches);
    usage.index_builds = memory_->used(MemoryUse::kIndexBuilds);
    usage.files = memory_->used(MemoryUse::kFiles);
    return usage;
  }

  Result<std::shared_ptr<Collection>> Create(const std::string& name,
                                             const CollectionSchema& schema,
                                             const CollectionProperties& properties) {
    VIPER_RETURN_IF_ERROR(CheckProcess());
    if (options_.read_only) {
      return Status::FailedPrecondition("the engine is open read-only: nothing can be created");
    }
    VIPER_RETURN_IF_ERROR(ValidateCollectionName(name));
    VIPER_RETURN_IF_ERROR(schema.Validate());
    VIPER_RETURN_IF_ERROR(properties.Validate());
    {
      MutexLock lock(mutex_);
      if (FindOpen(name) != nullptr) {
        return Status::AlreadyExists(fmt::format("collection '{}' exists already", name));
      }
      VIPER_RETURN_IF_ERROR(Collection::Impl::CreateTable(MakeContext(name), schema, properties));
    }
    return OpenOne(name);
  }

  Result<std::shared_ptr<Collection>> OpenOne(const std::string& name) {
    VIPER_RETURN_IF_ERROR(CheckProcess());
    VIPER_RETURN_IF_ERROR(ValidateCollectionName(name));
    MutexLock lock(mutex_);
    if (auto open = FindOpen(name)) return open;
    VIPER_RETURN_IF_ERROR(CheckExists(name));
    core::CollectionContext context = MakeContext(name);
    if (options_.operation_metrics) {
      auto& recorder = recorders_[name];
      if (recorder == nullptr) recorder = std::make_shared<core::OperationRecorder>(name);
      context.operations = recorder;
    }
    VIPER_ASSIGN_OR_RETURN(auto impl, Collection::Impl::Open(std::move(context)));
    auto collection = std::make_shared<Collection>(std::move(impl));
    open_[name] = collection;
    return collection;
  }

  /// The collection, open from now on as long as the engine is.
  Result<std::shared_ptr<Collection>> Keep(const std::string& name) {
    VIPER_ASSIGN_OR_RETURN(auto collection, OpenOne(name));
    MutexLock lock(mutex_);
    kept_[name] = collection;
    return collection;
  }

  Result<WriteSummary> Insert(const std::string& name, std::span<const Record> records) {
    VIPER_ASSIGN_OR_RETURN(auto collection, KeepOrCreate(name, records.front()));
    VIPER_RETURN_IF_ERROR(DeclareFields(*collection, records));
    return collection->Upsert(records);
  }

  Result<std::vector<std::string>> List() const {
    auto listed = files_->List(root_);
    if (!listed.ok() && listed.status().code() == StatusCode::kNotFound) {
      return Status::NotFound(fmt::format("there is no directory {}", root_));
    }
    VIPER_RETURN_IF_ERROR(listed.status());
    std::vector<std::string> names;
    for (const std::string& name : *listed) {
      if (!ValidateCollectionName(name).ok()) continue;
      VIPER_ASSIGN_OR_RETURN(bool exists, HasTable(name));
      if (exists) names.push_back(name);
    }
    return names;
  }

  Status Drop(const std::string& name) {
    VIPER_RETURN_IF_ERROR(CheckProcess());
    if (options_.read_only) {
      return Status::FailedPrecondition("the engine is open read-only: nothing can be dropped");
    }
    MutexLock lock(mutex_);
    VIPER_RETURN_IF_ERROR(CheckExists(name));
    kept_.erase(name);
    VIPER_RETURN_IF_ERROR(CheckNotOpen(name));
    const std::string directory = storage::JoinPath(root_, name);
    VIPER_RETURN_IF_ERROR(files_->CreateDirectories(storage::ViperDirectory(directory)));
    VIPER_ASSIGN_OR_RETURN(auto held, files_->Lock(storage::LockPath(directory)));
    const std::string gone =
        storage::JoinPath(root_, std::string(kDroppedPrefix) + name + "-" + MakeUuid());
    VIPER_RETURN_IF_ERROR(files_->Rename(directory, gone));
    recorders_.erase(name);
    VIPER_RETURN_IF_ERROR(files_->SyncDirectory(root_));
    return files_->RemoveDirectoryTree(gone);
  }

  std::vector<CollectionOperations> Operations() const {
    std::vector<std::shared_ptr<core::OperationRecorder>> recorders;
    {
      MutexLock lock(mutex_);
      for (const auto& [name, recorder] : recorders_) recorders.push_back(recorder);
    }
    std::vector<CollectionOperations> operations;
    for (const auto& recorder : recorders) operations.push_back(recorder->Read());
    return operations;
  }

  std::vector<std::shared_ptr<Collection>> OpenCollections() const {
    MutexLock lock(mutex_);
    std::vector<std::shared_ptr<Collection>> collections;
    for (const auto& [name, open] : open_) {
      if (auto collection = open.lock()) collections.push_back(std::move(collection));
    }
    return collections;
  }

  const EngineOptions& options() const { return options_; }

  Result<VerifyReport> Verify(const std::string& name, const VerifyOptions& options) const {
    VIPER_RETURN_IF_ERROR(CheckExists(name));
    return core::VerifyCollection(MakeContext(name), options);
  }

  Result<RepairReport> Repair(const std::string& name, const RepairOptions& options) {
    VIPER_RETURN_IF_ERROR(CheckProcess());
    VIPER_RETURN_IF_ERROR(CheckExists(name));
    if (options.dry_run) return core::RepairCollection(MakeContext(name), options);
    if (options_.read_only) {
      return Status::FailedPrecondition("the engine is open read-only: nothing can be repaired");
    }
    {
      // Whoever opens it from here on meets the lock that the repair takes.
      MutexLock lock(mutex_);
      VIPER_RETURN_IF_ERROR(CheckNotOpen(name));
    }
    return core::RepairCollection(MakeContext(name), options);
  }

  Result<CollectionInspection> Inspect(const std::string& name) const {
    VIPER_RETURN_IF_ERROR(CheckExists(name));
    return core::InspectCollection(MakeContext(name));
  }

 private:
  Status CheckProcess() const { return owner_.Check("engine", root_); }

  /// Create the root. Its name must be durable before anything in it is acknowledged; when it
  /// exists already, the directory above it may be one that we may not open, so that failure is
  /// passed over.
  Status MakeRootDurable() {
    int missing = 0;
    for (std::string path = root_;; path = storage::ParentDirectory(path)) {
      VIPER_ASSIGN_OR_RETURN(bool exists, files_->Exists(path));
      if (exists || path == storage::ParentDirectory(path)) break;
      ++missing;
    }
    if (missing > 0) return storage::CreateDurableDirectories(*files_, root_, missing);
    (void)files_->SyncDirectory(storage::ParentDirectory(root_)).ok();
    return {};
  }

  Result<std::shared_ptr<Collection>> KeepOrCreate(const std::string& name, const Record& first) {
    auto found = Keep(name);
    if (found.ok() || found.status().code() != StatusCode::kNotFound) return found;
    CollectionSchema schema;
    schema.dim = first.vector.size();
    schema.metric = options_.default_metric;
    auto created = Create(name, schema, {});
    // Somebody else may have been faster.
    if (!created.ok() && created.status().code() != StatusCode::kAlreadyExists) return created;
    return Keep(name);
  }

  /// Declare those of the filterable fields that the records have and the collection has not.
  Status DeclareFields(Collection& collection, std::span<const Record> records) {
    if (options_.filterable_fields.empty()) return {};
    // One at a time, so that two writers do not declare a field with two types.
    MutexLock lock(declaring_mutex_);
    const CollectionSchema schema = collection.schema();
    std::vector<Field> fields;
    for (const std::string& name : options_.filterable_fields) {
      if (schema.FindField(name) != nullptr) continue;
      for (const Record& record : records) {
        const auto value = record.metadata.find(name);
        if (value == record.metadata.end()) continue;
        if (const auto type = columnar::FieldTypeOf(value->second)) {
          fields.push_back({name, *type});
          break;
        }
      }
    }
    if (fields.empty()) return {};
    return collection.AddFields(fields).status();
  }

  std::shared_ptr<Collection> FindOpen(const std::string& name) VIPER_REQUIRES(mutex_) {
    auto found = open_.find(name);
    return found == open_.end() ? nullptr : found->second.lock();
  }

  Status CheckExists(const std::string& name) const {
    VIPER_RETURN_IF_ERROR(ValidateCollectionName(name));
    VIPER_ASSIGN_OR_RETURN(const bool exists, HasTable(name));
    if (exists) return {};
    return Status::NotFound(fmt::format("there is no collection '{}' in {}", name, root_));
  }

  Status CheckNotOpen(const std::string& name) VIPER_REQUIRES(mutex_) {
    if (FindOpen(name) == nullptr) return {};
    return Status::Busy(fmt::format("collection '{}' is open here: close it first", name));
  }

  /// A directory is a collection once its table has a first version (or checkpoint).
  Result<bool> HasTable(const std::string& name) const {
    return storage::TableLog::Make(*files_, storage::JoinPath(root_, name), {})->Exists();
  }

  // Constant.
  const OwnerProcess owner_;
  const std::string root_;
  const EngineOptions options_;
  const std::shared_ptr<MemoryBudget> memory_;
  FileSystem* files_ = nullptr;
  const Clock* clock_ = nullptr;

  Mutex declaring_mutex_;
  mutable Mutex mutex_;
  std::map<std::string, std::weak_ptr<Collection>> open_ VIPER_GUARDED_BY(mutex_);
  /// Of calls by name.
  std::map<std::string, std::shared_ptr<Collection>> kept_ VIPER_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<core::OperationRecorder>> recorders_
      VIPER_GUARDED_BY(mutex_);
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

Result<Engine> Engine::Open(const std::string& root, const EngineOptions& options) {
  VIPER_RETURN_IF_ERROR(options.Validate());
  if (root.empty()) return Status::InvalidArgument("the engine's directory is empty text");
  std::string directory = root;
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  auto impl = std::make_unique<Impl>(std::move(directory), options);
  VIPER_RETURN_IF_ERROR(impl->Prepare());
  return Engine(std::move(impl));
}

Result<std::shared_ptr<Collection>> Engine::CreateCollection(
    const std::string& name, const CollectionSchema& schema,
    const CollectionProperties& properties) {
  return impl_->Create(name, schema, properties);
}

Result<std::shared_ptr<Collection>> Engine::OpenCollection(const std::string& name) {
  return impl_->OpenOne(name);
}

Result<std::vector<std::string>> Engine::ListCollections() const { return impl_->List(); }
Status Engine::DropCollection(const std::string& name) { return impl_->Drop(name); }
Result<VerifyReport> Engine::Verify(const std::string& name, const VerifyOptions& options) const {
  return impl_->Verify(name, options);
}
Result<RepairReport> Engine::Repair(const std::string& name, const RepairOptions& options) {
  return impl_->Repair(name, options);
}
Result<CollectionInspection> Engine::Inspect(const std::string& name) const {
  return impl_->Inspect(name);
}
Result<WriteSummary> Engine::InsertVector(const Record& record) {
  return InsertVectors(std::span(&record, 1));
}
Result<WriteSummary> Engine::InsertVectors(std::span<const Record> records) {
  // Of each collection a run of its own, so that nothing is copied where there is only one.
  WriteSummary total;
  std::map<std::string_view, std::vector<size_t>> by_collection;
  for (size_t i = 0; i < records.size(); ++i) {
    if (records[i].collection_id.empty()) {
      return Status::InvalidArgument(fmt::format(
          "record {} (id '{}') names no collection: set collection_id", i, records[i].id));
    }
    by_collection[records[i].collection_id].push_back(i);
  }
  const auto insert = [&](std::string_view name, std::span<const Record> own) {
    auto written = impl_->Insert(std::string(name), own);
    if (!written.ok()) return written.status();
    total.rows += written->rows;
    total.duplicates += written->duplicates;
    total.sequence = std::max(total.sequence, written->sequence);
    return Status::Ok();
  };
  for (const auto& [name, places] : by_collection) {
    if (places.size() == records.size()) {
      VIPER_RETURN_IF_ERROR(insert(name, records));
      continue;
    }
    std::vector<Record> own;
    own.reserve(places.size());
    for (const size_t place : places) own.push_back(records[place]);
    VIPER_RETURN_IF_ERROR(insert(name, own));
  }
  return total;
}
Result<Hits> Engine::SearchVectors(const std::string& collection, std::span<const float> query,
                                   size_t k) {
  VIPER_ASSIGN_OR_RETURN(auto kept, impl_->Keep(collection));
  SearchOptions options;
  options.k = k;
  return kept->Search(query, options);
}
Status Engine::FlushCollection(const std::string& collection) {
  VIPER_ASSIGN_OR_RETURN(auto kept, impl_->Keep(collection));
  return kept->Flush();
}
Result<CompactionReport> Engine::CompactCollection(const std::string& collection,
                                                   const CompactOptions& options) {
  VIPER_ASSIGN_OR_RETURN(auto kept, impl_->Keep(collection));
  return kept->Compact(options);
}
EngineStatistics Engine::Statistics() const {
  StatisticsSum sum;
  for (const auto& collection : impl_->OpenCollections()) sum.Add(*collection);
  return sum.Finish();
}

MemoryUsage Engine::Memory() const { return impl_->Memory(); }
std::vector<CollectionOperations> Engine::Operations() const { return impl_->Operations(); }
std::vector<std::shared_ptr<Collection>> Engine::OpenCollections() const {
  return impl_->OpenCollections();
}
const EngineOptions& Engine::options() const { return impl_->options(); }
const std::string& Engine::root() const { return impl_->root(); }

}  // namespace viper
