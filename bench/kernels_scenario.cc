// Nanoseconds of each kernel of search at every level that this processor has, on data that stay in
// its cache. The yardstick is the scalar level.

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "kernels/code_block.h"
#include "kernels/kernel_table.h"
#include "measurement.h"
#include "scenario.h"
#include "viper/status.h"
#include "viper/value.h"

namespace viper::bench {

namespace {

using kernels::KernelTable;

constexpr size_t kDims[] = {96, 128, 384, 768, 1024, 1536};
constexpr size_t kLineBytes = 64;
// Blocks are read from the first and from the second cache in turn.
constexpr size_t kNearBytes = size_t{24} * 1024;
constexpr size_t kFarBytes = size_t{768} * 1024;
constexpr size_t kRows = 64;
constexpr uint64_t kSeed = 1;
// A repetition is long beside the clock's own time and short beside a time slice.
constexpr double kRepetitionSeconds = 100e-6;
constexpr size_t kRepetitions = 20;

struct FreeAligned {
  void operator()(std::byte* bytes) const {
    ::operator delete(bytes, std::align_val_t{kLineBytes});
  }
};

/// Bytes that begin where a line of the cache does: where they begin otherwise is luck, and shows.
using AlignedBytes = std::unique_ptr<std::byte[], FreeAligned>;

AlignedBytes MakeAligned(size_t size) {
  return AlignedBytes(static_cast<std::byte*>(::operator new(size, std::align_val_t{kLineBytes})));
}

template <typename T>
T* As(const AlignedBytes& bytes) {
  return static_cast<T*>(static_cast<void*>(bytes.get()));
}

/// What all kernels work on: rows as floats, as bytes and as blocks of codes, and a query for each.
struct KernelInput {
  KernelInput(size_t dim_of_all, Random& random)
      : dim(dim_of_all),
        planes(dim_of_all / 8),
        query(MakeAligned(dim * sizeof(float))),
        rows(MakeAligned(kRows * dim * sizeof(float))),
        byte_query(MakeAligned(2 * dim)),
        bytes(MakeAligned(kRows * dim)),
        blocks(MakeAligned(kFarBytes)) {
    const auto component = [&] { return static_cast<float>(random.UniformDouble() - 0.5); };
    const auto byte = [&] { return static_cast<std::byte>(random.Next()); };
    std::generate_n(As<float>(query), dim, component);
    std::generate_n(As<float>(rows), kRows * dim, component);
    std::generate_n(byte_query.get(), 2 * dim, byte);
    std::generate_n(bytes.get(), kRows * dim, byte);
    for (size_t r = 0; r < kRows; ++r) byte_rows.push_back(&bytes[r * dim]);
    // Without the highest bits of an exponent no addend or factor is infinite.
    std::generate_n(blocks.get(), kFarBytes, [&] { return byte() & std::byte{0x9F}; });
  }

  size_t dim;
  size_t planes;
  AlignedBytes query;
  AlignedBytes rows;
  AlignedBytes byte_query;
  AlignedBytes bytes;
  std::vector<const std::byte*> byte_rows;
  AlignedBytes blocks;
};

/// One kernel on one input.
struct Work {
  std::string kernel;
  /// Rows, or calls, and bytes read by one `run`.
  size_t items = 1;
  size_t bytes = 0;
  /// Returns something of every result, so that all are computed.
  std::function<double()> run;
};

/// Tables of one query, with room for what a scan finds.
struct Scan {
  Scan(const KernelTable& table, const KernelInput& input)
      : entries(MakeAligned(table.table_bytes(input.planes))) {
    code_table.entries = As<uint8_t>(entries);
    table.build_table(As<float>(input.query), input.planes, &code_table);
  }

