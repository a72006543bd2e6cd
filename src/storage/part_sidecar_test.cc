#include "storage/part_sidecar.h"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/random.h"

namespace viper::storage {
namespace {

SidecarContent MakeContent(uint64_t rows, uint64_t seed) {
  SidecarContent content;
  content.part = {.file_bytes = 4096 + rows * 64, .footer_crc = 0x12345678};
  content.row_count = rows;
  content.max_norm = 3.25;
  for (uint64_t row = 0; row < rows; row += 1000) {
    const uint64_t count = std::min<uint64_t>(1000, rows - row);
    content.pages.push_back({.first_row = row,
                             .row_count = count,
                             .float_offset = 100 + row * 64,
                             .float_crc = static_cast<uint32_t>(row) + 17});
  }
  Random random(seed);
  for (uint64_t row = 0; row < rows; ++row) {
    content.id_hashes.push_back(HashId("id-" + std::to_string(random.Next())));
  }
  return content;
}

std::unique_ptr<PartSidecar> Encoded(const SidecarContent& content) {
  auto bytes = EncodeSidecar(content);
  EXPECT_TRUE(bytes.ok()) << bytes.status().ToString();
  auto sidecar = PartSidecar::FromBytes(std::move(*bytes));
  EXPECT_TRUE(sidecar.ok()) << sidecar.status().ToString();
  return std::move(*sidecar);
}

TEST(PartSidecar, GivesBackWhatWasEncoded) {
  const SidecarContent content = MakeContent(12'345, 1);
  const auto sidecar = Encoded(content);
  EXPECT_EQ(sidecar->row_count(), content.row_count);
  EXPECT_EQ(sidecar->max_norm(), content.max_norm);
  EXPECT_EQ(sidecar->pages(), content.pages);
}

TEST(PartSidecar, FindsEveryRowAndHardlyAnyOther) {
  for (const uint64_t rows : {1, 2, 3, 7, 8, 9, 255, 256, 257, 20'000}) {
    const SidecarContent content = MakeContent(rows, rows);
    const auto sidecar = Encoded(content);
    size_t found = 0;
    for (uint64_t row = 0; row < rows; ++row) {
      const auto candidates = sidecar->FindRows(content.id_hashes[row]);
      found += candidates.size();
      ASSERT_TRUE(std::find(candidates.begin(), candidates.end(), row) != candidates.end())
          << "rows=" << rows << " row=" << row;
      ASSERT_TRUE(std::is_sorted(candidates.begin(), candidates.end()));
    }
    EXPECT_LE(found, rows + 2) << "rows=" << rows;
  }
}

TEST(PartSidecar, AnIdThatIsNotThereIsHardlyEverFound) {
  const auto sidecar = Encoded(MakeContent(20'000, 5));
  size_t found = 0;
  for (int i = 0; i < 100'000; ++i) {
    found += sidecar->FindRows(HashId("other-" + std::to_string(i))).size();
  }
  EXPECT_LE(found, 20);
}

TEST(PartSidecar, AllRowsOfOneHashAreFoundInRisingOrder) {
  SidecarContent content = MakeContent(5'000, 9);
  for (const size_t row : {4'000, 17, 2'500}) content.id_hashes[row] = content.id_hashes[3];
  EXPECT_EQ(Encoded(content)->FindRows(content.id_hashes[3]),
            (std::vector<uint32_t>{3, 17, 2'500, 4'000}));
}

TEST(PartSidecar, AnEmptyPartHasAnEmptySidecar) {
  const auto sidecar = Encoded(MakeContent(0, 1));
  EXPECT_TRUE(sidecar->pages().empty());
  EXPECT_TRUE(sidecar->FindRows(HashId("x")).empty());
}

TEST(PartSidecar, TakesAboutFiveAndAHalfBytesARow) {
  SidecarContent content = MakeContent(100'000, 2);
  content.pages.clear();
  EXPECT_LE(EncodeSidecar(content)->size(), 100'000 * 5.5 + 128);
}

TEST(PartSidecar, ContentThatContradictsItselfIsRefused) {
  const SidecarContent good = MakeContent(2'000, 3);
  const auto refused = [&](auto change) {
    SidecarContent content = good;
    change(content);
    return EncodeSidecar(content).status().code() == StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](SidecarContent& c) { c.id_hashes.pop_back(); }));
  EXPECT_TRUE(refused([](SidecarContent& c) { c.max_norm = -1; }));
  EXPECT_TRUE(
      refused([](SidecarContent& c) { c.max_norm = std::numeric_limits<double>::infinity(); }));
  EXPECT_TRUE(refused([](SidecarContent& c) { c.pages.pop_back(); }));
  EXPECT_TRUE(refused([](SidecarContent& c) { c.pages[1].first_row = 999; }));
  EXPECT_TRUE(refused([](SidecarContent& c) { c.pages[1].row_count = 0; }));
  EXPECT_TRUE(refused([](SidecarContent& c) { c.pages[1].row_count = ~uint64_t{0}; }));
  EXPECT_TRUE(refused([](SidecarContent& c) { c.pages[1].float_offset = c.part.file_bytes; }));
  EXPECT_TRUE(refused([](SidecarContent& c) { c.pages[1].float_offset = ~uint64_t{0}; }));
}

TEST(PartSidecar, EveryFlippedByteIsNoticed) {
  const auto bytes = EncodeSidecar(MakeContent(50, 4));
  ASSERT_TRUE(bytes.ok());
  for (size_t i = 0; i < bytes->size(); ++i) {
    auto damaged = *bytes;
    damaged[i] ^= std::byte{0x10};
    EXPECT_FALSE(PartSidecar::FromBytes(std::move(damaged)).ok()) << "byte " << i;
  }
}

TEST(PartSidecar, EveryOtherLengthIsNoticed) {
  const auto bytes = EncodeSidecar(MakeContent(50, 4));
  ASSERT_TRUE(bytes.ok());
  for (size_t size = 0; size < bytes->size(); ++size) {
    EXPECT_FALSE(PartSidecar::FromBytes({bytes->begin(), bytes->begin() + size}).ok()) << size;
  }
  auto longer = *bytes;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(PartSidecar::FromBytes(std::move(longer)).ok());
}

// Someone who can compute checksums may still not reach outside the file.
TEST(PartSidecar, HostileFieldsUnderRightChecksumsNeverCrash) {
  const uint64_t seed = 77;
  Random random(seed);
  const auto bytes = EncodeSidecar(MakeContent(2'000, 4));
  ASSERT_TRUE(bytes.ok());
  const uint64_t bounds_offset = 96 + 2 * 28;
  const uint64_t entries_offset = bounds_offset + 251 * 4;
  for (int round = 0; round < 3'000; ++round) {
    auto hostile = *bytes;
    for (int change = 0; change < 2; ++change) {
      const size_t limit = change == 0 ? 68 : hostile.size();
      hostile[12 + random.Uniform(limit - 12)] = std::byte(random.Next());
    }
    const std::span<const std::byte> all(hostile);
    StoreFixed(hostile.data() + 56, crc32c::Value(all.subspan(96, 2 * 28)));
    StoreFixed(hostile.data() + 60, crc32c::Value(all.subspan(bounds_offset, 251 * 4)));
    StoreFixed(hostile.data() + 64, crc32c::Value(all.subspan(entries_offset)));
    StoreFixed(hostile.data() + 92, crc32c::Value(all.first(92)));
    auto sidecar = PartSidecar::FromBytes(std::move(hostile));
    if (!sidecar.ok()) continue;
    for (int i = 0; i < 100; ++i) {
      for (const uint32_t row : (*sidecar)->FindRows(random.Next())) {
        ASSERT_LT(row, (*sidecar)->row_count()) << "seed=" << seed << " round=" << round;
      }
    }
  }
}

// Persistent: docs/format/sidecar.md.
TEST(PartSidecar, GoldenBytes) {
  SidecarContent content;
  content.part = {.file_bytes = 1000, .footer_crc = 0xAABBCCDD};
  content.row_count = 2;
  content.max_norm = 1.0;
  content.pages = {{.first_row = 0, .row_count = 2, .float_offset = 0x40, .float_crc = 0x01020304}};
  content.id_hashes = {HashId("a"), HashId("b")};
  const auto bytes = EncodeSidecar(content);
  ASSERT_TRUE(bytes.ok());
  std::string hex;
  for (const std::byte byte : *bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[std::to_integer<int>(byte) >> 4];
    hex += kDigits[std::to_integer<int>(byte) & 15];
  }
  EXPECT_EQ(hex,
            "56495045525344580200000060000000e803000000000000ddccbbaa00000000"
            "0200000000000000000000000000f03f0100000000000000320acbb90b914f33"
            "d505a3aa0000000000000000000000000000000000000000000000008ddd4ace"
            "0000000000000000020000000000000040000000000000000403020100000000"
            "020000003e9c2c3d6c7f08b18938000000");
}

TEST(FingerprintPart, CoversSizeAndFooterOnly) {
  std::vector<std::byte> part(100'000, std::byte{1});
  const PartFingerprint fingerprint = FingerprintPart(part);
  EXPECT_EQ(fingerprint.file_bytes, 100'000);
  part[0] = std::byte{2};
  EXPECT_EQ(FingerprintPart(part), fingerprint);
  part.back() = std::byte{2};
  EXPECT_NE(FingerprintPart(part), fingerprint);
  part.back() = std::byte{1};
  part[100'000 - 65'536] = std::byte{2};
  EXPECT_NE(FingerprintPart(part), fingerprint);
  EXPECT_EQ(FingerprintPart({}).footer_crc, 0);
}

}  // namespace
}  // namespace viper::storage
