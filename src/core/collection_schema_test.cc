#include <atomic>
#include <functional>
#include <thread>
#include <utility>

#include "core/collection_fixture.h"
#include "parquet/part_file.h"
#include "storage/table_log.h"

namespace viper::core {
namespace {

constexpr char kTable[] = "/db/docs";

/// One record of each kind of value that a later declaration may meet, by its id.
const std::vector<std::pair<std::string, Value>> kRatings = {
    {"integer", 4},    {"float", 4.5},           {"text", "four"},
    {"null", nullptr}, {"list", Value::List{1}}, {"nested", Value::Object{{"stars", 4}}}};

class CollectionSchemaTest : public CollectionFixture {
 protected:
  static Record Rated(const std::string& id, const Value& rating) {
    return At(id, 1, 0, {{"note", "n"}, {"rating", rating}});
  }

  /// Records with every kind of value under "rating", one without it and one without metadata.
  void WriteRatings() {
    for (const auto& [id, rating] : kRatings) ASSERT_OK(collection_->Upsert(Rated(id, rating)));
    ASSERT_OK(collection_->Upsert(At("absent", 1, 0, {{"note", "n"}})));
    ASSERT_OK(collection_->Upsert(At("bare", 1, 0)));
  }

  /// In place of the collection that there may be.
  void CreateAnew() {
    collection_.reset();
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    (void)engine.DropCollection("docs").ok();
    Create();
  }

  Result<SchemaChangeReport> Declare(std::string name, FieldType type) {
    const Field field{std::move(name), type};
    return collection_->AddFields(std::span(&field, 1));
  }

  std::string RatingOf(const std::string& id) {
    auto record = collection_->Get(id);
    EXPECT_OK(record);
    if (!record.ok()) return "";
    const auto found = record->metadata.find("rating");
    return found == record->metadata.end() ? "absent" : found->second.ToJson();
  }

  /// What holds after "rating" was declared as a float, wherever the rows are.
  void CheckRatingsAsFloats(const std::string& where) {
    SCOPED_TRACE(where);
    EXPECT_EQ(Count("rating > 1"), 2u);
    EXPECT_EQ(Count("rating = 4"), 1u);
    EXPECT_EQ(Count("rating >= 4.5"), 1u);
    EXPECT_EQ(Count("NOT rating > 4"), 1u);
    EXPECT_EQ(Count("rating IS NULL"), 6u);
    EXPECT_EQ(Count("rating IN (4, 4.5) AND note = 'n'"), 2u);
    EXPECT_EQ(RatingOf("integer"), "4.0");
    EXPECT_EQ(RatingOf("float"), "4.5");
    EXPECT_EQ(RatingOf("text"), "\"four\"");
    EXPECT_EQ(RatingOf("null"), "null");
    EXPECT_EQ(RatingOf("list"), "[1]");
    EXPECT_EQ(RatingOf("nested"), R"({"stars":4})");
    EXPECT_EQ(RatingOf("absent"), "absent");
    EXPECT_TRUE(collection_->Get("bare").value().metadata.empty());
    SearchOptions search;
    search.filter = Filter::Parse("rating > 1").value();
    search.projection.fields = {"rating"};
    const auto hits = collection_->Search(std::vector<float>{1, 0}, search);
    ASSERT_OK(hits);
    ASSERT_EQ(hits->size(), 2u);
    EXPECT_EQ((*hits)[1].id, "integer");
    EXPECT_EQ((*hits)[1].metadata, (Metadata{{"rating", 4.0}}));
    ScrollOptions scroll;
    scroll.filter = search.filter;
    ASSERT_OK_AND_ASSIGN(const ScrollPage page, collection_->Scroll(scroll));
    EXPECT_EQ(page.records.size(), 2u);
  }

  /// Nothing contradicts anything: among others, no payload has what belongs into a column.
  void CheckFiles() {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    ASSERT_OK_AND_ASSIGN(const VerifyReport report, engine.Verify("docs"));
    EXPECT_TRUE(report.is_sound()) << ToValue(report).ToJson();
  }

