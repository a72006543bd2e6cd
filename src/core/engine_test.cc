#include "viper/engine.h"

#include "core/collection_fixture.h"

namespace viper::core {
namespace {

class EngineTest : public CollectionFixture {};

TEST_F(EngineTest, CreatesListsOpensAndDrops) {
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

TEST_F(EngineTest, RefusesNamesThatAreNotNames) {
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

TEST_F(EngineTest, SharesAnOpenCollectionAndAllowsOneWriter) {
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
