#include "platform/cpu_features.h"

#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace viper {
namespace {

#if defined(__linux__) && defined(__x86_64__)
// The kernel's own opinion.
bool KernelSays(const std::string& flag) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      if (word == flag) return true;
    }
    return false;
  }
  return false;
}

TEST(CpuFeatures, AgreeWithTheKernel) {
  const CpuFeatures& features = GetCpuFeatures();
  EXPECT_EQ(features.avx2_fma, KernelSays("avx2") && KernelSays("fma"));
  EXPECT_EQ(features.f16c, features.avx2_fma && KernelSays("f16c"));
  const bool avx512 = KernelSays("avx512f") && KernelSays("avx512bw") && KernelSays("avx512dq") &&
                      KernelSays("avx512vl");
  EXPECT_EQ(features.avx512, avx512);
  EXPECT_EQ(features.avx512_vbmi, avx512 && KernelSays("avx512vbmi"));
  EXPECT_EQ(features.avx512_vnni, avx512 && KernelSays("avx512_vnni"));
  EXPECT_FALSE(features.neon);
}
#endif

TEST(CpuFeatures, ExtensionsNeverComeWithoutTheirBase) {
  const CpuFeatures& features = GetCpuFeatures();
  EXPECT_TRUE(features.avx512 || !features.avx512_vbmi);
  EXPECT_TRUE(features.avx512 || !features.avx512_vnni);
  EXPECT_TRUE(features.avx2_fma || !features.avx512);
  EXPECT_TRUE(features.avx2_fma || !features.f16c);
}

}  // namespace
}  // namespace viper
