#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "testing/cow_bytes.h"

namespace viper {

/// What a crash leaves.
enum class CrashMode {
  /// Power loss at its worst: what was synced, and nothing else.
  kDropUnsynced,
  /// kill -9: everything, but what was not synced is still not synced, so that a power loss after
  /// the
  /// recovery may still take it.
  kKeepAll,
  /// Power loss: of what was not synced, some. Each 512-byte sector of a file holds the state after
  /// some of the writes to it, in their order; the size is an old, a new or one between; each
  /// change
  /// of a directory happened or not (a rename as one). A write that the crash interrupted takes
  /// part.
  kRandomSubset,
};

/// A file (an inode) as the kernel and as the disk see it.
class MemoryFile {
 public:
  const CowBytes& content() const { return current_; }

  void Write(uint64_t offset, std::span<const std::byte> bytes);
  /// A write that the crash interrupted: nobody will read it, but some of it may be on disk.
  void RecordInterruptedWrite(uint64_t offset, std::span<const std::byte> bytes);
  void Sync();
  /// A sync failed: as in the kernel, the unsynced bytes stay readable and no later sync writes
  /// them.
  void FailSync();

  /// The file of a crash image. `seed` is used by kRandomSubset.
  std::shared_ptr<MemoryFile> AfterCrash(CrashMode mode, uint64_t seed) const;

  /// Somebody holds the lock. Locks do not survive crashes.
  bool locked = false;

 private:
  struct PendingWrite {
    uint64_t offset = 0;
    std::shared_ptr<const std::vector<std::byte>> bytes;
    bool interrupted = false;
    bool lost = false;
  };
  CowBytes RandomContent(uint64_t seed) const;

  CowBytes current_;
  CowBytes durable_;
  std::vector<PendingWrite> pending_;  // since the last sync, in order
};

class MemoryDirectory;

/// What a name stands for: a file, a directory, or (both null) nothing.
struct MemoryEntry {
  std::shared_ptr<MemoryFile> file;
  std::shared_ptr<MemoryDirectory> directory;

  bool exists() const { return file != nullptr || directory != nullptr; }
  friend bool operator==(const MemoryEntry&, const MemoryEntry&) = default;
};

/// A directory as the kernel and as the disk see it.
class MemoryDirectory {
 public:
  using Entries = std::map<std::string, MemoryEntry, std::less<>>;

  const Entries& entries() const { return entries_; }
  /// The entry of that name, or one that does not exist.
  MemoryEntry Find(std::string_view name) const;

  /// Change an entry; one that does not exist removes it. Changes with the same `change_id`, also
  /// in other directories, survive a crash together or not at all while neither is synced.
  void Set(const std::string& name, MemoryEntry entry, uint64_t change_id);
  void Sync();

  /// The tree of a crash image below this directory.
  std::shared_ptr<MemoryDirectory> AfterCrash(CrashMode mode, uint64_t seed) const;

 private:
  friend class CrashImageBuilder;
  struct PendingChange {
    std::string name;
    MemoryEntry entry;
    uint64_t change_id = 0;
  };
  static void Apply(const std::string& name, const MemoryEntry& entry, Entries& entries);

  Entries entries_;
  Entries durable_;
  std::vector<PendingChange> pending_;  // since the last sync, in order
};

}  // namespace viper
