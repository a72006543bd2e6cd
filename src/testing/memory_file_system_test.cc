#include "testing/memory_file_system.h"

#include <functional>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "base/coding.h"
#include "base/random.h"
#include "testing/status_matchers.h"
#include "testing/temp_directory.h"

namespace viper {
namespace {

void Write(FileSystem& file_system, const std::string& path, std::string_view content, bool sync) {
  ASSERT_OK_AND_ASSIGN(const auto file, file_system.CreateFile(path));
  ASSERT_OK(file->Append(AsBytes(content)));
  if (sync) {
    ASSERT_OK(file->Sync());
  }
  ASSERT_OK(file->Close());
}

// The content, or "<none>" if there is no such file.
std::string Read(FileSystem& file_system, const std::string& path) {
  const auto map = file_system.Map(path);
  return map.ok() ? std::string(AsText((*map)->bytes())) : "<none>";
}

std::string ReadAfter(const MemoryFileSystem& file_system, CrashMode mode, const std::string& path,
                      uint64_t seed = 0) {
  return Read(*file_system.DurableImage(mode, seed), path);
}

// -- Durability
// -------------------------------------------------------------------------------------

TEST(MemoryFileSystem, DataWithoutSyncAreLost) {
  MemoryFileSystem fs;
  Write(fs, "f", "data", false);
  ASSERT_OK(fs.SyncDirectory("/"));
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "f"), "");
  EXPECT_EQ(ReadAfter(fs, CrashMode::kKeepAll, "f"), "data");
}

TEST(MemoryFileSystem, NameWithoutDirectorySyncIsLost) {
  MemoryFileSystem fs;
  Write(fs, "f", "data", true);
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "f"), "<none>");
  ASSERT_OK(fs.SyncDirectory(""));
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "f"), "data");
}

TEST(MemoryFileSystem, NewDirectoryIsLostWithAllInItUntilItsParentIsSynced) {
  MemoryFileSystem fs;
  ASSERT_OK(fs.CreateDirectories("/a/b"));
  Write(fs, "/a/b/f", "data", true);
  ASSERT_OK(fs.SyncDirectory("/a/b"));
  ASSERT_OK(fs.SyncDirectory("/a"));
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "/a/b/f"), "<none>");
  ASSERT_OK(fs.SyncDirectory("/"));
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "/a/b/f"), "data");
}

TEST(MemoryFileSystem, RenameWithoutDirectorySyncIsUndone) {
  MemoryFileSystem fs;
  Write(fs, "old", "new content", true);
  Write(fs, "target", "old content", true);
  ASSERT_OK(fs.SyncDirectory("/"));
  ASSERT_OK(fs.Rename("old", "target"));
  EXPECT_EQ(Read(fs, "target"), "new content");
  EXPECT_EQ(Read(fs, "old"), "<none>");
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "target"), "old content");
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "old"), "new content");
  ASSERT_OK(fs.SyncDirectory("/"));
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "target"), "new content");
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "old"), "<none>");
}

TEST(MemoryFileSystem, RenameIsNeverHalfDoneWithinADirectory) {
  MemoryFileSystem fs;
  Write(fs, "a", "content", true);
  ASSERT_OK(fs.SyncDirectory("/"));
  ASSERT_OK(fs.Rename("a", "b"));
  std::set<std::vector<std::string>> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    seen.insert(*fs.DurableImage(CrashMode::kRandomSubset, seed)->List("/"));
  }
  EXPECT_EQ(seen, (std::set<std::vector<std::string>>{{"a"}, {"b"}}));
}

TEST(MemoryFileSystem, RemovedFileComesBackUntilTheDirectoryIsSynced) {
  MemoryFileSystem fs;
  Write(fs, "f", "data", true);
  ASSERT_OK(fs.SyncDirectory("/"));
  ASSERT_OK(fs.RemoveFile("f"));
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "f"), "data");
  ASSERT_OK(fs.SyncDirectory("/"));
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "f"), "<none>");
}

