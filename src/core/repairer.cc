// A repair: with the writer's lock, verify; do about each finding what can be done; verify again.
//
//   - A sidecar is made again from its part.
//   - Files of the index are removed: the next build makes them again.
//   - A checkpoint that cannot be read, or a hint that is wrong: a checkpoint of the newest version
//   is
//     written, with its hint; then those that cannot be read are removed.
//   - Leftovers are removed; parts among them only if nothing that holds records is damaged.
//   - What holds records is never touched: it is there once, and this is not the place to choose.

#include "core/repairer.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "core/column_cache.h"
#include "core/flusher.h"
#include "core/part.h"
#include "core/table_schema.h"
#include "core/vacuum_plan.h"
#include "core/verifier.h"
#include "storage/file_names.h"
#include "storage/table_log_audit.h"

namespace viper::core {
namespace {

class Repairer {
 public:
  Repairer(const CollectionContext& context, const RepairOptions& options)
      : context_(context),
        options_(options),
        files_(*context.file_system),
        directory_(context.directory) {
    verify_options_.progress = options.progress;
    verify_options_.memory_bytes = options.memory_bytes;
  }

  Result<RepairReport> Run() {
    std::unique_ptr<FileLock> lock;
    if (!options_.dry_run) {
      VIPER_RETURN_IF_ERROR(files_.CreateDirectories(storage::ViperDirectory(directory_)));
      VIPER_ASSIGN_OR_RETURN(lock, files_.Lock(storage::LockPath(directory_)));
    }
    RepairReport report;
    report.dry_run = options_.dry_run;
    VIPER_ASSIGN_OR_RETURN(report.before, VerifyCollection(context_, verify_options_));
    VIPER_ASSIGN_OR_RETURN(audit_, storage::AuditTableLog(files_, directory_));
    has_truth_damage_ = report.before.CountOf(FindingKind::kTruthDamage) > 0;
    bool has_changed = false;
    for (const VerifyFinding& finding : report.before.findings) {
      if (finding.kind == FindingKind::kNote) continue;
      report.steps.push_back(StepFor(finding));
      has_changed |= report.steps.back().is_done && !options_.dry_run;
    }
    if (has_changed) {
      VIPER_ASSIGN_OR_RETURN(report.after, VerifyCollection(context_, verify_options_));
    }
    return report;
  }

 private:
  /// What is done about one file.
  struct Outcome {
    std::string action;
    bool is_done = false;
  };

  RepairStep StepFor(const VerifyFinding& finding) {
    RepairStep step;
    step.finding = finding;
    const Outcome outcome =
        finding.is_repairable ? RepairFile(finding) : Outcome{AdviceFor(finding), false};
    step.action = outcome.action;
    step.is_done = outcome.is_done;
    return step;
  }

  /// Each file once, whatever many findings are about it.
  Outcome RepairFile(const VerifyFinding& finding) {
    const auto [place, is_new] = outcomes_.try_emplace(finding.file);
    if (is_new) place->second = Repair(finding);
    return place->second;
  }

  Outcome Repair(const VerifyFinding& finding) {
    const std::string path = storage::JoinPath(directory_, finding.file);
    const std::string name = path.substr(path.rfind('/') + 1);
    if (finding.kind == FindingKind::kLeftover) {
      if (has_truth_damage_ && storage::ParsePartName(name)) {
        return {"kept: the table is damaged, and this may be what it should name", false};
      }
      return Remove(path, "removed");
    }
    if (storage::IsModelName(name) || storage::IsSegmentName(name)) {
      return Remove(path, "removed; the next build of the index makes it again");
    }
    if (storage::ParentDirectory(path) == storage::LogDirectory(directory_)) {
      return RepairLogFile(path, name);
    }
    return RebuildSidecar(path);
  }

