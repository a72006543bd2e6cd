#include "core/recall_audit.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "base/coding.h"
#include "core/indexed_collection_fixture.h"
#include "index/model.h"

namespace viper::core {
namespace {

TEST(RecallByDistance, CountsRowsAsNearAsTheLastOfTheTruth) {
  const std::vector<double> truth = {1, 2, 2};
  EXPECT_EQ(RecallByDistance(std::vector<double>{1, 2, 2}, truth), 1);
  EXPECT_DOUBLE_EQ(RecallByDistance(std::vector<double>{1, 2, 3}, truth), 2.0 / 3);
  EXPECT_EQ(RecallByDistance(std::vector<double>{3, 4, 5}, truth), 0);
  EXPECT_EQ(RecallByDistance(std::vector<double>{1, 1, 1, 1}, truth), 1);
  EXPECT_EQ(RecallByDistance({}, truth), 0);
  EXPECT_EQ(RecallByDistance({}, {}), 1);
}

TEST(QueriesPerAudit, IsTheInverseOfTheShare) {
  EXPECT_EQ(QueriesPerAudit(0), 0U);
  EXPECT_EQ(QueriesPerAudit(0.001), 1000U);
  EXPECT_EQ(QueriesPerAudit(1), 1U);
}

TEST(RecallJudgement, TellsOfManyThatTheyFindTooLittle) {
  RecallJudgement judgement;
  for (int i = 0; i < 99; ++i) judgement.Add(0.9, 0.8);
  EXPECT_EQ(judgement.ShareOfMissesAllowed(), std::nullopt) << "too few";
  judgement.Add(0.9, 0.8);
  EXPECT_NEAR(judgement.ShareOfMissesAllowed().value(), 0.5, 1e-9);
}

TEST(RecallJudgement, WhatAMillionFoundBeforeDoesNotHideWhatIsFoundNow) {
  RecallJudgement judgement;
  for (int i = 0; i < 1'000'000; ++i) judgement.Add(0.9, 0.95);
  EXPECT_EQ(judgement.ShareOfMissesAllowed(), std::nullopt);
  for (int i = 0; i < 1'500; ++i) judgement.Add(0.9, 0.8);
  EXPECT_TRUE(judgement.ShareOfMissesAllowed().has_value());
  for (int i = 0; i < 10'000; ++i) judgement.Add(0.9, 0.95);
  EXPECT_EQ(judgement.ShareOfMissesAllowed(), std::nullopt);
}

TEST(RecallAudit, PicksEveryNth) {
  RecallAudit audit;
  EXPECT_TRUE(audit.Pick(1000).empty()) << "off";
  audit.Start(10, nullptr, nullptr);
  std::vector<size_t> picked;
  size_t first = 0;
  for (const size_t count : {1, 8, 1, 0, 25, 5, 3, 12}) {
    for (const size_t i : audit.Pick(count)) {
      ASSERT_LT(i, count);
      picked.push_back(first + i);
    }
    first += count;
  }
  EXPECT_EQ(picked, (std::vector<size_t>{9, 19, 29, 39, 49}));
  audit.Stop();
  EXPECT_TRUE(audit.Pick(100).empty());
}

class RecallAuditTest : public IndexedCollectionFixture {
 protected:
  void Build(double share, int rows = 6000) {
    options_.audit_share = share;
    CreateIndexed();
    Write(0, rows);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
  }
  RecallAuditReport Report() { return collection_->ReportIndex().value().audit; }
  /// Like the rows, or between two of them.
  std::vector<float> NextQuery() {
    std::vector<float> query = RandomVector();
    if (!are_queries_between_) return query;
    const std::vector<float> other = RandomVector();
    for (size_t i = 0; i < kDim; ++i) query[i] = (query[i] + other[i]) / 2;
    return query;
  }
  /// Ask until so many queries have been audited.
  void AskUntilAudited(uint64_t wanted, const SearchOptions& options) {
    for (int i = 0; i < 1'000'000 && Report().audited < wanted; ++i) {
      ASSERT_OK(collection_->Search(NextQuery(), options));
    }
    ASSERT_GE(Report().audited, wanted);
  }

  bool are_queries_between_ = false;
};

TEST_F(RecallAuditTest, C23_TellsTheRecallThatQueriesHad) {
  Build(0.5);
  EXPECT_FALSE(Report().mean_recall.has_value());
  AskUntilAudited(60, {.recall = 0.95});
  AskUntilAudited(120, {.filter = Filter::Parse("year < 2040").value(), .recall = 0.99});
  const RecallAuditReport report = Report();
  ASSERT_EQ(report.by_recall.size(), 2U);
  EXPECT_EQ(report.by_recall[0].asked, 0.95);
  EXPECT_EQ(report.by_recall[0].audited + report.by_recall[1].audited, report.audited);
  EXPECT_GT(report.by_recall[0].mean_recall, 0.9);
  EXPECT_GT(report.by_recall[1].mean_recall, 0.95);
  EXPECT_GT(*report.mean_recall, 0.92);
  EXPECT_LE(*report.mean_recall, 1);
  EXPECT_GT(*report.met_share, 0.3);
  EXPECT_LE(*report.met_share, 1);
  EXPECT_EQ(report.failed, 0U);
}

TEST_F(RecallAuditTest, LeavesOutWhatTheIndexDidNotAnswerOrPromise) {
  Build(1);
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK(collection_->Search(RandomVector(), {.exact = true}));
    ASSERT_OK(collection_->Search(RandomVector(), {.nprobe = 3}));
    ASSERT_OK(collection_->Search(RandomVector(), {.rerank = 10}));
    ASSERT_OK(collection_->Search(RandomVector(), {.k = 0}));
  }
  const RecallAuditReport report = Report();
  EXPECT_EQ(report.audited + report.dropped + report.failed, 0U);
}

TEST_F(RecallAuditTest, IsOffWhenAskedTo) {
  Build(0);
  for (int i = 0; i < 20; ++i) ASSERT_OK(collection_->Search(RandomVector()));
  EXPECT_EQ(Report().audited + Report().dropped, 0U);
}

/// What is asked in one batch comes faster than it can be answered.
TEST_F(RecallAuditTest, DropsAndCountsWhatIsTooMuch) {
  Build(1);
  // An audit takes many times as long as the search does.
  uint64_t searches = 0;
  for (; Report().dropped == 0 && searches < 1'000'000; ++searches) {
    ASSERT_OK(collection_->Search(RandomVector()));
  }
  EXPECT_GT(Report().dropped, 0U);
  AskUntilAudited(17, {});
  EXPECT_LE(Report().audited + Report().dropped, searches + 1'000'000);
}

TEST_F(RecallAuditTest, ASnapshotMayOutliveTheCollectionAndItsAudit) {
  Build(1);
  const Snapshot snapshot = collection_->GetSnapshot();
  collection_.reset();
  for (int i = 0; i < 5; ++i) EXPECT_OK(snapshot.Search(RandomVector()));
}

/// A model whose curves have learned that all neighbours lie in the nearest cluster, as they might
/// from rows that are nothing like the queries.
TEST_F(RecallAuditTest, QueriesThatFindTooLittleMakeSearchesMoreCautious) {
  Build(1, 24'000);
  ASSERT_OK_AND_ASSIGN(const IndexReport built, collection_->ReportIndex());
  EXPECT_EQ(built.caution, 1);
  collection_.reset();
  const std::string path = FilesEndingIn("/db/docs/_viper/index", ".vmodel").front();
  const std::string bytes = ReadFile(path);
  const auto model = index::Model::Decode(AsBytes(bytes)).value();
  index::ModelContent content = model->content();
  index::ProbeCurve::Sample sample;
  for (int i = 1; i < 10; ++i) {
    sample.squared_distances.push_back(static_cast<float>(i));
    sample.neighbours.push_back(i == 1 ? 100 : 0);
  }
  content.probes = {index::ProbeCurve::Fit(std::vector(100, sample), 100)};
  const std::vector<std::byte> changed = index::Model::Make(content).value()->Encode();
  WriteFile(path, std::string(AsText(changed)));
  ASSERT_OK(Reopen());

  are_queries_between_ = true;
  AskUntilAudited(120, {.k = 100, .recall = 0.98});
  ASSERT_OK_AND_ASSIGN(const IndexReport before, collection_->ReportIndex());
  EXPECT_EQ(before.caution, 1);
  EXPECT_LT(*before.audit.mean_recall, 0.96);
  EXPECT_TRUE(before.audit.is_short);
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const IndexReport after, collection_->ReportIndex());
  EXPECT_LT(after.caution, 0.9);
  EXPECT_EQ(after.model, built.model);
  EXPECT_FALSE(after.audit.is_short) << "it is judged anew";
  EXPECT_EQ(collection_->Statistics().index_coded_rows, 0U);
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->ReportIndex()->caution, after.caution);
}

}  // namespace
}  // namespace viper::core
