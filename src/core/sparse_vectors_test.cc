// Collections whose files have sparse vectors: they answer as dense ones do, bit for bit, whatever
// is done with them, and the table says what its files hold.

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/random.h"
#include "core/collection_fixture.h"
#include "core/table_schema.h"
#include "storage/table_log.h"
#include "testing/status_matchers.h"
#include "viper/inspect.h"

namespace viper::core {
namespace {

const Projection kBothForms = {
    .vector = true, .metadata = true, .fields = {}, .sparse_vector = true};

class SparseVectorsTest : public CollectionFixture {
 protected:
  SparseVectorsTest() {
    options_.background_index = false;
    options_.storage_policy = StoragePolicy::kSize;
    options_.vector_cache_bytes = size_t{1} << 20;
  }

  void CreateOf(size_t dim, const std::string& name = "docs") {
    dim_ = dim;
    CollectionSchema schema = Schema();
    schema.dim = dim;
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    ASSERT_OK_AND_ASSIGN(collection_, engine.CreateCollection(name, schema));
  }

  /// About the share `share` of the components is not zero; few are negative zeros.
  std::vector<float> VectorOf(uint64_t seed, double share) const {
    Random random(seed + 1);
    std::vector<float> vector(dim_);
    for (float& component : vector) {
      const double drawn = static_cast<double>(random.Uniform(1'000'000)) / 1e6;
      if (drawn < share) component = static_cast<float>(random.Uniform(1 << 24)) / 1e5F - 80;
      if (random.Uniform(500) == 0) component = -0.0F;
    }
    return vector;
  }

  Record RecordOf(size_t row, double share, uint64_t salt = 0) const {
    Record record;
    record.id = fmt::format("id{:05}", row);
    record.vector = VectorOf(row * 31 + salt, share);
    record.metadata["year"] = static_cast<int64_t>(row % 10);
    record.timestamp = Timestamp{1'000'000};
    return record;
  }

  /// Rows [first, first + count), of every `dense_every` the first dense (0 = none), flushed.
  void Fill(size_t first, size_t count, double share, size_t dense_every = 0, uint64_t salt = 0) {
    std::vector<Record> records;
    for (size_t row = first; row < first + count; ++row) {
      const bool is_dense = dense_every > 0 && row % dense_every == 0;
      records.push_back(RecordOf(row, is_dense ? 1 : share, salt));
    }
    ASSERT_OK(collection_->Upsert(records));
    ASSERT_OK(collection_->Flush());
  }

  CollectionInspection Told(const std::string& name = "docs") {
    return Engine::Open("/db", options_)->Inspect(name).value();
  }

  std::string LayoutsOf(const std::string& name = "docs") {
    std::string text;
    for (const PartInspection& part : Told(name).parts) {
      EXPECT_EQ(part.problem, "");
      for (const RowGroupInspection& group : part.groups) {
        text +=
            fmt::format("{} {}/{};", VectorLayoutName(group.layout), group.sparse_rows, group.rows);
      }
    }
    return text;
  }

  uint64_t BytesOf(const std::string& name) {
    uint64_t bytes = 0;
    for (const PartInspection& part : Told(name).parts) bytes += part.bytes;
    return bytes;
  }

  static std::string TextOfHits(const Result<Hits>& hits) {
    if (!hits.ok()) return hits.status().ToString();
    std::string text;
    for (const Hit& hit : *hits) {
      text += fmt::format("{} {} ", hit.id, hit.distance);
      text.append(reinterpret_cast<const char*>(hit.vector.data()), hit.vector.size() * 4);
    }
    return text;
  }

