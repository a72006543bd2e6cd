#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "utilities/utilities_fixture.h"
#include "viper/compression_advice.h"

namespace viper {
namespace {

class CompressionAdvice : public UtilitiesFixture {
 protected:
  CompressionAdvice() {
    config_.compression.time_budget_ms = 0;
    config_.compression.sample_rows = 4'000;
  }

  enum class Kind { kText, kNoise, kSparse };

  void Fill(const std::string& name, Kind kind, size_t dim, int rows = 4'000) {
    const auto collection = Create(name, dim);
    Random random(static_cast<uint64_t>(kind) + 1);
    std::vector<Record> records(static_cast<size_t>(rows));
    for (size_t i = 0; i < records.size(); ++i) {
      records[i].id = "id" + std::to_string(i);
      records[i].vector.assign(dim, 0);
      if (kind == Kind::kText) {
        std::string text;
        for (int word = 0; word < 60; ++word) {
          text += "word" + std::to_string(random.Uniform(200)) + " ";
        }
        records[i].metadata["text"] = std::move(text);
        records[i].vector[0] = 1;
      } else if (kind == Kind::kNoise) {
        for (float& component : records[i].vector) {
          // All bits of the mantissa and the sign are random, and some of the exponent.
          component = static_cast<float>(std::exp(8 * random.UniformDouble()) *
                                         (random.Chance(0.5) ? 1 : -1));
        }
      } else {
        for (int j = 0; j < 4; ++j) records[i].vector[random.Uniform(dim)] = 1;
      }
    }
    ASSERT_OK(collection->Upsert(records));
    ASSERT_OK(collection->Flush());
  }

  CompressionRecommendation Advise(const std::string& name) {
    auto advice = utilities_->OptimizeCompression(name);
    EXPECT_OK(advice);
    return advice.ok() ? *advice : CompressionRecommendation{};
  }