TEST(MemoryFileSystem, LinkedNameNeedsItsOwnDirectorySync) {
  MemoryFileSystem fs;
  ASSERT_OK(fs.CreateDirectories("tmp"));
  Write(fs, "tmp/f", "data", true);
  ASSERT_OK(fs.SyncDirectory("/"));
  ASSERT_OK(fs.SyncDirectory("tmp"));
  ASSERT_OK(fs.Link("tmp/f", "g"));
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "g"), "<none>");
  ASSERT_OK(fs.SyncDirectory("/"));
  ASSERT_OK(fs.RemoveFile("tmp/f"));
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "g"), "data");
}

TEST(MemoryFileSystem, SyncThroughOneNameServesTheOther) {
  MemoryFileSystem fs;
  ASSERT_OK_AND_ASSIGN(const auto file, fs.CreateFile("a"));
  ASSERT_OK(fs.Link("a", "b"));
  ASSERT_OK(file->Append(AsBytes("data")));
  ASSERT_OK(file->Sync());
  ASSERT_OK(fs.SyncDirectory("/"));
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "b"), "data");
}

TEST(MemoryFileSystem, HalfRemovedTreeMayBeFoundAfterACrash) {
  MemoryFileSystem fs;
  ASSERT_OK(fs.CreateDirectories("tree"));
  for (const char* name : {"tree/a", "tree/b"}) Write(fs, name, "x", true);
  ASSERT_OK(fs.SyncDirectory("tree"));
  ASSERT_OK(fs.SyncDirectory("/"));
  fs.CrashAfter(1);
  EXPECT_STATUS(kIoError, "injected crash", fs.RemoveDirectoryTree("tree"));
  EXPECT_EQ(*fs.DurableImage(CrashMode::kKeepAll)->List("tree"), std::vector<std::string>{"b"});
  EXPECT_EQ(fs.DurableImage(CrashMode::kDropUnsynced)->List("tree")->size(), 2U);
}

TEST(MemoryFileSystem, ImageAndOriginalGoSeparateWays) {
  MemoryFileSystem fs;
  Write(fs, "f", "data", true);
  const auto image = fs.DurableImage(CrashMode::kKeepAll);
  ASSERT_OK_AND_ASSIGN(const auto file, image->OpenForWrite("f"));
  ASSERT_OK(file->Append(AsBytes(" of the image")));
  ASSERT_OK(image->RemoveFile("f"));
  EXPECT_EQ(Read(fs, "f"), "data");
}

TEST(MemoryFileSystem, KilledProcessRecoversAndThePowerFails) {
  MemoryFileSystem fs;
  Write(fs, "f", "never synced", false);
  const auto after_kill = fs.DurableImage(CrashMode::kKeepAll);
  EXPECT_EQ(Read(*after_kill, "f"), "never synced");
  EXPECT_EQ(ReadAfter(*after_kill, CrashMode::kDropUnsynced, "f"), "<none>");
}

// -- Crashes
// ----------------------------------------------------------------------------------------

// One of every operation that counts.
void RunEverything(FileSystem& fs) {
  static_cast<void>([&]() -> Status {
    VIPER_RETURN_IF_ERROR(fs.CreateDirectories("d/e"));
    VIPER_RETURN_IF_ERROR(fs.SyncDirectory("d"));
    VIPER_ASSIGN_OR_RETURN(const auto file, fs.CreateFile("d/f"));
    VIPER_RETURN_IF_ERROR(file->Append(AsBytes("x")));
    VIPER_RETURN_IF_ERROR(file->WriteAt(5, AsBytes("y")));
    VIPER_RETURN_IF_ERROR(file->Sync());
    VIPER_RETURN_IF_ERROR(fs.Link("d/f", "d/g"));
    VIPER_RETURN_IF_ERROR(fs.Rename("d/g", "d/h"));
    VIPER_RETURN_IF_ERROR(fs.RemoveFile("d/h"));
    VIPER_RETURN_IF_ERROR(fs.RemoveDirectoryTree("d"));
    return Status::Ok();
  }());
}

