#include "storage/deletion_vector.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/coding.h"
#include "storage/file_contents.h"
#include "storage/file_names.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper::storage {
namespace {

constexpr std::string_view kTable = "table";
constexpr uint32_t kSeed = 20261126;

Bitmap Rows(size_t size, const std::vector<size_t>& set) {
  Bitmap rows(size);
  for (const size_t row : set) rows.Set(row);
  return rows;
}

Bitmap RandomRows(std::mt19937& random, size_t size) {
  Bitmap rows(size);
  const auto share = 1 + random() % 1000;
  for (size_t row = 0; row < size; ++row) rows.Assign(row, random() % 1000 < share);
  return rows;
}

/// One file of the table with these vectors, written; where each of them is.
std::vector<DeletionVectorDescriptor> Write(MemoryFileSystem& file_system,
                                            const std::vector<Bitmap>& vectors) {
  DeletionVectorFile file("d2c639aa-8816-431a-aaf6-d3fe2512ff61");
  std::vector<DeletionVectorDescriptor> descriptors;
  for (const Bitmap& rows : vectors) descriptors.push_back(file.Add(rows));
  EXPECT_OK(file_system.CreateDirectories(DeletionVectorDirectory(kTable)));
  EXPECT_OK(WriteSyncedFile(file_system, DataFilePath(kTable, file.path()), file.bytes()));
  return descriptors;
}

std::string PathOf(const DeletionVectorDescriptor& descriptor) {
  return DeletionVectorPath(descriptor).value().value();
}

// From the Delta protocol, "Deletion Vector Descriptor Schema": the example of a uuid in Z85.
TEST(DeletionVector, TheProtocolsExampleOfANameIsUnderstood) {
  const DeletionVectorDescriptor descriptor = {.storage_type = "u",
                                               .path_or_inline = "ab^-aqEH.-t@S}K{vb[*k^",
                                               .offset = 4,
                                               .size_bytes = 40,
                                               .cardinality = 6};
  EXPECT_EQ(PathOf(descriptor), "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin");
  EXPECT_EQ(DeletionVectorId(descriptor), "uab^-aqEH.-t@S}K{vb[*k^@4");
}

// Persistent. The bitmap is the one of the Roaring format specification for {0, 1, 2, 9}.
TEST(DeletionVector, GoldenBytes) {
  const std::vector<std::byte> bytes = EncodeDeletionVector(Rows(10, {0, 1, 2, 9}));
  const std::vector<uint8_t> expected = {0xd1, 0xd3, 0x39, 0x64,              // magic number
                                         1,    0,    0,    0,    0, 0, 0, 0,  // buckets
                                         0,    0,    0,    0,                 // key of the first
                                         0x3a, 0x30, 0,    0,    1, 0, 0, 0,  // Roaring: no runs
                                         0,    0,    3,    0,  // key, cardinality - 1
                                         16,   0,    0,    0,  // offset
                                         0,    0,    1,    0,    2, 0, 9, 0};
  ASSERT_EQ(bytes.size(), expected.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_EQ(static_cast<uint8_t>(bytes[i]), expected[i]) << i;
  }
}

TEST(DeletionVector, EveryVectorOfAFileComesBack) {
  std::mt19937 random(kSeed);
  MemoryFileSystem file_system;
  std::vector<Bitmap> vectors = {Rows(1, {0}), Rows(70'000, {65'535, 65'536}), Bitmap(5'000, true)};
  for (int i = 0; i < 20; ++i) vectors.push_back(RandomRows(random, 1 + random() % 200'000));
  std::erase_if(vectors, [](const Bitmap& rows) { return !rows.AnySet(); });
  const auto descriptors = Write(file_system, vectors);
  EXPECT_EQ(descriptors[0].offset, 1);
  EXPECT_EQ(PathOf(descriptors[0]), "_dv/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin");
  for (size_t i = 0; i < vectors.size(); ++i) {
    ASSERT_OK_AND_ASSIGN(const Bitmap rows, ReadDeletionVector(file_system, std::string(kTable),
                                                               descriptors[i], vectors[i].size()));
    EXPECT_EQ(rows, vectors[i]) << "vector " << i << " seed " << kSeed;
  }
}

TEST(DeletionVector, RunsTakeFewBytes) {
  EXPECT_LT(EncodeDeletionVector(Bitmap(1'000'000, true)).size(), 300);
}

TEST(DeletionVector, EveryDamagedByteIsNoticed) {
  MemoryFileSystem file_system;
  const Bitmap rows = Rows(100, {3, 50, 99});
  const auto descriptor = Write(file_system, {rows}).front();
  const std::string path = DataFilePath(kTable, PathOf(descriptor));
  ASSERT_OK_AND_ASSIGN(const auto bytes, ReadLogFile(file_system, path));
  for (size_t place = 0; place < bytes.size(); ++place) {
    auto damaged = bytes;
    damaged[place] ^= std::byte{0x10};
    ASSERT_OK(file_system.RemoveFile(path));
    ASSERT_OK(WriteSyncedFile(file_system, path, damaged));
    const auto read = ReadDeletionVector(file_system, std::string(kTable), descriptor, 100);
    EXPECT_FALSE(read.ok()) << place;
    EXPECT_NE(read.status().message().find("d2c639aa"), std::string::npos);
  }
  ASSERT_OK(file_system.RemoveFile(path));
  ASSERT_OK(WriteSyncedFile(file_system, path, std::span(bytes).first(bytes.size() - 1)));
  EXPECT_STATUS(kCorruption, "the file ends before the vector",
                ReadDeletionVector(file_system, std::string(kTable), descriptor, 100));
  ASSERT_OK(file_system.RemoveFile(path));
  EXPECT_STATUS(kNotFound, "d2c639aa",
                ReadDeletionVector(file_system, std::string(kTable), descriptor, 100));
}

TEST(DeletionVector, WhatDoesNotFitItsDataFileIsCorruption) {
  MemoryFileSystem file_system;
  auto descriptor = Write(file_system, {Rows(100, {3, 50, 99})}).front();
  EXPECT_STATUS(kCorruption, "rows=99 actual=99",
                ReadDeletionVector(file_system, std::string(kTable), descriptor, 99));
  descriptor.cardinality = 4;
  EXPECT_STATUS(kCorruption, "expected=4 actual=3",
                ReadDeletionVector(file_system, std::string(kTable), descriptor, 100));
}

TEST(DeletionVector, BadDescriptorsAreNamed) {
  const auto path_of = [](std::string type, std::string name) {
    return DeletionVectorPath({.storage_type = std::move(type),
                               .path_or_inline = std::move(name),
                               .offset = 1,
                               .size_bytes = 1,
                               .cardinality = 1});
  };
  EXPECT_STATUS(kCorruption, "too short", path_of("u", "abc"));
  EXPECT_STATUS(kCorruption, "no uuid in Z85", path_of("u", "\"^-aqEH.-t@S}K{vb[*k"));
  EXPECT_STATUS(kCorruption, "climbs out", path_of("u", "../^-aqEH.-t@S}K{vb[*k^"));
  EXPECT_STATUS(kUnsupported, "not below the table: path=/x", path_of("p", "/x"));
  EXPECT_STATUS(kCorruption, "storage type is unknown", path_of("z", "x"));
}

TEST(DeletionVector, InlineVectorsAreRead) {
  // The bytes of GoldenBytes in Z85, which needs a multiple of four of them.
  const DeletionVectorDescriptor descriptor = {
      .storage_type = "i",
      .path_or_inline = "^Bg9^0rr910000000000iXQKl0rr91000935c8Xg000310SSJb",
      .offset = std::nullopt,
      .size_bytes = 40,
      .cardinality = 4};
  // The protocol's own example is in the "native" form, which nothing writes or reads.
  EXPECT_STATUS(
      kCorruption, "magic number",
      ReadDeletionVector(*std::make_unique<MemoryFileSystem>(), "t",
                         {.storage_type = "i",
                          .path_or_inline = "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
                          .offset = std::nullopt,
                          .size_bytes = 40,
                          .cardinality = 6},
                         100));
  MemoryFileSystem file_system;
  ASSERT_OK_AND_ASSIGN(const Bitmap rows, ReadDeletionVector(file_system, "t", descriptor, 100));
  EXPECT_EQ(rows, Rows(100, {0, 1, 2, 9}));
}

TEST(DeletionVector, ArbitraryBytesNeverCrash) {
  std::mt19937 random(kSeed);
  const std::vector<std::byte> good = EncodeDeletionVector(RandomRows(random, 100'000));
  for (int round = 0; round < 5'000; ++round) {
    auto bytes = good;
    for (auto flips = 1 + random() % 8; flips > 0; --flips) {
      // Heads more often than the bits behind them.
      const size_t place = random() % 2 == 0 ? random() % 40 : random() % bytes.size();
      bytes[place] = static_cast<std::byte>(random());
    }
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    // Some are vectors of other rows: only a file has a checksum.
    (void)DecodeDeletionVector(bytes, 100'000).ok();
  }
}

}  // namespace
}  // namespace viper::storage
