#include "factory/strategies.h"

#include <set>

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper::factory {
namespace {

TEST(Strategies, NamesAreThoseOfTheLayouts) {
  std::set<FileLayout> layouts;
  for (const auto& [strategy, group] : LibrarySchemaStrategies()) {
    EXPECT_EQ(group, StrategyGroup::kLibrary);
    EXPECT_EQ(strategy->name(), FileLayoutName(strategy->layout()));
    layouts.insert(strategy->layout());
  }
  EXPECT_EQ(layouts.size(), 3u);
}

TEST(Strategies, ProcessorsAreWhatTheirNamesSay) {
  const SortingStrategy none{.order = SortingOrder::kNone};
  for (const auto& [name, maker, group] : LibraryProcessors()) {
    EXPECT_EQ(group, StrategyGroup::kLibrary);
    ASSERT_OK_AND_ASSIGN(const auto made, maker({}, {}, {}));
    EXPECT_EQ(made->name(), name);
    const SortingOrder order = made->Sorting(none).order;
    const SortingOrder expected = name == kSimilarityProcessor   ? SortingOrder::kBySimilarity
                                  : name == kTimeSeriesProcessor ? SortingOrder::kByTime
                                                                 : SortingOrder::kNone;
    EXPECT_EQ(order, expected) << name;
    EXPECT_EQ(made->window_ms() > 0, name == kTimeSeriesProcessor);
  }
}

TEST(Strategies, TimeIsTakenFromAKey) {
  const auto processor = TakeTimeFrom("when", MakeStandardProcessor());
  EXPECT_EQ(processor->name(), kStandardProcessor);
  std::vector<Record> records(2);
  records[0].id = "a";
  records[0].metadata["when"] = "2026-01-02T00:00:00Z";
  records[1].id = "b";
  records[1].metadata["when"] = Timestamp{7};
  ASSERT_OK(processor->Preprocess(records));
  EXPECT_EQ(records[0].timestamp, Timestamp::Parse("2026-01-02").value());
  EXPECT_EQ(records[1].timestamp, Timestamp{7});
  records[1].metadata["when"] = 7;
  EXPECT_STATUS(kInvalidArgument, "record 1 (id 'b'): the time field 'when' is no time: actual=7",
                processor->Preprocess(records));
  records[1].metadata.clear();
  EXPECT_STATUS(kInvalidArgument, "is missing", processor->Preprocess(records));
}

TEST(Strategies, F20_AGuessedKeyFillsGapsAndRefusesNothing) {
  const auto processor = FillTimeFrom("born", MakeStandardProcessor());
  EXPECT_EQ(processor->name(), kStandardProcessor);
  std::vector<Record> records(5);
  records[0].timestamp = Timestamp{7};
  records[0].metadata["born"] = "2020-01-01";
  records[1].metadata["born"] = "2020-01-01";
  records[2].metadata["born"] = "unknown";
  records[4].metadata["born"] = "0001-01-01";
  ASSERT_OK(processor->Preprocess(records));
  EXPECT_EQ(records[0].timestamp, Timestamp{7});
  EXPECT_EQ(records[1].timestamp, Timestamp::Parse("2020-01-01").value());
  EXPECT_EQ(records[2].timestamp, std::nullopt);
  EXPECT_EQ(records[3].timestamp, std::nullopt);
  EXPECT_EQ(records[4].timestamp, std::nullopt) << "no file in nanoseconds could have it";
}

}  // namespace
}  // namespace viper::factory