TEST(MemoryFileSystem, CountsEveryChangeAndNoRead) {
  MemoryFileSystem fs;
  RunEverything(fs);
  // Two directories made; of the tree, "e", "f" and "d" removed.
  EXPECT_EQ(fs.OperationCount(), 2U + 1 + 1 + 2 + 1 + 1 + 1 + 1 + 3) << fs.OperationLog();
  const uint64_t before = fs.OperationCount();
  EXPECT_OK(fs.List("/"));
  EXPECT_STATUS(kNotFound, "", fs.RemoveFile("missing"));
  EXPECT_OK(fs.CreateDirectories("/"));
  EXPECT_EQ(fs.OperationCount(), before);
}

TEST(MemoryFileSystem, CrashStopsTheWorldAtEveryChange) {
  MemoryFileSystem whole;
  RunEverything(whole);
  for (uint64_t n = 0; n < whole.OperationCount(); ++n) {
    MemoryFileSystem fs;
    fs.CrashAfter(n);
    RunEverything(fs);
    ASSERT_TRUE(fs.crashed()) << n;
    ASSERT_EQ(fs.OperationCount(), n);
    EXPECT_STATUS(kIoError, "injected crash", fs.List("/"));
    EXPECT_STATUS(kIoError, "injected crash", fs.Exists("/"));
    EXPECT_STATUS(kIoError, "injected crash", fs.CreateFile("new"));
    EXPECT_STATUS(kIoError, "injected crash", fs.Lock("LOCK"));
  }
  MemoryFileSystem fs;
  fs.CrashAfter(whole.OperationCount());
  RunEverything(fs);
  EXPECT_FALSE(fs.crashed());
}

TEST(MemoryFileSystem, OpenFilesDieWithTheProcessButMapsStayReadable) {
  MemoryFileSystem fs;
  Write(fs, "f", "data", true);
  ASSERT_OK_AND_ASSIGN(const auto map, fs.Map("f"));
  ASSERT_OK_AND_ASSIGN(const auto reader, fs.OpenForRead("f"));
  ASSERT_OK_AND_ASSIGN(const auto writer, fs.OpenForWrite("f"));
  fs.CrashAfter(0);
  EXPECT_STATUS(kIoError, "injected crash", writer->Append(AsBytes("x")));
  std::vector<std::byte> out(1);
  EXPECT_STATUS(kIoError, "injected crash", reader->ReadAt(0, out));
  EXPECT_STATUS(kIoError, "injected crash", writer->Sync());
  EXPECT_EQ(AsText(map->bytes()), "data");
}

TEST(MemoryFileSystem, WriteThatTheCrashCutMayBeTorn) {
  MemoryFileSystem fs;
  Write(fs, "f", "", true);
  ASSERT_OK(fs.SyncDirectory("/"));
  ASSERT_OK_AND_ASSIGN(const auto file, fs.OpenForWrite("f"));
  fs.CrashAfter(0);
  EXPECT_STATUS(kIoError, "injected crash", file->Append(AsBytes(std::string(2000, 'x'))));
  bool nothing = false;
  bool part = false;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::string text = ReadAfter(fs, CrashMode::kRandomSubset, "f", seed);
    nothing = nothing || text.empty();
    part = part || (text.find('x') != std::string::npos && text != std::string(2000, 'x'));
  }
  EXPECT_TRUE(nothing);
  EXPECT_TRUE(part);
}

TEST(MemoryFileSystem, LocksDoNotSurviveTheCrash) {
  MemoryFileSystem fs;
  ASSERT_OK_AND_ASSIGN(const auto lock, fs.Lock("LOCK"));
  EXPECT_STATUS(kBusy, "'LOCK'", fs.Lock("LOCK"));
  EXPECT_OK(fs.DurableImage(CrashMode::kKeepAll)->Lock("LOCK"));
}

