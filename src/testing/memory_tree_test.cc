#include "testing/memory_tree.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/coding.h"

namespace viper {
namespace {

constexpr uint64_t kSeedCount = 400;

std::string Text(const MemoryFile& file) { return std::string(AsText(*file.content().Flatten())); }

std::string AfterCrash(const MemoryFile& file, CrashMode mode, uint64_t seed = 0) {
  return Text(*file.AfterCrash(mode, seed));
}

std::set<std::string> NamesAfterCrash(const MemoryDirectory& directory, uint64_t seed) {
  std::set<std::string> names;
  const auto image = directory.AfterCrash(CrashMode::kRandomSubset, seed);
  for (const auto& [name, entry] : image->entries()) names.insert(name);
  return names;
}

MemoryEntry NewFile() { return {.file = std::make_shared<MemoryFile>(), .directory = nullptr}; }

TEST(MemoryFile, OnlySyncedBytesSurvivePowerLossAtItsWorst) {
  MemoryFile file;
  file.Write(0, AsBytes("synced"));
  file.Sync();
  file.Write(0, AsBytes("S"));
  file.Write(6, AsBytes(" and more"));
  EXPECT_EQ(Text(file), "Synced and more");
  EXPECT_EQ(AfterCrash(file, CrashMode::kDropUnsynced), "synced");
  EXPECT_EQ(AfterCrash(file, CrashMode::kKeepAll), "Synced and more");
}

TEST(MemoryFile, KilledProcessLeavesUnsyncedBytesUnsynced) {
  MemoryFile file;
  file.Write(0, AsBytes("written"));
  const auto after_kill = file.AfterCrash(CrashMode::kKeepAll, 0);
  EXPECT_EQ(Text(*after_kill), "written");
  EXPECT_EQ(AfterCrash(*after_kill, CrashMode::kDropUnsynced), "");
  after_kill->Sync();
  EXPECT_EQ(AfterCrash(*after_kill, CrashMode::kDropUnsynced), "written");
}

TEST(MemoryFile, UnsyncedSectorsSurviveOneByOne) {
  MemoryFile file;
  file.Write(0, AsBytes(std::string(1024, 'a')));
  file.Sync();
  file.Write(0, AsBytes(std::string(1024, 'b')));
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < kSeedCount; ++seed) {
    const std::string text = AfterCrash(file, CrashMode::kRandomSubset, seed);
    ASSERT_EQ(text.size(), 1024U);
    // A sector is written whole or not at all.
    ASSERT_EQ(text.substr(0, 512), std::string(512, text[0]));
    ASSERT_EQ(text.substr(512), std::string(512, text[512]));
    seen.insert({text[0], text[512]});
  }
  EXPECT_EQ(seen, (std::set<std::string>{"aa", "ab", "ba", "bb"}));
}

TEST(MemoryFile, OneSectorHoldsSomePrefixOfItsWrites) {
  MemoryFile file;
  file.Write(0, AsBytes("--"));
  file.Sync();
  file.Write(0, AsBytes("1"));
  file.Write(1, AsBytes("2"));
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < kSeedCount; ++seed) {
    seen.insert(AfterCrash(file, CrashMode::kRandomSubset, seed));
  }
  // Never "-2": the page that carries the second write carries the first.
  EXPECT_EQ(seen, (std::set<std::string>{"--", "1-", "12"}));
}

TEST(MemoryFile, AppendedBytesMayBeMissingTornOrZero) {
  MemoryFile file;
  file.Write(0, AsBytes(std::string(100, 'a')));
  file.Sync();
  file.Write(100, AsBytes(std::string(1000, 'b')));
  bool missing = false;
  bool whole = false;
  bool zeros = false;
  bool torn = false;
  for (uint64_t seed = 0; seed < kSeedCount; ++seed) {
    const std::string text = AfterCrash(file, CrashMode::kRandomSubset, seed);
    ASSERT_EQ(text.substr(0, 100), std::string(100, 'a'));
    const std::string tail = text.substr(100);
    ASSERT_EQ(tail.find_first_not_of(std::string("b\0", 2)), std::string::npos);
    missing = missing || tail.empty();
    whole = whole || tail == std::string(1000, 'b');
    zeros = zeros || (tail.size() == 1000 && tail.find('b') == std::string::npos);
    torn = torn || (tail.size() == 412 && tail == std::string(412, 'b'));
  }
  EXPECT_TRUE(missing);
  EXPECT_TRUE(whole);
  EXPECT_TRUE(zeros);
  EXPECT_TRUE(torn);
}

