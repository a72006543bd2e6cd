#include "core/leftover_files.h"

#include <set>
#include <utility>

#include "core/vacuum_plan.h"
#include "storage/file_names.h"

namespace viper::core {
namespace {

class UnreferencedFinder {
 public:
  UnreferencedFinder(FileSystem& files, const std::string& directory,
                     const storage::TableState& table)
      : files_(files), directory_(directory), table_(table) {}

  UnreferencedFiles Find() && {
    for (const std::string& name : List(storage::TmpDirectory(directory_))) {
      Add(storage::TmpPath(directory_, name),
          "a staged file of a write that was cut off, or is under way", found_.leftovers);
    }
    for (const auto& [key, removed] : table_.tombstones) tombstones_.insert(removed.path);
    for (const std::string& name : List(directory_)) LookAtData(name);
    LookAtDeletionVectors();
    std::set<std::string> sidecars;
    for (const auto& [path, added] : table_.files) sidecars.insert(storage::SidecarName(path));
    for (const std::string& name : List(storage::IndexDirectory(directory_))) {
      const std::string path = storage::JoinPath(storage::IndexDirectory(directory_), name);
      if (sidecars.contains(name) || storage::IsModelName(name) || storage::IsSegmentName(name)) {
        continue;
      }
      Add(path, "a derived file of no file of the table", found_.leftovers);
    }
    for (const std::string& name : List(storage::WalDirectory(directory_))) {
      if (name != storage::kWalUnfinishedName) continue;
      Add(storage::JoinPath(storage::WalDirectory(directory_), name), "a half-made log segment",
          found_.leftovers);
    }
    return std::move(found_);
  }

 private:
  void LookAtData(const std::string& name) {
    if (!name.ends_with(".parquet") || table_.files.contains(name)) return;
    const std::string path = storage::JoinPath(directory_, name);
    if (tombstones_.contains(name)) {
      AddTombstone(path);
    } else if (storage::ParsePartName(name)) {
      Add(path, "a part that the table does not name: of a flush that was cut off, or is under way",
          found_.leftovers);
    } else {
      Add(path, "a data file that the table does not name, perhaps another writer's on its way",
          found_.others);
    }
  }

  void LookAtDeletionVectors() {
    const auto needed = NeededFiles(table_);
    const auto named = NamedFiles(table_);
    // Then the table is damaged, which others tell.
    if (!needed.ok() || !named.ok()) return;
    for (const std::string& name : List(storage::DeletionVectorDirectory(directory_))) {
      const std::string relative = storage::JoinPath(storage::kDeletionVectorFolder, name);
      const std::string path = storage::JoinPath(directory_, relative);
      if (needed->contains(relative)) continue;
      if (named->contains(relative)) {
        AddTombstone(path);
      } else {
        Add(path,
            "deletion vectors that the table does not name: of a flush that was cut off, or is "
            "under way",
            found_.leftovers);
      }
    }
  }

  void AddTombstone(const std::string& path) {
    const auto bytes = files_.FileSize(path);
    ++found_.tombstone_count;
    found_.tombstone_bytes += bytes.ok() ? *bytes : 0;
  }

  std::vector<std::string> List(const std::string& directory) {
    auto names = files_.List(directory);
    return names.ok() ? std::move(*names) : std::vector<std::string>();
  }

  void Add(std::string path, std::string why, std::vector<UnreferencedFiles::File>& list) {
    const auto bytes = files_.FileSize(path);
    // It may be gone by now.
    if (bytes.ok()) list.push_back({std::move(path), std::move(why), *bytes});
  }

  FileSystem& files_;
  const std::string& directory_;
  const storage::TableState& table_;
  std::set<std::string> tombstones_;
  UnreferencedFiles found_;
};

}  // namespace

UnreferencedFiles FindUnreferencedFiles(FileSystem& files, const std::string& directory,
                                        const storage::TableState& table) {
  return UnreferencedFinder(files, directory, table).Find();
}

}  // namespace viper::core
