#include "viper/engine.h"

#include "core/collection_fixture.h"

namespace viper::core {
namespace {

class EngineTest : public CollectionFixture {};

TEST_F(EngineTest, C01_CreatesListsOpensAndDrops) {
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  ASSERT_OK(engine.CreateCollection("b", Schema()));
  ASSERT_OK(engine.CreateCollection("a", Schema()));
  EXPECT_EQ(engine.ListCollections().value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_STATUS(kAlreadyExists, "'a' exists already", engine.CreateCollection("a", Schema()));
  EXPECT_EQ(engine.OpenCollection("a").value()->schema(), Schema());
  EXPECT_OK(engine.DropCollection("a"));
  EXPECT_STATUS(kNotFound, "no collection 'a'", engine.OpenCollection("a"));
  EXPECT_STATUS(kNotFound, "no collection 'a'", engine.DropCollection("a"));
  EXPECT_EQ(files_.List("/db").value(), std::vector<std::string>{"b"});
}

TEST_F(EngineTest, S02_RefusesNamesThatAreNotNames) {
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  for (const std::string& name :
       {std::string(), std::string(".."), std::string("../x"), std::string("a/b"),
        std::string("/a"), std::string("a\0b", 3), std::string(300, 'a'), std::string("_x"),
        std::string("a b"), std::string("\xC3\xA9")}) {
    EXPECT_STATUS(kInvalidArgument, "", engine.CreateCollection(name, Schema()));
    EXPECT_STATUS(kInvalidArgument, "", engine.OpenCollection(name));
    EXPECT_STATUS(kInvalidArgument, "", engine.DropCollection(name));
  }
  EXPECT_EQ(files_.List("/").value(), std::vector<std::string>{"db"});
}

TEST_F(EngineTest, RefusesSchemasThatAreNotSchemas) {
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  CollectionSchema schema = Schema();
  schema.dim = 0;
  EXPECT_STATUS(kInvalidArgument, "dim", engine.CreateCollection("a", schema));
  schema = Schema();
  schema.fields.push_back({"YEAR", FieldType::kString});
  EXPECT_STATUS(kInvalidArgument, "YEAR", engine.CreateCollection("a", schema));
}

TEST_F(EngineTest, C14_SharesAnOpenCollectionAndAllowsOneWriter) {
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  ASSERT_OK_AND_ASSIGN(auto first, engine.CreateCollection("a", Schema()));
  ASSERT_OK_AND_ASSIGN(auto second, engine.OpenCollection("a"));
  EXPECT_EQ(first, second);
  EXPECT_STATUS(kBusy, "open here", engine.DropCollection("a"));
  ASSERT_OK_AND_ASSIGN(Engine other, Engine::Open("/db", options_));
  EXPECT_STATUS(kBusy, "LOCK", other.OpenCollection("a"));
  EXPECT_STATUS(kBusy, "LOCK", other.DropCollection("a"));
  first.reset();
  second.reset();
  EXPECT_OK(other.OpenCollection("a"));
}

TEST_F(EngineTest, C15_InsertCreatesTheCollectionThatARecordNames) {
  options_.default_metric = Metric::kL2;
  options_.filterable_fields = {"category", "year", "none"};
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  Record record = At("a", 1, 2, {{"category", "text"}, {"source", "web"}});
  EXPECT_STATUS(kInvalidArgument, "record 0 (id 'a') names no collection",
                engine.InsertVector(record));
  EXPECT_TRUE(engine.ListCollections().value().empty());
  record.collection_id = "docs";
  ASSERT_OK(engine.InsertVector(record));
  ASSERT_OK_AND_ASSIGN(auto docs, engine.OpenCollection("docs"));
  EXPECT_EQ(docs->schema().dim, 2u);
  EXPECT_EQ(docs->schema().metric, Metric::kL2);
  EXPECT_EQ(docs->schema().fields, (std::vector<Field>{{"category", FieldType::kString}}));
  // A field takes the type of the first value that is not null.
  record.id = "b";
  record.metadata = {{"year", nullptr}};
  ASSERT_OK(engine.InsertVector(record));
  EXPECT_EQ(docs->schema().FindField("year"), nullptr);
  record.id = "c";
  record.metadata = {{"year", 1999}};
  ASSERT_OK(engine.InsertVector(record));
  ASSERT_NE(docs->schema().FindField("year"), nullptr);
  EXPECT_EQ(docs->schema().FindField("year")->type, FieldType::kInt64);
  record.metadata = {{"year", "no year"}};
  EXPECT_STATUS(kInvalidArgument, "year", engine.InsertVector(record));
  // Read back without the name, which is not stored.
  EXPECT_EQ(docs->Get("a").value().collection_id, "");
}

TEST_F(EngineTest, S02_CollectionsThatRecordsNameAreApart) {
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  std::vector<Record> records = {At("x", 1, 0), At("x", 0, 1), At("y", 1, 1)};
  records[0].collection_id = "a";
  records[1].collection_id = "b";
  records[2].collection_id = "a";
  ASSERT_OK_AND_ASSIGN(const WriteSummary written, engine.InsertVectors(records));
  EXPECT_EQ(written.rows, 3u);
  const std::vector<float> query = {0, 1};
  ASSERT_OK_AND_ASSIGN(const Hits in_a, engine.SearchVectors("a", query, 10));
  ASSERT_OK_AND_ASSIGN(const Hits in_b, engine.SearchVectors("b", query, 10));
  ASSERT_EQ(in_a.size(), 2u);
  EXPECT_EQ(in_a[0].id, "y");
  ASSERT_EQ(in_b.size(), 1u);
  EXPECT_EQ(in_b[0].distance, 0);
  EXPECT_STATUS(kNotFound, "no collection 'c'", engine.SearchVectors("c", query, 10));
  records[0].vector = {1, 2, 3};
  EXPECT_STATUS(kInvalidArgument, "", engine.InsertVector(records[0]));
  // What the engine keeps open does not stand in the way of dropping it.
  EXPECT_OK(engine.DropCollection("a"));
  EXPECT_STATUS(kNotFound, "no collection 'a'", engine.FlushCollection("a"));
}

TEST_F(EngineTest, C20_C22_StatisticsAreSumsOfWhatWasDone) {
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  EXPECT_EQ(engine.Statistics().open_collections, 0u);
  EXPECT_EQ(engine.Statistics().avg_compression_ratio, std::nullopt);
  for (int i = 0; i < 7; ++i) {
    Record record = At(std::to_string(i), 1, static_cast<float>(i), {{"n", i}});
    record.collection_id = i < 4 ? "a" : "b";
    ASSERT_OK(engine.InsertVector(record));
  }
  ASSERT_OK_AND_ASSIGN(auto a, engine.OpenCollection("a"));
  ASSERT_OK(a->Delete(std::vector<std::string>{"0", "none"}));
  const std::vector<float> query = {1, 0};
  for (int i = 0; i < 3; ++i) ASSERT_OK(engine.SearchVectors("b", query, 1));
  ASSERT_OK(a->Get("1"));
  ASSERT_OK(engine.FlushCollection("a"));
  ASSERT_OK(engine.FlushCollection("b"));
  EngineStatistics statistics = engine.Statistics();
  EXPECT_EQ(statistics.open_collections, 2u);
  EXPECT_EQ(statistics.insert_operations, 7u);
  EXPECT_EQ(statistics.delete_operations, 1u);
  EXPECT_EQ(statistics.search_operations, 3u);
  EXPECT_EQ(statistics.get_operations, 1u);
  EXPECT_EQ(statistics.flush_operations, 2u);
  EXPECT_EQ(statistics.compaction_operations, 0u);
  EXPECT_EQ(statistics.total_operations, 14u);
  // Without an index a collection is one cluster.
  EXPECT_EQ(statistics.active_clusters, 2u);
  EXPECT_EQ(statistics.avg_ml_prediction_accuracy, std::nullopt);
  uint64_t file_bytes = 0;
  for (const std::string name : {"a", "b"}) {
    for (const std::string& path : FilesEndingIn("/db/" + name, ".parquet")) {
      file_bytes += ReadFile(path).size();
    }
  }
  EXPECT_EQ(statistics.total_storage_size_bytes, file_bytes);
  // Six rows of two components, ids of one byte, two times, and {"n":i}.
  ASSERT_TRUE(statistics.avg_compression_ratio.has_value());
  EXPECT_DOUBLE_EQ(*statistics.avg_compression_ratio,
                   6.0 * (8 + 1 + 16 + 7) / static_cast<double>(file_bytes));
  EXPECT_DOUBLE_EQ(*a->Statistics().compression_ratio() * *a->Statistics().stored_fraction(), 1.0);
}

TEST_F(EngineTest, F10_ExpiryThatIsNotEnforcedIsStored) {
  Record record = At("a", 1, 2);
  record.expires_at = Timestamp{clock_.Now().micros + 1'000'000};
  options_.enforce_expiry = false;
  Create();
  ASSERT_OK(collection_->Upsert(record));
  clock_.AdvanceSeconds(10);
  EXPECT_EQ(Nearest(1, 2), std::vector<std::string>{"a"});
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Compact({.everything = true}));
  EXPECT_EQ(Count(), 1u);
  EXPECT_EQ(collection_->Get("a").value().expires_at, record.expires_at);
  // Nothing is lost until somebody enforces it.
  options_.enforce_expiry = true;
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 0u);
  EXPECT_STATUS(kNotFound, "", collection_->Get("a"));
  ASSERT_OK(collection_->Compact({.everything = true}));
  options_.enforce_expiry = false;
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 0u);
}