  size_t PartCount() { return collection_->Statistics().part_count; }
};

TEST_F(CollectionSchemaTest, C09_C29_A3_AFieldThatIsDeclaredLaterHasTheValuesThatWereThere) {
  for (const bool in_memory : {true, false}) {
    SCOPED_TRACE(in_memory);
    CreateAnew();
    WriteRatings();
    if (!in_memory) {
      ASSERT_OK(collection_->Flush());
    }
    EXPECT_EQ(Count("rating > 1"), 2u) << "as undeclared metadata";
    ASSERT_OK_AND_ASSIGN(const SchemaChangeReport report, Declare("rating", FieldType::kFloat64));
    ASSERT_EQ(report.fields.size(), 1u);
    EXPECT_EQ(report.fields[0].values, 2u);
    EXPECT_EQ(report.fields[0].parked, 3u);
    EXPECT_EQ(report.fields[0].nulls, 1u);
    EXPECT_EQ(report.fields[0].absent, 2u);
    EXPECT_FALSE(report.fields[0].parked_id.empty());
    CheckRatingsAsFloats("just declared");
    ASSERT_OK(Reopen());
    CheckRatingsAsFloats("opened again");
    ASSERT_OK(collection_->Flush());
    CheckRatingsAsFloats("flushed");
    ASSERT_OK(collection_->Compact({.everything = true}));
    CheckRatingsAsFloats("compacted");
    CheckFiles();
    ASSERT_OK(Reopen());
    CheckRatingsAsFloats("opened again, compacted");
    ASSERT_OK_AND_ASSIGN(const CompactionReport again, collection_->Compact({.everything = true}));
    EXPECT_TRUE(again.steps.empty()) << "parked values do not make a file worth writing anew";
  }
}

TEST_F(CollectionSchemaTest, OldAndNewFilesAnswerTogether) {
  Create();
  ASSERT_OK(collection_->Upsert(Rated("old", 5)));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(Declare("rating", FieldType::kInt64));
  ASSERT_OK(collection_->Upsert(Rated("new", 5)));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Upsert(Rated("in memory", 5)));
  ASSERT_EQ(PartCount(), 2u);
  EXPECT_EQ(Count("rating = 5"), 3u);
  ASSERT_OK(collection_->Compact({.everything = true}));
  EXPECT_EQ(PartCount(), 1u);
  EXPECT_EQ(Count("rating = 5"), 3u);
}

// The statistics of a file without the column say that all its rows are null.
TEST_F(CollectionSchemaTest, StatisticsOfAFileWithoutTheColumnRuleNothingOut) {
  Create();
  ASSERT_OK(collection_->Upsert(Rated("a", 5)));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(Declare("rating", FieldType::kInt64));
  for (const char* filter : {"rating = 5", "rating BETWEEN 1 AND 9", "rating IS NOT NULL",
                             "rating IN (5)", "NOT rating < 5", "rating <> 4"}) {
    EXPECT_EQ(Count(filter), 1u) << filter;
  }
  EXPECT_EQ(Count("rating IS NULL"), 0u);
}

TEST_F(CollectionSchemaTest, FiltersKeptFromBeforeAreNotUsedAfterwards) {
  Create();
  ASSERT_OK(collection_->Upsert(Rated("flushed", "five")));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Upsert(Rated("in memory", "five")));
  EXPECT_EQ(Count("rating IS NULL"), 0u);
  const Snapshot before = collection_->GetSnapshot();
  ASSERT_OK(Declare("rating", FieldType::kInt64));
  EXPECT_EQ(Count("rating IS NULL"), 2u) << "what is parked is null";
  EXPECT_EQ(before.Count(Filter::Parse("rating IS NULL").value()).value(), 0u);
  EXPECT_EQ(before.Count(Filter::Parse("rating = 'five'").value()).value(), 2u);
}

TEST_F(CollectionSchemaTest, NewWritesMustFit) {
  Create();
  ASSERT_OK(collection_->Upsert(Rated("parked", "four")));
  ASSERT_OK(Declare("rating", FieldType::kInt64));
  EXPECT_STATUS(kInvalidArgument, "field 'rating' is int64", collection_->Upsert(Rated("b", "x")));
  EXPECT_STATUS(kInvalidArgument, "field 'rating' is int64",
                collection_->UpdateMetadata(std::vector<std::string>{"parked"},
                                            {.set = {{"rating", "five"}}}));
  // What is parked stays where nothing is said of it.
  for (int flushed = 0; flushed < 2; ++flushed) {
    ASSERT_OK(collection_->UpdateMetadata(std::vector<std::string>{"parked"},
                                          {.set = {{"note", "new"}}}));
    EXPECT_EQ(RatingOf("parked"), "\"four\"");
    ASSERT_OK(collection_->Flush());
  }
  ASSERT_OK(collection_->UpdateMetadata(Filter::Parse("rating IS NULL").value(),
                                        {.set = {{"rating", 5}}}));
  EXPECT_EQ(RatingOf("parked"), "5");
}

