#include <cmath>

#include "core/collection_fixture.h"

namespace viper::core {
namespace {

class CollectionTest : public CollectionFixture {};

TEST_F(CollectionTest, S01_ARecordComesBackAsItWentIn) {
  Create();
  Record record = At("\xC3\xA9 '\"", -0.0f, 1e-42f);
  record.metadata = {{"category", "text"},
                     {"year", nullptr},
                     {"price", 3},
                     {"seen", "2026-11-22T08:30:00.5Z"},
                     {"tags", Value::List{"x", "\xF0\x9F\x90\x8D"}},
                     {"id", "a key may be called id"},
                     {"nested", Value::Object{{"list", Value::List{1, 1.0, nullptr}},
                                              {"empty", Value::Object{}}}}};
  record.timestamp = Timestamp{5};
  record.expires_at = Timestamp{1'800'000'000'000'001};
  ASSERT_OK(collection_->Upsert(record));
  Record expected = record;
  expected.metadata["price"] = 3.0;
  expected.metadata["seen"] = Timestamp::Parse("2026-11-22T08:30:00.5Z").value();
  for (const char* where : {"in memory", "in the table", "after reopening"}) {
    SCOPED_TRACE(where);
    ASSERT_OK_AND_ASSIGN(Record actual, collection_->Get(record.id));
    EXPECT_TRUE(actual == expected) << Value(actual.metadata).ToJson();
    EXPECT_EQ(std::signbit(actual.vector[0]), true);
    if (where == std::string("in memory")) {
      ASSERT_OK(collection_->Flush());
    } else {
      ASSERT_OK(Reopen());
    }
  }
}

TEST_F(CollectionTest, C15_WritesAreVisibleAtOnceAndReplace) {
  Create();
  ASSERT_OK_AND_ASSIGN(WriteSummary first, collection_->Upsert(At("a", 0, 0)));
  EXPECT_EQ(first.sequence, 1u);
  EXPECT_EQ(Nearest(0, 0), std::vector<std::string>{"a"});
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Upsert(At("a", 5, 5)));
  ASSERT_OK(collection_->Upsert(At("b", 1, 1)));
  EXPECT_EQ(Nearest(0, 0), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(Count(), 2u);
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(Nearest(0, 0), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(collection_->Statistics().dead_rows, 0u);
}

TEST_F(CollectionTest, DeleteCountsWhatWasThere) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Upsert(At("b", 0, 0)));
  ASSERT_OK_AND_ASSIGN(WriteSummary deleted,
                       collection_->Delete(std::vector<std::string>{"a", "b", "c", "a"}));
  EXPECT_EQ(deleted.rows, 2u);
  EXPECT_EQ(Count(), 0u);
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(collection_->Statistics().part_count, 0u);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 0u);
}

TEST_F(CollectionTest, InsertMustBeNew) {
  Create();
  ASSERT_OK(collection_->Insert(At("a", 0, 0)));
  EXPECT_STATUS(kAlreadyExists, "'a'", collection_->Insert(At("a", 1, 1)));
  ASSERT_OK(collection_->Flush());
  const std::vector<Record> two = {At("b", 0, 0), At("a", 1, 1)};
  EXPECT_STATUS(kAlreadyExists, "'a'", collection_->Insert(two));
  EXPECT_EQ(Count(), 1u) << "nothing of a refused insert is written";
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
  EXPECT_OK(collection_->Insert(two));
}

TEST_F(CollectionTest, S08_ExpiryIsExactAtRead) {
  Create();
  Record record = At("a", 0, 0);
  record.expires_at = Timestamp{clock_.Now().micros + 2'000'000};
  ASSERT_OK(collection_->Upsert(record));
  ASSERT_OK(collection_->Upsert(At("b", 1, 1)));
  for (const bool flushed : {false, true}) {
    clock_.Set(Timestamp{record.expires_at->micros - 1});
    EXPECT_EQ(Count(), 2u);
    EXPECT_OK(collection_->Get("a"));
    clock_.Set(*record.expires_at);
    EXPECT_EQ(Count(), 1u) << flushed;
    EXPECT_EQ(Nearest(0, 0), std::vector<std::string>{"b"});
    EXPECT_STATUS(kNotFound, "'a'", collection_->Get("a"));
    ASSERT_OK(collection_->Flush());
  }
  EXPECT_OK(collection_->Insert(At("a", 3, 3))) << "an expired record is not in the way";
  Record past = At("past", 0, 0);
  past.expires_at = Timestamp{1};
  EXPECT_OK(collection_->Upsert(past));
  EXPECT_STATUS(kNotFound, "past", collection_->Get("past"));
}

TEST_F(CollectionTest, S01_S04_AnInvalidRecordWritesNothing) {
  Create();
  std::vector<Record> records = {At("a", 0, 0), At("b", 0, 0)};
  records[1].vector.push_back(3);
  EXPECT_STATUS(kInvalidArgument, "expected=2 actual=3", collection_->Upsert(records));
  EXPECT_EQ(Count(), 0u);
  EXPECT_EQ(collection_->Statistics().wal_records, 0u);
}

TEST_F(CollectionTest, C20_StatisticsCountEvents) {
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 0, 0)}));
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Upsert(At("c", 0, 0)));
  Nearest(0, 0);
  (void)collection_->Get("b");
  const CollectionStatistics statistics = collection_->Statistics();
  EXPECT_EQ(statistics.upserted_rows, 3u);
  EXPECT_EQ(statistics.deleted_rows, 1u);
  EXPECT_EQ(statistics.live_rows, 2u);
  EXPECT_EQ(statistics.memory_rows, 1u);
  EXPECT_EQ(statistics.dead_rows, 0u);
  EXPECT_EQ(statistics.part_count, 1u);
  EXPECT_EQ(statistics.searches, 1u);
  EXPECT_EQ(statistics.gets, 1u);
  EXPECT_EQ(statistics.flushes, 1u);
  EXPECT_EQ(statistics.last_sequence, 3u);
  EXPECT_EQ(statistics.flushed_sequence, 2u);
  EXPECT_EQ(statistics.wal_records, 3u);
  uint64_t part_bytes = 0;
  for (const std::string& path : FilesEndingIn("/db/docs", ".parquet")) {
    part_bytes += files_.FileSize(path).value();
  }
  EXPECT_EQ(statistics.part_bytes, part_bytes);
}