  /// Everything that the collection answers.
  std::vector<std::string> Answers() {
    std::vector<std::string> answers;
    SearchOptions options;
    options.projection = kBothForms;
    for (uint64_t query = 0; query < 5; ++query) {
      const std::vector<float> vector = VectorOf(1'000'000 + query, query % 2 == 0 ? 0.1 : 1);
      options.filter = {};
      answers.push_back(TextOfHits(collection_->Search(vector, options)));
      EXPECT_EQ(TextOfHits(collection_->Search(SparseVector::FromDense(vector), options)),
                answers.back());
      options.filter = where::Field("year") == int64_t{7};
      answers.push_back(TextOfHits(collection_->Search(vector, options)));
    }
    const auto page = collection_->Scroll({.limit = 100'000, .projection = kBothForms});
    if (!page.ok()) return {page.status().ToString()};
    for (const Record& record : page->records) {
      std::string text = record.id + " " + Value(record.metadata).ToJson();
      text.append(reinterpret_cast<const char*>(record.vector.data()), record.vector.size() * 4);
      EXPECT_EQ(*record.sparse_vector, SparseVector::FromDense(record.vector));
      answers.push_back(std::move(text));
    }
    return answers;
  }

  std::string CommitText(int64_t version) {
    return ReadFile(fmt::format("/db/docs/_delta_log/{:020}.json", version));
  }

  bool IsSound() {
    collection_.reset();
    auto engine = Engine::Open("/db", options_);
    const auto report = engine->Verify("docs");
    EXPECT_OK(report);
    for (const VerifyFinding& finding : report->findings) {
      if (finding.kind != FindingKind::kNote) ADD_FAILURE() << finding.problem;
    }
    return report.ok() && report->is_sound();
  }

  size_t dim_ = 0;
};

TEST_F(SparseVectorsTest, AnswersAreThoseOfDenseTablesWhateverIsStoredHow) {
  Random random(20'261'127);
  for (size_t round = 0; round < 6; ++round) {
    const size_t dim = 1 + random.Uniform(70);
    const double share = static_cast<double>(random.Uniform(60)) / 100;
    const size_t dense_every = random.Uniform(4);
    SCOPED_TRACE(fmt::format("dim={} share={} dense_every={}", dim, share, dense_every));
    std::vector<std::string> dense;
    for (const VectorFormat format :
         {VectorFormat::kDense, VectorFormat::kSparse, VectorFormat::kAdaptive}) {
      options_.vector_format = format;
      options_.sparsity_threshold = static_cast<double>(random.Uniform(101)) / 100;
      options_.storage_policy =
          random.Uniform(2) == 0 ? StoragePolicy::kSpeed : StoragePolicy::kSize;
      options_.adaptive_compression = random.Uniform(3) > 0;
      options_.delete_mode = random.Uniform(2) == 0 ? DeleteMode::kAuto : DeleteMode::kVectors;
      options_.vector_cache_bytes = random.Uniform(2) * 100'000;
      CreateOf(dim);
      Fill(0, 300, share, dense_every);
      Fill(200, 200, share / 2, dense_every, 7);
      Fill(600, 10, 1, 0);
      std::vector<std::string> gone = {"id00001", "id00250", "id00601"};
      ASSERT_OK(collection_->Delete(gone));
      MetadataChange change;
      change.set["category"] = "changed";
      ASSERT_OK(collection_->UpdateMetadata(where::Field("year") == int64_t{3}, change));
      ASSERT_OK(collection_->Flush());
      const auto answers = Answers();
      if (format == VectorFormat::kDense) dense = answers;
      EXPECT_EQ(answers, dense);
      ASSERT_OK(collection_->Compact({.everything = true, .fold_deletion_vectors = true}));
      EXPECT_EQ(Answers(), dense);
      ASSERT_OK(Reopen());
      EXPECT_EQ(Answers(), dense);
      EXPECT_TRUE(IsSound());
      ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
      ASSERT_OK(engine.DropCollection("docs"));
    }
  }
}

TEST_F(SparseVectorsTest, A2_MostlyZerosTakeAFifthOfTheBytesOrLess) {
  CreateOf(1000, "adaptive");
  Fill(0, 1500, 0.05);
  EXPECT_EQ(LayoutsOf("adaptive"), "sparse 1500/1500;");
  const auto answers = Answers();
  options_.vector_format = VectorFormat::kDense;
  options_.adaptive_compression = false;
  options_.compression = {.codec = Codec::kNone};
  CreateOf(1000, "dense");
  Fill(0, 1500, 0.05);
  EXPECT_EQ(LayoutsOf("dense"), "dense 0/1500;");
  EXPECT_EQ(Answers(), answers);
  EXPECT_GE(BytesOf("dense"), 5 * BytesOf("adaptive"));
  const PartInspection part = Told("adaptive").parts.front();
  const auto column = std::find_if(part.columns.begin(), part.columns.end(), [](const auto& told) {
    return told.path == "_sparse.indices.list.element";
  });
  ASSERT_NE(column, part.columns.end());
  EXPECT_NE(column->chosen, "");
  EXPECT_NE(column->reason.find("1500 of 1500 rows are sparse: "), std::string::npos)
      << column->reason;
}

TEST_F(SparseVectorsTest, C13_DenseAndSparseRecordsLieInOneRowGroup) {
  CreateOf(200);
  Fill(0, 400, 0.03, 2);
  EXPECT_EQ(LayoutsOf(), "hybrid 200/400;");
  for (const size_t row : {size_t{0}, size_t{1}, size_t{398}, size_t{399}}) {
    const Record expected = RecordOf(row, row % 2 == 0 ? 1 : 0.03);
    ASSERT_OK_AND_ASSIGN(const Record record, collection_->Get(expected.id));
    EXPECT_EQ(record.vector, expected.vector);
  }
  const std::string json = ToValue(Told()).ToJson();
  EXPECT_NE(json.find(R"("groups":[{"layout":"hybrid","rows":400,"sparse_rows":200}])"),
            std::string::npos);
  EXPECT_TRUE(IsSound());
}

TEST_F(SparseVectorsTest, C08_C13_ThresholdAndFormatSteerWhatIsWritten) {
  const auto layouts = [&](VectorFormat format, double threshold) {
    options_.vector_format = format;
    options_.sparsity_threshold = threshold;
    CreateOf(100);
    std::vector<Record> records;
    for (const size_t zeros : {40, 49, 51, 60}) {
      Record record = RecordOf(zeros, 0);
      record.vector.assign(dim_, 1);
      std::fill_n(record.vector.begin(), zeros, 0.0F);
      records.push_back(std::move(record));
    }
    EXPECT_OK(collection_->Upsert(records));
    EXPECT_OK(collection_->Flush());
    const std::string text = LayoutsOf();
    collection_.reset();
    EXPECT_OK(Engine::Open("/db", options_)->DropCollection("docs"));
    return text;
  };
  EXPECT_EQ(layouts(VectorFormat::kSparse, 0.5), "hybrid 2/4;");
  EXPECT_EQ(layouts(VectorFormat::kSparse, 0.3), "sparse 4/4;");
  EXPECT_EQ(layouts(VectorFormat::kSparse, 0.6), "dense 0/4;");
  EXPECT_EQ(layouts(VectorFormat::kDense, 0.3), "dense 0/4;");
}

TEST_F(SparseVectorsTest, TheColumnComesWithTheFirstCommitThatNeedsIt) {
  CreateOf(600);
  Fill(0, 100, 1);
  EXPECT_EQ(CommitText(1).find("metaData"), std::string::npos);
  const auto dense = Answers();
  Fill(1000, 100, 0.1);
  EXPECT_NE(CommitText(2).find("metaData"), std::string::npos);
  EXPECT_NE(CommitText(2).find("_sparse"), std::string::npos);
  Fill(2000, 100, 0.1);
  EXPECT_EQ(CommitText(3).find("metaData"), std::string::npos);
  ASSERT_OK(collection_->Compact({.everything = true}));
  const Field field{"late", FieldType::kString};
  ASSERT_OK(collection_->AddFields(std::span(&field, 1)));
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 300U);
  ASSERT_OK_AND_ASSIGN(const Snapshot old, collection_->GetSnapshotOfVersion(1));
  ASSERT_OK_AND_ASSIGN(const Record record, old.Get("id00007"));
  EXPECT_EQ(record.vector, RecordOf(7, 1).vector);
  EXPECT_EQ(*old.Count(), 100U);
  EXPECT_TRUE(IsSound());
}

TEST_F(SparseVectorsTest, DeletionVectorsAndTheColumnMayComeInOneCommit) {
  CreateOf(600);
  Fill(0, 100, 1);
  options_.delete_mode = DeleteMode::kVectors;
  ASSERT_OK(Reopen());
  const std::vector<std::string> gone = {"id00003"};
  ASSERT_OK(collection_->Delete(gone));
  Fill(1000, 100, 0.1);
  EXPECT_NE(CommitText(2).find("_sparse"), std::string::npos);
  EXPECT_NE(CommitText(2).find("delta.enableDeletionVectors"), std::string::npos);
  EXPECT_EQ(Count(), 199U);
  EXPECT_TRUE(IsSound());
}

TEST_F(SparseVectorsTest, AFieldThatIsWidenedRewritesSparseParts) {
  CreateOf(600);
  Fill(0, 100, 0.1);
  const auto before = Answers();
  ASSERT_OK(collection_->WidenField({"year", FieldType::kFloat64}));
  EXPECT_EQ(LayoutsOf(), "sparse 100/100;");
  EXPECT_EQ(Answers().size(), before.size());
  EXPECT_TRUE(IsSound());
}

TEST_F(SparseVectorsTest, AnotherColumnOfThatNameKeepsVectorsDense) {
  CreateOf(600);
  Fill(0, 100, 1);
  const auto log = storage::TableLog::Make(files_, "/db/docs", {});
  ASSERT_OK_AND_ASSIGN(const storage::TableState table, log->Load());
  storage::TableCommit commit;
  commit.operation = "ADD COLUMNS";
  commit.metadata = WithSparseColumn(table.metadata);
  const std::string array = R"("elementType":"integer")";
  const size_t place = commit.metadata->schema_json.find(array);
  ASSERT_NE(place, std::string::npos);
  commit.metadata->schema_json.replace(place, array.size(), R"("elementType":"string")");
  ASSERT_OK(log->Commit(table.version + 1, commit, 0));
  Fill(1000, 100, 0.1);
  EXPECT_EQ(LayoutsOf(), "dense 0/100;dense 0/100;");
  EXPECT_EQ(Count(), 200U);
  ASSERT_OK(Reopen());
  Fill(2000, 100, 0.1);
  EXPECT_EQ(LayoutsOf(), "dense 0/100;dense 0/100;dense 0/100;");
}

TEST_F(SparseVectorsTest, SparseRecordsAreWrittenLoggedAndFound) {
  CreateOf(10);
  Record record;
  record.id = "a";
  record.sparse_vector = SparseVector{.indices = {7, 2}, .values = {3, -4}};
  ASSERT_OK(collection_->Upsert(record));
  ASSERT_OK(Reopen());
  ASSERT_OK_AND_ASSIGN(Record read, collection_->Get("a", kBothForms));
  EXPECT_EQ(read.vector, (std::vector<float>{0, 0, -4, 0, 0, 0, 0, 3, 0, 0}));
  EXPECT_EQ(*read.sparse_vector, (SparseVector{.indices = {2, 7}, .values = {-4, 3}}));
  ASSERT_OK(collection_->Insert(RecordOf(1, 1)));
  const SparseVector query{.indices = {2}, .values = {-4}};
  ASSERT_OK_AND_ASSIGN(const Hits hits, collection_->Search(query, {.k = 1}));
  EXPECT_EQ(hits.front().id, "a");
  EXPECT_EQ(hits.front().distance, 3);
  EXPECT_FALSE(hits.front().sparse_vector.has_value());
}

TEST_F(SparseVectorsTest, SparseRecordsThatMakeNoVectorAreRefused) {
  CreateOf(10);
  Record record;
  record.id = "a";
  EXPECT_STATUS(kInvalidArgument, "expected=10 actual=0", collection_->Upsert(record));
  record.sparse_vector = SparseVector{.indices = {10}, .values = {1}};
  EXPECT_STATUS(kInvalidArgument, "record 0 (id 'a'): sparse vector has an index beyond",
                collection_->Upsert(record));
  record.sparse_vector = SparseVector{.indices = {1}, .values = {1}};
  record.vector.assign(10, 1);
  EXPECT_STATUS(kInvalidArgument, "given twice, dense and sparse: components=10 indices=1",
                collection_->Upsert(record));
  const SparseVector query{.indices = {3, 3}, .values = {1, 1}};
  EXPECT_STATUS(kInvalidArgument, "search: sparse vector has an index twice",
                collection_->Search(query));
  EXPECT_EQ(Count(), 0U);
}

TEST_F(SparseVectorsTest, FilesThatAreFullOfFewBytesAreNotMergedAgain) {
  options_.vector_format = VectorFormat::kSparse;
  options_.part_bytes = kPartBytesMin;
  CreateOf(1000);
  Fill(0, 1500, 0.01);
  const std::string layouts = LayoutsOf();
  EXPECT_GT(std::count(layouts.begin(), layouts.end(), ';'), 4);
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact());
  EXPECT_TRUE(report.steps.empty());
}

TEST_F(SparseVectorsTest, AnIndexIsBuiltOfThemAndFindsThem) {
  options_.index_min_rows = 1000;
  CreateOf(64);
  Fill(0, 4000, 0.1);
  ASSERT_OK(collection_->BuildIndex());
  size_t found = 0;
  for (size_t row = 0; row < 4000; row += 40) {
    const Record record = RecordOf(row, 0.1);
    ASSERT_OK_AND_ASSIGN(const Hits hits, collection_->Search(record.vector));
    found += hits.front().id == record.id ? 1 : 0;
  }
  EXPECT_GE(found, 95U);
}

}  // namespace
}  // namespace viper::core