TEST(MemoryFile, InterruptedWriteIsNeverReadButMayBeOnDisk) {
  MemoryFile file;
  file.Write(0, AsBytes("old"));
  file.Sync();
  file.RecordInterruptedWrite(0, AsBytes("new"));
  EXPECT_EQ(Text(file), "old");
  EXPECT_EQ(AfterCrash(file, CrashMode::kKeepAll), "old");
  EXPECT_EQ(AfterCrash(file, CrashMode::kDropUnsynced), "old");
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < kSeedCount; ++seed) {
    seen.insert(AfterCrash(file, CrashMode::kRandomSubset, seed));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"old", "new"}));
}

TEST(MemoryFile, NoLaterSyncSavesWhatAFailedSyncLost) {
  MemoryFile file;
  file.Write(0, AsBytes("lost"));
  file.FailSync();
  file.Write(4, AsBytes("kept"));
  file.Sync();
  EXPECT_EQ(Text(file), "lostkept");
  EXPECT_EQ(AfterCrash(file, CrashMode::kDropUnsynced), std::string("\0\0\0\0kept", 8));
  file.Sync();
  EXPECT_EQ(AfterCrash(file, CrashMode::kDropUnsynced), std::string("\0\0\0\0kept", 8));
}

TEST(MemoryDirectory, OnlySyncedEntriesSurvivePowerLossAtItsWorst) {
  MemoryDirectory directory;
  directory.Set("synced", NewFile(), 0);
  directory.Sync();
  directory.Set("synced", {}, 1);
  directory.Set("unsynced", NewFile(), 2);
  const auto worst = directory.AfterCrash(CrashMode::kDropUnsynced, 0);
  EXPECT_TRUE(worst->Find("synced").exists());
  EXPECT_FALSE(worst->Find("unsynced").exists());
  const auto killed = directory.AfterCrash(CrashMode::kKeepAll, 0);
  EXPECT_FALSE(killed->Find("synced").exists());
  EXPECT_TRUE(killed->Find("unsynced").exists());
  // What the killed process left unsynced is still unsynced.
  EXPECT_TRUE(killed->AfterCrash(CrashMode::kDropUnsynced, 0)->Find("synced").exists());
}

TEST(MemoryDirectory, UnsyncedChangesSurviveOneByOne) {
  MemoryDirectory directory;
  directory.Set("a", NewFile(), 0);
  directory.Set("b", NewFile(), 1);
  std::set<std::set<std::string>> seen;
  for (uint64_t seed = 0; seed < kSeedCount; ++seed) seen.insert(NamesAfterCrash(directory, seed));
  EXPECT_EQ(seen, (std::set<std::set<std::string>>{{}, {"a"}, {"b"}, {"a", "b"}}));
}

TEST(MemoryDirectory, ChangesOfOneIdShareTheirFate) {
  MemoryDirectory directory;
  const MemoryEntry file = NewFile();
  directory.Set("old", file, 0);
  directory.Sync();
  directory.Set("new", file, 1);
  directory.Set("old", {}, 1);
  std::set<std::set<std::string>> seen;
  for (uint64_t seed = 0; seed < kSeedCount; ++seed) seen.insert(NamesAfterCrash(directory, seed));
  EXPECT_EQ(seen, (std::set<std::set<std::string>>{{"old"}, {"new"}}));
}

TEST(MemoryDirectory, FileOfTwoNamesStaysOneFile) {
  MemoryDirectory directory;
  const MemoryEntry file = NewFile();
  directory.Set("a", file, 0);
  directory.Set("b", file, 1);
  const auto image = directory.AfterCrash(CrashMode::kKeepAll, 0);
  EXPECT_EQ(image->Find("a").file, image->Find("b").file);
  EXPECT_NE(image->Find("a").file, file.file);
}

TEST(MemoryDirectory, EqualSeedsGiveEqualImages) {
  MemoryDirectory directory;
  for (uint64_t i = 0; i < 20; ++i) {
    MemoryEntry entry = NewFile();
    entry.file->Write(0, AsBytes(std::string(2000, 'x')));
    directory.Set(std::to_string(i), entry, i);
  }
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto first = directory.AfterCrash(CrashMode::kRandomSubset, seed);
    const auto second = directory.AfterCrash(CrashMode::kRandomSubset, seed);
    ASSERT_EQ(first->entries().size(), second->entries().size());
    for (const auto& [name, entry] : first->entries()) {
      ASSERT_EQ(Text(*entry.file), Text(*second->Find(name).file));
    }
  }
}

}  // namespace
}  // namespace viper
