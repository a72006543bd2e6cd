#include "storage/wal_segment_reader.h"

#include <string>
#include <vector>

#include "base/random.h"
#include "storage/wal_test_log.h"

namespace viper::storage {
namespace {

constexpr uint64_t kSalt = 99;
const std::string kPath = "/segment";

// A segment with these frames one after the other.
class Segment {
 public:
  void Add(uint64_t sequence, uint64_t durable, std::string_view payload) {
    WalFrameCode(kSalt).Append({.sequence = sequence,
                                .durable_sequence = durable,
                                .payload_bytes = static_cast<uint32_t>(payload.size())},
                               AsBytes(payload), bytes_);
  }
  void AddBytes(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  uint64_t end() const { return bytes_.size(); }

  std::unique_ptr<WalSegmentReader> Open(MemoryFileSystem& file_system) const {
    auto file = file_system.CreateFile(kPath);
    EXPECT_OK(file);
    EXPECT_OK((*file)->Append(bytes_));
    auto reader = WalSegmentReader::Open(file_system, kPath, 1);
    EXPECT_OK(reader);
    return std::move(*reader);
  }

 private:
  std::vector<std::byte> bytes_ = [] {
    const auto header = EncodeWalHeader({.salt = kSalt, .first_sequence = 1, .segment_bytes = 0});
    std::vector<std::byte> bytes(header.begin(), header.end());
    bytes.resize(kWalFirstFrame);
    return bytes;
  }();
};

TEST(WalSegmentReader, TheNameMustBeThatOfTheHeader) {
  MemoryFileSystem file_system;
  Segment().Open(file_system);
  EXPECT_STATUS(kCorruption, "expected=2 actual=1",
                WalSegmentReader::Open(file_system, kPath, 2).status());
}

TEST(WalSegmentReader, ReadsOnlyTheExpectedNumber) {
  Segment segment;
  segment.Add(5, 4, "five");
  MemoryFileSystem file_system;
  const auto reader = segment.Open(file_system);
  EXPECT_FALSE((*reader->Read(kWalFirstFrame, 4)).has_value());
  const auto record = reader->Read(kWalFirstFrame, 5);
  ASSERT_OK(record);
  EXPECT_EQ(AsText((**record).payload), "five");
  EXPECT_FALSE((*reader->Read(segment.end(), 6)).has_value());
  EXPECT_FALSE((*reader->Read(~uint64_t{0}, 6)).has_value());
}

TEST(WalSegmentReader, ARecordLargerThanTheWindowIsRead) {
  Segment segment;
  const std::string large(1'000'000, 'x');
  segment.Add(1, 0, large);
  const uint64_t second = segment.end();
  segment.Add(2, 1, "two");
  MemoryFileSystem file_system;
  const auto reader = segment.Open(file_system);
  EXPECT_EQ(AsText((**reader->Read(kWalFirstFrame, 1)).payload), large);
  EXPECT_EQ(AsText((**reader->Read(second, 2)).payload), "two");
}

TEST(WalSegmentReader, UnknownFlagsAreRefusedByName) {
  std::vector<std::byte> frame;
  WalFrameCode(kSalt).Append({.sequence = 1, .flags = 4}, {}, frame);
  Segment segment;
  segment.AddBytes(frame);
  MemoryFileSystem file_system;
  EXPECT_STATUS(kUnsupported, "flags that this build does not know: 0x4",
                segment.Open(file_system)->Read(kWalFirstFrame, 1));
}

TEST(WalSegmentReader, ScanFindsValidFramesAtAnyDistance) {
  for (const size_t gap : {8, 16, 4'096, 65'536 - 32, 65'536, 300'000}) {
    Segment segment;
    segment.AddBytes(std::vector<std::byte>(gap / 8 * 8 + 64));
    const uint64_t at = segment.end();
    segment.Add(3, 1, "three");
    segment.Add(4, 3, "four");
    const uint64_t end = segment.end();
    segment.AddBytes(std::vector<std::byte>(1000));
    MemoryFileSystem file_system;
    ASSERT_OK_AND_ASSIGN(const WalScan scan, segment.Open(file_system)->Scan(kWalFirstFrame, 1));
    ASSERT_TRUE(scan.first.has_value()) << gap;
    EXPECT_EQ(scan.first->offset, at);
    EXPECT_EQ(scan.first->sequence, 3);
    EXPECT_EQ(scan.newest_sequence, 4);
    EXPECT_EQ(scan.newest_durable, 3);
    EXPECT_EQ(scan.written_end, end);
  }
}

TEST(WalSegmentReader, ScanTakesNoFrameWithAnImpossibleNumber) {
  Segment segment;
  segment.AddBytes(std::vector<std::byte>(64));
  segment.Add(4, 1, "two frames of 32 bytes cannot hold 1, 2 and 3");
  segment.Add(1, 0, "nor is 1 behind 1");
  MemoryFileSystem file_system;
  ASSERT_OK_AND_ASSIGN(const WalScan scan, segment.Open(file_system)->Scan(kWalFirstFrame, 1));
  EXPECT_FALSE(scan.first.has_value());
  EXPECT_EQ(scan.written_end, kWalFirstFrame);
}

// Frame headers that pass their check, with payloads that do not, one inside the other.
TEST(WalSegmentReader, ScanGivesUpOnBytesMadeToKeepItBusy) {
  Segment segment;
  segment.AddBytes(std::vector<std::byte>(64));
  for (int i = 0; i < 2'000; ++i) {
    std::vector<std::byte> frame;
    WalFrameCode(kSalt).Append({.sequence = 2, .payload_bytes = 30'000},
                               std::vector<std::byte>(30'000), frame);
    segment.AddBytes(std::span(frame).first(32));
  }
  segment.AddBytes(std::vector<std::byte>(40'000, std::byte{1}));
  MemoryFileSystem file_system;
  EXPECT_STATUS(kCorruption, "too many false frames",
                segment.Open(file_system)->Scan(kWalFirstFrame, 1));
}

TEST(WalSegmentReader, ScanOfNoiseFindsNothing) {
  const uint64_t seed = 11;
  Random random(seed);
  Segment segment;
  std::vector<std::byte> noise(200'000);
  for (std::byte& byte : noise) byte = std::byte(random.Uniform(3));
  segment.AddBytes(noise);
  MemoryFileSystem file_system;
  ASSERT_OK_AND_ASSIGN(const WalScan scan, segment.Open(file_system)->Scan(kWalFirstFrame, 1));
  EXPECT_FALSE(scan.first.has_value()) << "seed=" << seed;
}

}  // namespace
}  // namespace viper::storage
