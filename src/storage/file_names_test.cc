#include "storage/file_names.h"

#include <gtest/gtest.h>

namespace viper::storage {
namespace {

constexpr std::string_view kUuid = "9b2f4c1e-5d0a-4c7b-8e21-3f6a0d9c4b17";

TEST(FileNames, BuildTheTreeOfATable) {
  EXPECT_EQ(CommitPath("/d/t", 7), "/d/t/_delta_log/00000000000000000007.json");
  EXPECT_EQ(CheckpointPath("/d/t", 20), "/d/t/_delta_log/00000000000000000020.checkpoint.parquet");
  EXPECT_EQ(LastCheckpointPath("/d/t"), "/d/t/_delta_log/_last_checkpoint");
  EXPECT_EQ(PartName(kUuid), "part-9b2f4c1e-5d0a-4c7b-8e21-3f6a0d9c4b17.parquet");
  EXPECT_EQ(DataFilePath("/d/t", "a/b.parquet"), "/d/t/a/b.parquet");
  EXPECT_EQ(LockPath("/d/t"), "/d/t/_viper/LOCK");
  EXPECT_EQ(TmpPath("/d/t", "x"), "/d/t/_viper/tmp/x");
  EXPECT_EQ(WalDirectory("/d/t"), "/d/t/_viper/wal");
  EXPECT_EQ(WalSegmentName(~uint64_t{0}), "18446744073709551615.wal");
  EXPECT_EQ(SidecarPath("/d/t", PartName(kUuid)),
            "/d/t/_viper/index/9b2f4c1e-5d0a-4c7b-8e21-3f6a0d9c4b17.vidx");
}

TEST(FileNames, ForeignPartsGetSidecarsInTheSameFolderWithDistinctNames) {
  const std::string one = SidecarName("year=2026/part-0.parquet");
  EXPECT_EQ(one.find('/'), std::string::npos);
  EXPECT_NE(one, SidecarName("year=2027/part-0.parquet"));
}

TEST(FileNames, ParsingUndoesBuilding) {
  EXPECT_EQ(ParseCommitName(CommitName(0)), 0);
  EXPECT_EQ(ParseCommitName(CommitName(123456)), 123456);
  EXPECT_EQ(ParseCheckpointName(CheckpointName(40)), 40);
  EXPECT_EQ(ParseWalSegmentName(WalSegmentName(~uint64_t{0} - 1)), ~uint64_t{0} - 1);
  EXPECT_EQ(ParsePartName(PartName(kUuid)), kUuid);
  EXPECT_EQ(ParseLogChecksumName("00000000000000000003.crc"), 3);
  EXPECT_EQ(ParseLogChecksumName(".00000000000000000003.json.crc"), 3);
}

TEST(FileNames, OtherNamesAreNotTaken) {
  for (const char* name :
       {"", ".json", "1.json", "000000000000000000010.json", "0000000000000000000x.json",
        "-0000000000000000001.json", "00000000000000000001.json.tmp", "_last_checkpoint",
        "99999999999999999999.json", "09223372036854775807.json",
        "00000000000000000001.00000000000000000002.compacted.json"}) {
    EXPECT_EQ(ParseCommitName(name), std::nullopt) << name;
  }
  EXPECT_EQ(ParseCheckpointName("00000000000000000010.checkpoint.0000000001.0000000002.parquet"),
            std::nullopt);
  EXPECT_EQ(ParseCheckpointName("00000000000000000010.checkpoint.9b2f4c1e.parquet"), std::nullopt);
  EXPECT_EQ(ParseWalSegmentName("spare"), std::nullopt);
  EXPECT_EQ(ParseWalSegmentName("99999999999999999999.wal"), std::nullopt);
  EXPECT_EQ(ParsePartName("part-00000-9b2f4c1e-5d0a-4c7b-8e21-3f6a0d9c4b17-c000.parquet"),
            std::nullopt);
  EXPECT_EQ(ParsePartName("part-../../../../../../../../../../../../etc.parquet"), std::nullopt);
}

TEST(FileNames, ParentDirectoryOfEveryShape) {
  EXPECT_EQ(ParentDirectory("/a/b"), "/a");
  EXPECT_EQ(ParentDirectory("/a"), "/");
  EXPECT_EQ(ParentDirectory("a"), ".");
}

}  // namespace
}  // namespace viper::storage
