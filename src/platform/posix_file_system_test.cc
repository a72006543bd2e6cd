#include <algorithm>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/coding.h"
#include "base/random.h"
#include "testing/status_matchers.h"
#include "testing/temp_directory.h"
#include "viper/file_system.h"

namespace viper {
namespace {

class PosixFileSystem : public ::testing::Test {
 protected:
  void Create(const std::string& name, std::string_view content) {
    ASSERT_OK_AND_ASSIGN(const auto file, file_system_.CreateFile(directory_ / name));
    ASSERT_OK(file->Append(AsBytes(content)));
    ASSERT_OK(file->Close());
  }

  std::string Content(const std::string& name) {
    const auto map = file_system_.Map(directory_ / name);
    EXPECT_OK(map);
    return map.ok() ? std::string(AsText((*map)->bytes())) : "";
  }

  FileSystem& file_system_ = FileSystem::Local();
  TempDirectory directory_;
};

TEST_F(PosixFileSystem, WhatWasAppendedAndSyncedReadsBack) {
  ASSERT_OK_AND_ASSIGN(const auto file, file_system_.CreateFile(directory_ / "f"));
  ASSERT_OK(file->Append(AsBytes("hello ")));
  file->StartSync();
  ASSERT_OK(file->Append({}));
  file->StartSync();
  ASSERT_OK(file->Append(AsBytes("world")));
  ASSERT_OK(file->Sync());
  ASSERT_OK(file->Close());
  file->StartSync();
  EXPECT_EQ(Content("f"), "hello world");
  EXPECT_EQ(*file_system_.FileSize(directory_ / "f"), 11U);
}

TEST_F(PosixFileSystem, WriteAtFillsGapsWithZerosAndMovesTheEnd) {
  ASSERT_OK_AND_ASSIGN(const auto file, file_system_.CreateFile(directory_ / "f"));
  ASSERT_OK(file->WriteAt(3, AsBytes("xyz")));
  ASSERT_OK(file->WriteAt(0, AsBytes("a")));
  ASSERT_OK(file->Append(AsBytes("end")));
  EXPECT_EQ(Content("f"), std::string("a\0\0xyzend", 9));
}

TEST_F(PosixFileSystem, OpenForWriteKeepsTheContent) {
  Create("f", "0123456789");
  ASSERT_OK_AND_ASSIGN(const auto file, file_system_.OpenForWrite(directory_ / "f"));
  ASSERT_OK(file->WriteAt(2, AsBytes("ab")));
  ASSERT_OK(file->Append(AsBytes("!")));
  EXPECT_EQ(Content("f"), "01ab456789!");
}

TEST_F(PosixFileSystem, CreateRefusesWhatExists) {
  Create("f", "");
  EXPECT_STATUS(kAlreadyExists, "EEXIST", file_system_.CreateFile(directory_ / "f"));
}

TEST_F(PosixFileSystem, MissingThingsAreNotFoundAndNamed) {
  const std::string path = directory_ / "missing";
  EXPECT_STATUS(kNotFound, path, file_system_.OpenForRead(path));
  EXPECT_STATUS(kNotFound, path, file_system_.OpenForWrite(path));
  EXPECT_STATUS(kNotFound, path, file_system_.Map(path));
  EXPECT_STATUS(kNotFound, path, file_system_.FileSize(path));
  EXPECT_STATUS(kNotFound, path, file_system_.List(path));
  EXPECT_STATUS(kNotFound, path, file_system_.RemoveFile(path));
  EXPECT_STATUS(kNotFound, path, file_system_.RemoveDirectoryTree(path));
  EXPECT_STATUS(kNotFound, path, file_system_.SyncDirectory(path));
  EXPECT_STATUS(kNotFound, path, file_system_.Link(path, directory_ / "x"));
  EXPECT_STATUS(kNotFound, path, file_system_.Rename(path, directory_ / "x"));
  EXPECT_STATUS(kNotFound, path, file_system_.CreateFile(path + "/f"));
  EXPECT_STATUS(kNotFound, path, file_system_.Lock(path + "/LOCK"));
  EXPECT_FALSE(*file_system_.Exists(path));
}

TEST_F(PosixFileSystem, ClosedFileRefusesEverything) {
  ASSERT_OK_AND_ASSIGN(const auto file, file_system_.CreateFile(directory_ / "f"));
  ASSERT_OK(file->Close());
  EXPECT_STATUS(kFailedPrecondition, "closed", file->Append(AsBytes("x")));
  EXPECT_STATUS(kFailedPrecondition, "closed", file->WriteAt(0, AsBytes("x")));
  EXPECT_STATUS(kFailedPrecondition, "closed", file->Sync());
  EXPECT_STATUS(kFailedPrecondition, "closed", file->Close());
}

TEST_F(PosixFileSystem, ReadPastTheEndIsAnErrorThatSaysWhere) {
  Create("f", "0123456789");
  ASSERT_OK_AND_ASSIGN(const auto file, file_system_.OpenForRead(directory_ / "f"));
  EXPECT_EQ(file->size(), 10U);
  std::vector<std::byte> out(4);
  ASSERT_OK(file->ReadAt(6, out));
  EXPECT_EQ(AsText(out), "6789");
  EXPECT_STATUS(kIoError, "offset=10", file->ReadAt(7, out));
  EXPECT_STATUS(kIoError, directory_ / "f", file->ReadAt(UINT64_MAX - 1, out));
  EXPECT_OK(file->ReadAt(10, {}));
}

TEST_F(PosixFileSystem, MapOutlivesTheName) {
  Create("f", "content");
  ASSERT_OK_AND_ASSIGN(const auto map, file_system_.Map(directory_ / "f"));
  ASSERT_OK(file_system_.RemoveFile(directory_ / "f"));
  EXPECT_EQ(AsText(map->bytes()), "content");
}

TEST_F(PosixFileSystem, EmptyFileMapsToNothing) {
  Create("f", "");
  ASSERT_OK_AND_ASSIGN(const auto map, file_system_.Map(directory_ / "f"));
  EXPECT_TRUE(map->bytes().empty());
}

TEST_F(PosixFileSystem, DirectoriesAreNotFiles) {
  EXPECT_STATUS(kIoError, "not a regular file", file_system_.OpenForRead(directory_.path()));
  EXPECT_STATUS(kIoError, "not a regular file", file_system_.Map(directory_.path()));
  EXPECT_STATUS(kIoError, "not a regular file", file_system_.FileSize(directory_.path()));
  EXPECT_STATUS(kIoError, "EISDIR", file_system_.OpenForWrite(directory_.path()));
  Create("f", "");
  EXPECT_STATUS(kIoError, "ENOTDIR", file_system_.List(directory_ / "f"));
  EXPECT_STATUS(kIoError, "ENOTDIR", file_system_.RemoveDirectoryTree(directory_ / "f"));
  EXPECT_STATUS(kIoError, "ENOTDIR", file_system_.SyncDirectory(directory_ / "f"));
}

TEST_F(PosixFileSystem, ListIsSortedAndHasFilesAndDirectories) {
  for (const char* name : {"b", "a", "C", ".hidden"}) Create(name, "");
  ASSERT_OK(file_system_.CreateDirectories(directory_ / "d"));
  EXPECT_EQ(*file_system_.List(directory_.path()),
            (std::vector<std::string>{".hidden", "C", "a", "b", "d"}));
}

TEST_F(PosixFileSystem, DirectoriesAreMadeWithTheirParents) {
  ASSERT_OK(file_system_.CreateDirectories(directory_ / "a/b//c/"));
  EXPECT_TRUE(*file_system_.Exists(directory_ / "a/b/c"));
  EXPECT_OK(file_system_.CreateDirectories(directory_ / "a/b/c"));
  EXPECT_OK(file_system_.SyncDirectory(directory_ / "a/b/c"));
  Create("f", "");
  EXPECT_STATUS(kIoError, "ENOTDIR", file_system_.CreateDirectories(directory_ / "f"));
  EXPECT_STATUS(kIoError, "ENOTDIR", file_system_.CreateDirectories(directory_ / "f/x"));
  EXPECT_STATUS(kNotFound, "", file_system_.CreateDirectories(""));
}

TEST_F(PosixFileSystem, TreeIsRemovedButNotWhatLinksPointAt) {
  ASSERT_OK(file_system_.CreateDirectories(directory_ / "tree/deep/deeper"));
  Create("tree/deep/f", "x");
  Create("kept", "x");
  ASSERT_EQ(::symlink(directory_.path().c_str(), (directory_ / "tree/link").c_str()), 0);
  ASSERT_OK(file_system_.RemoveDirectoryTree(directory_ / "tree"));
  EXPECT_FALSE(*file_system_.Exists(directory_ / "tree"));
  EXPECT_EQ(Content("kept"), "x");
}

TEST_F(PosixFileSystem, LinkNeverReplaces) {
  Create("a", "new");
  Create("b", "old");
  EXPECT_STATUS(kAlreadyExists, directory_ / "b",
                file_system_.Link(directory_ / "a", directory_ / "b"));
  EXPECT_EQ(Content("b"), "old");
  ASSERT_OK(file_system_.Link(directory_ / "a", directory_ / "c"));
  EXPECT_EQ(Content("c"), "new");
}

TEST_F(PosixFileSystem, DirectoryIsNeitherLinkedNorMovedByLink) {
  ASSERT_OK(file_system_.CreateDirectories(directory_ / "d"));
  EXPECT_STATUS(kIoError, "EPERM", file_system_.Link(directory_ / "d", directory_ / "e"));
  EXPECT_TRUE(*file_system_.Exists(directory_ / "d"));
  EXPECT_FALSE(*file_system_.Exists(directory_ / "e"));
}

#if defined(__linux__)
TEST_F(PosixFileSystem, WithoutHardLinksLinkMovesButNeverReplaces) {
  // Linux refuses to link what belongs to somebody else with the same error as FAT does to link at
  // all.
  char protection = '0';
  std::ifstream("/proc/sys/fs/protected_hardlinks") >> protection;
  if (::geteuid() != 0 || protection != '1') GTEST_SKIP() << "needs root and protected_hardlinks";
  constexpr uid_t kNobody = 65534;
  Create("a", "content");
  Create("taken", "old");
  ASSERT_EQ(::chown(directory_.path().c_str(), kNobody, kNobody), 0);
  ASSERT_EQ(::seteuid(kNobody), 0);
  const Status refused = file_system_.Link(directory_ / "a", directory_ / "taken");
  const Status moved = file_system_.Link(directory_ / "a", directory_ / "b");
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_STATUS(kAlreadyExists, directory_ / "taken", refused);
  EXPECT_OK(moved);
  EXPECT_EQ(Content("taken"), "old");
  EXPECT_EQ(Content("b"), "content");
  EXPECT_FALSE(*file_system_.Exists(directory_ / "a"));
}
#endif

TEST_F(PosixFileSystem, RenameReplaces) {
  Create("a", "new");
  Create("b", "old");
  ASSERT_OK(file_system_.Rename(directory_ / "a", directory_ / "b"));
  EXPECT_EQ(Content("b"), "new");
  EXPECT_FALSE(*file_system_.Exists(directory_ / "a"));
}

TEST_F(PosixFileSystem, LockIsExclusiveUntilGivenBack) {
  const std::string path = directory_ / "LOCK";
  {
    ASSERT_OK_AND_ASSIGN(const auto lock, file_system_.Lock(path));
    EXPECT_STATUS(kBusy, path, file_system_.Lock(path));
  }
  EXPECT_OK(file_system_.Lock(path));
}

TEST_F(PosixFileSystem, LockOfARemovedFileIsWorthNothing) {
  const std::string path = directory_ / "LOCK";
  ASSERT_OK_AND_ASSIGN(const auto old_lock, file_system_.Lock(path));
  ASSERT_OK(file_system_.RemoveFile(path));
  ASSERT_OK_AND_ASSIGN(const auto new_lock, file_system_.Lock(path));
  EXPECT_STATUS(kBusy, path, file_system_.Lock(path));
}

TEST_F(PosixFileSystem, LockIsExclusiveEvenIfEveryHolderRemovesTheFile) {
  const std::string path = directory_ / "LOCK";
  std::atomic<int> holders{0};
  std::atomic<bool> shared{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        const auto lock = file_system_.Lock(path);
        if (!lock.ok()) continue;
        if (holders.fetch_add(1) != 0) shared = true;
        // As dropping a collection does; from here on the lock guards nothing.
        holders.fetch_sub(1);
        EXPECT_OK(file_system_.RemoveFile(path));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(shared);
}

TEST_F(PosixFileSystem, LockGoesWithTheProcessThatHeldIt) {
  const std::string path = directory_ / "LOCK";
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileSystem::Local().Lock(path);
    const char answer = lock.ok() ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_STATUS(kBusy, path, file_system_.Lock(path));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_OK(file_system_.Lock(path));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(PosixFileSystem, ForbiddenPathsAreNamedWithTheSystemsReason) {
  constexpr uid_t kNobody = 65534;
  const uid_t user = ::geteuid();
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0500), 0);
  // Root may write everywhere, so it becomes somebody else for a moment.
  ASSERT_EQ(::seteuid(user == 0 ? kNobody : user), 0);
  const auto file = file_system_.CreateFile(directory_ / "f");
  ASSERT_EQ(::seteuid(user), 0);
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0700), 0);
  EXPECT_STATUS(kIoError, "EACCES", file);
  EXPECT_STATUS(kIoError, directory_ / "f", file);
}