TEST_F(CollectionSchemaTest, OlderVersionsKeepTheirSchema) {
  Create();
  WriteRatings();
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(Declare("rating", FieldType::kInt64));
  ASSERT_OK(collection_->WidenField({"rating", FieldType::kFloat64}));
  const auto rating = [&](int64_t version) {
    const auto snapshot = collection_->GetSnapshotOfVersion(version);
    EXPECT_OK(snapshot);
    return snapshot->Get("integer").value().metadata.at("rating").ToJson();
  };
  EXPECT_EQ(rating(1), "4");
  EXPECT_EQ(rating(2), "4");
  EXPECT_EQ(rating(3), "4.0");
  const auto count = [&](int64_t version, const char* filter) {
    const auto snapshot = collection_->GetSnapshotOfVersion(version);
    return snapshot->Count(Filter::Parse(filter).value()).value();
  };
  EXPECT_EQ(collection_->GetSnapshotOfVersion(1)->schema(), Schema());
  EXPECT_EQ(count(1, "rating = 4.5"), 1u) << "metadata that no field is declared for";
  EXPECT_EQ(count(2, "rating = 4"), 1u);
  EXPECT_EQ(count(2, "rating IS NOT NULL"), 1u) << "4.5 is parked in an int64 field";
  EXPECT_EQ(count(3, "rating = 4.5"), 1u);
}

TEST_F(CollectionSchemaTest, A3_WideningBringsParkedFloatsIntoTheField) {
  Create();
  WriteRatings();
  ASSERT_OK(collection_->Flush());
  ASSERT_OK_AND_ASSIGN(const SchemaChangeReport declared, Declare("rating", FieldType::kInt64));
  EXPECT_EQ(declared.fields[0].values, 1u);
  EXPECT_EQ(declared.fields[0].parked, 4u);
  ASSERT_OK(collection_->Compact({.everything = true}));
  ASSERT_OK(collection_->Upsert(Rated("integer", 4)));
  ASSERT_OK_AND_ASSIGN(const SchemaChangeReport widened,
                       collection_->WidenField({"rating", FieldType::kFloat64}));
  EXPECT_EQ(widened.fields[0].values, 2u);
  EXPECT_EQ(widened.fields[0].parked, 3u);
  CheckRatingsAsFloats("widened");
  CheckFiles();
  ASSERT_OK(Reopen());
  CheckRatingsAsFloats("opened again");
  ASSERT_OK(collection_->Flush());
  CheckRatingsAsFloats("flushed");
}

TEST_F(CollectionSchemaTest, AReaderOfAnotherProcessFollows) {
  Create();
  ASSERT_OK(collection_->Upsert(Rated("a", 4)));
  ASSERT_OK(collection_->Flush());
  EngineOptions reading = options_;
  reading.read_only = true;
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", reading));
  ASSERT_OK_AND_ASSIGN(const auto reader, engine.OpenCollection("docs"));
  const Snapshot before = reader->GetSnapshot();
  ASSERT_OK(Declare("rating", FieldType::kFloat64));
  ASSERT_OK(collection_->Upsert(Rated("b", 5)));
  const Filter filter = Filter::Parse("rating > 1").value();
  EXPECT_EQ(reader->schema(), Schema());
  EXPECT_EQ(reader->Count(filter).value(), 1u);
  ASSERT_OK(reader->Refresh());
  EXPECT_EQ(reader->schema(), collection_->schema());
  EXPECT_EQ(reader->Count(filter).value(), 2u);
  EXPECT_EQ(reader->Get("a").value().metadata.at("rating"), Value(4.0));
  EXPECT_EQ(before.Get("a").value().metadata.at("rating"), Value(4));
  EXPECT_STATUS(kFailedPrecondition, "read-only",
                reader->AddFields(std::vector<Field>{{"x", FieldType::kBool}}));
}

