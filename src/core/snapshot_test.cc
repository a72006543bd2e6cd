#include "viper/snapshot.h"

#include <cmath>

#include "core/indexed_collection_fixture.h"

namespace viper::core {
namespace {

class SnapshotTest : public CollectionFixture {};

TEST_F(SnapshotTest, SeesItsMomentWhateverHappensAfter) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Upsert(At("b", 1, 1)));
  const Snapshot snapshot = collection_->GetSnapshot();
  ASSERT_OK(collection_->Upsert(At("b", 9, 9)));
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
  ASSERT_OK(collection_->Upsert(At("c", 2, 2)));
  ASSERT_OK(collection_->Flush());
  collection_.reset();
  EXPECT_EQ(snapshot.Count().value(), 2u);
  EXPECT_EQ(snapshot.Get("a").value().vector, (std::vector<float>{0, 0}));
  EXPECT_EQ(snapshot.Get("b").value().vector, (std::vector<float>{1, 1}));
  EXPECT_STATUS(kNotFound, "'c'", snapshot.Get("c"));
  EXPECT_EQ(snapshot.sequence(), 2u);
}

TEST_F(SnapshotTest, C16_EdgesOfSearch) {
  Create();
  const std::vector<float> query = {0, 0};
  EXPECT_EQ(collection_->Search(query).value().size(), 0u);
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("b", 1, 0), At("a", 0, 1), At("c", 3, 4)}));
  SearchOptions options;
  options.k = 0;
  EXPECT_EQ(collection_->Search(query, options).value().size(), 0u);
  options.k = 13;
  ASSERT_OK_AND_ASSIGN(Hits hits, collection_->Search(query, options));
  ASSERT_EQ(hits.size(), 3u);
  EXPECT_EQ(hits[0].id, "a") << "equal distances come in the order of their ids";
  EXPECT_EQ(hits[1].id, "b");
  EXPECT_EQ(hits[2].distance, 5);
  EXPECT_EQ(hits[2].score, -5);
  EXPECT_TRUE(hits[2].vector.empty());
  EXPECT_STATUS(kInvalidArgument, "expected=2 actual=3",
                collection_->Search(std::vector<float>{1, 2, 3}));
  EXPECT_STATUS(kInvalidArgument, "component 1 of query 0 is not finite",
                collection_->Search(std::vector<float>{1, NAN}));
}

TEST_F(SnapshotTest, O6_SearchesThatAreRefusedAreNotInTheMeans) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 1, 0)));
  const std::vector<float> query = {0, 0};
  ASSERT_OK(collection_->Search(query));
  for (const double recall : {95.0, -1.0, std::nan("")}) {
    SearchOptions options;
    options.k = 1000;
    options.recall = recall;
    EXPECT_STATUS(kInvalidArgument, "recall", collection_->Search(query, options));
  }
  const SearchTraffic traffic = collection_->Operations().searches;
  EXPECT_EQ(traffic.searches, 1u);
  EXPECT_DOUBLE_EQ(*traffic.mean_k, 10);
  EXPECT_NEAR(*traffic.mean_recall, 0.95, 1e-6);
}

TEST_F(SnapshotTest, BatchesAnswerAsSingleSearchesDo) {
  Create();
  for (int i = 0; i < 50; ++i) {
    ASSERT_OK(collection_->Upsert(At("id" + std::to_string(i), static_cast<float>(i % 7), 1)));
    if (i % 20 == 5) {
      ASSERT_OK(collection_->Flush());
    }
  }
  std::vector<float> queries;
  for (int i = 0; i < 9; ++i) queries.insert(queries.end(), {static_cast<float>(i), 0.5f});
  ASSERT_OK_AND_ASSIGN(auto batch, collection_->SearchBatch({queries, 9}));
  for (size_t i = 0; i < 9; ++i) {
    ASSERT_OK_AND_ASSIGN(Hits single, collection_->Search(std::span(queries).subspan(2 * i, 2)));
    ASSERT_EQ(batch[i].size(), single.size());
    for (size_t j = 0; j < single.size(); ++j) EXPECT_EQ(batch[i][j].id, single[j].id);
  }
}

