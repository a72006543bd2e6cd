#include "testing/memory_tree.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/random.h"

namespace viper {
namespace {

// What a disk writes all or nothing of.
constexpr uint64_t kSectorBytes = 512;

// Chances by which unsynced things reach the disk; the extremes make whole files old or new.
constexpr std::array kChances = {0.0, 0.05, 0.5, 0.95, 1.0};

double DrawChance(Random& random) { return kChances[random.Uniform(kChances.size())]; }

// The size on disk of a file that was growing: the old one, the new one, or a sector between.
uint64_t DrawSize(Random& random, uint64_t before, uint64_t after) {
  switch (random.Uniform(4)) {
    case 0:
      return before;
    case 1:
      return after;
    default: {
      const uint64_t between = before + random.Uniform(after - before + 1);
      return std::max(before, between - between % kSectorBytes);
    }
  }
}

std::shared_ptr<const std::vector<std::byte>> Share(std::span<const std::byte> bytes) {
  return std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
}

}  // namespace

// -- Files
// ------------------------------------------------------------------------------------------

void MemoryFile::Write(uint64_t offset, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  current_.Write(offset, bytes);
  pending_.push_back({.offset = offset, .bytes = Share(bytes)});
}

void MemoryFile::RecordInterruptedWrite(uint64_t offset, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  pending_.push_back({.offset = offset, .bytes = Share(bytes), .interrupted = true});
}

void MemoryFile::Sync() {
  const auto lost = [](const PendingWrite& write) { return write.lost; };
  if (std::none_of(pending_.begin(), pending_.end(), lost)) {
    durable_ = current_;
    pending_.clear();
    return;
  }
  for (const PendingWrite& write : pending_) {
    if (!write.lost) durable_.Write(write.offset, *write.bytes);
  }
  std::erase_if(pending_, [&](const PendingWrite& write) { return !lost(write); });
}

void MemoryFile::FailSync() {
  for (PendingWrite& write : pending_) write.lost = true;
}

CowBytes MemoryFile::RandomContent(uint64_t seed) const {
  Random random(seed);
  const double chance = DrawChance(random);
  uint64_t size_after = durable_.size();
  for (const PendingWrite& write : pending_) {
    size_after = std::max(size_after, write.offset + write.bytes->size());
  }
  const uint64_t size = chance == 1.0 ? size_after : DrawSize(random, durable_.size(), size_after);

  CowBytes content = durable_;
  content.Extend(size);
  std::unordered_set<uint64_t> finished;  // sectors that no later write reached
  for (const PendingWrite& write : pending_) {
    const uint64_t end = std::min(size, write.offset + write.bytes->size());
    for (uint64_t position = write.offset; position < end;) {
      const uint64_t sector = position / kSectorBytes;
      const uint64_t sector_end = std::min(end, (sector + 1) * kSectorBytes);
      if (!finished.contains(sector)) {
        if (random.Chance(chance)) {
          content.Write(
              position,
              std::span(*write.bytes).subspan(position - write.offset, sector_end - position));
        } else {
          finished.insert(sector);
        }
      }
      position = sector_end;
    }
  }
  return content;
}

std::shared_ptr<MemoryFile> MemoryFile::AfterCrash(CrashMode mode, uint64_t seed) const {
  auto file = std::make_shared<MemoryFile>();
  switch (mode) {
    case CrashMode::kDropUnsynced:
      file->current_ = durable_;
      file->durable_ = durable_;
      break;
    case CrashMode::kKeepAll:
      file->current_ = current_;
      file->durable_ = durable_;
      std::copy_if(pending_.begin(), pending_.end(), std::back_inserter(file->pending_),
                   [](const PendingWrite& write) { return !write.interrupted; });
      break;
    case CrashMode::kRandomSubset:
      file->durable_ = RandomContent(seed);
      file->current_ = file->durable_;
      break;
  }
  return file;
}

// -- Directories
// ------------------------------------------------------------------------------------

MemoryEntry MemoryDirectory::Find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? MemoryEntry() : found->second;
}

void MemoryDirectory::Apply(const std::string& name, const MemoryEntry& entry, Entries& entries) {
  if (entry.exists()) {
    entries.insert_or_assign(name, entry);
  } else {
    entries.erase(name);
  }
}

void MemoryDirectory::Set(const std::string& name, MemoryEntry entry, uint64_t change_id) {
  Apply(name, entry, entries_);
  pending_.push_back({.name = name, .entry = std::move(entry), .change_id = change_id});
}

void MemoryDirectory::Sync() {
  for (const PendingChange& change : pending_) Apply(change.name, change.entry, durable_);
  pending_.clear();
}

// Copies a tree; what has two names is copied once.
class CrashImageBuilder {
 public:
  CrashImageBuilder(CrashMode mode, uint64_t seed) : mode_(mode), seed_(seed), random_(seed) {
    chance_ = DrawChance(random_);
  }

  std::shared_ptr<MemoryDirectory> Copy(const MemoryDirectory& source) {
    auto [found, is_new] = directories_.try_emplace(&source);
    if (!is_new) return found->second;
    auto target = std::make_shared<MemoryDirectory>();
    found->second = target;
    switch (mode_) {
      case CrashMode::kDropUnsynced:
        target->durable_ = Copy(source.durable_);
        target->entries_ = target->durable_;
        break;
      case CrashMode::kKeepAll:
        target->entries_ = Copy(source.entries_);
        target->durable_ = Copy(source.durable_);
        for (const auto& change : source.pending_) {
          target->pending_.push_back({change.name, Copy(change.entry), change.change_id});
        }
        break;
      case CrashMode::kRandomSubset:
        target->durable_ = Copy(RandomEntries(source));
        target->entries_ = target->durable_;
        break;
    }
    return target;
  }

 private:
  MemoryDirectory::Entries RandomEntries(const MemoryDirectory& source) const {
    MemoryDirectory::Entries entries = source.durable_;
    for (const auto& change : source.pending_) {
      // One draw for each change id: the halves of a rename share their fate.
      if (Random(seed_ ^ (change.change_id * 0x9E3779B97F4A7C15)).Chance(chance_)) {
        MemoryDirectory::Apply(change.name, change.entry, entries);
      }
    }
    return entries;
  }

  MemoryDirectory::Entries Copy(const MemoryDirectory::Entries& source) {
    MemoryDirectory::Entries target;
    for (const auto& [name, entry] : source) target.emplace_hint(target.end(), name, Copy(entry));
    return target;
  }

  MemoryEntry Copy(const MemoryEntry& source) {
    if (source.directory != nullptr) return {.file = nullptr, .directory = Copy(*source.directory)};
    if (source.file == nullptr) return {};
    std::shared_ptr<MemoryFile>& file = files_[source.file.get()];
    if (file == nullptr) file = source.file->AfterCrash(mode_, random_.Next());
    return {.file = file, .directory = nullptr};
  }

  const CrashMode mode_;
  const uint64_t seed_;
  Random random_;
  double chance_ = 0;
  std::unordered_map<const MemoryFile*, std::shared_ptr<MemoryFile>> files_;
  std::unordered_map<const MemoryDirectory*, std::shared_ptr<MemoryDirectory>> directories_;
};

std::shared_ptr<MemoryDirectory> MemoryDirectory::AfterCrash(CrashMode mode, uint64_t seed) const {
  return CrashImageBuilder(mode, seed).Copy(*this);
}

}  // namespace viper
