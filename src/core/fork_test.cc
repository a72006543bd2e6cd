// What an open collection is after fork(): its parent's, whatever the child does with its copy.

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing/status_matchers.h"
#include "testing/temp_directory.h"
#include "viper/engine.h"

namespace viper::core {
namespace {

/// Seconds after which a child that hangs is killed.
constexpr unsigned kPatienceSeconds = 60;

class ForkTest : public ::testing::Test {
 protected:
  void Open() {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open(directory_.path(), options_));
    engine_.emplace(std::move(engine));
    auto created = engine_->CreateCollection("docs", Schema());
    if (created.status().code() == StatusCode::kAlreadyExists) {
      created = engine_->OpenCollection("docs");
    }
    ASSERT_OK(created);
    collection_ = *created;
  }

  static CollectionSchema Schema() {
    CollectionSchema schema;
    schema.dim = 2;
    return schema;
  }

  static Record Named(std::string id) {
    Record record;
    record.id = std::move(id);
    record.vector = {1, 2};
    return record;
  }

  /// Whether `act` says true in a fork, and the fork ends.
  template <typename Act>
  static bool HoldsInAFork(const Act& act) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(kPatienceSeconds);
      ::_exit(act() ? 0 : 1);
    }
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  bool IsRefused(const Status& status, const std::string& kind) const {
    const bool is_refused =
        status.code() == StatusCode::kFailedPrecondition &&
        status.message().find(kind) != std::string::npos &&
        status.message().find("by process " + std::to_string(parent_)) != std::string::npos;
    if (!is_refused) ADD_FAILURE() << status.ToString();
    return is_refused;
  }

  const pid_t parent_ = ::getpid();
  const TempDirectory directory_;
  EngineOptions options_;
  std::optional<Engine> engine_;
  std::shared_ptr<Collection> collection_;
};

TEST_F(ForkTest, TheChildIsRefusedByNameWhatWritesOrOpens) {
  Open();
  ASSERT_OK(collection_->Upsert(Named("a")));
  EXPECT_TRUE(HoldsInAFork([&] {
    const std::vector<std::string> ids = {"a"};
    bool holds = true;
    for (const Status& status :
         {collection_->Upsert(Named("child")).status(), collection_->Delete(ids).status(),
          collection_->Flush(), collection_->Compact({}).status(), collection_->Vacuum({}).status(),
          collection_->BuildIndex(), collection_->SetProperties({}), collection_->Refresh()}) {
      holds &= IsRefused(status, "collection 'docs'");
    }
    for (const Status& status :
         {engine_->OpenCollection("docs").status(), engine_->DropCollection("docs"),
          engine_->CreateCollection("new", Schema()).status(),
          engine_->Repair("docs", {}).status()}) {
      holds &= IsRefused(status, "engine");
    }
    return holds;
  }));
  ASSERT_OK(collection_->Upsert(Named("b")));
  collection_.reset();
  Open();
  EXPECT_EQ(collection_->Count().value(), 2u);
}

TEST_F(ForkTest, TheChildIsRefusedByNameWhatReadsWhoeverHoldsALock) {
  Open();
  ASSERT_OK(collection_->Upsert(Named("a")));
  std::atomic<bool> stop{false};
  // Locks are held, and given up, all the time.
  std::thread busy([&] {
    while (!stop) {
      EXPECT_OK(collection_->Upsert(Named("a")));
      EXPECT_OK(collection_->Count());
    }
  });
  const std::vector<float> query = {1, 2};
  for (int i = 0; i < 20; ++i) {
    std::optional<Snapshot> snapshot = collection_->GetSnapshot();
    EXPECT_TRUE(HoldsInAFork([&] {
      bool holds = true;
      for (const Snapshot& read : {*snapshot, collection_->GetSnapshot()}) {
        for (const Status& status :
             {read.Get("a").status(), read.Search(query).status(),
              read.SearchBatch({query, 1}).status(), read.Explain(query).status(),
              read.Count().status(), read.Scroll().status()}) {
          holds &= IsRefused(status, "collection 'docs'");
        }
      }
      for (const Status& status :
           {collection_->Get("a").status(), collection_->Search(query).status(),
            collection_->Count().status(), collection_->Versions().status(),
            collection_->GetSnapshotOfVersion(0).status(), collection_->ReportIndex().status(),
            collection_->ReportSchema().status(), collection_->ReportExpiry().status(),
            collection_->Sample(1).status(), collection_->TryStorage({}).status(),
            collection_->PredictOptimalCluster(query).status(),
            collection_->PredictRelevantClusters(query).status()}) {
        holds &= IsRefused(status, "collection 'docs'");
      }
      snapshot.reset();
      return holds;
    }));
  }
  stop = true;
  busy.join();
}

TEST_F(ForkTest, TheChildThatLetsGoWaitsForNoThreadAndRemovesNothing) {
  // One that joins, and one whose snapshot has the threads of searches alone.
  options_.search_threads = 4;
  Open();
  ASSERT_OK(collection_->Upsert(Named("a")));
  std::optional<Snapshot> snapshot = collection_->GetSnapshot();
  EXPECT_TRUE(HoldsInAFork([&] {
    snapshot.reset();
    collection_.reset();
    engine_.reset();
    return true;
  }));
  collection_.reset();
  EXPECT_TRUE(HoldsInAFork([&] {
    snapshot.reset();
    return true;
  }));
  Open();
  EXPECT_EQ(collection_->Count().value(), 1u);
}

TEST_F(ForkTest, TheChildNeitherKeepsNorGivesUpTheLock) {
  Open();
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kPatienceSeconds);
    collection_.reset();
    char byte = 0;
    ::_exit(::read(go[0], &byte, 1) == 1 ? 0 : 1);
  }
  ASSERT_OK_AND_ASSIGN(Engine other, Engine::Open(directory_.path(), options_));
  EXPECT_STATUS(kBusy, "LOCK", other.OpenCollection("docs"));
  collection_.reset();
  EXPECT_OK(other.OpenCollection("docs"));
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  ::close(go[0]);
  ::close(go[1]);
}

}  // namespace
}  // namespace viper::core