TEST_F(EngineTest, ReadOnlyReadsBesideAWriterAndChangesNothing) {
  Create();
  ASSERT_OK(collection_->Upsert(At("flushed", 1, 1)));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Upsert(At("logged", 2, 2)));
  const uint64_t operations = files_.OperationCount();
  EngineOptions reading = options_;
  reading.read_only = true;
  ASSERT_OK_AND_ASSIGN(Engine reader, Engine::Open("/db", reading));
  ASSERT_OK_AND_ASSIGN(auto seen, reader.OpenCollection("docs"));
  EXPECT_EQ(seen->Count().value(), 2u);
  EXPECT_STATUS(kFailedPrecondition, "read-only", seen->Upsert(At("x", 1, 1)));
  EXPECT_STATUS(kFailedPrecondition, "read-only", seen->Flush());
  EXPECT_STATUS(kFailedPrecondition, "read-only", reader.CreateCollection("x", Schema()));
  EXPECT_STATUS(kFailedPrecondition, "read-only", reader.DropCollection("docs"));
  EXPECT_EQ(files_.OperationCount(), operations);

  const Snapshot before = seen->GetSnapshot();
  ASSERT_OK(collection_->Upsert(At("later", 3, 3)));
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"flushed"}));
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(seen->Count().value(), 2u);
  ASSERT_OK(seen->Refresh());
  EXPECT_EQ(seen->Count().value(), 2u);
  EXPECT_OK(seen->Get("later"));
  EXPECT_STATUS(kNotFound, "flushed", seen->Get("flushed"));
  EXPECT_OK(before.Get("flushed"));
}

TEST_F(EngineTest, ADirectoryWithoutATableIsNoCollection) {
  ASSERT_OK(files_.CreateDirectories("/db/empty"));
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  EXPECT_EQ(engine.ListCollections().value().size(), 0u);
  EXPECT_STATUS(kNotFound, "empty", engine.OpenCollection("empty"));
  EXPECT_OK(engine.CreateCollection("empty", Schema()));
}

TEST_F(EngineTest, ReadOnlyNeedsTheDirectory) {
  options_.read_only = true;
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/nowhere", options_));
  EXPECT_STATUS(kNotFound, "/nowhere", engine.ListCollections());
  EXPECT_STATUS(kNotFound, "docs", engine.OpenCollection("docs"));
}

TEST_F(EngineTest, FinishesADropThatACrashInterrupted) {
  ASSERT_OK(files_.CreateDirectories("/db/.dropped-docs-1/_delta_log"));
  ASSERT_OK(Engine::Open("/db", options_));
  EXPECT_EQ(files_.List("/db").value().size(), 0u);
}

}  // namespace
}  // namespace viper::core
