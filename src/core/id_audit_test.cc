#include "core/id_audit.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/random.h"

namespace viper::core {
namespace {

std::vector<IdAudit::Pair> PairsOf(const std::vector<uint64_t>& hashes, size_t memory_bytes) {
  IdAudit audit(hashes.size(), memory_bytes);
  std::vector<IdAudit::Pair> pairs;
  for (uint64_t pass = 0; pass < audit.pass_count(); ++pass) {
    audit.BeginPass(pass);
    for (size_t i = 0; i < hashes.size(); ++i) {
      audit.Add({static_cast<uint32_t>(i / 100), static_cast<uint32_t>(i % 100)}, hashes[i]);
    }
    const auto found = audit.EqualHashes(1000);
    pairs.insert(pairs.end(), found.begin(), found.end());
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

TEST(IdAudit, FindsEqualHashesWhateverTheMemory) {
  Random random(3);
  std::vector<uint64_t> hashes(1000);
  for (uint64_t& hash : hashes) hash = random.Next();
  hashes[950] = hashes[20];
  hashes[21] = hashes[20];
  const std::vector<IdAudit::Pair> expected = {{{0, 20}, {0, 21}}, {{0, 20}, {9, 50}}};
  for (const size_t memory : {size_t{1}, size_t{160}, size_t{4000}, size_t{1} << 20}) {
    EXPECT_EQ(PairsOf(hashes, memory), expected) << memory;
  }
}

TEST(IdAudit, DividesThePassesByTheMemory) {
  EXPECT_EQ(IdAudit(1000, size_t{1} << 20).pass_count(), 1u);
  EXPECT_EQ(IdAudit(1000, 1000 * IdAudit::kRowBytes / 4).pass_count(), 5u);
}

TEST(IdAudit, TellsNoMoreThanAsked) {
  IdAudit audit(100, 10'000);
  for (uint32_t row = 0; row < 100; ++row) audit.Add({0, row}, 7);
  EXPECT_EQ(audit.EqualHashes(5).size(), 5u);
}

}  // namespace
}  // namespace viper::core
