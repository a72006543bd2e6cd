#include "core/version_list.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "core/table_schema.h"
#include "core/vacuum_plan.h"
#include "storage/data_path.h"
#include "storage/file_names.h"

namespace viper::core {
namespace {

// Between the reading of the log and the looking for its files a writer may commit and vacuum.
constexpr int kListAttemptsMax = 5;

std::optional<uint64_t> PhysicalRows(const storage::AddedFile& file) {
  const auto statistics = Value::FromJson(file.stats_json);
  if (!statistics.ok() || statistics->as_object() == nullptr) return std::nullopt;
  const auto found = statistics->as_object()->find("numRecords");
  if (found == statistics->as_object()->end()) return std::nullopt;
  const int64_t* rows = found->second.as_int64();
  if (rows == nullptr || *rows < 0) return std::nullopt;
  return static_cast<uint64_t>(*rows);
}

/// Remembers of each file what does not change from version to version.
class VersionLister {
 public:
  explicit VersionLister(const CollectionContext& context) : context_(context) {}

  Status Visit(const storage::TableState& state, const storage::TableLog::Committed& committed) {
    newest_ = state.version;
    VIPER_ASSIGN_OR_RETURN(const bool is_whole, HasFiles(state));
    if (!is_whole) return {};
    TableVersion told;
    told.version = state.version;
    told.committed_at = Timestamp{committed.timestamp_ms * 1000};
    if (committed.commit != nullptr) {
      const storage::TableCommit& commit = *committed.commit;
      told.operation = commit.operation;
      const auto reason = commit.operation_parameters.find(std::string(kReasonParameter));
      if (reason != commit.operation_parameters.end()) told.reason = reason->second;
      told.files_added = commit.added.size();
      told.files_removed = commit.removed.size();
    }
    told.files = state.files.size();
    told.rows = 0;
    for (const auto& [path, file] : state.files) AddFile(file, told);
    versions_.push_back(std::move(told));
    return {};
  }

  /// Of the versions that were visited, whether their files are there or not.
  int64_t newest() const { return newest_; }
  bool has_newest() const { return !versions_.empty() && versions_.back().version == newest_; }
  std::vector<TableVersion> TakeVersions() { return std::move(versions_); }

 private:
  Result<bool> HasFiles(const storage::TableState& state) {
    VIPER_ASSIGN_OR_RETURN(const std::set<std::string> needed, NeededFiles(state));
    for (const std::string& file : needed) {
      const auto [found, is_new] = exists_.try_emplace(file, false);
      if (is_new) {
        VIPER_ASSIGN_OR_RETURN(found->second, context_.file_system->Exists(
                                                  storage::DataFilePath(context_.directory, file)));
      }
      if (!found->second) return false;
    }
    return true;
  }

  void AddFile(const storage::AddedFile& file, TableVersion& told) {
    told.bytes += file.size;
    const auto [found, is_new] = rows_.try_emplace(file.path);
    if (is_new) found->second = PhysicalRows(file);
    const uint64_t dead =
        file.deletion_vector ? static_cast<uint64_t>(file.deletion_vector->cardinality) : 0;
    if (!told.rows || !found->second || *found->second < dead) {
      told.rows.reset();
    } else {
      *told.rows += *found->second - dead;
    }
  }

  const CollectionContext& context_;
  int64_t newest_ = -1;
  std::map<std::string, bool> exists_;
  std::map<std::string, std::optional<uint64_t>> rows_;
  std::vector<TableVersion> versions_;
};

}  // namespace

Result<std::vector<TableVersion>> ListVersions(const CollectionContext& context,
                                               storage::TableLog& log) {
  int64_t newest_before = -1;
  for (int attempt = 1;; ++attempt) {
    VersionLister lister(context);
    VIPER_RETURN_IF_ERROR(log.VisitVersions(
        [&](const storage::TableState& state, const storage::TableLog::Committed& committed) {
          return lister.Visit(state, committed);
        }));
    // The files of the newest version are there, unless the writer has left it behind meanwhile; or
    // unless the table is damaged: then it is still the newest.
    const bool was_left_behind = !lister.has_newest() && lister.newest() > newest_before;
    if (!was_left_behind || attempt == kListAttemptsMax) return lister.TakeVersions();
    newest_before = lister.newest();
  }
}

Status WithKeptVersions(const Status& status, const CollectionContext& context,
                        storage::TableLog& log) {
  const auto kept = ListVersions(context, log);
  if (!kept.ok() || kept->empty()) return status;
  const TableVersion& oldest = kept->front();
  const TableVersion& newest = kept->back();
  return Status::NotFound(fmt::format("{}; kept are {} versions, {} (of {}) to {} (of {})",
                                      status.message(), kept->size(), oldest.version,
                                      oldest.committed_at.ToString(), newest.version,
                                      newest.committed_at.ToString()));
}

}  // namespace viper::core
