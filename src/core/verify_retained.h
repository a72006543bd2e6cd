#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/verification.h"
#include "storage/table_log.h"
#include "storage/table_log_audit.h"
#include "viper/schema.h"

namespace viper::core {

/// The data files and deletion vectors that only older versions of a table need, as long as these
/// can be read: their commits are in the log, and no vacuum has taken a file of theirs. Not
/// thread-safe.
class RetainedFiles {
 public:
  /// See which files are there. Neither is owned; both must outlive the object.
  RetainedFiles(const storage::TableLogAudit& audit, Verification& verification);

  /// Of what Verify will read.
  uint64_t bytes() const { return bytes_; }
  /// Check each file as VerifyPart does, each deletion vector, and that no file is missing which no
  /// vacuum can have removed. What is found names the versions that it is about. Fails only if the
  /// verification was stopped.
  Status Verify();

 private:
  using Use = storage::RetiredFile::Use;
  /// What versions need of the disk.
  struct Need {
    std::vector<const Use*> uses;
    bool is_there = false;
    /// It is missing although this one is there, which a vacuum removes before it.
    std::string left_before;
  };

  void CollectNeeds();
  void SeeWhatIsThere();
  void FindReadableVersions();
  /// The files of a use, but a data file that the newest version has too.
  std::vector<std::string> NamesOf(const std::string& path, const Use& use) const;
  bool IsNeeded(const Use& use) const;
  bool Exists(const std::string& name) const;
  void TellMissing();
  Status VerifyFile(const std::string& path, const storage::RetiredFile& retired);
  Status VerifyVectors(const std::string& path, const storage::RetiredFile& retired);
  Status VerifyVector(const storage::AddedFile& added, const Use& use, uint64_t row_count);
  /// Of the findings from `first` on, which are about this file: name the versions; or forget them
  /// if a vacuum has taken it meanwhile.
  void FinishFindings(size_t first, const std::string& name, const std::vector<const Use*>& uses);
  std::string VersionsText(const std::vector<const Use*>& uses) const;
  const CollectionSchema* SchemaOf(const storage::RetiredFile& retired);

  const storage::TableLogAudit& audit_;
  Verification& verification_;
  /// By name, below the table.
  std::map<std::string, Need> needs_;
  /// Rising.
  std::vector<int64_t> readable_;
  uint64_t bytes_ = 0;
  std::map<const storage::TableMetadata*, std::optional<CollectionSchema>> schemas_;
  /// Files of deletion vectors that were told to be begun.
  std::set<std::string> begun_;
};

}  // namespace viper::core