/// Another program writes the rows of old and new files into one: it has the field's column, and in
/// it nothing for the rows of the old file.
std::vector<std::byte> MergedByAnother(MemoryFileSystem& files, const CollectionSchema& schema) {
  const float vector[2] = {1, 0};
  parquet::PartRows rows;
  for (const Field& field : schema.fields) rows.fields.emplace_back(field.type);
  for (const char* id : {"old", "new"}) {
    const bool is_new = std::string_view(id) == "new";
    rows.ids.Append(id);
    rows.timestamps.push_back(0);
    rows.ingested_at.push_back(0);
    rows.expires_at.AppendNull();
    for (auto& column : rows.fields) {
      column.AppendValue(is_new && &column == &rows.fields.back() ? Value(4) : Value());
    }
    rows.payload.AppendString(is_new ? R"({"note":"n"})" : R"({"rating":4})");
    rows.vectors.push_back(reinterpret_cast<const std::byte*>(vector));
  }
  (void)files.RemoveFile("/merged").ok();
  auto file = files.CreateFile("/merged").value();
  auto writer = parquet::PartWriter::Make(*file, schema, {}).value();
  EXPECT_OK(writer->Append(rows));
  EXPECT_OK(writer->Finish({}));
  auto map = files.Map("/merged").value();
  return {map->bytes().begin(), map->bytes().end()};
}

TEST_F(CollectionSchemaTest, AFileOfAnotherWriterIsBackFilledThoughItHasTheColumn) {
  Create();
  ASSERT_OK(Declare("rating", FieldType::kInt64));
  const auto bytes = MergedByAnother(files_, collection_->schema());
  WriteFile(std::string(kTable) + "/merged.parquet",
            std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  storage::TableCommit commit;
  commit.operation = "OPTIMIZE";
  storage::AddedFile& added = commit.added.emplace_back();
  added.path = "merged.parquet";
  added.size = bytes.size();
  ASSERT_OK(storage::TableLog::Make(files_, kTable, {})->Commit(2, commit, 1));
  ASSERT_OK(collection_->Refresh());
  for (int compacted = 0; compacted < 2; ++compacted) {
    EXPECT_EQ(Count("rating = 4"), 2u);
    EXPECT_EQ(RatingOf("old"), "4");
    EXPECT_EQ(RatingOf("new"), "4");
    ASSERT_OK(collection_->Compact({.everything = true}));
  }
}

TEST_F(CollectionSchemaTest, DeadRowsStayDeadThroughAChange) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  WriteRatings();
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"text"}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"list"}));
  ASSERT_OK_AND_ASSIGN(const SchemaChangeReport report, Declare("rating", FieldType::kInt64));
  EXPECT_EQ(report.fields[0].parked, 2u);
  EXPECT_EQ(Count(), 6u);
  ASSERT_OK(collection_->WidenField({"rating", FieldType::kFloat64}));
  EXPECT_EQ(Count(), 6u);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 6u);
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(Count(), 6u);
  EXPECT_EQ(Count("rating > 1"), 2u);
}

TEST_F(CollectionSchemaTest, NoFailureOnTheWayLeavesAHalfChange) {
  for (const bool widens : {false, true}) {
    for (const FileOperation operation :
         {FileOperation::kCreate, FileOperation::kWrite, FileOperation::kSync, FileOperation::kLink,
          FileOperation::kRename, FileOperation::kSyncDirectory}) {
      SCOPED_TRACE(static_cast<int>(operation));
      CreateAnew();
      ASSERT_OK(collection_->Upsert(At("a", 1, 0, {{"rating", 4}, {"year", 7}})));
      ASSERT_OK(collection_->Flush());
      InjectedFault fault;
      fault.operation = operation;
      files_.InjectFault(fault);
      const auto changed = widens ? collection_->WidenField({"year", FieldType::kFloat64})
                                  : Declare("rating", FieldType::kFloat64);
      files_.ClearFaults();
      // What the table says after opening is what is read, all of one kind.
      ASSERT_OK(Reopen());
      const bool happened = collection_->schema() != Schema();
      if (changed.ok()) {
        EXPECT_TRUE(happened);
      }
      const char* key = widens ? "year" : "rating";
      EXPECT_EQ(collection_->Get("a").value().metadata.at(key).as_float64() != nullptr, happened);
      EXPECT_EQ(Count(widens ? "year = 7" : "rating = 4"), 1u);
      EXPECT_EQ(FilesEndingIn(kTable, ".parquet").size(), happened && widens ? 2u : 1u);
      ASSERT_OK(Declare("more", FieldType::kBool));
    }
  }
}

