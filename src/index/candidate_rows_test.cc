#include "index/candidate_rows.h"

#include <algorithm>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "index/index_fixture.h"

namespace viper::index {
namespace {

/// A search that adds rows itself.
class CandidateRowsTest : public testing::TestWithParam<ByteRows> {
 protected:
  CandidateRowsTest() {
    Random random(31);
    std::vector<float> rows = ClusteredRows(900, 32, 9, random);
    if (GetParam() == ByteRows::kWhole) {
      for (float& x : rows) x = std::clamp(std::round(128 + 8 * x), 0.0F, 255.0F);
    }
    built_ = BuildIndex(std::move(rows), 32, Metric::kL2, 6, GetParam());
    query_.assign(built_.rows.begin(), built_.rows.begin() + 32);
    searched_.segment = built_.segment.get();
    request_.model = built_.model.get();
    request_.segments = {&searched_, 1};
    request_.floats = [this](uint64_t row) -> Result<HeldFloats> {
      if (row == damaged_row_) return Status::Corruption("page 7");
      return built_.Row(row);
    };
  }

  void Start(size_t k) {
    request_.k = k;
    prepared_.Prepare(*built_.model, query_);
    candidates_.Start(request_, prepared_, counts_);
  }

  void AddAll() { AddClusters(0, built_.segment->cluster_count(), candidates_); }

  void AddClusters(size_t first, size_t last, CandidateRows& candidates) const {
    const size_t row_bytes = ByteRowBytes(GetParam(), *built_.model);
    for (size_t i = first; i < last; ++i) {
      const ClusterView& cluster = built_.segment->cluster(i);
      for (size_t row = 0; row < cluster.row_count; ++row) {
        PassedRow& passed =
            candidates.Add(row_bytes == 0 ? nullptr : cluster.byte_rows + row * row_bytes);
        passed.segment = 0;
        passed.number = cluster.numbers + row * sizeof(uint32_t);
      }
    }
    candidates.CompareWaiting();
  }

  BuiltIndex built_;
  std::vector<float> query_;
  SearchedSegment searched_;
  IndexSearchRequest request_;
  uint64_t damaged_row_ = ~uint64_t{0};
  PreparedQuery prepared_;
  IndexSearchCounts counts_;
  CandidateRows candidates_;
};

TEST_P(CandidateRowsTest, TheNearestOfAllThatWereAddedComeBack) {
  for (const size_t k : {1U, 10U, 100U, 900U}) {
    Start(k);
    EXPECT_FALSE(candidates_.are_enough());
    AddAll();
    EXPECT_TRUE(candidates_.are_enough());
    EXPECT_EQ(candidates_.TakeNearest().value(), built_.Nearest(query_, k));
  }
}

TEST_P(CandidateRowsTest, FewerThanKAreNotEnoughAndAllComeBack) {
  Start(1000);
  AddAll();
  EXPECT_FALSE(candidates_.are_enough());
  EXPECT_EQ(candidates_.TakeNearest().value(), built_.Nearest(query_, 1000));
}

TEST_P(CandidateRowsTest, BytesSpareTheReadingOfMostFloats) {
  Start(10);
  AddAll();
  ASSERT_TRUE(candidates_.TakeNearest().ok());
  if (GetParam() == ByteRows::kNone) {
    EXPECT_EQ(counts_.exact_rows, 900U + 10U);
  } else {
    EXPECT_EQ(counts_.byte_rows, 900U);
    EXPECT_LE(counts_.exact_rows, GetParam() == ByteRows::kWhole ? 0U : 40U);
  }
}

TEST_P(CandidateRowsTest, AtMostSoManyFloatsAreReadAsRerankSays) {
  request_.rerank = 3;
  Start(2);
  AddAll();
  EXPECT_EQ(candidates_.TakeNearest().value().size(), 2U);
  if (GetParam() == ByteRows::kScaled) {
    EXPECT_LE(counts_.exact_rows, 3U);
  }
}

TEST_P(CandidateRowsTest, FloatsThatCannotBeReadFailTheSearchThatNeedsThem) {
  damaged_row_ = built_.Nearest(query_, 1).front().row;
  Start(5);
  AddAll();
  const auto found = candidates_.TakeNearest();
  if (GetParam() == ByteRows::kWhole) {
    EXPECT_EQ(found.value(), built_.Nearest(query_, 5));
    return;
  }
  EXPECT_EQ(found.status().code(), StatusCode::kCorruption);
  EXPECT_NE(found.status().message().find("page 7"), std::string::npos);
}

TEST_P(CandidateRowsTest, ASearchWhoseTimeIsUpReadsNoFloats) {
  std::stop_source stopping;
  const StopSignal stop(stopping.get_token(), Clock::System(), 0);
  request_.stop = &stop;
  Start(5);
  AddAll();
  stopping.request_stop();
  damaged_row_ = built_.Nearest(query_, 1).front().row;
  const auto found = candidates_.TakeNearest();
  EXPECT_EQ(found.status().code(), StatusCode::kCancelled);
  EXPECT_NE(found.status().message().find("at 0 of "), std::string::npos)
      << found.status().ToString();
}

TEST_P(CandidateRowsTest, SharesHoldTogetherWhatOneHolds) {
  const size_t clusters = built_.segment->cluster_count();
  for (const size_t k : {1U, 10U, 100U, 900U, 1000U}) {
    Start(k);
    AddClusters(0, 1, candidates_);
    std::vector<CandidateRows> shares(2);
    std::vector<IndexSearchCounts> counts(2);
    for (size_t i = 0; i < 2; ++i) {
      shares[i].Start(request_, prepared_, counts[i]);
      shares[i].StartFrom(candidates_);
      EXPECT_EQ(shares[i].threshold(), candidates_.threshold());
    }
    AddClusters(1, 3, shares[0]);
    AddClusters(3, clusters, shares[1]);
    for (const CandidateRows& share : shares) candidates_.Merge(share);
    EXPECT_EQ(candidates_.are_enough(), k <= 900);
    EXPECT_EQ(candidates_.TakeNearest().value(), built_.Nearest(query_, k));
  }
}

TEST_P(CandidateRowsTest, AFailureOfAShareIsOneOfTheWhole) {
  // Bytes are compared without reading floats.
  if (GetParam() != ByteRows::kNone) return;
  Start(5);
  CandidateRows share;
  share.Start(request_, prepared_, counts_);
  damaged_row_ = 7;
  AddClusters(0, built_.segment->cluster_count(), share);
  damaged_row_ = ~uint64_t{0};
  candidates_.Merge(share);
  EXPECT_EQ(candidates_.TakeNearest().status().code(), StatusCode::kCorruption);
}

INSTANTIATE_TEST_SUITE_P(Kinds, CandidateRowsTest,
                         testing::Values(ByteRows::kNone, ByteRows::kScaled, ByteRows::kWhole));

}  // namespace
}  // namespace viper::index
