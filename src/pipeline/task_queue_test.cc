#include "pipeline/task_queue.h"

#include <atomic>
#include <thread>

#include "base/limits.h"
#include "testing/status_matchers.h"

namespace viper::pipeline {
namespace {

using Type = CompactionTaskType;

CompactionRequest For(std::string collection, Type type = Type::kMergeFiles,
                      TaskPriority priority = TaskPriority::kNormal) {
  return {std::move(collection), type, priority};
}

uint64_t Queue(TaskQueue& queue, const CompactionRequest& request, const TaskReason& reason = {}) {
  return queue.Add(request, reason).value().id;
}

TEST(TaskQueue, P25_PriorityThenCallersThenGainThenAgeDecideWhoIsNext) {
  TaskQueue queue(0);
  const uint64_t low = Queue(queue, For("a", Type::kMergeFiles, TaskPriority::kLow));
  const uint64_t small = Queue(queue, For("b"), {.text = "why", .gain_per_byte = 1, .rank = 1});
  const uint64_t large = Queue(queue, For("c"), {.text = "why", .gain_per_byte = 9, .rank = 9});
  const uint64_t caller = Queue(queue, For("d"));
  const uint64_t younger = Queue(queue, For("e"));
  const uint64_t critical = Queue(queue, For("f", Type::kRecompress, TaskPriority::kCritical));
  for (const uint64_t expected : {critical, caller, younger, large, small, low}) {
    EXPECT_EQ(queue.Take()->id, expected);
  }
  EXPECT_FALSE(queue.Take().has_value());
}

TEST(TaskQueue, P14_ACollectionHasOneTaskThatRunsAtMost) {
  TaskQueue queue(0);
  const uint64_t first = Queue(queue, For("a"));
  const uint64_t second = Queue(queue, For("a", Type::kRecluster));
  const uint64_t other = Queue(queue, For("b"));
  EXPECT_EQ(queue.Take()->id, first);
  EXPECT_EQ(queue.Take()->id, other);
  EXPECT_FALSE(queue.Take().has_value()) << "the other task on a waits";
  queue.End(first, CompactionEffect{});
  EXPECT_EQ(queue.Take()->id, second);
}

TEST(TaskQueue, P12_WhatWasSeenBeforeATaskBeganOrEndedQueuesNothing) {
  TaskQueue queue(0);
  const TaskReason reason{.text = "why", .gain_per_byte = 1, .rank = 1};
  const uint64_t before = queue.TurnsOf("a");
  EXPECT_TRUE(queue.Add(For("a"), reason, before)->is_new);
  const uint64_t other = queue.TurnsOf("b");
  const auto taken = queue.Take();
  EXPECT_FALSE(queue.Add(For("a"), reason, before)->is_new);
  const uint64_t running = queue.TurnsOf("a");
  queue.End(taken->id, CompactionEffect{});
  EXPECT_FALSE(queue.Add(For("a"), reason, running)->is_new);
  EXPECT_TRUE(queue.Add(For("b"), reason, other)->is_new) << "of another collection";
  EXPECT_TRUE(queue.Add(For("a"), reason, queue.TurnsOf("a"))->is_new);
  EXPECT_EQ(queue.Counts().queued, 3u);
}

TEST(TaskQueue, ATaskThatWaitsIsNotQueuedTwiceButMayBecomeMoreUrgent) {
  TaskQueue queue(0);
  const auto added = queue.Add(For("a"), {}).value();
  const auto again = queue.Add(For("a", Type::kMergeFiles, TaskPriority::kHigh), {}).value();
  EXPECT_TRUE(added.is_new);
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.id, added.id);
  EXPECT_EQ(queue.Find(added.id)->request.priority, TaskPriority::kHigh);
  EXPECT_EQ(queue.Take()->id, added.id);
  EXPECT_TRUE(queue.Add(For("a"), {}).value().is_new) << "the one that runs is not it";
  EXPECT_EQ(queue.Counts().queued, 2u);
}

TEST(TaskQueue, P25_WhatMayPassIsTriedAgainSoOftenAndWhatMayNotIsNot) {
  TaskQueue queue(2);
  const uint64_t id = Queue(queue, For("a"));
  for (uint32_t attempt = 1; attempt <= 3; ++attempt) {
    ASSERT_EQ(queue.Take()->id, id);
    EXPECT_EQ(queue.Find(id)->attempts, attempt);
    queue.End(id, Status::IoError("no disk"));
    EXPECT_EQ(queue.Find(id)->state, attempt < 3 ? TaskState::kQueued : TaskState::kFailed);
    EXPECT_NE(queue.Find(id)->error->find("no disk"), std::string::npos);
  }
  EXPECT_FALSE(queue.Take().has_value());
  const uint64_t other = Queue(queue, For("a"));
  ASSERT_EQ(queue.Take()->id, other);
  queue.End(other, Status::Corruption("a bit"));
  EXPECT_EQ(queue.Find(other)->state, TaskState::kFailed);
  EXPECT_EQ(queue.Counts().failed, 2u);
  EXPECT_EQ(queue.Counts().retries, 2u);
}

TEST(TaskQueue, P25_WhatACallerAsksForTakesTheScheduledOneOver) {
  TaskQueue queue(0);
  const uint64_t id = Queue(queue, For("a"), {.text = "4 files", .gain_per_byte = 2, .rank = 2});
  const uint64_t other = Queue(queue, For("b"), {.text = "9 files", .gain_per_byte = 9, .rank = 9});
  EXPECT_EQ(Queue(queue, For("a")), id);
  EXPECT_TRUE(queue.Find(id)->reason.empty());
  EXPECT_FALSE(queue.Find(id)->gain_per_byte.has_value());
  const auto taken = queue.Take();
  EXPECT_EQ(taken->id, id) << "callers go first";
  EXPECT_FALSE(taken->is_scheduled);
  // The schedule takes nothing over.
  EXPECT_EQ(Queue(queue, For("b"), {.text = "10 files", .gain_per_byte = 10, .rank = 10}), other);
  EXPECT_TRUE(queue.Take()->is_scheduled);
}

TEST(TaskQueue, P25_WorkersWaitBeforeTheyTryAgain) {
  TaskQueue queue(1);
  const uint64_t id = Queue(queue, For("a"));
  const auto first = queue.WaitAndTake();
  const auto begin = std::chrono::steady_clock::now();
  queue.End(first->id, Status::IoError("no disk"));
  EXPECT_EQ(queue.WaitAndTake()->id, id);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(900));
  queue.End(id, CompactionEffect{});
  // What is put off keeps nobody from other work.
  Queue(queue, For("b"));
  queue.End(queue.WaitAndTake()->id, Status::IoError("no disk"));
  const uint64_t other = Queue(queue, For("c"));
  EXPECT_EQ(queue.WaitAndTake()->id, other);
}

