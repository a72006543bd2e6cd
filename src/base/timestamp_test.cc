#include <array>
#include <ctime>
#include <limits>

#include <gtest/gtest.h>

#include "base/random.h"
#include "testing/status_matchers.h"
#include "viper/value.h"

namespace viper {
namespace {

constexpr int64_t kSecond = 1'000'000;

int64_t MicrosOf(std::string_view text) {
  const Result<Timestamp> parsed = Timestamp::Parse(text);
  EXPECT_OK(parsed) << text;
  return parsed.ok() ? parsed->micros : -1;
}

TEST(Timestamp, ParsesDatesAndTimesAsUtc) {
  EXPECT_EQ(MicrosOf("1970-01-01"), 0);
  EXPECT_EQ(MicrosOf("1970-01-02T00:00:01"), 86'401 * kSecond);
  EXPECT_EQ(MicrosOf("2026-11-22T08:30:00Z"), 1'795'336'200 * kSecond);
  EXPECT_EQ(MicrosOf("2000-02-29 00:00:00z"), 951'782'400 * kSecond);
  EXPECT_EQ(MicrosOf("1969-12-31t23:59:59"), -1 * kSecond);
}

TEST(Timestamp, ParsesFractionsOfUpToSixDigits) {
  EXPECT_EQ(MicrosOf("1970-01-01T00:00:00.5"), 500'000);
  EXPECT_EQ(MicrosOf("1970-01-01T00:00:00.000001Z"), 1);
  EXPECT_EQ(MicrosOf("1969-12-31T23:59:59.999999"), -1);
  EXPECT_STATUS(kInvalidArgument, "", Timestamp::Parse("1970-01-01T00:00:00.0000001"));
}

TEST(Timestamp, ZonesAreTakenOff) {
  EXPECT_EQ(MicrosOf("1970-01-01T02:00:00+02:00"), 0);
  EXPECT_EQ(MicrosOf("1969-12-31T18:30:00-05:30"), 0);
  EXPECT_EQ(MicrosOf("1970-01-01T00:00:00.25+00:00"), 250'000);
}

TEST(Timestamp, MalformedTextIsRefusedAndShown) {
  for (std::string_view text : {"",
                                "2026",
                                "2026-13-01",
                                "2026-02-29",
                                "2026-00-10",
                                "2026-01-32",
                                "0000-01-01",
                                "10000-01-01",
                                "2026-1-1",
                                "2026-01-01T",
                                "2026-01-01T24:00:00",
                                "2026-01-01T10:60:00",
                                "2026-01-01T10:00:60",
                                "2026-01-01T10:00",
                                "2026-01-01T10:00:00.",
                                "2026-01-01T10:00:00+2",
                                "2026-01-01T10:00:00+02:60",
                                "2026-01-01T10:00:00Zx",
                                "2026-01-01Z",
                                " 2026-01-01",
                                "2026-01-01 ",
                                "-026-01-01",
                                "+026-01-01",
                                "2026-01-01T-1:00:00"}) {
    EXPECT_STATUS(kInvalidArgument, text, Timestamp::Parse(text));
  }
}

TEST(Timestamp, ZoneCannotLeadOutOfTheCalendar) {
  EXPECT_STATUS(kInvalidArgument, "", Timestamp::Parse("0001-01-01T00:00:00+00:01"));
  EXPECT_STATUS(kInvalidArgument, "", Timestamp::Parse("9999-12-31T23:59:59-00:01"));
  EXPECT_OK(Timestamp::Parse("0001-01-01T00:00:00-00:01"));
}

TEST(Timestamp, PrintsAFractionOnlyWhenThereIsOne) {
  EXPECT_EQ(Timestamp{0}.ToString(), "1970-01-01T00:00:00Z");
  EXPECT_EQ(Timestamp{500'000}.ToString(), "1970-01-01T00:00:00.500Z");
  EXPECT_EQ(Timestamp{1}.ToString(), "1970-01-01T00:00:00.000001Z");
  EXPECT_EQ(Timestamp{-1}.ToString(), "1969-12-31T23:59:59.999999Z");
}

TEST(Timestamp, PrintsEvenWhatNoCalendarHolds) {
  EXPECT_EQ(Timestamp{std::numeric_limits<int64_t>::max()}.ToString(),
            "294247-01-10T04:00:54.775807Z");
  EXPECT_EQ(Timestamp{std::numeric_limits<int64_t>::min()}.ToString(),
            "-290308-12-21T19:59:05.224192Z");
}

TEST(Timestamp, PrintedTimesReadBackTheSame) {
  constexpr uint64_t kSeed = 9;
  Random random(kSeed);
  const int64_t first = MicrosOf("0001-01-01");
  const int64_t last = MicrosOf("9999-12-31T23:59:59.999999");
  for (int round = 0; round < 2000; ++round) {
    const int64_t micros = first + static_cast<int64_t>(random.Uniform(last - first + 1));
    const Timestamp timestamp{round % 3 == 0 ? micros - micros % kSecond : micros};
    ASSERT_EQ(MicrosOf(timestamp.ToString()), timestamp.micros) << timestamp.ToString();
  }
  EXPECT_EQ(MicrosOf(Timestamp{first}.ToString()), first);
  EXPECT_EQ(MicrosOf(Timestamp{last}.ToString()), last);
}

TEST(Timestamp, AgreesWithTheCLibrary) {
  constexpr uint64_t kSeed = 10;
  Random random(kSeed);
  for (int round = 0; round < 1000; ++round) {
    const auto seconds =
        static_cast<std::time_t>(random.Uniform(uint64_t{1} << 35)) - (std::time_t{1} << 34);
    std::tm parts{};
    ASSERT_NE(::gmtime_r(&seconds, &parts), nullptr);
    std::array<char, 64> text{};
    const size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    ASSERT_EQ(Timestamp{seconds * kSecond}.ToString(), std::string(text.data(), length));
  }
}

}  // namespace
}  // namespace viper
