#include <atomic>
#include <functional>
#include <thread>
#include <utility>

#include "base/limits.h"
#include "core/collection_fixture.h"

namespace viper::core {
namespace {

/// Does something between two steps of a call, when the time is asked for the n-th time.
class InterruptingClock final : public Clock {
 public:
  explicit InterruptingClock(const Clock& clock) : clock_(clock) {}
  Timestamp Now() const override {
    if (action_ && calls_left_-- == 0) std::exchange(action_, nullptr)();
    return clock_.Now();
  }
  /// After `calls` more calls, which nobody else makes.
  void InterruptAfter(int calls, std::function<void()> action) {
    calls_left_ = calls;
    action_ = std::move(action);
  }
  bool is_armed() const { return action_ != nullptr; }

 private:
  const Clock& clock_;
  mutable int calls_left_ = 0;
  mutable std::function<void()> action_;
};

/// Where the rows are that a test is about.
enum class Rows : uint8_t { kInMemory, kFlushed, kInBoth, kReopened };

class CollectionUpdateTest : public CollectionFixture, public ::testing::WithParamInterface<Rows> {
 protected:
  CollectionUpdateTest() {
    options_.clock = &interrupting_clock_;
    options_.background_index = false;
  }
  ~CollectionUpdateTest() override { collection_.reset(); }

  /// a, b, c with year 1 to 3; a expires in 100 s.
  void CreateThree() {
    Create();
    Record a = At("a", 1, 1, {{"year", 1}, {"category", "x"}, {"note", "n"}});
    a.timestamp = Timestamp{5};
    a.expires_at = Timestamp{clock_.Now().micros + 100'000'000};
    ASSERT_OK(collection_->Upsert(a));
    ASSERT_OK(collection_->Upsert(At("b", 2, 2, {{"year", 2}})));
    if (GetParam() == Rows::kInBoth) {
      ASSERT_OK(collection_->Flush());
    }
    ASSERT_OK(collection_->Upsert(At("c", 3, 3, {{"year", 3}})));
    Settle();
  }
  /// Put the rows where the test wants them.
  void Settle() {
    if (GetParam() == Rows::kFlushed) {
      ASSERT_OK(collection_->Flush());
    } else if (GetParam() == Rows::kReopened) {
      ASSERT_OK(Reopen());
    }
  }
  Metadata MetadataOf(const std::string& id) {
    auto record = collection_->Get(id);
    EXPECT_OK(record);
    return record.ok() ? record->metadata : Metadata();
  }
  /// The same after everything that may happen to it.
  void ExpectForGood(const std::string& id, const Metadata& metadata) {
    EXPECT_EQ(MetadataOf(id), metadata);
    ASSERT_OK(Reopen());
    EXPECT_EQ(MetadataOf(id), metadata) << "after replaying the log";
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(Reopen());
    EXPECT_EQ(MetadataOf(id), metadata) << "from the table";
  }
  static Filter Where(const std::string& text) {
    auto filter = Filter::Parse(text);
    EXPECT_OK(filter);
    return *filter;
  }

  InterruptingClock interrupting_clock_{clock_};
};

INSTANTIATE_TEST_SUITE_P(Rows, CollectionUpdateTest,
                         ::testing::Values(Rows::kInMemory, Rows::kFlushed, Rows::kInBoth,
                                           Rows::kReopened));

TEST_P(CollectionUpdateTest, ReplaceNeedsTheRecordToExist) {
  CreateThree();
  EXPECT_OK(collection_->Replace(At("a", 9, 9)));
  ASSERT_OK_AND_ASSIGN(Record replaced, collection_->Get("a"));
  EXPECT_EQ(replaced.vector, (std::vector<float>{9, 9}));
  EXPECT_EQ(replaced.metadata, Metadata());
  const std::vector<Record> two = {At("b", 7, 7), At("new", 7, 7)};
  EXPECT_STATUS(kNotFound, "'new'", collection_->Replace(two));
  EXPECT_EQ(collection_->Get("b")->vector[0], 2) << "nothing of a refused replace is written";
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"b"}));
  EXPECT_STATUS(kNotFound, "'b'", collection_->Replace(At("b", 7, 7)));
  RecordBatch batch;
  batch.ids = {"c"};
  batch.vectors = {4, 4};
  EXPECT_OK(collection_->Replace(batch));
  EXPECT_STATUS(kAlreadyExists, "'c'", collection_->Insert(batch));
  batch.ids = {"new"};
  EXPECT_OK(collection_->Insert(batch));
}