TEST_F(CollectionSchemaTest, WritersReadersAndCompactionsGoOnBesideChanges) {
  Create();
  ASSERT_OK(collection_->Upsert(At("0", 0, 0, {{"field0", 1}})));
  std::atomic<bool> stop = false;
  std::atomic<int> written = 0;
  std::thread writing([&] {
    for (int i = 0; !stop; ++i) {
      Metadata metadata;
      for (int f = 0; f < 8; ++f) metadata["field" + std::to_string(f)] = i % 10;
      ASSERT_OK(collection_->Upsert(At(std::to_string(i % 50), 0, 0, std::move(metadata))));
      if (i % 20 == 0) {
        ASSERT_OK(collection_->Flush());
      }
      ++written;
    }
  });
  std::thread reading([&] {
    while (!stop) {
      const auto count = collection_->Count(Filter::Parse("field0 >= 0").value());
      EXPECT_OK(count);
      EXPECT_GE(*count, 1u);
    }
  });
  std::thread compacting([&] {
    while (!stop) {
      const auto report = collection_->Compact({.everything = true});
      EXPECT_TRUE(report.ok() || report.status().code() == StatusCode::kConflict)
          << report.status().ToString();
    }
  });
  for (int f = 0; f < 8; ++f) {
    const std::string name = "field" + std::to_string(f);
    const int before = written;
    while (written < before + 30) std::this_thread::yield();
    ASSERT_OK(Declare(name, FieldType::kInt64));
    if (f % 2 == 0) {
      ASSERT_OK(collection_->WidenField({name, FieldType::kFloat64}));
    }
  }
  stop = true;
  writing.join();
  reading.join();
  compacting.join();
  const uint64_t rows = Count();
  EXPECT_EQ(Count("field0 >= 0"), rows);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count("field0 >= 0"), rows);
  ASSERT_OK_AND_ASSIGN(const SchemaReport report, collection_->ReportSchema());
  for (const FieldReport& field : report.fields) EXPECT_EQ(field.parked, 0u) << field.field.name;
}

/// Does something the first time that it is asked, which a write does once it has taken its schema.
class HookedClock final : public Clock {
 public:
  Timestamp Now() const override {
    if (hook) std::exchange(hook, nullptr)();
    return Timestamp{1'700'000'000'000'000};
  }
  mutable std::function<void()> hook;
};

TEST_F(CollectionSchemaTest, AWriteThatTheSchemaOvertakesIsCheckedByTheNewOne) {
  HookedClock clock;
  options_.clock = &clock;
  Create();
  ASSERT_OK(collection_->Upsert(Rated("a", "four")));
  int declared = 0;
  const auto declare_meanwhile = [&](FieldType type) {
    const std::string name = "late" + std::to_string(declared++);
    clock.hook = [this, name, type] { ASSERT_OK(Declare(name, type)); };
    return name;
  };
  const auto late = [](const std::string& name, const Value& value) {
    return Metadata{{name, value}};
  };
  std::string name = declare_meanwhile(FieldType::kInt64);
  EXPECT_STATUS(kInvalidArgument, "is int64", collection_->Upsert(At("b", 0, 0, late(name, "x"))));
  name = declare_meanwhile(FieldType::kInt64);
  EXPECT_STATUS(kInvalidArgument, "is int64", collection_->Insert(At("b", 0, 0, late(name, "x"))));
  name = declare_meanwhile(FieldType::kFloat64);
  EXPECT_OK(collection_->Upsert(At("b", 0, 0, late(name, 5))));
  EXPECT_EQ(Count(name + " = 5"), 1u);
  EXPECT_EQ(collection_->Get("b").value().metadata, late(name, 5.0));
  const std::vector<std::string> ids = {"a"};
  name = declare_meanwhile(FieldType::kInt64);
  EXPECT_STATUS(kInvalidArgument, "is int64",
                collection_->UpdateMetadata(ids, {.set = late(name, "x")}));
  name = declare_meanwhile(FieldType::kFloat64);
  EXPECT_OK(collection_->UpdateMetadata(ids, {.set = late(name, 6)}));
  EXPECT_EQ(Count(name + " = 6"), 1u);
  EXPECT_EQ(declared, 5);
  EXPECT_EQ(collection_->schema().fields.size(), Schema().fields.size() + 5);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(name + " = 6"), 1u);
  EXPECT_STATUS(kNotFound, "", collection_->Get("c"));
  EXPECT_EQ(Count(), 2u);
  options_.clock = &clock_;
  collection_.reset();
}

}  // namespace
}  // namespace viper::core