TEST(TaskQueue, P25_ProgressOnlyRisesAndEndsAtOne) {
  TaskQueue queue(0);
  const uint64_t id = Queue(queue, For("a"));
  queue.Take();
  EXPECT_TRUE(queue.Advance(id, 0.5));
  EXPECT_TRUE(queue.Advance(id, 0.25));
  EXPECT_DOUBLE_EQ(queue.Find(id)->progress, 0.5);
  queue.End(id, CompactionEffect{.files_before = 4, .files_after = 1, .seconds = {}});
  EXPECT_DOUBLE_EQ(queue.Find(id)->progress, 1);
  EXPECT_EQ(queue.Find(id)->outcome->files_before, 4u);
}

TEST(TaskQueue, P25_CancellingTakesOutWhatWaitsAndStopsWhatRuns) {
  TaskQueue queue(5);
  const uint64_t waiting = Queue(queue, For("a"));
  EXPECT_OK(queue.Cancel(waiting));
  EXPECT_EQ(queue.Find(waiting)->state, TaskState::kCancelled);
  EXPECT_FALSE(queue.Take().has_value());
  EXPECT_STATUS(kFailedPrecondition, "state=cancelled", queue.Cancel(waiting));
  EXPECT_STATUS(kNotFound, "id=77", queue.Cancel(77));
  const uint64_t running = Queue(queue, For("a"));
  queue.Take();
  EXPECT_OK(queue.Cancel(running));
  EXPECT_FALSE(queue.Advance(running, 0.1));
  queue.End(running, Status::Cancelled("stopped"));
  EXPECT_EQ(queue.Find(running)->state, TaskState::kCancelled);
  EXPECT_EQ(queue.Counts().cancelled, 2u);
}

TEST(TaskQueue, WhatStoppingInterruptsWaitsAgainAsIfItHadNotBegun) {
  TaskQueue queue(0);
  const uint64_t id = Queue(queue, For("a"));
  queue.Take();
  queue.Close();
  EXPECT_FALSE(queue.Advance(id, 0.5));
  queue.End(id, Status::Cancelled("stopped"));
  EXPECT_EQ(queue.Find(id)->state, TaskState::kQueued);
  EXPECT_EQ(queue.Find(id)->attempts, 0u);
  EXPECT_FALSE(queue.WaitAndTake().has_value()) << "closed";
  queue.Open();
  EXPECT_EQ(queue.WaitAndTake()->id, id);
}

TEST(TaskQueue, WaitingEndsWithTheTaskOrWithTime) {
  TaskQueue queue(0);
  const uint64_t id = Queue(queue, For("a"));
  EXPECT_STATUS(kDeadlineExceeded, "state=queued timeout_ms=1", queue.Wait(id, 1));
  EXPECT_STATUS(kNotFound, "", queue.Wait(9, 1));
  std::thread worker([&] {
    const auto taken = queue.WaitAndTake();
    queue.End(taken->id, CompactionEffect{});
  });
  EXPECT_EQ(queue.Wait(id, 60'000)->state, TaskState::kDone);
  worker.join();
}

TEST(TaskQueue, BothWhatWaitsAndWhatIsRememberedAreBounded) {
  TaskQueue queue(0);
  for (size_t i = 0; i < kEndedTasksMax + 10; ++i) {
    const uint64_t id = Queue(queue, For("a"));
    queue.Take();
    queue.End(id, CompactionEffect{});
  }
  EXPECT_EQ(queue.All().size(), kEndedTasksMax);
  EXPECT_STATUS(kNotFound, "id=1", queue.Find(1));
  for (size_t i = 0; i < 200; ++i) {
    EXPECT_OK(queue.Add(For(std::to_string(i), Type::kRecompress), {}));
  }
  EXPECT_EQ(queue.All().size(), kEndedTasksMax + 200);
  EXPECT_FALSE(queue.IsRunning("7"));
  queue.Take();
  EXPECT_TRUE(queue.IsRunning("0"));
}

}  // namespace
}  // namespace viper::pipeline
