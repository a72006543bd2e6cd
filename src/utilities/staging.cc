/// A staged operation writes into `<staging>/<id>`. Its commit: sync every file, sync that
/// directory, rename it to the target, sync the staging directory, sync the target's parent. The
/// rename is the one moment at which it happens. What is found in the staging directory after a
/// crash was never committed, and is removed. That is why the old name is made to go durably before
/// the new one is made to stay: otherwise a power loss may leave one directory under both names,
/// and who removes the one empties the other. Until the last sync returns nothing was promised; if
/// one of the two fails the rename is taken back.

#include "viper/staging.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include "base/random.h"
#include "base/status_macros.h"
#include "platform/mutex.h"
#include "storage/directory_creation.h"
#include "storage/file_names.h"
#include "utilities/config_checks.h"

namespace viper {
namespace {

/// Operations that are over are told so many of.
constexpr size_t kOverMax = 1'000;
constexpr std::string_view kStagingLock = "LOCK";
/// Of the names of our directories, before a UUID: nothing else is ever removed.
constexpr std::string_view kStagedPrefix = "staged-";

bool IsFileName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

bool IsStagedName(std::string_view name) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (!name.starts_with(kStagedPrefix)) return false;
  name.remove_prefix(kStagedPrefix.size());
  return std::equal(name.begin(), name.end(), kForm.begin(), kForm.end(), [](char c, char form) {
    const bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    return form == '-' ? c == '-' : is_digit;
  });
}

/// With one at its end a path has another parent.
std::string WithoutSlashAtEnd(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

/// Paths to the same place compare equal, however they are written. Links are not followed.
std::string PlaceOf(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return WithoutSlashAtEnd(
      (error ? std::filesystem::path(path) : absolute).lexically_normal().string());
}

bool IsInside(const std::string& path, const std::string& directory) {
  const std::string place = PlaceOf(path);
  const std::string outer = PlaceOf(directory);
  return place == outer || place.starts_with(outer == "/" ? outer : outer + "/");
}

}  // namespace

std::string_view StagingStateName(StagingState state) {
  switch (state) {
    case StagingState::kPreparing:
      return "preparing";
    case StagingState::kWriting:
      return "writing";
    case StagingState::kCommitted:
      return "committed";
    case StagingState::kAborted:
      return "aborted";
    case StagingState::kFailed:
      return "failed";
  }
  return "?";
}

Status StagingConfig::Validate() const {
  VIPER_RETURN_IF_ERROR(utilities::CheckMilliseconds("StagingConfig::max_age_ms", max_age_ms));
  return utilities::CheckMilliseconds("StagingConfig::cleanup_interval_ms", cleanup_interval_ms);
}

class StagingOperationsCoordinator::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)) {
    if (options_.file_system == nullptr) options_.file_system = &FileSystem::Local();
    if (options_.clock == nullptr) options_.clock = &Clock::System();
    options_.directory = WithoutSlashAtEnd(std::move(options_.directory));
  }

  FileSystem& files() const { return *options_.file_system; }

  Status Open() {
    VIPER_RETURN_IF_ERROR(storage::CreateDurableDirectories(files(), options_.directory, 1));
    VIPER_ASSIGN_OR_RETURN(lock_,
                           files().Lock(storage::JoinPath(options_.directory, kStagingLock)));
    VIPER_ASSIGN_OR_RETURN(const auto names, files().List(options_.directory));
    for (const std::string& name : names) {
      if (!IsStagedName(name)) continue;
      VIPER_RETURN_IF_ERROR(RemoveEntry(storage::JoinPath(options_.directory, name)));
      ++removed_leftovers_;
    }
    return files().SyncDirectory(options_.directory);
  }

  Result<std::string> Begin(std::string kind, std::string target) VIPER_EXCLUDES(mutex_) {
    if (kind.empty()) return Status::InvalidArgument("a staged operation must have a kind");
    if (target.empty() || IsInside(target, options_.directory)) {
      return Status::InvalidArgument(fmt::format(
          "the target of a staged operation must lie outside the staging directory: actual='{}'",
          target));
    }
    StagedOperationReport report;
    report.id = fmt::format("{}{}", kStagedPrefix, MakeUuid());
    report.kind = std::move(kind);
    report.begun_at = options_.clock->Now();
    report.directory = storage::JoinPath(options_.directory, report.id);
    report.target = WithoutSlashAtEnd(std::move(target));
    VIPER_RETURN_IF_ERROR(files().CreateDirectories(report.directory));
    std::string id = report.id;
    MutexLock lock(mutex_);
    running_.emplace(id, std::move(report));
    return id;
  }

  Result<std::unique_ptr<WritableFile>> CreateFile(const std::string& id, const std::string& name)
      VIPER_EXCLUDES(mutex_) {
    if (!IsFileName(name)) {
      return Status::InvalidArgument(
          fmt::format("a staged file needs a name without a slash: actual='{}'", name));
    }
    MutexLock lock(mutex_);
    VIPER_ASSIGN_OR_RETURN(StagedOperationReport * report, FindRunning(id));
    VIPER_ASSIGN_OR_RETURN(auto file,
                           files().CreateFile(storage::JoinPath(report->directory, name)));
    report->state = StagingState::kWriting;
    ++report->files;
    return file;
  }

  Status Commit(const std::string& id) VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    VIPER_ASSIGN_OR_RETURN(const StagedOperationReport* report, FindRunning(id));
    const Status committed = Move(*report);
    if (committed.ok()) {
      End(id, StagingState::kCommitted, {});
    } else {
      (void)RemoveEntry(report->directory).ok();  // else it is a leftover
      End(id, StagingState::kFailed, committed.ToString());
    }
    return committed;
  }

  Status Abort(const std::string& id) VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    VIPER_ASSIGN_OR_RETURN(const StagedOperationReport* report, FindRunning(id));
    const Status removed = RemoveEntry(report->directory);
    End(id, StagingState::kAborted,
        removed.ok() ? std::nullopt : std::optional(removed.ToString()));
    return removed;
  }

  Result<uint64_t> RemoveOld() VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const int64_t oldest =
        options_.clock->Now().micros - static_cast<int64_t>(options_.config.max_age_ms) * 1000;
    std::vector<std::string> old;
    for (const auto& [id, report] : running_) {
      if (report.begun_at.micros < oldest) old.push_back(id);
    }
    Status status;
    for (const std::string& id : old) {
      const Status removed = RemoveEntry(running_.at(id).directory);
      if (status.ok()) status = removed;
      End(id, StagingState::kFailed,
          fmt::format("given up: it was older than {} ms", options_.config.max_age_ms));
    }
    VIPER_RETURN_IF_ERROR(status);
    return old.size();
  }

  StagingState StateOf(const std::string& id) const VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (const auto found = running_.find(id); found != running_.end()) return found->second.state;
    for (const StagedOperationReport& report : over_) {
      if (report.id == id) return report.state;
    }
    return StagingState::kFailed;
  }

  std::string DirectoryOf(const std::string& id) const {
    return storage::JoinPath(options_.directory, id);
  }

  std::vector<StagedOperationReport> Operations() const VIPER_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    std::vector<StagedOperationReport> operations(over_.begin(), over_.end());
    for (const auto& [id, report] : running_) operations.push_back(report);
    std::sort(operations.begin(), operations.end(), [](const auto& a, const auto& b) {
      return std::pair(a.begun_at.micros, a.id) < std::pair(b.begun_at.micros, b.id);
    });
    return operations;
  }

  uint64_t removed_leftovers() const { return removed_leftovers_; }

 private:
  Result<StagedOperationReport*> FindRunning(const std::string& id) VIPER_REQUIRES(mutex_) {
    const auto found = running_.find(id);
    if (found != running_.end()) return &found->second;
    return Status::FailedPrecondition(fmt::format("the staged operation {} is over", id));
  }

  Status Move(const StagedOperationReport& report) VIPER_REQUIRES(mutex_) {
    VIPER_ASSIGN_OR_RETURN(const bool is_taken, files().Exists(report.target));
    if (is_taken) {
      return Status::AlreadyExists(
          fmt::format("the target of a staged {} exists: {}", report.kind, report.target));
    }
    VIPER_ASSIGN_OR_RETURN(const auto names, files().List(report.directory));
    for (const std::string& name : names) {
      VIPER_ASSIGN_OR_RETURN(auto file,
                             files().OpenForWrite(storage::JoinPath(report.directory, name)));
      VIPER_RETURN_IF_ERROR(file->Sync());
      VIPER_RETURN_IF_ERROR(file->Close());
    }
    VIPER_RETURN_IF_ERROR(files().SyncDirectory(report.directory));
    VIPER_RETURN_IF_ERROR(files().Rename(report.directory, report.target));
    const Status kept = SyncBoth(report);
    if (kept.ok()) return kept;
    return TakeBack(report) ? kept : kept.WithContext("the target is there all the same");
  }

  Status SyncBoth(const StagedOperationReport& report) {
    VIPER_RETURN_IF_ERROR(files().SyncDirectory(options_.directory));
    return files().SyncDirectory(storage::ParentDirectory(report.target));
  }

  /// Who is told that it failed must not find it done. True if the target is gone.
  bool TakeBack(const StagedOperationReport& report) {
    const bool is_gone = files().Rename(report.target, report.directory).ok() ||
                         files().RemoveDirectoryTree(report.target).ok();
    // Best effort: these are the ones that fail. The target goes first, as everywhere.
    (void)files().SyncDirectory(storage::ParentDirectory(report.target)).ok();
    (void)files().SyncDirectory(options_.directory).ok();
    return is_gone;
  }

  Status RemoveEntry(const std::string& path) {
    Status removed = files().RemoveDirectoryTree(path);
    if (removed.ok()) return removed;
    const auto exists = files().Exists(path);
    if (exists.ok() && !*exists) return {};
    const Status file_removed = files().RemoveFile(path);
    return file_removed.ok() ? file_removed : removed;
  }

  void End(const std::string& id, StagingState state, std::optional<std::string> error)
      VIPER_REQUIRES(mutex_) {
    auto node = running_.extract(id);
    node.mapped().state = state;
    node.mapped().error = std::move(error);
    over_.push_back(std::move(node.mapped()));
    if (over_.size() > kOverMax) over_.pop_front();
  }

  Options options_;
  std::unique_ptr<FileLock> lock_;
  uint64_t removed_leftovers_ = 0;

  mutable Mutex mutex_;
  std::map<std::string, StagedOperationReport> running_ VIPER_GUARDED_BY(mutex_);
  std::deque<StagedOperationReport> over_ VIPER_GUARDED_BY(mutex_);
};

