/// The handler of the signal looks the address up in a table of fixed size, without a lock: it may
/// run at any moment, on any thread.

#include "testing/touched_file_system.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/status_macros.h"

namespace viper {
namespace {

/// Maps at one time.
constexpr size_t kMapsMax = 256;

struct WatchedMap {
  std::atomic<uintptr_t> begin{0};
  std::atomic<uintptr_t> end{0};
  std::atomic<std::atomic<uint64_t>*> touched{nullptr};
};

std::array<WatchedMap, kMapsMax> watched_maps;

uintptr_t PageBytes() {
  static const auto bytes = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

void OnFault(int signal_number, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (WatchedMap& map : watched_maps) {
    if (address < map.begin.load() || address >= map.end.load()) continue;
    void* page = reinterpret_cast<void*>(address / PageBytes() * PageBytes());
    if (mprotect(page, PageBytes(), PROT_READ) != 0) break;
    map.touched.load()->fetch_add(PageBytes());
    return;
  }
  // Not ours: die of it.
  (void)std::signal(signal_number, SIG_DFL);
}

void InstallHandler() {
  static const bool installed = [] {
    (void)PageBytes();
    struct sigaction action = {};
    action.sa_sigaction = OnFault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    return sigaction(SIGSEGV, &action, nullptr) == 0;
  }();
  VIPER_ASSERT(installed);
}

class TouchedMap final : public MappedFile {
 public:
  TouchedMap(std::span<const std::byte> bytes, std::shared_ptr<TouchedFileSystem::Counts> counts)
      : size_(bytes.size()), counts_(std::move(counts)) {
    InstallHandler();
    room_ = (size_ / PageBytes() + 1) * PageBytes();
    void* memory = mmap(nullptr, room_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    VIPER_ASSERT(memory != MAP_FAILED);
    std::memcpy(memory, bytes.data(), size_);
    memory_ = static_cast<const std::byte*>(memory);
    Watch();
    VIPER_ASSERT(mprotect(memory, room_, PROT_NONE) == 0);
    counts_->mapped += size_;
  }
  ~TouchedMap() override {
    watched_->begin = 0;
    watched_->end = 0;
    (void)munmap(const_cast<std::byte*>(memory_), room_);  // NOLINT: it is ours
  }
  std::span<const std::byte> bytes() const override { return {memory_, size_}; }

 private:
  void Watch() {
    for (WatchedMap& map : watched_maps) {
      uintptr_t free = 0;
      if (!map.begin.compare_exchange_strong(free, reinterpret_cast<uintptr_t>(memory_))) continue;
      map.touched = &counts_->touched;
      map.end = reinterpret_cast<uintptr_t>(memory_) + room_;
      watched_ = &map;
      return;
    }
    VIPER_ASSERT(false);  // more maps than a test should need
  }

  const size_t size_;
  size_t room_ = 0;
  const std::byte* memory_ = nullptr;
  WatchedMap* watched_ = nullptr;
  const std::shared_ptr<TouchedFileSystem::Counts> counts_;
};

}  // namespace

TouchedFileSystem::TouchedFileSystem(FileSystem& files, std::string ending)
    : files_(files), ending_(std::move(ending)) {}

Result<std::unique_ptr<MappedFile>> TouchedFileSystem::Map(const std::string& path) {
  VIPER_ASSIGN_OR_RETURN(auto map, files_.Map(path));
  if (!path.ends_with(ending_)) return map;
  return std::unique_ptr<MappedFile>(std::make_unique<TouchedMap>(map->bytes(), counts_));
}

Result<std::unique_ptr<WritableFile>> TouchedFileSystem::CreateFile(const std::string& path) {
  return files_.CreateFile(path);
}
Result<std::unique_ptr<WritableFile>> TouchedFileSystem::OpenForWrite(const std::string& path) {
  return files_.OpenForWrite(path);
}
Result<std::unique_ptr<RandomAccessFile>> TouchedFileSystem::OpenForRead(const std::string& path) {
  return files_.OpenForRead(path);
}
Result<std::vector<std::string>> TouchedFileSystem::List(const std::string& directory) {
  return files_.List(directory);
}
Result<bool> TouchedFileSystem::Exists(const std::string& path) { return files_.Exists(path); }
Result<uint64_t> TouchedFileSystem::FileSize(const std::string& path) {
  return files_.FileSize(path);
}
Status TouchedFileSystem::CreateDirectories(const std::string& directory) {
  return files_.CreateDirectories(directory);
}
Status TouchedFileSystem::Link(const std::string& existing, const std::string& name) {
  return files_.Link(existing, name);
}
Status TouchedFileSystem::Rename(const std::string& from, const std::string& to) {
  return files_.Rename(from, to);
}
Status TouchedFileSystem::RemoveFile(const std::string& path) { return files_.RemoveFile(path); }
Status TouchedFileSystem::RemoveDirectoryTree(const std::string& directory) {
  return files_.RemoveDirectoryTree(directory);
}
Status TouchedFileSystem::SyncDirectory(const std::string& directory) {
  return files_.SyncDirectory(directory);
}
Result<std::unique_ptr<FileLock>> TouchedFileSystem::Lock(const std::string& path) {
  return files_.Lock(path);
}

}  // namespace viper