TEST_F(SnapshotTest, FiltersSeeMemoryAndTableAlike) {
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{
      At("a", 0, 0, {{"category", "text"}, {"year", 2001}, {"tags", Value::List{"x"}}}),
      At("b", 0, 0, {{"category", "image"}, {"year", 1999}, {"note", "n"}}),
      At("c", 0, 0, {{"category", "text"}, {"price", 7.5}, {"note", nullptr}})}));
  for (const char* where : {"in memory", "in the table"}) {
    SCOPED_TRACE(where);
    EXPECT_EQ(Count("category = 'text'"), 2u);
    EXPECT_EQ(Count("year >= 2000"), 1u);
    EXPECT_EQ(Count("NOT year >= 2000"), 1u);
    EXPECT_EQ(Count("tags CONTAINS 'x'"), 1u);
    EXPECT_EQ(Count("note IS NULL"), 2u);
    EXPECT_EQ(Count("note = 'n'"), 1u);
    EXPECT_EQ(Count("_id IN ('a', 'c', 'z')"), 2u);
    EXPECT_EQ(
        Count("category = 'text' AND year >= 2000 AND tags CONTAINS 'x' AND NOT (price < 5 OR "
              "note IS NOT NULL)"),
        0u);
    EXPECT_STATUS(kInvalidArgument, "'categry' at position 1",
                  collection_->Count(Filter::Parse("categry = 'x'").value()));
    EXPECT_STATUS(kInvalidArgument, "year",
                  collection_->Count(Filter::Parse("year = 'x'").value()));
    ASSERT_OK(collection_->Flush());
  }
}

TEST_F(SnapshotTest, AFilterOnAnEmptyCollectionMatchesNothing) {
  Create();
  EXPECT_EQ(Count("anything = 1"), 0u);
}

TEST_F(SnapshotTest, C17_ProjectionsReadWhatTheyName) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 1, 2, {{"category", "text"}, {"year", 1}, {"note", "n"}})));
  for (int round = 0; round < 2; ++round) {
    Projection projection;
    projection.fields = {"year", "note"};
    ASSERT_OK_AND_ASSIGN(Record record, collection_->Get("a", projection));
    EXPECT_EQ(record.metadata, (Metadata{{"year", 1}, {"note", "n"}}));
    EXPECT_TRUE(record.vector.empty());
    projection.metadata = false;
    projection.vector = true;
    ASSERT_OK_AND_ASSIGN(record, collection_->Get("a", projection));
    EXPECT_TRUE(record.metadata.empty());
    EXPECT_EQ(record.vector, (std::vector<float>{1, 2}));
    projection.fields = {"yeer"};
    EXPECT_STATUS(kInvalidArgument, "yeer", collection_->Get("a", projection));
    ASSERT_OK(collection_->Flush());
  }
}

// -- Older versions ------------------------------------------------------------------------------

class OldVersionTest : public CollectionFixture {
 protected:
  /// Version 1: a and b; version 2: b moved, c; a deleted in version 3.
  void WriteVersions() {
    Create();
    ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1)}));
    ASSERT_OK(collection_->Flush());
    clock_.AdvanceSeconds(10);
    ASSERT_OK(collection_->Upsert(std::vector<Record>{At("b", 5, 5), At("c", 2, 2)}));
    ASSERT_OK(collection_->Flush());
    clock_.AdvanceSeconds(10);
    ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->Upsert(At("d", 9, 9)));  // in the log only
  }

  void CheckVersions() {
    const std::vector<uint64_t> counts = {0, 2, 3, 2};
    for (int64_t version = 0; version < 4; ++version) {
      ASSERT_OK_AND_ASSIGN(const Snapshot old, collection_->GetSnapshotOfVersion(version));
      EXPECT_EQ(old.table_version(), version);
      EXPECT_EQ(old.Count().value(), counts[static_cast<size_t>(version)]) << version;
    }
    ASSERT_OK_AND_ASSIGN(const Snapshot first, collection_->GetSnapshotOfVersion(1));
    EXPECT_EQ(first.Get("b").value().vector[0], 1);
    const std::vector<float> query = {0, 0};
    EXPECT_EQ(first.Search(query).value().front().id, "a");
    EXPECT_EQ(collection_->GetSnapshotOfVersion(2)->Get("b").value().vector[0], 5);
  }
};