// -- Faults
// -----------------------------------------------------------------------------------------

TEST(MemoryFileSystem, FullDiskWritesAPartAndThenGoesOn) {
  MemoryFileSystem fs;
  ASSERT_OK_AND_ASSIGN(const auto file, fs.CreateFile("f"));
  fs.InjectFault({.operation = FileOperation::kWrite,
                  .skip = 1,
                  .code = StatusCode::kResourceExhausted,
                  .written_bytes = 3});
  ASSERT_OK(file->Append(AsBytes("first ")));
  EXPECT_STATUS(kResourceExhausted, "'f'", file->Append(AsBytes("second")));
  EXPECT_EQ(Read(fs, "f"), "first sec");
  ASSERT_OK(file->Append(AsBytes("SE")));
  EXPECT_EQ(Read(fs, "f"), "first SEc");
}

TEST(MemoryFileSystem, FailedSyncLosesBytesForGood) {
  MemoryFileSystem fs;
  Write(fs, "f", "", true);
  ASSERT_OK(fs.SyncDirectory("/"));
  ASSERT_OK_AND_ASSIGN(const auto file, fs.OpenForWrite("f"));
  ASSERT_OK(file->Append(AsBytes("lost")));
  fs.InjectFault({.operation = FileOperation::kSync});
  EXPECT_STATUS(kIoError, "injected fault", file->Sync());
  EXPECT_STATUS(kIoError, "earlier sync failed", file->Sync());
  // Nor does it help to open the file again, as with the kernel.
  ASSERT_OK_AND_ASSIGN(const auto again, fs.OpenForWrite("f"));
  EXPECT_OK(again->Sync());
  EXPECT_EQ(Read(fs, "f"), "lost");
  EXPECT_EQ(ReadAfter(fs, CrashMode::kDropUnsynced, "f"), "");
}

TEST(MemoryFileSystem, FaultsHitTheirKindTheirPathAndTheirCount) {
  MemoryFileSystem fs;
  fs.InjectFault({.operation = FileOperation::kCreate, .times = 2, .path_part = ".json"});
  EXPECT_OK(fs.CreateFile("a.parquet"));
  EXPECT_STATUS(kIoError, "a.json", fs.CreateFile("a.json"));
  EXPECT_STATUS(kIoError, "b.json", fs.CreateFile("b.json"));
  EXPECT_OK(fs.CreateFile("a.json"));
  fs.InjectFault({.operation = FileOperation::kRead, .times = UINT64_MAX});
  EXPECT_STATUS(kIoError, "injected fault", fs.Map("a.json"));
  EXPECT_STATUS(kIoError, "injected fault", fs.Map("a.json"));
  fs.ClearFaults();
  EXPECT_OK(fs.Map("a.json"));
}

TEST(MemoryFileSystem, EveryKindOfChangeCanFail) {
  const auto fails = [](FileOperation operation, const std::function<Status(FileSystem&)>& run) {
    MemoryFileSystem fs;
    EXPECT_OK(fs.CreateDirectories("d"));
    Write(fs, "f", "x", true);
    fs.InjectFault({.operation = operation});
    EXPECT_STATUS(kIoError, "injected fault", run(fs));
    EXPECT_OK(run(fs));
  };
  fails(FileOperation::kCreate, [](auto& fs) { return fs.CreateFile("n").status(); });
  fails(FileOperation::kCreate, [](auto& fs) { return fs.Lock("LOCK").status(); });
  fails(FileOperation::kLink, [](auto& fs) { return fs.Link("f", "g"); });
  fails(FileOperation::kRename, [](auto& fs) { return fs.Rename("f", "g"); });
  fails(FileOperation::kRemove, [](auto& fs) { return fs.RemoveFile("f"); });
  fails(FileOperation::kRemove, [](auto& fs) { return fs.RemoveDirectoryTree("d"); });
  fails(FileOperation::kCreateDirectory, [](auto& fs) { return fs.CreateDirectories("e"); });
  fails(FileOperation::kSyncDirectory, [](auto& fs) { return fs.SyncDirectory("d"); });
}

