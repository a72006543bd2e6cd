#include "core/view_selection.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "core/collection_fixture.h"

namespace viper::core {
namespace {

/// What the collection should hold.
using Model = std::map<std::string, Record>;

struct Case {
  std::string text;
  std::function<bool(const Record&)> matches;
};

int64_t YearOf(const Record& record) { return *record.metadata.at("year").as_int64(); }

std::vector<Case> Cases() {
  return {{"", [](const Record&) { return true; }},
          {"year >= 40", [](const Record& r) { return YearOf(r) >= 40; }},
          {"year = 7", [](const Record& r) { return YearOf(r) == 7; }},
          {"year >= 40 AND note = 'even'",
           [](const Record& r) { return YearOf(r) >= 40 && YearOf(r) % 2 == 0; }},
          {"_id IN ('id3', 'id77', 'id500')",
           [](const Record& r) { return r.id == "id3" || r.id == "id77" || r.id == "id500"; }},
          {"year < 0", [](const Record&) { return false; }}};
}

class ViewSelectionTest : public CollectionFixture {
 protected:
  ViewSelectionTest() {
    options_.background_index = false;
    options_.index_min_rows = 200;
  }

  void UpsertSome() {
    std::vector<Record> records;
    std::set<std::string> ids;
    const uint64_t count = random_.Uniform(4) == 0 ? 120 : 5;
    for (uint64_t i = 0; i < count; ++i) {
      const auto year = static_cast<int64_t>(random_.Uniform(50));
      Record record =
          At("id" + std::to_string(random_.Uniform(900)), static_cast<float>(random_.Uniform(100)),
             static_cast<float>(random_.Uniform(100)),
             {{"year", year}, {"note", year % 2 == 0 ? "even" : "odd"}});
      if (random_.Uniform(5) == 0) {
        record.expires_at = Timestamp{clock_.Now().micros +
                                      static_cast<int64_t>(1 + random_.Uniform(60)) * 1'000'000};
      }
      if (!ids.insert(record.id).second) continue;
      model_[record.id] = record;
      records.push_back(std::move(record));
    }
    ASSERT_OK(collection_->Upsert(records));
  }

  void DeleteSome() {
    std::vector<std::string> ids;
    for (uint64_t i = 0; i < 20; ++i) ids.push_back("id" + std::to_string(random_.Uniform(900)));
    for (const std::string& id : ids) model_.erase(id);
    ASSERT_OK(collection_->Delete(ids));
  }

  void Step() {
    switch (random_.Uniform(7)) {
      case 0:
        return DeleteSome();
      case 1:
        ASSERT_OK(collection_->Flush());
        if (random_.Uniform(2) == 0) {
          ASSERT_OK(collection_->BuildIndex());
        }
        return;
      case 2:
        clock_.AdvanceSeconds(static_cast<int64_t>(random_.Uniform(4)));
        return;
      default:
        return UpsertSome();
    }
  }

  void Check(const Snapshot& snapshot, const Model& model, const Case& wanted) {
    std::set<std::string> expected;
    for (const auto& [id, record] : model) {
      const bool is_alive = !record.expires_at || *record.expires_at > clock_.Now();
      if (is_alive && wanted.matches(record)) expected.insert(id);
    }
    SearchOptions options;
    options.filter = Filter::Parse(wanted.text).value();
    options.k = 5000;
    options.projection.metadata = false;
    ASSERT_OK_AND_ASSIGN(const uint64_t count, snapshot.Count(options.filter));
    EXPECT_EQ(count, expected.size()) << wanted.text;
    const std::vector<float> query = {50, 50};
    // Through the index, all clusters of it; without.
    for (const bool exact : {false, true}) {
      options.exact = exact;
      options.nprobe = exact ? 0 : 1'000'000;
      ASSERT_OK_AND_ASSIGN(const Hits hits, snapshot.Search(query, options));
      std::set<std::string> found;
      for (const Hit& hit : hits) {
        EXPECT_TRUE(found.insert(hit.id).second) << "twice: " << hit.id;
      }
      EXPECT_EQ(found, expected) << wanted.text << " exact=" << exact;
    }
  }

  Random random_{23};
  Model model_;
};

TEST_F(ViewSelectionTest, CachedSelectionsAreThoseOfTheMoment) {
  const std::vector<Case> cases = Cases();
  struct Kept {
    Snapshot snapshot;
    Model model;
  };
  // Once with room for everything, once with hardly any.
  for (const size_t cache_bytes : {size_t{64} << 20, size_t{8} << 10}) {
    SCOPED_TRACE(cache_bytes);
    options_.cache_bytes = cache_bytes;
    model_.clear();
    Create();
    // Known keys before the first filter on one.
    for (int i = 0; i < 4; ++i) UpsertSome();
    std::vector<Kept> kept;
    int steps_with_index = 0;
    for (int step = 0; step < 150; ++step) {
      Step();
      if (HasFatalFailure()) return;
      Check(collection_->GetSnapshot(), model_, cases[random_.Uniform(cases.size())]);
      if (step % 25 == 0) kept.push_back({collection_->GetSnapshot(), model_});
      const Kept& old = kept[random_.Uniform(kept.size())];
      Check(old.snapshot, old.model, cases[random_.Uniform(cases.size())]);
      if (HasFailure()) return;
      steps_with_index += collection_->Statistics().indexed_rows > 0 ? 1 : 0;
    }
    EXPECT_GT(steps_with_index, 20);
    EXPECT_LE(collection_->Statistics().selection_bytes, cache_bytes / 4);
    EXPECT_GT(collection_->Statistics().selection_bytes, 0U);
    kept.clear();
    collection_.reset();
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    ASSERT_OK(engine.DropCollection("docs"));
  }
}

TEST_F(ViewSelectionTest, AClockThatIsSetBackSeesWhatHadNotExpired) {
  Create();
  Record record = At("a", 0, 0, {{"year", 1}});
  record.expires_at = Timestamp{clock_.Now().micros + 10};
  ASSERT_OK(collection_->Upsert(record));
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(Count("year = 1"), 1U);
  clock_.AdvanceMicros(9);
  EXPECT_EQ(Count("year = 1"), 1U);
  clock_.AdvanceMicros(1);
  EXPECT_EQ(Count("year = 1"), 0U);
  clock_.AdvanceMicros(-1);
  EXPECT_EQ(Count("year = 1"), 1U);
}

TEST_F(ViewSelectionTest, AFilterThatCannotBeBoundFailsEveryTime) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0, {{"year", 1}})));
  for (int i = 0; i < 2; ++i) {
    EXPECT_STATUS(kInvalidArgument, "colour",
                  collection_->Count(Filter::Parse("colour = 'red'").value()));
  }
  ASSERT_OK(collection_->Upsert(At("b", 0, 0, {{"colour", "red"}})));
  EXPECT_EQ(Count("colour = 'red'"), 1U);
}

}  // namespace
}  // namespace viper::core