TEST_F(CollectionTest, AFlushWithNothingToDoCommitsNothing) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  ASSERT_OK(collection_->Flush());
  const int64_t version = collection_->Statistics().table_version;
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(collection_->Statistics().table_version, version);
}

TEST_F(CollectionTest, ADiskThatIsFullLosesNothing) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  InjectedFault full;
  full.operation = FileOperation::kWrite;
  full.code = StatusCode::kResourceExhausted;
  for (const size_t written_bytes : {0, 40}) {
    full.written_bytes = written_bytes;
    files_.InjectFault(full);
    EXPECT_STATUS(kResourceExhausted, "", collection_->Upsert(At("b", 1, 1)));
    files_.InjectFault(full);
    EXPECT_STATUS(kResourceExhausted, "", collection_->Flush());
  }
  EXPECT_EQ(Nearest(0, 0), std::vector<std::string>{"a"});
  files_.ClearFaults();
  ASSERT_OK(collection_->Upsert(At("c", 2, 2)));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(Reopen());
  EXPECT_EQ(Nearest(0, 0), (std::vector<std::string>{"a", "c"}));
}

TEST_F(CollectionTest, AFailedSyncStopsTheWriterAndNotTheReaders) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  InjectedFault fault;
  fault.operation = FileOperation::kSync;
  fault.path_part = "_viper/wal";
  files_.InjectFault(fault);
  EXPECT_FALSE(collection_->Upsert(At("b", 1, 1)).ok());
  EXPECT_STATUS(kFailedPrecondition, "", collection_->Upsert(At("c", 1, 1)));
  EXPECT_EQ(Nearest(0, 0), std::vector<std::string>{"a"});
  ASSERT_OK(Reopen());
  EXPECT_OK(collection_->Get("a"));
  EXPECT_OK(collection_->Upsert(At("c", 1, 1)));
}

TEST_F(CollectionTest, LargeUpsertsAreSplitAndInsertsRefused) {
  CollectionSchema schema;
  schema.dim = 65'536;
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  ASSERT_OK_AND_ASSIGN(auto wide, engine.CreateCollection("wide", schema));
  std::vector<Record> records(300);
  for (size_t i = 0; i < records.size(); ++i) {
    records[i].id = std::to_string(i);
    records[i].vector.assign(schema.dim, static_cast<float>(i));
  }
  EXPECT_STATUS(kInvalidArgument, "too large to be atomic", wide->Insert(records));
  ASSERT_OK_AND_ASSIGN(WriteSummary written, wide->Upsert(records));
  EXPECT_EQ(written.rows, 300u);
  EXPECT_EQ(written.sequence, 2u);
  EXPECT_EQ(wide->Count().value(), 300u);
}

}  // namespace
}  // namespace viper::core