  Outcome Remove(const std::string& path, std::string action) {
    if (options_.dry_run) return {std::move(action), true};
    const Status removed = files_.RemoveFile(path);
    if (removed.ok() || removed.code() == StatusCode::kNotFound) return {std::move(action), true};
    return {"could not be removed: " + removed.message(), false};
  }

  Outcome RebuildSidecar(const std::string& path) {
    for (const auto& [name, added] : audit_.state.files) {
      if (storage::SidecarPath(directory_, name) != path) continue;
      const Status made = options_.dry_run ? Status::Ok() : MakeSidecar(path, added);
      if (made.ok()) return {"made again from " + name, true};
      return {"could not be made again: " + made.message(), false};
    }
    return {"the part that it belongs to is not in the table any more", false};
  }

  Status MakeSidecar(const std::string& path, const storage::AddedFile& added) {
    VIPER_ASSIGN_OR_RETURN(const CollectionSchema schema, ReadTableSchema(audit_.state.metadata));
    const Status removed = files_.RemoveFile(path);
    if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
    VIPER_RETURN_IF_ERROR(files_.CreateDirectories(storage::IndexDirectory(directory_)));
    ColumnCache cache(0);
    Part::OpenOptions options;
    options.file_system = &files_;
    options.table_directory = directory_;
    options.schema = &schema;
    options.cache = &cache;
    options.vector_cache = &cache;
    options.write_sidecar = true;
    VIPER_RETURN_IF_ERROR(Part::Open(added, options).status());
    // Where the file could not be written the part is as well read without one.
    VIPER_ASSIGN_OR_RETURN(const bool exists, files_.Exists(path));
    return exists ? Status::Ok() : Status::IoError("the file could not be written");
  }

  Outcome RepairLogFile(const std::string& path, const std::string& name) {
    if (!audit_.is_exact) return {"the newest version of the table is not known", false};
    const std::string action =
        fmt::format("a checkpoint of version {} written, and the hint to it", audit_.state.version);
    const Status written = options_.dry_run ? Status::Ok() : WriteCheckpoint();
    if (!written.ok()) return {"no checkpoint could be written: " + written.message(), false};
    const auto version = storage::ParseCheckpointName(name);
    if (!version || *version == audit_.state.version) return {action, true};
    return Remove(path, action + "; the damaged one removed");
  }

  /// Once, however many files of the log it is for.
  Status WriteCheckpoint() {
    if (!checkpoint_) {
      checkpoint_ = MakeTableLog(context_)->WriteCheckpoint(audit_.state, context_.NowMillis());
    }
    return *checkpoint_;
  }

  std::string AdviceFor(const VerifyFinding& finding) const {
    const std::string path = storage::JoinPath(directory_, finding.file);
    if (path.starts_with(storage::WalDirectory(directory_))) {
      return "cannot be repaired: the log holds these writes alone. Restore the file from a copy; "
             "or "
             "open the collection with the loss accepted (accept_loss_from), from the first lost "
             "record on";
    }
    if (path.starts_with(storage::LogDirectory(directory_))) {
      return "cannot be repaired: the table log says what the table holds. Restore the file from a "
             "copy";
    }
    const auto needed = NeededFiles(audit_.state);
    if (audit_.is_exact && needed.ok() && !needed->contains(finding.file)) {
      return "cannot be repaired, and the newest version does not need it. Restore the file from a "
             "copy; or give up the older versions that do with a vacuum";
    }
    return "cannot be repaired: these rows are stored once. Restore the file from a copy";
  }

  const CollectionContext& context_;
  const RepairOptions& options_;
  FileSystem& files_;
  const std::string& directory_;
  VerifyOptions verify_options_;
  storage::TableLogAudit audit_;
  bool has_truth_damage_ = false;
  /// By file, relative to the directory.
  std::map<std::string, Outcome> outcomes_;
  std::optional<Status> checkpoint_;
};

}  // namespace

Result<RepairReport> RepairCollection(const CollectionContext& context,
                                      const RepairOptions& options) {
  return Repairer(context, options).Run();
}

}  // namespace viper::core
