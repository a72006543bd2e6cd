#include "core/coding_ahead.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/indexed_collection_fixture.h"

namespace viper::core {
namespace {

class CodingAheadTest : public IndexedCollectionFixture {
 protected:
  /// A collection of two parts, of which only the first is in the view, and indexed.
  void OpenWithPartToCome() {
    CreateIndexed();
    Write(0, 1200);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
    Write(1200, 1500);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK_AND_ASSIGN(open_, ReopenInside());
    before_ = *open_->View();
    ASSERT_EQ(before_.parts.size(), 2U);
    const size_t small = before_.parts[0].part->row_count() == 300 ? 0 : 1;
    coming_.parts = {before_.parts[small].part};
    before_.parts.erase(before_.parts.begin() + static_cast<ptrdiff_t>(small));
  }

  size_t SegmentCount() const { return open_->context().read->index.files()->segments.size(); }

  std::shared_ptr<const ReadView> Before() const {
    return std::make_shared<const ReadView>(before_);
  }

  std::unique_ptr<Collection::Impl> open_;
  ReadView before_;
  FlushResult coming_;
};

TEST_F(CodingAheadTest, PartsStayInTheIndexWhileTheyAreOnTheirWay) {
  options_.background_index = false;
  OpenWithPartToCome();
  CollectionContext context = open_->context();
  context.options.background_index = true;
  IndexBuilder builder(context);
  {
    CodingAhead ahead(context, builder);
    ahead.Code([this] { return Before(); }, {}, coming_, [] { return true; });
    EXPECT_EQ(SegmentCount(), 2U);
    ASSERT_OK(builder.KeepUp([this] { return Before(); }, nullptr, {}));
    EXPECT_EQ(SegmentCount(), 2U);
  }
  ASSERT_OK(builder.KeepUp([this] { return Before(); }, nullptr, {}));
  EXPECT_EQ(SegmentCount(), 1U);
}

TEST_F(CodingAheadTest, NothingIsCodedWhereTheIndexIsKeptUpByCalls) {
  OpenWithPartToCome();
  IndexBuilder builder(open_->context());
  CodingAhead ahead(open_->context(), builder);
  ahead.Code([this] { return Before(); }, {}, coming_, [] { return true; });
  EXPECT_EQ(SegmentCount(), 1U);
}

TEST_F(CodingAheadTest, ACodingThatIsStoppedIsLoggedAndLeftForLater) {
  OpenWithPartToCome();
  CollectionContext context = open_->context();
  context.options.background_index = true;
  std::vector<std::string> lines;
  context.options.log = [&](std::string_view line) { lines.emplace_back(line); };
  IndexBuilder builder(context);
  CodingAhead ahead(context, builder);
  ahead.Code([this] { return Before(); }, {}, coming_, [] { return false; });
  EXPECT_EQ(SegmentCount(), 1U);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("not in the index yet"), std::string::npos) << lines[0];
}

TEST_F(CodingAheadTest, RowsOfABackgroundFlushAreInTheIndexWhenItIsDone) {
  CreateIndexed();
  Write(0, 1200);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  collection_.reset();
  options_.background_flush = true;
  options_.background_index = true;
  options_.flush_bytes = size_t{1} << 20;
  ASSERT_OK(Reopen());
  Write(1200, 4200);
  // The thread that flushes is at it.
  for (int i = 0; i < 1'000'000 && collection_->Statistics().flushes == 0; ++i) {
  }
  ASSERT_EQ(collection_->Statistics().flushes, 1U);
  EXPECT_GE(collection_->Statistics().index_coded_rows, 3000U);
}

}  // namespace
}  // namespace viper::core
