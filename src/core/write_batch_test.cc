#include "core/write_batch.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "testing/random_records.h"
#include "testing/status_matchers.h"

namespace viper::core {
namespace {

constexpr int64_t kNow = 1'700'000'000'000'000;

CollectionSchema Schema(size_t dim) {
  CollectionSchema schema;
  schema.dim = dim;
  schema.fields = {{"year", FieldType::kInt64}, {"seen", FieldType::kTimestamp}};
  return schema;
}

Record Valid() {
  Record record;
  record.id = "a";
  record.vector = {1, 2};
  return record;
}

Result<WriteBatch> Prepare(const Record& record) {
  return PrepareUpsert(std::span(&record, 1), Schema(2), {.now = kNow, .stamp = kNow});
}

TEST(WriteBatch, NamesEachThingThatIsWrongWithARecord) {
  EXPECT_OK(Prepare(Valid()));
  Record record = Valid();
  record.id = "";
  EXPECT_STATUS(kInvalidArgument, "the id is empty", Prepare(record));
  record.id = std::string(1025, 'x');
  EXPECT_STATUS(kInvalidArgument, "bytes=1025 allowed=1024", Prepare(record));
  record.id = "\xff";
  EXPECT_STATUS(kInvalidArgument, "not UTF-8", Prepare(record));
  record = Valid();
  record.vector = {1, 2, 3};
  EXPECT_STATUS(kInvalidArgument, "expected=2 actual=3", Prepare(record));
  record.vector = {1, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_STATUS(kInvalidArgument, "component 1 of the vector is not finite: nan", Prepare(record));
  record.vector = {-std::numeric_limits<float>::infinity(), 1};
  EXPECT_STATUS(kInvalidArgument, "component 0 of the vector is not finite: -inf", Prepare(record));
  record = Valid();
  record.metadata = {{"year", "abc"}};
  EXPECT_STATUS(kInvalidArgument, "year", Prepare(record));
  record.metadata = {{"x", std::nan("")}};
  EXPECT_STATUS(kInvalidArgument, "metadata key 'x'", Prepare(record));
  record.metadata = {{"x", Timestamp{1}}};
  EXPECT_STATUS(kInvalidArgument, "declared field of type timestamp", Prepare(record));
  record.metadata = {{"x", Value::List{Value::Object{{"y", "\xff"}}}}};
  EXPECT_STATUS(kInvalidArgument, "not UTF-8", Prepare(record));
  record.metadata = {{"_vector", 1}};
  EXPECT_STATUS(kInvalidArgument, "reserved", Prepare(record));
  Value deep = 1;
  for (int i = 0; i < 80; ++i) deep = Value::List{deep};
  record.metadata = {{"x", deep}};
  EXPECT_STATUS(kInvalidArgument, "64 deep", Prepare(record));
}

TEST(WriteBatch, NamesTheRecord) {
  std::vector<Record> records = {Valid(), Valid()};
  records[1].id = "bad";
  records[1].vector.clear();
  EXPECT_STATUS(kInvalidArgument, "record 1 (id 'bad')",
                PrepareUpsert(records, Schema(2), {.now = kNow, .stamp = kNow}));
}

TEST(WriteBatch, ARecordMeantForAnotherCollectionIsRefused) {
  Record record = Valid();
  record.collection_id = "books";
  const auto prepare = [&](std::string_view collection) {
    return PrepareUpsert(std::span(&record, 1), Schema(2),
                         {.collection = collection, .now = kNow, .stamp = kNow});
  };
  EXPECT_TRUE(prepare("books").ok());
  EXPECT_STATUS(kInvalidArgument, "expected='films' actual='books'", prepare("films"));
}

TEST(WriteBatch, LastOfEqualIdsWins) {
  std::vector<Record> records = {Valid(), Valid(), Valid()};
  records[1].id = "b";
  records[2].vector = {7, 8};
  ASSERT_OK_AND_ASSIGN(WriteBatch batch,
                       PrepareUpsert(records, Schema(2), {.now = kNow, .stamp = kNow}));
  ASSERT_EQ(batch.rows.size(), 2u);
  EXPECT_EQ(batch.duplicates, 1u);
  EXPECT_EQ(batch.rows[0].id, "b");
  EXPECT_EQ(batch.rows[1].vector, reinterpret_cast<const std::byte*>(records[2].vector.data()));
}

TEST(WriteBatch, SparseVectorsAreSpreadOutWhenTheirRowsAreWritten) {
  Record record = Valid();
  record.vector.clear();
  record.sparse_vector = SparseVector{.indices = {1}, .values = {5}};
  ASSERT_OK_AND_ASSIGN(WriteBatch batch, Prepare(record));
  EXPECT_EQ(batch.rows[0].vector_holder, nullptr);
  ASSERT_OK(SpreadVectors(batch, 2));
  const std::vector<float> expected = {0, 5};
  EXPECT_EQ(std::memcmp(batch.rows[0].vector, expected.data(), sizeof(float) * 2), 0);
  EXPECT_EQ(batch.rows[0].sparse, nullptr);
  record.sparse_vector->indices = {2};
  EXPECT_STATUS(kInvalidArgument, "record 0 (id 'a'): sparse vector has an index beyond",
                Prepare(record));
}

TEST(WriteBatch, FillsInTimesAndConvertsDeclaredFields) {
  Record record = Valid();
  record.metadata = {{"seen", "2026-11-22T08:30:00Z"}};
  ASSERT_OK_AND_ASSIGN(WriteBatch batch, Prepare(record));
  EXPECT_EQ(batch.rows[0].timestamp, kNow);
  EXPECT_EQ(batch.rows[0].ingested_at, kNow);
  EXPECT_EQ(batch.rows[0].expires_at, kNeverExpires);
  EXPECT_NE(batch.rows[0].metadata["seen"].as_timestamp(), nullptr);
}

TEST(WriteBatch, ComesBackFromItsBytes) {
  const CollectionSchema schema = Schema(5);
  std::vector<Record> records = RandomRecords(/*seed=*/3, 200, 5);
  records[0].metadata = {{"seen", Timestamp{123}}, {"year", nullptr}};
  ASSERT_OK_AND_ASSIGN(WriteBatch batch,
                       PrepareUpsert(records, schema, {.now = kNow, .stamp = kNow}));
  const std::vector<std::byte> bytes = EncodeWriteBatch(batch, 5);
  ASSERT_OK_AND_ASSIGN(WriteBatch decoded, DecodeWriteBatch(WriteKind::kUpsert, bytes, schema));
  ASSERT_EQ(decoded.rows.size(), batch.rows.size());
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    EXPECT_EQ(decoded.rows[i].id, batch.rows[i].id);
    EXPECT_EQ(decoded.rows[i].id_hash, batch.rows[i].id_hash);
    EXPECT_EQ(decoded.rows[i].metadata, batch.rows[i].metadata);
    EXPECT_EQ(decoded.rows[i].timestamp, batch.rows[i].timestamp);
    EXPECT_EQ(decoded.rows[i].expires_at, batch.rows[i].expires_at);
    EXPECT_EQ(std::memcmp(decoded.rows[i].vector, batch.rows[i].vector, 20), 0);
  }
}

TEST(WriteBatch, DeletesComeBackFromTheirBytes) {
  const std::vector<std::string> ids = {"b", "a", "b"};
  ASSERT_OK_AND_ASSIGN(WriteBatch batch, PrepareDelete(ids));
  EXPECT_EQ(batch.duplicates, 1u);
  const auto bytes = EncodeWriteBatch(batch, 2);
  ASSERT_OK_AND_ASSIGN(WriteBatch decoded, DecodeWriteBatch(WriteKind::kDelete, bytes, Schema(2)));
  EXPECT_EQ(decoded.deleted_ids, (std::vector<std::string>{"a", "b"}));
  EXPECT_STATUS(kInvalidArgument, "id 0", PrepareDelete(std::vector<std::string>{""}));
}

TEST(WriteBatch, EveryTruncationIsRefused) {
  const Record record = Valid();
  ASSERT_OK_AND_ASSIGN(WriteBatch batch, Prepare(record));
  const auto bytes = EncodeWriteBatch(batch, 2);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_STATUS(kCorruption, "malformed",
                  DecodeWriteBatch(WriteKind::kUpsert, std::span(bytes).first(size), Schema(2)));
  }
}

TEST(WriteBatch, RefusesBatchesWhoseListsDiffer) {
  RecordBatch batch;
  batch.ids = {"a", "b"};
  batch.vectors = {1, 2, 3};
  EXPECT_STATUS(kInvalidArgument, "expected=4", CheckShape(batch, Schema(2)));
  batch.vectors = {1, 2, 3, 4};
  EXPECT_OK(CheckShape(batch, Schema(2)));
  batch.metadata.resize(1);
  EXPECT_STATUS(kInvalidArgument, "metadata=1", CheckShape(batch, Schema(2)));
}

TEST(WriteBatch, ARecordOfTheLogThatIsOlderThanTheSchemaIsConvertedOrParked) {
  Record record = Valid();
  record.metadata = {{"late", 4}, {"later", "text"}};
  ASSERT_OK_AND_ASSIGN(const WriteBatch batch, Prepare(record));
  const auto bytes = EncodeWriteBatch(batch, 2);
  CollectionSchema schema = Schema(2);
  schema.fields.push_back({"late", FieldType::kFloat64});
  schema.fields.push_back({"later", FieldType::kInt64});
  ASSERT_OK_AND_ASSIGN(const WriteBatch decoded,
                       DecodeWriteBatch(WriteKind::kUpsert, bytes, schema));
  EXPECT_EQ(decoded.rows[0].metadata, (Metadata{{"late", 4.0}, {"later", "text"}}));
}

TEST(WriteBatch, RowsThatAnotherSchemaCheckedAreCheckedAgain) {
  Record record = Valid();
  record.metadata = {{"late", 4}};
  const auto before = std::make_shared<const CollectionSchema>(Schema(2));
  CollectionSchema changed = Schema(2);
  changed.fields.push_back({"late", FieldType::kFloat64});
  const auto after = std::make_shared<const CollectionSchema>(changed);
  ASSERT_OK_AND_ASSIGN(WriteBatch batch,
                       PrepareUpsert(std::span(&record, 1), *before, {.now = kNow, .stamp = kNow}));
  EXPECT_FALSE(CheckAgain(batch, after).value()) << "nobody says by which it was checked";
  batch.schema = before;
  EXPECT_FALSE(CheckAgain(batch, before).value());
  EXPECT_TRUE(CheckAgain(batch, after).value());
  EXPECT_EQ(batch.rows[0].metadata.at("late"), Value(4.0));
  EXPECT_FALSE(CheckAgain(batch, after).value());
  changed.fields.back().type = FieldType::kBool;
  EXPECT_STATUS(kInvalidArgument, "record 0",
                CheckAgain(batch, std::make_shared<const CollectionSchema>(changed)));
}

}  // namespace
}  // namespace viper::core
