/// Writes a sample of rows in several ways, to files in memory, with the code that flushes and
/// compactions write with:
///
/// 1. Runs of kRunRows rows, evenly over the live rows of all parts, become a plan of which all
///    other rows are dead.
/// 2. For each way the plan is built twice: once so that encodings and codecs are chosen, and once
///    on the clock.
/// 3. The file is read back, every page of every column, on the clock.

#include "core/storage_trial.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "core/scratch_files.h"
#include "parquet/logical_bytes.h"
#include "parquet/part_file.h"
#include "parquet/part_layout.h"
#include "storage/data_path.h"
#include "storage/file_names.h"

namespace viper::core {
namespace {

/// Rows that are taken together: a few pages of a scalar column.
constexpr uint64_t kTrialRunRows = 1024;
constexpr uint64_t kTrialRowsMax = 1'000'000;
/// Of a sample, before it is encoded.
constexpr uint64_t kTrialBytesMax = uint64_t{256} << 20;
constexpr auto kTrialDirectory = "trial";

using SteadyPoint = std::chrono::steady_clock::time_point;

double SecondsFrom(SteadyPoint begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

struct TrialSample {
  FlushPlan plan;
  uint64_t live_rows = 0;
  uint64_t rows = 0;
};

/// Of the rows of all parts, before they are encoded where the files tell that.
uint64_t BytesOf(const ReadView& view) {
  uint64_t bytes = 0;
  for (const PartView& part : view.parts) {
    bytes += part.part->logical_bytes().value_or(part.part->added().size);
  }
  return bytes;
}

uint64_t RowsOf(const ReadView& view) {
  uint64_t rows = 0;
  for (const PartView& part : view.parts) rows += part.part->row_count();
  return rows;
}

/// Every so many rows of all parts a run of them.
TrialSample TakeSample(const ReadView& view, uint64_t wanted) {
  TrialSample sample;
  sample.plan.schema = view.schema;
  const uint64_t all_rows = RowsOf(view);
  const uint64_t runs = std::max<uint64_t>(1, (wanted + kTrialRunRows - 1) / kTrialRunRows);
  const uint64_t run_rows = std::min(kTrialRunRows, std::max<uint64_t>(1, wanted));
  const uint64_t stride = std::max(run_rows, all_rows / runs);
  uint64_t first = 0;
  for (const PartView& part : view.parts) {
    FlushSource source;
    source.part = part.part;
    source.row_count = part.part->row_count();
    Bitmap dead(source.row_count, true);
    for (uint64_t row = 0; row < source.row_count; ++row) {
      if (part.dead != nullptr && part.dead->Test(row)) continue;
      ++sample.live_rows;
      if ((first + row) % stride < run_rows) {
        dead.Clear(row);
        ++sample.rows;
      }
    }
    first += source.row_count;
    source.dead = std::make_shared<const Bitmap>(std::move(dead));
    if (source.live_count() > 0) sample.plan.sources.push_back(std::move(source));
  }
  return sample;
}

/// As the footer tells it; our writer does.
uint64_t LogicalBytesIn(const parquet::PartLayout& layout) {
  const auto found = layout.key_values.find(std::string(parquet::kLogicalBytesKey));
  return found == layout.key_values.end() ? 0 : std::strtoull(found->second.c_str(), nullptr, 10);
}

/// Read all of it, as a scan of everything does.
Status ReadAll(const parquet::PartReader& reader, const CollectionSchema& schema) {
  std::vector<std::string_view> columns = {columnar::kIdColumn, columnar::kTimestampColumn,
                                           columnar::kIngestedAtColumn, columnar::kExpiresAtColumn,
                                           columnar::kPayloadColumn};
  for (const Field& field : schema.fields) columns.push_back(field.name);
  for (const std::string_view column : columns) {
    for (size_t page = 0; page < reader.PageCount(column); ++page) {
      VIPER_RETURN_IF_ERROR(reader.ReadPage(column, page).status());
    }
  }
  return reader.VerifyVectors();
}

/// As the file tells it; what has one way for all columns need not.
std::string ChosenFor(const parquet::CompressionReport& report, const StorageWay& way,
                      const std::string& path) {
  auto found = report.columns.find(path);
  if (found == report.columns.end()) found = report.columns.find(path.substr(0, path.find('.')));
  if (found != report.columns.end() && !found->second.chosen.empty()) return found->second.chosen;
  if (way.adaptive) return {};
  return parquet::CodingName({parquet::Encoding::kPlain, way.compression});
}

void AddColumns(const parquet::PartLayout& layout, StorageTrial& trial) {
  const auto told = layout.key_values.find(std::string(parquet::kCompressionKey));
  const parquet::CompressionReport report = parquet::ParseCompressionReport(
      told == layout.key_values.end() ? std::string_view() : std::string_view(told->second));
  for (const parquet::ColumnLayout& column : layout.columns) {
    const auto named = [&](const StorageTrialColumn& known) { return known.path == column.path; };
    auto found = std::find_if(trial.columns.begin(), trial.columns.end(), named);
    if (found == trial.columns.end()) {
      found = trial.columns.insert(found, {.path = column.path,
                                           .chosen = ChosenFor(report, trial.way, column.path),
                                           .compressions = column.compressions,
                                           .encodings = column.encodings});
    }
    found->bytes += column.compressed_bytes;
    found->encoded_bytes += column.uncompressed_bytes;
  }
}

Result<StorageTrial> TryWay(const FlushPlan& plan, PartBuildOptions build, const StorageWay& way,
                            int64_t now_ms, uint64_t& logical_bytes) {
  StorageTrial trial;
  trial.way = way;
  build.compression = CompressionOf(way);
  build.table_directory = kTrialDirectory;
  build.choices = std::make_shared<parquet::ColumnChoices>(build.compression);
  {
    // Only what was chosen is kept of it.
    ScratchFiles first;
    build.file_system = &first;
    VIPER_RETURN_IF_ERROR(BuildParts(plan, build, now_ms).status());
  }
  ScratchFiles files;
  build.file_system = &files;
  const auto begin = std::chrono::steady_clock::now();
  VIPER_ASSIGN_OR_RETURN(const BuiltParts built, BuildParts(plan, build, now_ms));
  trial.write_seconds = SecondsFrom(begin);
  for (const storage::AddedFile& added : built.added) {
    const std::string path = storage::DataFilePath(kTrialDirectory, added.path);
    VIPER_ASSIGN_OR_RETURN(auto mapped, files.Map(path));
    const std::shared_ptr<const MappedFile> file = std::move(mapped);
    trial.bytes += file->bytes().size();
    VIPER_ASSIGN_OR_RETURN(const auto layout, parquet::ReadPartLayout(file->bytes()));
    AddColumns(layout, trial);
    logical_bytes += LogicalBytesIn(layout);
    const auto read_begin = std::chrono::steady_clock::now();
    parquet::PartOpenOptions open_options;
    open_options.path = path;
    VIPER_ASSIGN_OR_RETURN(const auto reader,
                           parquet::PartReader::Open(file, *plan.schema, open_options));
    VIPER_RETURN_IF_ERROR(ReadAll(*reader, *plan.schema));
    trial.read_seconds += SecondsFrom(read_begin);
  }
  return trial;
}

}  // namespace

parquet::CompressionOptions CompressionOf(const StorageWay& way) {
  return {.policy = way.policy, .adaptive = way.adaptive, .fixed = way.compression};
}

uint64_t BoundedSample(uint64_t wanted, uint64_t rows, uint64_t bytes, size_t dim) {
  // Files that do not tell how large their rows are hold them compressed: vectors are known.
  const uint64_t vector_bytes = std::max<uint64_t>(1, dim * sizeof(float));
  const uint64_t row_bytes = std::max(vector_bytes, rows == 0 ? 0 : bytes / rows);
  return std::clamp<uint64_t>(kTrialBytesMax / row_bytes, 1, wanted);
}

Result<StorageTrialReport> TryStorage(const CollectionContext& context, const ReadView& view,
                                      PartBuildOptions build, std::span<const StorageWay> ways,
                                      const StorageTrialOptions& options) {
  if (options.sample_rows < 1 || options.sample_rows > kTrialRowsMax) {
    return Status::InvalidArgument(
        fmt::format("StorageTrialOptions::sample_rows is out of range: min=1 max={} actual={}",
                    kTrialRowsMax, options.sample_rows));
  }
  const auto begin = std::chrono::steady_clock::now();
  const TrialSample sample = TakeSample(
      view, BoundedSample(options.sample_rows, RowsOf(view), BytesOf(view), view.schema->dim));
  StorageTrialReport report;
  report.rows = sample.live_rows;
  report.sample_rows = sample.rows;
  if (sample.rows == 0) return report;
  build.memory = context.memory;
  build.advance = nullptr;
  for (const StorageWay& way : ways) {
    const bool is_late = options.time_budget_ms > 0 &&
                         SecondsFrom(begin) * 1000 >= static_cast<double>(options.time_budget_ms);
    if (is_late && !report.trials.empty()) break;
    uint64_t logical_bytes = 0;
    VIPER_ASSIGN_OR_RETURN(StorageTrial trial,
                           TryWay(sample.plan, build, way, context.NowMillis(), logical_bytes));
    report.logical_bytes = logical_bytes;  // the same for all
    report.trials.push_back(std::move(trial));
  }
  report.seconds = SecondsFrom(begin);
  return report;
}

}  // namespace viper::core

namespace viper {

std::string StorageWay::ToString() const {
  return adaptive ? std::string(StoragePolicyName(policy)) : CompressionName(compression);
}

}  // namespace viper