TEST_P(CollectionUpdateTest, AnUpdateChangesTheNamedKeysAndKeepsTheRest) {
  CreateThree();
  const std::vector<MetadataUpdate> updates = {
      {"a", {.set = {{"year", 10}, {"more", Value::List{1, "x"}}}, .remove = {"note", "never"}}},
      {"absent", {.set = {{"year", 10}}}},
      {"c", {.set = {{"category", nullptr}}, .replace_all = true}}};
  ASSERT_OK_AND_ASSIGN(const Record before, collection_->Get("a"));
  ASSERT_OK_AND_ASSIGN(const WriteSummary written, collection_->UpdateMetadata(updates));
  EXPECT_EQ(written.rows, 2u) << "ids that do not exist are skipped";
  EXPECT_EQ(written.sequence, 4u) << "one write";
  EXPECT_EQ(Count("year = 10"), 1u);
  EXPECT_EQ(Count("year = 1"), 0u);
  Record expected = before;
  expected.metadata = {{"year", 10}, {"category", "x"}, {"more", Value::List{1, "x"}}};
  ASSERT_OK_AND_ASSIGN(const Record after, collection_->Get("a"));
  EXPECT_TRUE(after == expected) << "vector, timestamp and expiry stay";
  EXPECT_EQ(Nearest(1, 1), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(Count(), 3u);
  ExpectForGood("a", expected.metadata);
  ExpectForGood("c", {{"category", nullptr}});
  EXPECT_STATUS(kNotFound, "", collection_->Get("absent"));
}

TEST_P(CollectionUpdateTest, UpdatesOfOneIdAreDoneInTheirOrder) {
  CreateThree();
  const std::vector<MetadataUpdate> updates = {{"b", {.set = {{"year", 7}, {"p", 1}}}},
                                               {"a", {.set = {{"q", 1}}}},
                                               {"b", {.set = {{"year", 8}}, .remove = {"p"}}}};
  ASSERT_OK_AND_ASSIGN(const WriteSummary written, collection_->UpdateMetadata(updates));
  EXPECT_EQ(written.rows, 2u);
  ExpectForGood("b", {{"year", 8}});
  const std::vector<std::string> ids = {"a", "c", "a"};
  ASSERT_OK_AND_ASSIGN(const WriteSummary same,
                       collection_->UpdateMetadata(ids, {.set = {{"r", 1}}}));
  EXPECT_EQ(same.rows, 2u);
  ExpectForGood("c", {{"year", 3}, {"r", 1}});
}

TEST_P(CollectionUpdateTest, ABadChangeRefusesEverything) {
  CreateThree();
  const uint64_t sequence = collection_->Statistics().last_sequence;
  const std::vector<MetadataUpdate> updates = {{"a", {.set = {{"year", 10}}}},
                                               {"b", {.set = {{"year", "ten"}}}}};
  EXPECT_STATUS(kInvalidArgument, "update 1 (id 'b'): field 'year' is int64",
                collection_->UpdateMetadata(updates));
  const std::vector<MetadataUpdate> nameless = {{"", {}}};
  EXPECT_STATUS(kInvalidArgument, "the id is empty", collection_->UpdateMetadata(nameless));
  EXPECT_STATUS(kInvalidArgument, "'_id' is reserved",
                collection_->UpdateMetadata(Where("year > 0"), {.set = {{"_id", "z"}}}));
  EXPECT_STATUS(kInvalidArgument, "year",
                collection_->UpdateMetadata(Where("year > 'x'"), {.set = {{"p", 1}}}));
  EXPECT_STATUS(kInvalidArgument, "unknown", collection_->DeleteWhere(Where("yaer > 1")));
  EXPECT_EQ(collection_->Statistics().last_sequence, sequence);
  EXPECT_EQ(MetadataOf("a")["year"], Value(1));
}

TEST_P(CollectionUpdateTest, MetadataThatGrowTooLargeRefuseEverything) {
  CreateThree();
  const Value large(std::string(kMetadataBytesMax / 2, 'x'));
  ASSERT_OK(collection_->UpdateMetadata(std::vector<std::string>{"b"}, {.set = {{"p", large}}}));
  const std::vector<std::string> ids = {"a", "b"};
  EXPECT_STATUS(kInvalidArgument, "update: id 'b': the metadata are too large",
                collection_->UpdateMetadata(ids, {.set = {{"q", large}}}));
  EXPECT_FALSE(MetadataOf("a").contains("q"));
  EXPECT_STATUS(kInvalidArgument, "update: id 'b': the metadata are too large",
                collection_->UpdateMetadata(Where("_id = 'b'"), {.set = {{"q", large}}}));
  EXPECT_FALSE(MetadataOf("b").contains("q"));
}

TEST_P(CollectionUpdateTest, ExpiredRowsDoNotExist) {
  CreateThree();
  clock_.AdvanceSeconds(100);
  const std::vector<std::string> ids = {"a"};
  ASSERT_OK_AND_ASSIGN(WriteSummary written, collection_->UpdateMetadata(ids, {.set = {{"p", 1}}}));
  EXPECT_EQ(written.rows, 0u);
  EXPECT_EQ(written.sequence, 0u) << "nothing was written";
  ASSERT_OK_AND_ASSIGN(written,
                       collection_->UpdateMetadata(Where("year < 2"), {.set = {{"p", 1}}}));
  EXPECT_EQ(written.rows, 0u);
  ASSERT_OK_AND_ASSIGN(written, collection_->DeleteWhere(Where("year < 2")));
  EXPECT_EQ(written.rows, 0u);
  EXPECT_STATUS(kNotFound, "'a'", collection_->Replace(At("a", 7, 7)));
  EXPECT_EQ(collection_->Statistics().last_sequence, 3u);
}

TEST_P(CollectionUpdateTest, ByFilterAllThatMatchAreChanged) {
  CreateThree();
  ASSERT_OK_AND_ASSIGN(const WriteSummary written,
                       collection_->UpdateMetadata(Where("year >= 2"), {.set = {{"year", 1}}}));
  EXPECT_EQ(written.rows, 2u);
  EXPECT_EQ(Count("year = 1"), 3u);
  ASSERT_OK_AND_ASSIGN(const WriteSummary none,
                       collection_->UpdateMetadata(Where("year = 9"), {.set = {{"year", 1}}}));
  EXPECT_EQ(none.rows, 0u);
  ExpectForGood("c", {{"year", 1}});
  ASSERT_OK_AND_ASSIGN(const WriteSummary deleted,
                       collection_->DeleteWhere(Where("note IS NULL AND _id != 'c'")));
  EXPECT_EQ(deleted.rows, 1u);
  EXPECT_EQ(Nearest(0, 0), (std::vector<std::string>{"a", "c"}));
  ASSERT_OK(Reopen());
  EXPECT_EQ(Nearest(0, 0), (std::vector<std::string>{"a", "c"}));
}

TEST_P(CollectionUpdateTest, EverythingIsOnlyMeantByAConditionThatIsWrittenOut) {
  CreateThree();
  for (const char* text : {"", "TRUE", "year = 1 OR TRUE"}) {
    EXPECT_STATUS(kInvalidArgument, "_id IS NOT NULL", collection_->DeleteWhere(Where(text)));
    EXPECT_STATUS(kInvalidArgument, "_id IS NOT NULL",
                  collection_->UpdateMetadata(Where(text), {.set = {{"p", 1}}}));
  }
  EXPECT_EQ(Count(), 3u);
  ASSERT_OK_AND_ASSIGN(const WriteSummary updated,
                       collection_->UpdateMetadata(Where("_id IS NOT NULL"), {.set = {{"p", 1}}}));
  EXPECT_EQ(updated.rows, 3u);
  ASSERT_OK_AND_ASSIGN(const WriteSummary deleted,
                       collection_->DeleteWhere(Where("_id IS NOT NULL")));
  EXPECT_EQ(deleted.rows, 3u);
  EXPECT_EQ(Count(), 0u);
}

TEST_P(CollectionUpdateTest, ByFilterManyRowsAreDoneInBatches) {
  Create();
  std::vector<Record> records;
  for (size_t i = 0; i < 2 * kFilterWriteRowsMax + 5; ++i) {
    records.push_back(At(std::to_string(i), 1, 2, {{"year", static_cast<int64_t>(i % 2)}}));
  }
  ASSERT_OK(collection_->Upsert(records));
  Settle();
  ASSERT_OK_AND_ASSIGN(const WriteSummary updated,
                       collection_->UpdateMetadata(Where("year >= 0"), {.set = {{"p", 1}}}));
  EXPECT_EQ(updated.rows, records.size());
  EXPECT_EQ(updated.sequence, 4u) << "three batches";
  EXPECT_EQ(Count("p = 1"), records.size());
  ASSERT_OK_AND_ASSIGN(const WriteSummary deleted, collection_->DeleteWhere(Where("year = 0")));
  EXPECT_EQ(deleted.rows, kFilterWriteRowsMax + 3);
  EXPECT_EQ(Count(), kFilterWriteRowsMax + 2);
}

TEST_P(CollectionUpdateTest, WhatOthersWriteDuringAnUpdateByIdStays) {
  CreateThree();
  // The time is asked for when the rows are looked up, and before the batch goes into the queue.
  for (int calls = 0; calls < 2; ++calls) {
    SCOPED_TRACE(calls);
    const std::string key = "other" + std::to_string(calls);
    interrupting_clock_.InterruptAfter(calls, [&] {
      ASSERT_OK(collection_->UpdateMetadata(std::vector<std::string>{"b"}, {.set = {{key, 1}}}));
      if (calls == 1) {
        ASSERT_OK(collection_->Flush());
      }
    });
    const std::vector<std::string> ids = {"a", "b", "c"};
    ASSERT_OK_AND_ASSIGN(const WriteSummary written,
                         collection_->UpdateMetadata(ids, {.set = {{"year", 10 + calls}}}));
    ASSERT_FALSE(interrupting_clock_.is_armed());
    EXPECT_EQ(written.rows, 3u);
    EXPECT_EQ(MetadataOf("b")[key], Value(1)) << "lost";
    EXPECT_EQ(Count("year = " + std::to_string(10 + calls)), 3u);
  }
  ExpectForGood("b", {{"year", 11}, {"other0", 1}, {"other1", 1}});
}

TEST_P(CollectionUpdateTest, ByFilterWhatOthersMakeOfARowIsJudgedAgain) {
  for (int calls = 0; calls < 2; ++calls) {
    for (const bool deletes : {false, true}) {
      SCOPED_TRACE(std::to_string(calls) + (deletes ? ", delete" : ", update"));
      collection_.reset();
      (void)files_.RemoveDirectoryTree("/db").ok();
      CreateThree();
      interrupting_clock_.InterruptAfter(calls, [&] {
        ASSERT_OK(collection_->Upsert(At("a", 1, 1, {{"year", 50}})));
        ASSERT_OK(collection_->Upsert(At("b", 2, 2, {{"year", 3}, {"note", "written since"}})));
        ASSERT_OK(collection_->Upsert(At("d", 4, 4, {{"year", 1}})));
      });
      const Filter filter = Where("year <= 3");
      const auto written = deletes ? collection_->DeleteWhere(filter)
                                   : collection_->UpdateMetadata(filter, {.set = {{"p", 1}}});
      ASSERT_OK(written);
      ASSERT_FALSE(interrupting_clock_.is_armed());
      EXPECT_EQ(written->rows, 2u);
      EXPECT_EQ(MetadataOf("a"), (Metadata{{"year", 50}})) << "it does not match any more";
      EXPECT_EQ(MetadataOf("d"), (Metadata{{"year", 1}})) << "it came later";
      if (deletes) {
        EXPECT_EQ(Count(), 2u);
      } else {
        EXPECT_EQ(MetadataOf("b"), (Metadata{{"year", 3}, {"note", "written since"}, {"p", 1}}));
        EXPECT_EQ(MetadataOf("c"), (Metadata{{"year", 3}, {"p", 1}}));
      }
    }
  }
}

class CollectionUpdateRacesTest : public CollectionFixture {};

TEST_F(CollectionUpdateRacesTest, NoUpdateOfManyThreadsIsLost) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 1, 1)));
  constexpr int kThreads = 6;
  constexpr int kRounds = 60;
  std::atomic<int> running = kThreads;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < kRounds; ++round) {
        const std::string key = std::to_string(thread) + "-" + std::to_string(round);
        auto written =
            collection_->UpdateMetadata(std::vector<std::string>{"a"}, {.set = {{key, round}}});
        EXPECT_OK(written);
        EXPECT_EQ(written->rows, 1u);
      }
      --running;
    });
  }
  while (running > 0) EXPECT_OK(collection_->Flush());
  for (std::thread& thread : threads) thread.join();
  for (const char* where : {"in memory", "after reopening"}) {
    ASSERT_OK_AND_ASSIGN(const Record record, collection_->Get("a"));
    EXPECT_EQ(record.metadata.size(), size_t{kThreads * kRounds}) << where;
    ASSERT_OK(Reopen());
  }
}

