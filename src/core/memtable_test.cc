#include "core/memtable.h"

#include <cstring>

#include <gtest/gtest.h>

#include "base/random.h"
#include "storage/part_sidecar.h"

namespace viper::core {
namespace {

Row MakeRow(const std::string& id, const std::vector<float>& vector, Metadata metadata = {}) {
  Row row;
  row.id = id;
  row.id_hash = storage::HashId(id);
  row.metadata = std::move(metadata);
  row.vector = reinterpret_cast<const std::byte*>(vector.data());
  return row;
}

TEST(Memtable, FindsTheNewestRowOfAnIdBelowACount) {
  Memtable memtable(1);
  const std::vector<float> vector = {1};
  memtable.Append(MakeRow("a", vector));
  memtable.Append(MakeRow("b", vector));
  memtable.Append(MakeRow("a", vector));
  const uint64_t hash = storage::HashId("a");
  EXPECT_EQ(memtable.FindNewest("a", hash, 3), 2u);
  EXPECT_EQ(memtable.FindNewest("a", hash, 2), 0u);
  EXPECT_EQ(memtable.FindNewest("a", hash, 0), std::nullopt);
  EXPECT_EQ(memtable.FindNewest("c", storage::HashId("c"), 3), std::nullopt);
}

TEST(Memtable, KeepsIdsApartWhoseHashesAreEqual) {
  Memtable memtable(1);
  const std::vector<float> vector = {1};
  for (const char* id : {"a", "b", "c"}) {
    Row row = MakeRow(id, vector);
    row.id_hash = 7;
    memtable.Append(std::move(row));
  }
  EXPECT_EQ(memtable.FindNewest("b", 7, 3), 1u);
  EXPECT_EQ(memtable.FindNewest("d", 7, 3), std::nullopt);
}

TEST(Memtable, KeepsRowsAcrossManyChunksAndIndexGrowth) {
  Memtable memtable(3);
  for (int i = 0; i < 20'000; ++i) {
    const auto x = static_cast<float>(i);
    memtable.Append(MakeRow("id" + std::to_string(i), {x, x + 1, x + 2}));
  }
  ASSERT_GT(memtable.chunks().size(), 2u);
  for (uint32_t i = 0; i < 20'000; i += 37) {
    const std::string id = "id" + std::to_string(i);
    EXPECT_EQ(memtable.FindNewest(id, storage::HashId(id), memtable.row_count()), i);
    float floats[3];
    std::memcpy(floats, memtable.row(i).vector, sizeof(floats));
    EXPECT_EQ(floats[2], static_cast<float>(i) + 2);
  }
}

TEST(Memtable, NormBoundIsNotBelowAnyNorm) {
  Memtable memtable(2);
  memtable.Append(MakeRow("a", {3, 4}));
  memtable.Append(MakeRow("b", {1, 1}));
  EXPECT_GE(memtable.max_norm(), 5.0);
  EXPECT_LT(memtable.max_norm(), 5.2);
}

TEST(Memtable, RemembersKeysAndTheFirstExpiry) {
  Memtable memtable(1);
  const std::vector<float> vector = {1};
  memtable.Append(MakeRow("a", vector, {{"note", 1}}));
  EXPECT_TRUE(memtable.MayHaveKey("note"));
  EXPECT_FALSE(memtable.MayHaveKey("nota"));
  EXPECT_EQ(memtable.first_expiry(), kNeverExpires);
  Row expiring = MakeRow("b", vector);
  expiring.expires_at = 42;
  memtable.Append(std::move(expiring));
  EXPECT_EQ(memtable.first_expiry(), 42);
}

}  // namespace
}  // namespace viper::core
