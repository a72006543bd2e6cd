#include <array>
#include <cstdio>
#include <cstdlib>

#include <fmt/core.h>

#include "kernels/exact_levels.h"
#include "kernels/kernel_table.h"
#include "kernels/level_functions.h"
#include "kernels/mask_levels.h"
#include "kernels/panel_levels.h"
#include "platform/cpu_features.h"

namespace viper::kernels {
namespace {

/// A level that this build has; null functions stand for one compiled for another architecture.
struct Level {
  KernelTable table;
  bool supported = false;
};

void SetPanels(std::array<Level, 5>& levels) {
  levels[0].table.nearest = scalar::Nearest;
  levels[0].table.mask_not_below = scalar::MaskNotBelow;
#if defined(__aarch64__)
  levels[1].table.nearest = neon::Nearest;
  levels[1].table.mask_not_below = neon::MaskNotBelow;
#elif defined(__x86_64__)
  levels[2].table.nearest = avx2::Nearest;
  levels[2].table.mask_not_below = avx2::MaskNotBelow;
  for (const size_t level : {3, 4}) {
    levels[level].table.nearest = avx512::Nearest;
    levels[level].table.mask_not_below = avx512::MaskNotBelow;
  }
#endif
}

void SetMaskNotAbove(std::array<Level, 5>& levels) {
  for (Level& level : levels) level.table.mask_not_above = scalar::MaskNotAbove;
#if defined(__x86_64__)
  levels[2].table.mask_not_above = avx2::MaskNotAbove;
  levels[3].table.mask_not_above = avx512::MaskNotAbove;
  levels[4].table.mask_not_above = avx512::MaskNotAbove;
#endif
}

void SetExact(std::array<Level, 5>& levels) {
  for (Level& level : levels) {
    level.table.exact_dot = scalar::ExactDot;
    level.table.exact_squared_l2 = scalar::ExactSquaredL2;
  }
#if defined(__x86_64__)
  levels[2].table.exact_dot = avx2::ExactDot;
  levels[2].table.exact_squared_l2 = avx2::ExactSquaredL2;
  for (const size_t level : {3, 4}) {
    levels[level].table.exact_dot = avx512::ExactDot;
    levels[level].table.exact_squared_l2 = avx512::ExactSquaredL2;
  }
#endif
}

/// In the order of preference, the last supported one wins.
const std::array<Level, 5>& Levels() {
  static const std::array<Level, 5> levels = [] {
    const CpuFeatures& cpu = GetCpuFeatures();
    std::array<Level, 5> all = {
        Level{{"scalar", scalar::Dot, scalar::SquaredL2, scalar::SquaredNorm,
               scalar::DotAndSquaredNorm, scalar::TableBytes, scalar::BuildTable, scalar::ScanBlock,
               scalar::DotBytes, scalar::Hadamard},
              true},
        Level{{"neon"}, false},
        Level{{"avx2"}, false},
        Level{{"avx512"}, false},
        Level{{"avx512_vbmi"}, false},
    };
#if defined(__aarch64__)
    all[1] = {{"neon", neon::Dot, neon::SquaredL2, neon::SquaredNorm, neon::DotAndSquaredNorm,
               neon::TableBytes, neon::BuildTable, neon::ScanBlock, neon::DotBytes, neon::Hadamard},
              cpu.neon};
#elif defined(__x86_64__)
    all[2] = {{"avx2", avx2::Dot, avx2::SquaredL2, avx2::SquaredNorm, avx2::DotAndSquaredNorm,
               avx2::TableBytes, avx2::BuildTable, avx2::ScanBlock, avx2::DotBytes, avx2::Hadamard},
              cpu.avx2_fma && cpu.f16c};
    all[3] = {{"avx512", avx512::Dot, avx512::SquaredL2, avx512::SquaredNorm,
               avx512::DotAndSquaredNorm, avx512::TableBytes, avx512::BuildTable, avx512::ScanBlock,
               avx512::DotBytes, avx512::Hadamard},
              cpu.avx512};
    // The same arithmetic of floats as the level before.
    all[4] = {{"avx512_vbmi", avx512::Dot, avx512::SquaredL2, avx512::SquaredNorm,
               avx512::DotAndSquaredNorm, avx512_vbmi::TableBytes, avx512_vbmi::BuildTable,
               avx512_vbmi::ScanBlock, avx512_vbmi::DotBytes, avx512::Hadamard},
              cpu.avx512 && cpu.avx512_vbmi && cpu.avx512_vnni};
#else
    static_cast<void>(cpu);
#endif
    SetPanels(all);
    SetMaskNotAbove(all);
    SetExact(all);
    return all;
  }();
  return levels;
}

const KernelTable& Choose() {
  const char* forced = std::getenv("VIPER_KERNEL");
  if (forced == nullptr || *forced == '\0') return *Available().back();
  const Result<const KernelTable*> table = ByName(forced);
  if (!table.ok()) {
    fmt::print(stderr, "environment variable VIPER_KERNEL: {}\n", table.status().message());
    std::abort();
  }
  return **table;
}

}  // namespace

const KernelTable& Active() {
  static const KernelTable& table = Choose();
  return table;
}

std::vector<const KernelTable*> Available() {
  std::vector<const KernelTable*> tables;
  for (const Level& level : Levels()) {
    if (level.supported) tables.push_back(&level.table);
  }
  return tables;
}

Result<const KernelTable*> ByName(std::string_view name) {
  for (const Level& level : Levels()) {
    if (level.table.name != name) continue;
    if (level.supported) return &level.table;
    return Status::Unsupported(fmt::format("this processor cannot run kernels: level={}", name));
  }
  return Status::InvalidArgument(fmt::format(
      "no such level of kernels, have scalar, neon, avx2, avx512, avx512_vbmi: level={}", name));
}

}  // namespace viper::kernels