TEST(MemoryFileSystem, LogTellsWhatHappened) {
  MemoryFileSystem fs;
  ASSERT_OK(fs.CreateDirectories("d"));
  Write(fs, "d/f", "data", true);
  EXPECT_EQ(fs.OperationLog(),
            "create directory 'd'\ncreate 'd/f'\n"
            "write 'd/f' offset=0 bytes=4\nsync 'd/f'\n");
  EXPECT_EQ(fs.OperationLog(1), "sync 'd/f'\n");
  fs.CrashAfter(0);
  EXPECT_STATUS(kIoError, "", fs.RemoveFile("d/f"));
  EXPECT_EQ(fs.OperationLog(1), "crash: remove 'd/f'\n");
}

// -- Behaving like the real one
// ---------------------------------------------------------------------

TEST(MemoryFileSystem, PathsCannotClimb) {
  MemoryFileSystem fs;
  EXPECT_STATUS(kInvalidArgument, "..", fs.CreateFile("../f"));
  EXPECT_STATUS(kInvalidArgument, "..", fs.Exists("a/../f"));
  ASSERT_OK(fs.CreateDirectories("/a/./b//"));
  EXPECT_TRUE(*fs.Exists("a/b"));
}

TEST(MemoryFileSystem, FilesHaveALimit) {
  MemoryFileSystem fs;
  ASSERT_OK_AND_ASSIGN(const auto file, fs.CreateFile("f"));
  EXPECT_STATUS(kResourceExhausted, "too large", file->WriteAt(UINT64_MAX, AsBytes("x")));
}

TEST(MemoryFileSystem, MapAndFilesOutliveNameAndFileSystem) {
  auto fs = std::make_unique<MemoryFileSystem>();
  Write(*fs, "f", "data", true);
  ASSERT_OK_AND_ASSIGN(const auto map, fs->Map("f"));
  ASSERT_OK_AND_ASSIGN(const auto reader, fs->OpenForRead("f"));
  ASSERT_OK_AND_ASSIGN(const auto lock, fs->Lock("LOCK"));
  ASSERT_OK(fs->RemoveFile("f"));
  fs.reset();
  EXPECT_EQ(AsText(map->bytes()), "data");
  std::vector<std::byte> out(4);
  EXPECT_OK(reader->ReadAt(0, out));
}

TEST(MemoryFileSystem, DirectoriesMoveButNotIntoThemselves) {
  MemoryFileSystem fs;
  ASSERT_OK(fs.CreateDirectories("a/b"));
  Write(fs, "a/b/f", "data", true);
  EXPECT_STATUS(kIoError, "", fs.Rename("a", "a/b/c"));
  EXPECT_STATUS(kIoError, "", fs.Rename("/a", "a/b/c"));
  ASSERT_OK(fs.Rename("a/b", "c"));
  EXPECT_EQ(Read(fs, "c/f"), "data");
}