class StagedOperation::Impl {
 public:
  Impl(std::shared_ptr<StagingOperationsCoordinator::Impl> owner, std::string name)
      : coordinator(std::move(owner)),
        id(std::move(name)),
        directory(coordinator->DirectoryOf(id)) {}

  const std::shared_ptr<StagingOperationsCoordinator::Impl> coordinator;
  const std::string id;
  const std::string directory;
  bool is_over = false;
};

StagedOperation::StagedOperation(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StagedOperation::~StagedOperation() {
  if (!impl_->is_over) (void)impl_->coordinator->Abort(impl_->id).ok();
}

const std::string& StagedOperation::id() const { return impl_->id; }
const std::string& StagedOperation::directory() const { return impl_->directory; }
Result<std::unique_ptr<WritableFile>> StagedOperation::CreateFile(const std::string& name) {
  return impl_->coordinator->CreateFile(impl_->id, name);
}
Status StagedOperation::Commit() {
  impl_->is_over = true;
  return impl_->coordinator->Commit(impl_->id);
}
Status StagedOperation::Abort() {
  impl_->is_over = true;
  return impl_->coordinator->Abort(impl_->id);
}
StagingState StagedOperation::state() const { return impl_->coordinator->StateOf(impl_->id); }

StagingOperationsCoordinator::StagingOperationsCoordinator(std::shared_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
StagingOperationsCoordinator::~StagingOperationsCoordinator() = default;

Result<std::unique_ptr<StagingOperationsCoordinator>> StagingOperationsCoordinator::Make(
    Options options) {
  VIPER_RETURN_IF_ERROR(options.config.Validate());
  if (options.directory.empty()) {
    return Status::InvalidArgument("the staging directory is empty text");
  }
  auto impl = std::make_shared<Impl>(std::move(options));
  VIPER_RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<StagingOperationsCoordinator>(
      new StagingOperationsCoordinator(std::move(impl)));
}

Result<std::unique_ptr<StagedOperation>> StagingOperationsCoordinator::Begin(std::string kind,
                                                                             std::string target) {
  VIPER_ASSIGN_OR_RETURN(std::string id, impl_->Begin(std::move(kind), std::move(target)));
  return std::make_unique<StagedOperation>(
      std::make_unique<StagedOperation::Impl>(impl_, std::move(id)));
}

Result<uint64_t> StagingOperationsCoordinator::RemoveOld() { return impl_->RemoveOld(); }
std::vector<StagedOperationReport> StagingOperationsCoordinator::Operations() const {
  return impl_->Operations();
}
uint64_t StagingOperationsCoordinator::removed_leftovers() const {
  return impl_->removed_leftovers();
}

}  // namespace viper