TEST_F(PosixFileSystem, FailedAppendDoesNotMoveTheEnd) {
  // In a child, as the limit on file sizes cannot be raised again.
  const std::string path = directory_ / "f";
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 6, .rlim_max = 6};
    auto file = FileSystem::Local().CreateFile(path);
    if (!file.ok() || ::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(1);
    // Four bytes fit, of the next four only two do.
    if (!(*file)->Append(AsBytes("good")).ok()) ::_exit(2);
    if ((*file)->Append(AsBytes("long")).ok()) ::_exit(3);
    if (!(*file)->Append(AsBytes("ok")).ok()) ::_exit(4);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(Content("f"), "goodok");
}

TEST_F(PosixFileSystem, RandomWritesEqualThoseToAString) {
  constexpr uint64_t kSeed = 13;
  Random random(kSeed);
  ASSERT_OK_AND_ASSIGN(const auto file, file_system_.CreateFile(directory_ / "f"));
  std::string expected;
  for (int round = 0; round < 300; ++round) {
    const std::string text(random.Uniform(5000), static_cast<char>('a' + round % 26));
    if (random.Chance(0.5)) {
      ASSERT_OK(file->Append(AsBytes(text)));
      expected += text;
    } else {
      const size_t offset = random.Uniform(expected.size() + 100);
      ASSERT_OK(file->WriteAt(offset, AsBytes(text)));
      if (!text.empty()) expected.resize(std::max(expected.size(), offset + text.size()));
      expected.replace(std::min(offset, expected.size()), text.size(), text);
    }
  }
  EXPECT_EQ(Content("f"), expected);
}

}  // namespace
}  // namespace viper
