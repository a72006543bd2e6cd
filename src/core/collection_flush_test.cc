#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/collection_fixture.h"
#include "platform/mutex.h"
#include "testing/hooked_file_system.h"

namespace viper::core {
namespace {

class CollectionFlushTest : public CollectionFixture {
 protected:
  CollectionFlushTest() {
    options_.file_system = &hooked_;
    options_.background_flush = true;
    options_.background_index = false;
    options_.flush_age_ms = 0;
    options_.flush_bytes = size_t{1} << 20;
  }
  // What its threads still write goes through `hooked_`.
  ~CollectionFlushTest() override { collection_.reset(); }

  static std::vector<Record> Batch(int number) {
    std::vector<Record> batch(500);
    for (size_t i = 0; i < batch.size(); ++i) {
      batch[i] = At(std::to_string(number) + "/" + std::to_string(i), 1, 2,
                    {{"note", std::string(200, 'n')}});
    }
    return batch;
  }

  HookedFileSystem hooked_{files_};
};

/// A disk on which no part can be made for a while.
class StalledDisk {
 public:
  explicit StalledDisk(HookedFileSystem& files) {
    // The hook outlives this: the collection's threads go on after the test.
    files.before_create = [gate = gate_](const std::string& path) {
      if (path.find("part-") == std::string::npos) return;
      MutexLock lock(gate->mutex);
      while (gate->is_closed) gate->opens.Wait(gate->mutex);
    };
  }
  void GoOn() {
    {
      MutexLock lock(gate_->mutex);
      gate_->is_closed = false;
    }
    gate_->opens.NotifyAll();
  }

 private:
  struct Gate {
    Mutex mutex;
    ConditionVariable opens;
    bool is_closed VIPER_GUARDED_BY(mutex) = true;
  };
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
};

TEST_F(CollectionFlushTest, AWriteGivesUpAtItsDeadlineWhileTheDiskStalls) {
  options_.write_timeout_ms = 100;
  StalledDisk disk(hooked_);
  Create();
  uint64_t written = 0;
  Status status;
  for (int number = 0; number < 100 && status.ok(); ++number) {
    status = collection_->Upsert(Batch(number)).status();
    if (status.ok()) written += 500;
  }
  disk.GoOn();
  ASSERT_EQ(status.code(), StatusCode::kDeadlineExceeded) << status.ToString();
  EXPECT_NE(status.message().find("100 ms"), std::string::npos) << status.ToString();
  EXPECT_EQ(Count(), written) << "nothing of the refused write";
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Upsert(Batch(100)));
  EXPECT_EQ(Count(), written + 500);
}

TEST_F(CollectionFlushTest, WhyRowsCannotBeFlushedIsToldLongBeforeTheDeadline) {
  options_.write_timeout_ms = 3'600'000;
  Create();
  InjectedFault fault;
  fault.operation = FileOperation::kCreate;
  fault.path_part = "part-";
  fault.times = 1'000'000;
  files_.InjectFault(fault);
  Status status;
  for (int number = 0; number < 100 && status.ok(); ++number) {
    status = collection_->Upsert(Batch(number)).status();
  }
  EXPECT_EQ(status.code(), StatusCode::kIoError) << status.ToString();
}

TEST_F(CollectionFlushTest, DeletesAloneAreFlushedWhenTheLogIsLong) {
  Create();
  constexpr uint64_t kMax = uint64_t{192} << 20;
  std::vector<std::string> ids(1000);
  for (int round = 0; round < 300; ++round) {
    for (size_t i = 0; i < ids.size(); ++i) {
      ids[i] = std::string(1000, 'x') + std::to_string(round) + "-" + std::to_string(i);
    }
    ASSERT_OK(collection_->Delete(ids));
  }
  // The flush that the last of them asked for may still be at work.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (collection_->Statistics().wal_bytes > kMax &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_GT(collection_->Statistics().flushes, 0u);
  EXPECT_LE(collection_->Statistics().wal_bytes, kMax);
}

}  // namespace
}  // namespace viper::core