TEST_F(OldVersionTest, AreReadAsTheyWere) {
  for (const DeleteMode mode : {DeleteMode::kRewrite, DeleteMode::kVectors}) {
    options_.delete_mode = mode;
    WriteVersions();
    CheckVersions();
    ASSERT_OK(collection_->Compact({.everything = true}));
    CheckVersions();
    ASSERT_OK(Reopen());
    CheckVersions();
    EXPECT_EQ(Count(), 3u);
    collection_.reset();
    ASSERT_OK(Engine::Open("/db", options_).value().DropCollection("docs"));
  }
}

TEST_F(OldVersionTest, AreFoundByTheirTime) {
  const int64_t begin = clock_.Now().micros;
  WriteVersions();
  const auto version_at = [&](int64_t seconds) {
    return collection_->GetSnapshotOfTime(Timestamp{begin + seconds * 1'000'000})->table_version();
  };
  EXPECT_EQ(version_at(0), 1);
  EXPECT_EQ(version_at(9), 1);
  EXPECT_EQ(version_at(10), 2);
  EXPECT_EQ(version_at(1'000), 3);
  EXPECT_STATUS(kNotFound, "no version is that old",
                collection_->GetSnapshotOfTime(Timestamp{begin - 1'000'000}));
}

TEST_F(OldVersionTest, AreGoneAfterAVacuumAndSaySo) {
  WriteVersions();
  ASSERT_OK_AND_ASSIGN(const Snapshot held, collection_->GetSnapshotOfVersion(1));
  ASSERT_OK(collection_->Vacuum({.retention_ms = 0}));
  EXPECT_STATUS(kNotFound, "version 1 of the table is no longer kept",
                collection_->GetSnapshotOfVersion(1));
  EXPECT_EQ(held.Count().value(), 2u) << "who has it open reads on";
  EXPECT_EQ(collection_->GetSnapshotOfVersion(3)->Count().value(), 2u);
  EXPECT_STATUS(kNotFound, "oldest=0 newest=3 asked=4", collection_->GetSnapshotOfVersion(4));
  EXPECT_STATUS(kNotFound, "asked=-1", collection_->GetSnapshotOfVersion(-1));
}

/// A snapshot that was never searched, while the files that it reads are compacted away and the
/// index moves on.
class SnapshotIndexTest : public IndexedCollectionFixture {
 protected:
  void SetUp() override {
    CreateIndexed();
    Write(0, 4000);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
    query_ = RandomVector();
  }

  void Compact() {
    ASSERT_OK(collection_->Delete(std::vector<std::string>{"id5"}));
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->Compact({.rewrite_all = true}));
    ASSERT_OK(collection_->BuildIndex());
  }

  SearchExplanation Explain(const Snapshot& snapshot) const {
    return snapshot.Explain(query_, {.recall = 0.9}).value();
  }

  std::vector<float> query_;
};

TEST_F(SnapshotIndexTest, KeepsTheIndexThatItWasTakenWith) {
  const Snapshot snapshot = collection_->GetSnapshot();
  Compact();
  ASSERT_OK(collection_->RetrainIndex());
  const SearchExplanation told = Explain(snapshot);
  EXPECT_EQ(told.plan, SearchPlan::kIndex);
  EXPECT_EQ(told.compared_rows, 0U);
  ASSERT_OK_AND_ASSIGN(const Hits found, snapshot.Search(query_, {.k = 4000, .recall = 0.999}));
  EXPECT_EQ(found.size(), 4000U) << "the deleted one is there";
  EXPECT_EQ(Explain(collection_->GetSnapshot()).plan, SearchPlan::kIndex);
}

TEST_F(SnapshotIndexTest, TakesTheNewIndexWhereThatKnowsItsRows) {
  const Snapshot snapshot = collection_->GetSnapshot();
  const uint64_t before = Explain(snapshot).clusters.value();
  options_.index_clusters = static_cast<uint32_t>(before) + 7;
  collection_.reset();
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  ASSERT_OK_AND_ASSIGN(collection_, engine.OpenCollection("docs"));
  const Snapshot other = collection_->GetSnapshot();
  ASSERT_OK(collection_->RetrainIndex());
  EXPECT_EQ(Explain(other).clusters.value(), before + 7);
  EXPECT_EQ(Explain(snapshot).clusters.value(), before) << "of an engine that is closed";
}

}  // namespace
}  // namespace viper::core