// One random operation on a small world; returns all that can be seen of its outcome.
std::string RunRandomOperation(FileSystem& fs, const std::string& root, Random& random) {
  const auto path = [&] {
    static constexpr const char* kNames[] = {"/a", "/b", "/d", "/d/a", "/d/e", "/a/x"};
    return root + kNames[random.Uniform(std::size(kNames))];
  };
  const auto name = [](const Status& status) { return std::string(StatusCodeName(status.code())); };
  const auto write = [&](const auto& opened, bool at_end, uint64_t offset, size_t size) {
    if (!opened.ok()) return name(opened.status());
    const std::string text(size, 'x');
    return name(at_end ? (*opened)->Append(AsBytes(text))
                       : (*opened)->WriteAt(offset, AsBytes(text)));
  };
  const std::string first = path();
  const std::string second = path();
  const uint64_t offset = random.Uniform(100);
  const size_t size = random.Uniform(100);
  switch (random.Uniform(13)) {
    case 0:
      return write(fs.CreateFile(first), true, 0, size);
    case 1:
      return write(fs.OpenForWrite(first), true, 0, size);
    case 2:
      return write(fs.OpenForWrite(first), false, offset, size);
    case 3:
      return name(fs.Link(first, second));
    case 4:
      // Directories that replace directories are beyond the memory file system.
      if (fs.List(first).ok()) return "skipped";
      return name(fs.Rename(first, second));
    case 5:
      return name(fs.RemoveFile(first));
    case 6:
      return name(fs.CreateDirectories(first));
    case 7:
      return name(fs.RemoveDirectoryTree(first));
    case 8: {
      const auto names = fs.List(first);
      std::string text = name(names.status());
      if (names.ok()) {
        for (const std::string& entry : *names) text += ' ' + entry;
      }
      return text;
    }
    case 9: {
      const auto exists = fs.Exists(first);
      return exists.ok() ? (*exists ? "yes" : "no") : name(exists.status());
    }
    case 10: {
      const auto bytes = fs.FileSize(first);
      return bytes.ok() ? std::to_string(*bytes) : name(bytes.status());
    }
    case 11: {
      const auto map = fs.Map(first);
      return map.ok() ? std::string(AsText((*map)->bytes())) : name(map.status());
    }
    default:
      return name(fs.SyncDirectory(first));
  }
}

TEST(MemoryFileSystem, BehavesLikeTheOperatingSystems) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const TempDirectory directory;
    MemoryFileSystem memory;
    ASSERT_OK(memory.CreateDirectories(directory.path()));
    Random local_random(seed);
    Random memory_random(seed);
    for (int step = 0; step < 300; ++step) {
      const std::string expected =
          RunRandomOperation(FileSystem::Local(), directory.path(), local_random);
      const std::string actual = RunRandomOperation(memory, directory.path(), memory_random);
      ASSERT_EQ(actual, expected) << "seed=" << seed << " step=" << step << '\n'
                                  << memory.OperationLog();
    }
  }
}

TEST(MemoryFileSystem, ManyThreadsMayUseItAtOnce) {
  MemoryFileSystem fs;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&fs, t] {
      const std::string path = "f" + std::to_string(t);
      Write(fs, path, "", true);
      const auto file = fs.OpenForWrite(path);
      for (int i = 0; i < 100; ++i) {
        EXPECT_OK((*file)->Append(AsBytes("x")));
        EXPECT_OK((*file)->Sync());
        EXPECT_OK(fs.DurableImage(CrashMode::kRandomSubset, static_cast<uint64_t>(i))->List("/"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) EXPECT_EQ(Read(fs, "f" + std::to_string(t)).size(), 100U);
}

TEST(MemoryFileSystem, ImagesOfLargeFilesShareTheirBytes) {
  MemoryFileSystem fs;
  ASSERT_OK_AND_ASSIGN(const auto file, fs.CreateFile("f"));
  ASSERT_OK(file->Append(std::vector<std::byte>(4 << 20)));
  ASSERT_OK(file->Sync());
  ASSERT_OK(fs.SyncDirectory("/"));
  // Tens of gigabytes, if each of these copied.
  std::vector<std::unique_ptr<MemoryFileSystem>> images;
  for (uint64_t i = 0; i < 5000; ++i) {
    ASSERT_OK(file->WriteAt(i * 512, AsBytes("x")));
    ASSERT_OK(file->Sync());
    images.push_back(fs.DurableImage(CrashMode::kRandomSubset, i));
  }
  EXPECT_EQ(*images.front()->FileSize("f"), size_t{4} << 20);
}

}  // namespace
}  // namespace viper
