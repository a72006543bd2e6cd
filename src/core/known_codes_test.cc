#include "core/known_codes.h"

#include <string>
#include <vector>

#include "base/coding.h"
#include "core/indexed_collection_fixture.h"
#include "storage/file_contents.h"

namespace viper::core {
namespace {

class KnownCodesTest : public IndexedCollectionFixture {
 protected:
  /// A part of 1,200 rows, which a segment holds, and one of 300, which none does.
  void OpenTwoParts() {
    CreateIndexed();
    Write(0, 1200);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
    Write(1200, 1500);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK_AND_ASSIGN(open_, ReopenInside());
    view_ = open_->View();
    ASSERT_EQ(view_->parts.size(), 2U);
    large_ = view_->parts[0].part->row_count() == 1200 ? 0 : 1;
    index_ = open_->context().read->index.files();
    ASSERT_EQ(index_->segments.size(), 1U);
  }

  RowsOfParts Large() const { return {*view_, {large_}}; }
  RowsOfParts Small() const { return {*view_, {1 - large_}}; }
  Result<KnownCodes> Find(const RowsOfParts& rows, const KnownCodes::CopiesOf& copies_of) const {
    return KnownCodes::Find(rows, index_->segments, copies_of);
  }
  Result<AssignedRows> Assign(const RowsOfParts& rows, std::vector<uint32_t> known) const {
    return AssignRows(rows, index_->model, std::move(known), nullptr, {});
  }

