#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "viper/file_system.h"
#include "viper/verify.h"

namespace viper::core {

/// Findings about one file that are told; more are counted.
inline constexpr size_t kFindingsPerFileMax = 50;

/// What the steps of a verification share: where to read, the report that they fill, and the
/// progress that they tell. Not thread-safe.
class Verification {
 public:
  /// What a finding is about, as paths that begin with the collection's directory.
  struct Subject {
    std::string path;
    /// The file that it contradicts, or empty.
    std::string other_path;
  };

  /// All of them must outlive the object.
  Verification(FileSystem& files, const std::string& directory, const VerifyOptions& options)
      : files_(files), directory_(directory), options_(options) {}

  FileSystem& files() const { return files_; }
  /// The collection's directory.
  const std::string& directory() const { return directory_; }
  const VerifyOptions& options() const { return options_; }
  VerifyReport& report() { return report_; }

  /// Damage of what holds records; `affected` says which, as far as can be told.
  void AddTruth(const Subject& subject, std::string problem, std::string affected = {});
  /// Damage of what can be made again.
  void AddDerived(const Subject& subject, std::string problem);
  /// A file of `bytes` that nobody refers to.
  void AddLeftover(const std::string& path, std::string problem, uint64_t bytes);
  void AddNote(const Subject& subject, std::string problem, uint64_t bytes = 0);

  /// Findings so far; and forget those after some, because what they are about is not in the table
  /// any more.
  size_t finding_count() const { return report_.findings.size(); }
  void ForgetFindingsFrom(size_t count);

  void set_bytes_total(uint64_t bytes) { progress_.bytes_total = bytes; }
  /// Begin to read a file. Cancelled if the caller wants to stop.
  Status BeginFile(const std::string& path);
  /// So many bytes of the file were read. Cancelled as above.
  Status AddBytes(uint64_t bytes);

 private:
  void Add(FindingKind kind, const Subject& subject, VerifyFinding finding);
  std::string Relative(const std::string& path) const;
  Status Tell();

  FileSystem& files_;
  const std::string& directory_;
  const VerifyOptions& options_;
  VerifyReport report_;
  VerifyProgress progress_;
  std::string file_;
  std::map<std::string, size_t> findings_of_file_;
};

/// "rows 3 to 7", or "row 3".
std::string RowsText(uint64_t first, uint64_t count);

}  // namespace viper::core