  /// Of the collection "text", whose files are written as the engine's options say: not compressed.
  CompressionRecommendation AdviseOnUncompressedText() {
    options_.adaptive_compression = false;
    options_.compression = {.codec = Codec::kNone};
    Open();
    Fill("text", Kind::kText, 4, 1'000);
    MakeUtilities();
    return Advise("text");
  }
};

TEST_F(CompressionAdvice, U29_U30_U31_U32_UnlikeCollectionsGetUnlikeAdviceAndPredictionsHold) {
  Open();
  Fill("text", Kind::kText, 4);
  Fill("noise", Kind::kNoise, 64);
  Fill("sparse", Kind::kSparse, 128);
  MakeUtilities();
  const auto text = Advise("text");
  const auto noise = Advise("noise");
  const auto sparse = Advise("sparse");
  for (const auto* advice : {&text, &noise, &sparse}) {
    EXPECT_EQ(advice->source, AdviceSource::kMeasured);
    EXPECT_FALSE(advice->reason.empty());
    EXPECT_FALSE(advice->columns.empty());
    EXPECT_GT(*advice->expected_performance.compression_speed_mb_sec, 0);
    // The gain is what is recommended less what is (U-32).
    EXPECT_DOUBLE_EQ(*advice->gain.compression_ratio,
                     *advice->expected_performance.compression_ratio -
                         *advice->current_performance.compression_ratio);
    EXPECT_DOUBLE_EQ(*advice->gain.compression_speed_mb_sec,
                     *advice->expected_performance.compression_speed_mb_sec -
                         *advice->current_performance.compression_speed_mb_sec);
    ASSERT_OK_AND_ASSIGN(const auto outcome, utilities_->Compression().Apply(advice->collection));
    EXPECT_NEAR(outcome.actual_ratio, outcome.expected_ratio, 0.1 * outcome.expected_ratio);
    EXPECT_DOUBLE_EQ(outcome.error, outcome.actual_ratio / outcome.expected_ratio - 1);
  }
  EXPECT_GT(*text.expected_ratio, 1.5);
  EXPECT_LT(*noise.expected_ratio, 1.5);
  EXPECT_GT(*sparse.expected_ratio, 5);
  const auto way_of = [](const CompressionRecommendation& advice) {
    return advice.recommended_way.ToString() + " " + CompressionName(advice.recommended_algorithm);
  };
  EXPECT_NE(way_of(text), way_of(noise));
  EXPECT_NE(way_of(sparse), way_of(noise));
  EXPECT_NE(way_of(text), way_of(sparse));
  EXPECT_EQ(utilities_->Compression().Outcomes().size(), 3u);
  EXPECT_LT(*Advise("text").error_bound, 0.1);
  EXPECT_EQ(utilities_->Compression().Latest().size(), 3u);
}

TEST_F(CompressionAdvice, U12_U13_TrialsAreLoggedAndWithoutBenchmarkingThereAreNone) {
  Open();
  Fill("text", Kind::kText, 4);
  MakeUtilities();
  const auto measured = Advise("text");
  size_t trials = 0;
  for (const std::string& line : Log()) {
    if (line.find("compression trial of 'text'") == std::string::npos) continue;
    ++trials;
    EXPECT_NE(line.find("bytes="), std::string::npos);
    EXPECT_NE(line.find("write ms="), std::string::npos);
  }
  EXPECT_EQ(trials, measured.trials.trials.size());
  EXPECT_GE(trials, 5u);
  config_.compression.enable_benchmarking = false;
  MakeUtilities();
  const size_t before = Log().size();
  const auto history = Advise("text");
  EXPECT_EQ(history.source, AdviceSource::kHistory);
  EXPECT_EQ(history.expected_ratio, std::nullopt);
  EXPECT_TRUE(history.trials.trials.empty());
  EXPECT_EQ(history.recommended_algorithm.codec, Codec::kZstd);
  EXPECT_EQ(Log().size(), before);
  EXPECT_STATUS(kFailedPrecondition, "history", utilities_->Compression().Apply("text"));
}

TEST_F(CompressionAdvice, U14_WhereNothingIsKnownTheDefaultIsRecommended) {
  config_.compression.default_algorithm = {.codec = Codec::kZstd, .level = 7};
  Open();
  Create("empty");
  MakeUtilities();
  for (const bool benchmarks : {true, false}) {
    config_.compression.enable_benchmarking = benchmarks;
    MakeUtilities();
    const auto advice = Advise("empty");
    EXPECT_EQ(advice.source, AdviceSource::kDefault);
    EXPECT_EQ(advice.recommended_algorithm, (Compression{.codec = Codec::kZstd, .level = 7}));
    EXPECT_EQ(advice.recommended_level, 7);
    EXPECT_EQ(advice.expected_ratio, std::nullopt);
  }
  EXPECT_STATUS(kNotFound, "'none'", utilities_->OptimizeCompression("none"));
}

TEST_F(CompressionAdvice, U32_FilesThatAreSmallAlreadyAreNotWrittenAnew) {
  const auto first = AdviseOnUncompressedText();
  ASSERT_TRUE(first.is_change);
  EXPECT_EQ(first.current_algorithm.codec, Codec::kNone);
  EXPECT_NE(first.recommended_algorithm.codec, Codec::kNone);
  ASSERT_OK_AND_ASSIGN(const auto outcome, utilities_->Compression().Apply("text"));
  EXPECT_EQ(first.files_bytes, outcome.bytes_before);
  const auto after = static_cast<double>(outcome.bytes_after);
  EXPECT_NEAR(static_cast<double>(*first.expected_files_bytes), after, 0.1 * after);
  // An engine that is opened anew knows it by the files, though it would write others.
  for (const bool is_reopened : {false, true}) {
    if (is_reopened) {
      utilities_.reset();
      Open();
      MakeUtilities();
    }
    const auto second = Advise("text");
    EXPECT_FALSE(second.is_change) << second.reason;
    EXPECT_EQ(second.current_way.ToString(), "none");
    EXPECT_DOUBLE_EQ(*second.files_ratio, outcome.actual_ratio);
    EXPECT_NEAR(static_cast<double>(*second.expected_files_bytes), after, 0.1 * after);
    EXPECT_NE(second.reason.find("not worth writing"), std::string::npos) << second.reason;
  }
  // Files that come after it are written in the engine's way: with enough of them it pays again.
  ASSERT_OK_AND_ASSIGN(const auto collection, engine_->OpenCollection("text"));
  ASSERT_OK_AND_ASSIGN(auto records, collection->Sample(1'000, 0));
  for (Record& record : records) record.id += "b";
  ASSERT_OK(collection->Upsert(records));
  ASSERT_OK(collection->Flush());
  const auto third = Advise("text");
  EXPECT_TRUE(third.is_change) << third.reason;
  ASSERT_OK_AND_ASSIGN(const auto again, utilities_->Compression().Apply("text"));
  EXPECT_NEAR(static_cast<double>(*third.expected_files_bytes),
              static_cast<double>(again.bytes_after), 0.1 * static_cast<double>(again.bytes_after));
}

/// The engine writes in the best way by now, but the files are of before.
TEST_F(CompressionAdvice, U32_FilesOfOtherDaysAreWrittenAnewInTheEnginesOwnWay) {
  const auto first = AdviseOnUncompressedText();
  ASSERT_TRUE(first.is_change);
  utilities_.reset();
  options_.adaptive_compression = first.recommended_way.adaptive;
  options_.storage_policy = first.recommended_way.policy;
  options_.compression = first.recommended_way.compression;
  Open();
  MakeUtilities();
  const auto second = Advise("text");
  EXPECT_EQ(second.recommended_way.ToString(), second.current_way.ToString());
  EXPECT_TRUE(second.is_change) << second.reason;
  ASSERT_OK_AND_ASSIGN(const auto outcome, utilities_->Compression().Apply("text"));
  EXPECT_NEAR(static_cast<double>(*second.expected_files_bytes),
              static_cast<double>(outcome.bytes_after),
              0.1 * static_cast<double>(outcome.bytes_after));
  const auto third = Advise("text");
  EXPECT_FALSE(third.is_change) << third.reason;
}

TEST_F(CompressionAdvice, U32_AdviceForADroppedCollectionIsNotAppliedToTheNextOfItsName) {
  options_.adaptive_compression = false;
  options_.compression = {.codec = Codec::kNone};
  Open();
  Fill("a", Kind::kText, 4);
  MakeUtilities();
  const auto text = Advise("a");
  ASSERT_TRUE(text.is_change);
  ASSERT_OK(engine_->DropCollection("a"));
  Fill("a", Kind::kNoise, 64);
  ASSERT_OK_AND_ASSIGN(const auto outcome, utilities_->Compression().Apply("a"));
  EXPECT_NE(outcome.expected_ratio, *text.expected_ratio);
  EXPECT_LT(outcome.expected_ratio, 1.5);
  EXPECT_STATUS(kInvalidArgument, "actual=0", utilities_->Compression().Apply("a", {}, 0));
}

TEST_F(CompressionAdvice, U12_U37_TheBackgroundLooksAtOpenCollections) {
  config_.compression.interval_ms = 1;
  options_.adaptive_compression = false;
  options_.compression = {.codec = Codec::kNone};
  Open();
  Fill("text", Kind::kText, 4, 500);
  const auto held = engine_->OpenCollection("text");
  MakeUtilities();
  ASSERT_OK(utilities_->StartServices());
  WaitFor([&] { return !utilities_->Compression().Latest().empty(); });
  ASSERT_OK(utilities_->StopServices());
  const auto latest = utilities_->Compression().Latest();
  ASSERT_EQ(latest.size(), 1u);
  EXPECT_TRUE(latest[0].is_change);
  EXPECT_EQ(latest[0].current_way.ToString(), "none");
  const std::string json = ToValue(latest[0]).ToJson();
  EXPECT_NE(json.find(R"("current_way":"none")"), std::string::npos);
  EXPECT_NE(json.find(R"("is_change":true)"), std::string::npos);
  // Switched off, nothing runs.
  config_.compression.enable_adaptive_compression = false;
  MakeUtilities();
  ASSERT_OK(utilities_->StartServices());
  EXPECT_EQ(utilities_->Compression().Health().state, ServiceState::kStopped);
}

TEST_F(CompressionAdvice, U11_BadConfigsAreRefused) {
  CompressionAdviceConfig config;
  config.level_min = 0;
  EXPECT_STATUS(kInvalidArgument, "level_min=0", config.Validate());
  config = {};
  config.level_max = 23;
  EXPECT_STATUS(kInvalidArgument, "level_max=23", config.Validate());
  config = {};
  config.saving_min = std::numeric_limits<double>::quiet_NaN();
  EXPECT_STATUS(kInvalidArgument, "saving_min", config.Validate());
  config = {};
  config.interval_ms = 0;
  EXPECT_STATUS(kInvalidArgument, "interval_ms", config.Validate());
  config = {};
  config.sample_rows = 0;
  EXPECT_STATUS(kInvalidArgument, "sample_rows", config.Validate());
  config.sample_rows = 1'000'001;
  EXPECT_STATUS(kInvalidArgument, "sample_rows", config.Validate());
  config.sample_rows = 1'000'000;
  EXPECT_OK(config.Validate());
  config.default_algorithm = {.codec = Codec::kZstd, .level = 99};
  EXPECT_STATUS(kInvalidArgument, "default_algorithm.level", config.Validate());
  config.default_algorithm.codec = static_cast<Codec>(77);
  EXPECT_STATUS(kInvalidArgument, "default_algorithm.codec", config.Validate());
}

}  // namespace
}  // namespace viper