  std::unique_ptr<Collection::Impl> open_;
  std::shared_ptr<const ReadView> view_;
  std::shared_ptr<const core::IndexFiles> index_;
  size_t large_ = 0;
};

TEST_F(KnownCodesTest, RowsOfASegmentAreKnownByTheirPart) {
  OpenTwoParts();
  ASSERT_OK_AND_ASSIGN(KnownCodes known, Find(Large(), {}));
  EXPECT_EQ(known.count(), 1200U);
  EXPECT_TRUE(known.Has(0));
  EXPECT_TRUE(known.Has(1199));
  EXPECT_EQ(known.Of(0).segment, index_->segments[0]->segment.get());
  EXPECT_NEAR(known.mean_squared_distance(), index_->segments[0]->segment->mean_squared_distance(),
              1e-9);
  EXPECT_TRUE(known.AllAre(index::ByteRows::kScaled));
  EXPECT_FALSE(known.AllAre(index::ByteRows::kWhole));
  ASSERT_OK_AND_ASSIGN(const AssignedRows assigned, Assign(Large(), {}));
  EXPECT_EQ(known.TakeClusters(), assigned.clusters);
  ASSERT_OK_AND_ASSIGN(const KnownCodes none, Find(Small(), {}));
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.count(), 0U);
  EXPECT_EQ(none.Of(0).segment, nullptr);
}

// As if rows 10 to 299 of the small part were every fourth row of the large one.
TEST_F(KnownCodesTest, RowsAreKnownByThePartThatTheyWereCopiedFrom) {
  OpenTwoParts();
  Bitmap dead(1200);
  for (size_t row = 0; row < 1200; ++row) {
    if (row % 4 != 1) dead.Set(row);
  }
  const auto dead_rows = std::make_shared<const Bitmap>(std::move(dead));
  const std::string path = view_->parts[1 - large_].part->added().path;
  // In two runs, the later one first.
  const auto copies_of = [&](const std::string& asked) -> std::vector<CopiedRows> {
    EXPECT_EQ(asked, path);
    const auto& from = view_->parts[large_].part;
    return {{100, 200, from, dead_rows, 97}, {10, 90, from, dead_rows, 7}};
  };
  ASSERT_OK_AND_ASSIGN(KnownCodes known, Find(Small(), copies_of));
  ASSERT_OK_AND_ASSIGN(const AssignedRows assigned, Assign(Large(), {}));
  EXPECT_EQ(known.count(), 290U);
  EXPECT_FALSE(known.Has(9));
  const index::Segment& segment = *index_->segments[0]->segment;
  const std::vector<uint32_t> clusters = known.TakeClusters();
  for (uint64_t row = 10; row < 300; ++row) {
    const uint64_t origin = 4 * (row - 3) + 1;
    ASSERT_EQ(clusters[row], assigned.clusters[origin]) << row;
    const std::byte* numbers = segment.cluster(clusters[row]).numbers;
    EXPECT_EQ(LoadFixed<uint32_t>(numbers + 4 * known.Of(row).position), origin);
  }
}

TEST_F(KnownCodesTest, OnlyRowsThatAreNotKnownAreCompared) {
  OpenTwoParts();
  ASSERT_OK_AND_ASSIGN(const AssignedRows all, Assign(Large(), {}));
  EXPECT_EQ(all.compared_rows, 1200U);
  std::vector<uint32_t> some = all.clusters;
  uint64_t unknown = 0;
  for (size_t row = 0; row < some.size(); ++row) {
    if (row % 7 > 2 && row != 1000) continue;
    some[row] = kUnknownCluster;
    ++unknown;
  }
  ASSERT_OK_AND_ASSIGN(const AssignedRows rest, Assign(Large(), some));
  EXPECT_EQ(rest.compared_rows, unknown);
  EXPECT_EQ(rest.clusters, all.clusters);
  std::vector<uint32_t> made_up(1200, 0);
  ASSERT_OK_AND_ASSIGN(const AssignedRows none, Assign(Large(), made_up));
  EXPECT_EQ(none.compared_rows, 0U);
  EXPECT_EQ(none.clusters, made_up);
}

TEST_F(KnownCodesTest, ADamagedSegmentIsFound) {
  OpenTwoParts();
  const auto named = FilesEndingIn("/db/docs/_viper/index", ".vseg");
  ASSERT_EQ(named.size(), 1U);
  ASSERT_OK_AND_ASSIGN(std::vector<std::byte> bytes, storage::ReadLogFile(files_, named[0]));
  // In the codes of the first cluster.
  bytes[8] ^= std::byte{1};
  auto damaged = std::make_shared<OpenSegment>();
  ASSERT_OK_AND_ASSIGN(damaged->segment, index::Segment::Open(bytes, *index_->model));
  const std::vector<std::shared_ptr<const OpenSegment>> segments = {damaged};
  EXPECT_STATUS(kCorruption, "", KnownCodes::Find(Large(), segments, {}));
}

class CopiedCodesTest : public IndexedCollectionFixture {
 protected:
  /// Every live record is the nearest to itself, but for a few that the bounds of their codes lose.
  void ExpectEachFoundByItself(uint64_t expected) {
    auto page = collection_->Scroll({.limit = 100'000});
    ASSERT_OK(page);
    EXPECT_EQ(page->records.size(), expected);
    size_t lost = 0;
    for (const Record& record : page->records) {
      const auto hits = collection_->Search(record.vector, {.k = 1, .recall = 0.999, .nprobe = 1});
      ASSERT_OK(hits);
      lost += hits->at(0).id == record.id ? 0 : 1;
    }
    EXPECT_LE(lost, expected / 250);
  }
};

TEST_F(CopiedCodesTest, ACompactionCodesNothingAnew) {
  for (const bool byte_rows : {true, false}) {
    options_.background_index = true;
    options_.index_byte_rows = byte_rows;
    options_.delete_mode = DeleteMode::kVectors;
    CreateIndexed();
    Write(0, 1200);
    ASSERT_OK(collection_->Flush());
    Write(1200, 1500);
    ASSERT_OK(collection_->Flush());
    std::vector<std::string> gone;
    for (int i = 0; i < 1500; i += 3) gone.push_back("id" + std::to_string(i));
    ASSERT_OK(collection_->Delete(gone));
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
    const uint64_t coded = collection_->Statistics().index_coded_rows;
    const uint64_t copied = collection_->Statistics().index_copied_rows;
    const auto scanned_rows = [&] {
      return collection_->ReportIndex().value().accuracy.value().recalls.back().scanned_rows;
    };
    const double scanned = scanned_rows();
    ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact({.everything = true}));
    ASSERT_EQ(report.files_after, 1U);
    EXPECT_EQ(scanned_rows(), scanned) << "measured while rows were there twice";
    EXPECT_EQ(collection_->Statistics().index_coded_rows, coded);
    EXPECT_EQ(collection_->Statistics().index_copied_rows, copied + 1000);
    EXPECT_EQ(collection_->Statistics().indexed_rows, 1000U);
    ExpectEachFoundByItself(1000);
    collection_.reset();
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    ASSERT_OK(engine.DropCollection("docs"));
  }
}

TEST_F(CopiedCodesTest, SegmentsThatAreMergedAreCopied) {
  CreateIndexed();
  Write(0, 1200);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  for (int i = 0; i < 6; ++i) {
    Write(1200 + 100 * i, 1300 + 100 * i);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
  }
  const CollectionStatistics statistics = collection_->Statistics();
  EXPECT_EQ(statistics.index_coded_rows, 1800U) << "each row once";
  EXPECT_GT(statistics.index_copied_rows, 0U);
  EXPECT_LE(statistics.index_segments, 5U);
  ExpectEachFoundByItself(1800);
}

}  // namespace
}  // namespace viper::core
