// One thread appends, one syncs, one drops what "the table" holds, and readers replay meanwhile, as
// other processes do. They see everything that was acknowledged before they began, or are told to
// load the table again.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "storage/wal_test_log.h"
#include "testing/temp_directory.h"

namespace viper::storage {
namespace {

constexpr uint64_t kRecords = 3'000;

std::string Text(uint64_t sequence) {
  return std::to_string(sequence) + std::string(sequence * 7919 % 900, '.');
}

class Collection {
 public:
  Collection(FileSystem& file_system, std::string directory, Durability durability)
      : file_system_(file_system), directory_(std::move(directory)) {
    auto writer = WalWriter::Open(
        file_system_, directory_, 0,
        {.durability = durability, .segment_bytes_first = 8192, .segment_bytes_max = 65536});
    EXPECT_OK(writer);
    writer_ = std::move(*writer);
  }

  void Run() {
    std::thread appender([this] { AppendAll(); });
    std::thread syncer([this] {
      while (!done_) EXPECT_OK(writer_->Sync());
    });
    std::thread dropper([this] { DropNowAndThen(); });
    std::thread reader([this] { ReadOnAndOn(); });
    for (std::thread* thread : {&appender, &syncer, &dropper, &reader}) thread->join();
    EXPECT_TRUE(ReadOnce());
  }

 private:
  void AppendAll() {
    Random random(5);
    for (uint64_t next = 1; next <= kRecords;) {
      std::vector<std::string> texts;
      for (uint64_t i = 1 + random.Uniform(5); i > 0; --i) texts.push_back(Text(next++));
      EXPECT_OK(AppendTexts(*writer_, texts));
      acknowledged_ = next - 1;
    }
    done_ = true;
  }

  void DropNowAndThen() {
    while (!done_) {
      const uint64_t acknowledged = acknowledged_;
      if (acknowledged < in_table_ + 60) {
        std::this_thread::yield();
        continue;
      }
      in_table_ = acknowledged - 7;
      EXPECT_OK(writer_->DropThrough(in_table_));
      EXPECT_GT(writer_->counters().bytes_on_disk, 0);
    }
  }

  void ReadOnAndOn() {
    while (!done_) ReadOnce();
  }

  // False if the table must be loaded again.
  bool ReadOnce() {
    const uint64_t after = in_table_;
    const uint64_t acknowledged = acknowledged_;
    uint64_t expected = after;
    const auto replay =
        ReplayWal(file_system_, directory_, {.after_sequence = after, .writer_may_run = true},
                  [&](const WalRecord& record) {
                    EXPECT_EQ(record.sequence, ++expected);
                    EXPECT_EQ(AsText(record.payload), Text(record.sequence));
                    return Status::Ok();
                  });
    if (!replay.ok() && replay.status().code() == StatusCode::kConflict) {
      EXPECT_GT(in_table_, after) << replay.status().ToString();
      return false;
    }
    EXPECT_OK(replay);
    if (replay.ok()) {
      EXPECT_GE(replay->last_sequence, acknowledged);
    }
    return true;
  }

  FileSystem& file_system_;
  const std::string directory_;
  std::unique_ptr<WalWriter> writer_;
  std::atomic<uint64_t> acknowledged_ = 0;
  std::atomic<uint64_t> in_table_ = 0;
  std::atomic<bool> done_ = false;
};

TEST(WalConcurrency, ReadersOfRealFilesSeeWhatWasAcknowledged) {
  const TempDirectory directory;
  Collection(FileSystem::Local(), directory / "t/_viper/wal", Durability::kNone).Run();
}

TEST(WalConcurrency, ReadersOfSyncedFilesSeeWhatWasAcknowledged) {
  MemoryFileSystem file_system;
  Collection(file_system, kTestWalDirectory, Durability::kSync).Run();
}

}  // namespace
}  // namespace viper::storage