  AlignedBytes entries;
  kernels::CodeTable code_table;
  alignas(kLineBytes) float values[kernels::kBlockRows] = {};
};

Work ScanWork(const KernelTable& table, const KernelInput& input, size_t bytes,
              const std::string& kernel) {
  auto scan = std::make_shared<Scan>(table, input);
  const size_t block_bytes = kernels::BlockBytes(input.planes);
  const size_t blocks = bytes / block_bytes;
  return {kernel, blocks * kernels::kBlockRows, blocks * block_bytes,
          [&table, &input, scan, block_bytes, blocks] {
            const kernels::BlockBound bound = {.scale = scan->code_table.scale,
                                               .shift = scan->code_table.offset};
            uint64_t below = 0;
            float sum = 0;
            for (size_t b = 0; b < blocks; ++b) {
              below += table.scan_block(&input.blocks[b * block_bytes], input.planes,
                                        scan->code_table.entries, bound, scan->values);
              sum += scan->values[b % kernels::kBlockRows];
            }
            return static_cast<double>(below) + sum;
          }};
}

Work BuildWork(const KernelTable& table, const KernelInput& input) {
  auto scan = std::make_shared<Scan>(table, input);
  return {"build_table", 1, input.dim * sizeof(float), [&table, &input, scan] {
            table.build_table(As<float>(input.query), input.planes, &scan->code_table);
            return double{scan->code_table.scale} + scan->code_table.entries[17];
          }};
}

Work DotBytesWork(const KernelTable& table, const KernelInput& input, size_t parts) {
  auto out = std::make_shared<std::vector<int32_t>>(parts * kRows);
  return {fmt::format("dot_bytes of {}", parts), kRows, kRows * input.dim,
          [&table, &input, parts, out] {
            table.dot_bytes(input.byte_rows.data(), kRows, input.dim, As<int8_t>(input.byte_query),
                            parts, out->data());
            return static_cast<double>(out->front()) + out->back();
          }};
}

Work DotWork(const KernelTable& table, const KernelInput& input) {
  auto out = std::make_shared<std::vector<float>>(kRows);
  return {"dot", kRows, kRows * input.dim * sizeof(float), [&table, &input, out] {
            table.dot(input.rows.get(), kRows, input.dim, As<float>(input.query), out->data());
            return double{out->front()} + out->back();
          }};
}

/// Four panels of queries, as exact search passes for a batch of 64.
Work MaskWork(const KernelTable& table, const KernelInput& input) {
  constexpr size_t kPanels = 4;
  auto lines = std::make_shared<std::vector<kernels::PanelLine>>(kPanels * (input.dim + 1));
  for (size_t i = 0; i < lines->size(); ++i) {
    std::fill_n((*lines)[i].lanes, kernels::kPanelLanes, As<float>(input.query)[i % input.dim]);
  }
  auto masks = std::make_shared<std::vector<uint16_t>>(kRows * kPanels);
  auto ones = std::make_shared<std::vector<float>>(kRows, 1.0F);
  return {"mask_not_below_64", kRows, kRows * input.dim * sizeof(float),
          [&table, &input, lines, masks, ones] {
            table.mask_not_below({input.rows.get(), kRows}, input.dim, {lines->data(), kPanels},
                                 ones->data(), ones->data(), masks->data());
            return static_cast<double>(masks->front()) + masks->back();
          }};
}

Work HadamardWork(const KernelTable& table, const KernelInput& input) {
  const size_t size = std::bit_floor(input.dim);
  auto values = std::make_shared<AlignedBytes>(MakeAligned(size * sizeof(float)));
  std::copy_n(As<float>(input.query), size, As<float>(*values));
  return {"hadamard", 1, size * sizeof(float), [&table, values, size] {
            float* floats = As<float>(*values);
            table.hadamard(floats, size);
            // Two transforms multiply by the size: come back before floats end.
            if (std::abs(floats[0]) > 1e20F) {
              for (size_t i = 0; i < size; ++i) floats[i] *= 1e-20F;
            }
            return double{floats[size - 1]};
          }};
}

std::vector<Work> AllWork(const KernelTable& table, const KernelInput& input) {
  return {ScanWork(table, input, kNearBytes, "scan_block"),
          ScanWork(table, input, kFarBytes, "scan_block from L2"),
          BuildWork(table, input),
          DotBytesWork(table, input, 1),
          DotBytesWork(table, input, 2),
          DotWork(table, input),
          MaskWork(table, input),
          HadamardWork(table, input)};
}

/// Seconds of one run: the best of many repetitions.
double BestSeconds(const Work& work, double& checksum) {
  size_t runs = 1;
  double best = std::numeric_limits<double>::infinity();
  for (size_t repetition = 0; repetition < kRepetitions;) {
    const double begin = MonotonicSeconds();
    for (size_t run = 0; run < runs; ++run) checksum += work.run();
    const double seconds = MonotonicSeconds() - begin;
    if (seconds < kRepetitionSeconds && runs < size_t{1} << 24) {
      runs *= 2;
      continue;
    }
    best = std::min(best, seconds / static_cast<double>(runs));
    ++repetition;
  }
  return best;
}

/// Every kernel at every level, for one dimension.
void MeasureDim(size_t dim, const RunOptions& options, Random& random, Report& report) {
  const KernelInput input(dim, random);
  const std::vector<const KernelTable*> tables = kernels::Available();
  std::vector<std::vector<Work>> work_of_levels;
  work_of_levels.reserve(tables.size());
  for (const KernelTable* table : tables) work_of_levels.push_back(AllWork(*table, input));
  for (size_t kernel = 0; kernel < work_of_levels.front().size(); ++kernel) {
    std::vector<Rounds> rounds(tables.size());
    std::vector<double> best(tables.size(), std::numeric_limits<double>::infinity());
    double checksum = 0;
    for (size_t round = 0; round < options.rounds; ++round) {
      for (size_t level = 0; level < tables.size(); ++level) {
        const Work& work = work_of_levels[level][kernel];
        const double ns = BestSeconds(work, checksum) * 1e9 / static_cast<double>(work.items);
        rounds[level].Add(ns);
        best[level] = std::min(best[level], ns);
      }
    }
    for (size_t level = 0; level < tables.size(); ++level) {
      const Work& work = work_of_levels[level][kernel];
      Value::Object results;
      results["kernel"] = work.kernel;
      results["level"] = std::string(tables[level]->name);
      results["dim"] = static_cast<int64_t>(dim);
      results["ns"] = rounds[level].Summary();
      results["gb_per_s"] =
          static_cast<double>(work.bytes) / static_cast<double>(work.items) / best[level];
      results["times_scalar"] = best.front() / best[level];
      results["checksum"] = checksum;
      report.Add("kernels", fmt::format("{} {} {}", work.kernel, tables[level]->name, dim),
                 fmt::format("synthetic, seed {}", kSeed), std::move(results));
    }
  }
}

}  // namespace

Status RunKernels(const RunOptions& options, Report& report) {
  Random random(kSeed);
  for (const size_t dim : kDims) MeasureDim(dim, options, random, report);
  return Status::Ok();
}

}  // namespace viper::bench
