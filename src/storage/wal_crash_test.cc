// Stops a scripted use of the log after every single operation that changes the file system, takes
// what a kill or a power loss would leave, and goes on with that: a second life replays, appends
// and is stopped too. In no image may anything acknowledged be missing, nothing may be half, and
// what was once cut off may not come back.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "storage/wal_test_log.h"

namespace viper::storage {
namespace {

// What the outside knows; it survives the crashes.
struct Model {
  /// The newest text tried for each number.
  std::map<uint64_t, std::string> tried;
  uint64_t acknowledged = 0;
  uint64_t durable = 0;
  /// Replay must give at least everything up to here: after a kill what was acknowledged, after a
  /// power loss what was durable.
  uint64_t required = 0;
  /// The table holds these.
  uint64_t in_table = 0;
};

struct Script {
  Durability durability = Durability::kSync;
  uint64_t seed = 0;
  int steps = 0;
};

// One life of the log's process, until its end or a crash. Fails the test where the log breaks a
// promise.
class Life {
 public:
  Life(MemoryFileSystem& file_system, Model& model, const Script& script)
      : file_system_(file_system), model_(model), script_(script), random_(script.seed) {}

  void Run() {
    if (!Survived(CreateTestTable(file_system_))) return;
    const ReplayedLog log = Recover();
    if (file_system_.crashed() || ::testing::Test::HasFailure()) return;
    auto writer = WalWriter::Open(file_system_, kTestWalDirectory, log.outcome->last_sequence,
                                  SmallSegments(script_.durability));
    if (!Survived(writer.status())) return;
    // Opening makes durable what was replayed.
    model_.durable = model_.acknowledged = (*writer)->last_sequence();
    for (int step = 0; step < script_.steps; ++step) {
      if (!Survived(Step(**writer))) return;
    }
  }

  /// Replay and compare with the model; then forget what turned out to be cut off.
  ReplayedLog Recover() {
    ReplayedLog log = Replay(file_system_, {.after_sequence = model_.in_table});
    EXPECT_OK(log.outcome);
    if (!log.outcome.ok()) return log;
    EXPECT_GE(log.outcome->last_sequence, std::max(model_.required, model_.in_table));
    for (const auto& [sequence, text] : log.records) {
      EXPECT_TRUE(model_.tried.contains(sequence)) << sequence;
      EXPECT_EQ(text, model_.tried[sequence]) << sequence;
    }
    model_.acknowledged = log.outcome->last_sequence;
    model_.tried.erase(model_.tried.upper_bound(log.outcome->last_sequence), model_.tried.end());
    return log;
  }

 private:
  bool Survived(const Status& status) {
    if (status.ok()) return true;
    EXPECT_TRUE(file_system_.crashed()) << status.ToString();
    return false;
  }

  Status Step(WalWriter& writer) {
    const uint64_t last = writer.last_sequence();
    switch (random_.Uniform(8)) {
      case 0:
        if (model_.in_table < last) {
          // The table's commit comes first.
          model_.in_table += 1 + random_.Uniform(last - model_.in_table);
          model_.durable = std::max(model_.required, model_.in_table);
        }
        return writer.DropThrough(model_.in_table);
      case 1: {
        const Status synced = writer.Sync();
        if (synced.ok()) model_.durable = last;
        return synced;
      }
      default:
        return AppendGroup(writer, last);
    }
  }

  Status AppendGroup(WalWriter& writer, uint64_t last) {
    std::vector<std::string> texts(1 + random_.Uniform(4));
    for (std::string& text : texts) {
      text = std::to_string(random_.Next());
      text.resize(text.size() + random_.Uniform(1500), '.');
    }
    for (size_t i = 0; i < texts.size(); ++i) model_.tried[last + 1 + i] = texts[i];
    VIPER_ASSIGN_OR_RETURN(const uint64_t first, AppendTexts(writer, texts));
    EXPECT_EQ(first, last + 1);
    model_.acknowledged = last + texts.size();
    if (script_.durability == Durability::kSync) model_.durable = model_.acknowledged;
    return Status::Ok();
  }

  MemoryFileSystem& file_system_;
  Model& model_;
  const Script& script_;
  Random random_;
};

struct Crash {
  CrashMode mode;
  uint64_t seed;
};

constexpr Crash kCrashes[] = {{CrashMode::kDropUnsynced, 0},
                              {CrashMode::kKeepAll, 0},
                              {CrashMode::kRandomSubset, 1},
                              {CrashMode::kRandomSubset, 2},
                              {CrashMode::kRandomSubset, 3}};

std::unique_ptr<MemoryFileSystem> CrashedImage(const MemoryFileSystem& file_system,
                                               const Crash& crash, Model& model) {
  const bool is_kill = crash.mode == CrashMode::kKeepAll;
  model.required = is_kill ? model.acknowledged : model.durable;
  return file_system.DurableImage(crash.mode, crash.seed);
}

// One life, cut after `operations`; then a second one, cut at a random place or not at all; then a
// last look.
void RunTwoLives(const Script& first, uint64_t operations, const Crash& crash) {
  SCOPED_TRACE(::testing::Message()
               << "durability=" << DurabilityName(first.durability) << " seed=" << first.seed
               << " operations=" << operations << " mode=" << static_cast<int>(crash.mode)
               << " crash_seed=" << crash.seed);
  Model model;
  MemoryFileSystem file_system;
  file_system.CrashAfter(operations);
  Life(file_system, model, first).Run();

  const auto image = CrashedImage(file_system, crash, model);
  const Script second{
      .durability = first.durability, .seed = first.seed + operations + 1, .steps = 6};
  Random random(second.seed + crash.seed);
  image->CrashAfter(random.Uniform(40));
  Life(*image, model, second).Run();

  const Crash other = kCrashes[random.Uniform(std::size(kCrashes))];
  const auto last_image = CrashedImage(*image, other, model);
  Life(*last_image, model, second).Recover();
  EXPECT_FALSE(::testing::Test::HasFailure()) << file_system.OperationLog() << "-- second life\n"
                                              << image->OperationLog();
}

void CrashAfterEveryOperation(const Script& script) {
  Model model;
  MemoryFileSystem whole;
  Life(whole, model, script).Run();
  const uint64_t operation_count = whole.OperationCount();
  ASSERT_GT(operation_count, 50);
  for (uint64_t operations = 0; operations < operation_count; ++operations) {
    for (const Crash& crash : kCrashes) {
      RunTwoLives(script, operations, crash);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(WalCrash, NothingAcknowledgedIsLostWithSync) {
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    CrashAfterEveryOperation({.durability = Durability::kSync, .seed = seed * 1000, .steps = 40});
  }
}

TEST(WalCrash, NothingSyncedIsLostWithInterval) {
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    CrashAfterEveryOperation(
        {.durability = Durability::kInterval, .seed = seed * 1000, .steps = 60});
  }
}

}  // namespace
}  // namespace viper::storage