TEST_F(CollectionUpdateRacesTest, AFilterOnTheOldValueLetsOneOfManyThreadsThrough) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 1, 1, {{"year", 0}})));
  std::atomic<int64_t> increments = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 5; ++thread) {
    threads.emplace_back([&] {
      for (int attempt = 0; attempt < 80; ++attempt) {
        ASSERT_OK_AND_ASSIGN(const Record record, collection_->Get("a"));
        const int64_t year = *record.metadata.at("year").as_int64();
        const Filter filter = where::Field("_id") == "a" && where::Field("year") == year;
        auto written = collection_->UpdateMetadata(filter, {.set = {{"year", year + 1}}});
        ASSERT_OK(written);
        increments += static_cast<int64_t>(written->rows);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_OK_AND_ASSIGN(const Record record, collection_->Get("a"));
  EXPECT_EQ(record.metadata.at("year"), Value(increments.load()));
  EXPECT_GE(increments.load(), 80);
}

/// Some records with one value of `year`.
class YearSource : public RecordSource {
 public:
  explicit YearSource(int64_t year) : year_(year) {}
  size_t dim() const override { return 2; }
  std::optional<uint64_t> row_count() const override { return kRows; }
  const std::vector<Field>& fields() const override { return fields_; }
  Result<RecordBatch> Next() override {
    RecordBatch batch;
    for (; next_ < kRows; ++next_) {
      batch.ids.push_back(std::to_string(next_));
      batch.vectors.insert(batch.vectors.end(), {1, 2});
      batch.metadata.push_back({{"year", year_}});
    }
    return batch;
  }
  Status Skip(uint64_t) override { return {}; }

 private:
  static constexpr uint64_t kRows = 20;
  const int64_t year_;
  const std::vector<Field> fields_;
  uint64_t next_ = 0;
};

TEST_F(CollectionUpdateRacesTest, AnUpdateBesideALoadBringsNoOldRowBack) {
  Create();
  std::atomic<bool> done = false;
  std::thread updates([&] {
    while (!done) {
      auto written =
          collection_->UpdateMetadata(std::vector<std::string>{"3", "7"}, {.set = {{"p", 1}}});
      EXPECT_OK(written);
    }
  });
  for (int64_t year = 0; year < 60; ++year) {
    YearSource source(year);
    ASSERT_OK(collection_->Load(source));
    EXPECT_EQ(Count("year = " + std::to_string(year)), 20u) << year;
  }
  done = true;
  updates.join();
}

TEST_F(CollectionUpdateRacesTest, NothingIsUpdatedReadOnly) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 1, 1, {{"year", 1}})));
  options_.read_only = true;
  ASSERT_OK(Reopen());
  const std::vector<std::string> ids = {"a"};
  EXPECT_STATUS(kFailedPrecondition, "read-only", collection_->UpdateMetadata(ids, {}));
  EXPECT_STATUS(kFailedPrecondition, "read-only",
                collection_->DeleteWhere(where::Field("year") == 1));
  EXPECT_STATUS(kFailedPrecondition, "read-only", collection_->Replace(At("a", 1, 1)));
}

TEST_F(CollectionUpdateRacesTest, LargeUpdatesAreCutIntoPieces) {
  CollectionSchema schema;
  schema.dim = 65'536;
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  ASSERT_OK_AND_ASSIGN(auto wide, engine.CreateCollection("wide", schema));
  std::vector<Record> records(300);
  std::vector<std::string> ids;
  for (size_t i = 0; i < records.size(); ++i) {
    ids.push_back(records[i].id = std::to_string(i));
    records[i].vector.assign(schema.dim, static_cast<float>(i));
  }
  ASSERT_OK(wide->Upsert(records));
  EXPECT_STATUS(kInvalidArgument, "replace: the call is too large", wide->Replace(records));
  ASSERT_OK_AND_ASSIGN(const WriteSummary written, wide->UpdateMetadata(ids, {.set = {{"p", 1}}}));
  EXPECT_EQ(written.rows, 300u);
  EXPECT_EQ(written.sequence, 4u);
  ASSERT_OK_AND_ASSIGN(const Record last, wide->Get("299"));
  EXPECT_EQ(last.vector, records.back().vector);
  EXPECT_EQ(last.metadata, (Metadata{{"p", 1}}));
}

}  // namespace
}  // namespace viper::core
