// From records to files:
//   1. the processor's own changes, if there are any;
//   2. every record is checked and becomes a row, as in a write to a collection;
//   3. the rows are put in order and divided into windows;
//   4. columns are counted, and left out where nobody has a value;
//   5. all files are written under hidden names and synced, and only then given their names.

#include "pipeline/batch_run.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "pipeline/stopwatch.h"
#include "viper/version.h"

namespace viper::pipeline {
namespace {

/// Version of what a file of the pipeline says of itself in its footer (docs/guide/pipeline.md).
constexpr std::string_view kFileVersion = "1";

/// "20261122T080000.000Z": as a part of a file's name.
std::string WindowName(Timestamp begin) {
  std::string text = begin.ToString();  // 2026-11-22T08:00:00[.000[000]]Z
  if (text.find('.') == std::string::npos) text.insert(text.size() - 1, ".000");
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

/// All get their names, or none. What was replaced cannot come back: overwriting stops where it is.
Status CommitAll(std::span<const std::unique_ptr<NewFile>> files, bool overwrite) {
  for (size_t i = 0; i < files.size(); ++i) {
    const Status committed = files[i]->Commit();
    if (committed.ok()) continue;
    for (size_t done = 0; done < i && !overwrite; ++done) files[done]->Revoke();
    return committed;
  }
  return {};
}

}  // namespace

bool SplitsFiles(const ProcessingConfig& config) {
  return config.layout == FileLayout::kTimeSeries &&
         config.time_series.split == WindowSplit::kFiles;
}

Status BatchRun::Preprocess(std::vector<Record>& records) {
  if (!in_.config.processing.enable_preprocessing) return {};
  const Stopwatch watch;
  const Status status = in_.processor.Preprocess(records);
  result_.phases.push_back({"preprocess", watch.ElapsedMs()});
  if (status.ok()) return {};
  return status.WithContext(fmt::format("processor '{}'", in_.processor.name()));
}

Status BatchRun::Check(const std::vector<Record>& records, const CollectionSchema& schema) {
  const Stopwatch watch;
  schema_ = schema;
  VIPER_RETURN_IF_ERROR(schema_.Validate());
  if (records.size() > std::numeric_limits<uint32_t>::max()) {
    return Status::InvalidArgument(fmt::format("too many records for one call: max={} actual={}",
                                               std::numeric_limits<uint32_t>::max(),
                                               records.size()));
  }
  const int64_t now = Clock::System().Now().micros;
  core::WriteRules rules{.now = now, .stamp = now, .default_expiry = kExpiryNotGiven};
  rules.collection = in_.collection;
  rules.keeps_duplicates = !in_.config.processing.enable_preprocessing;
  VIPER_ASSIGN_OR_RETURN(batch_, core::PrepareUpsert(records, schema_, rules));
  VIPER_RETURN_IF_ERROR(core::SpreadVectors(batch_, schema_.dim));
  VIPER_RETURN_IF_ERROR(CheckLayout());
  result_.phases.push_back({"check", watch.ElapsedMs()});
  return {};
}

Status BatchRun::CheckLayout() const {
  const ProcessingConfig& processing = in_.config.processing;
  constexpr int64_t kNanosReach = std::numeric_limits<int64_t>::max() / 1000;
  const bool is_nanos = processing.layout == FileLayout::kTimeSeries &&
                        processing.time_series.precision == TimePrecision::kNanos;
  for (const core::Row& row : batch_.rows) {
    if (processing.layout == FileLayout::kLegacy && row.expires_at != core::kNeverExpires &&
        row.expires_at != kExpiryNotGiven) {
      return Status::InvalidArgument(
          fmt::format("the legacy layout has no column for the expiry of a record: id='{}' "
                      "expires_at={}",
                      row.id, Timestamp{row.expires_at}.ToString()));
    }
    if (is_nanos && (row.timestamp > kNanosReach || row.timestamp < -kNanosReach)) {
      return Status::InvalidArgument(fmt::format(
          "a timestamp cannot be written in nanoseconds: id='{}' min={} max={} actual={}", row.id,
          Timestamp{-kNanosReach}.ToString(), Timestamp{kNanosReach}.ToString(),
          Timestamp{row.timestamp}.ToString()));
    }
  }
  return {};
}

Result<ProcessResult> BatchRun::Write() {
  const ProcessingConfig& processing = in_.config.processing;
  Stopwatch watch;
  const bool is_series = processing.layout == FileLayout::kTimeSeries;
  if (is_series) {
    sorting_ = {SortingOrder::kByTime, {}};
  } else if (processing.enable_preprocessing) {
    sorting_ = in_.processor.Sorting(processing.sorting);
  } else {
    sorting_ = {SortingOrder::kNone, {}};
  }
  VIPER_ASSIGN_OR_RETURN(const SortedRows sorted, SortRows(batch_.rows, sorting_, schema_,
                                                           processing.enable_ml_optimizations));
  window_ms_ = is_series ? processing.time_series.window_ms : in_.processor.window_ms();
  // Only where rows of a window stand together.
  if (sorting_.order != SortingOrder::kByTime) window_ms_ = 0;
  if (window_ms_ > 0 && !SplitsFiles(processing)) {
    window_ms_ = LengthenWindows(batch_.rows, sorted.order, window_ms_);
  }
  const std::vector<RowWindow> windows = DivideByTime(batch_.rows, sorted.order, window_ms_);
  result_.phases.push_back({"order", watch.ElapsedMs()});
  watch = Stopwatch();
  VIPER_RETURN_IF_ERROR(ChooseColumns());
  result_.phases.push_back({"postprocess", watch.ElapsedMs()});
  VIPER_RETURN_IF_ERROR(WriteFiles(sorted, windows));
  watch = Stopwatch();
  result_.model = sorted.model;
  Sum();
  result_.phases.push_back({"finish", watch.ElapsedMs()});
  return std::move(result_);
}

Status BatchRun::ChooseColumns() {
  columns_ = ColumnsOfLayout(schema_, in_.config.processing);
  if (!in_.config.processing.enable_postprocessing) return {};
  FileSummary summary;
  summary.collection = in_.collection;
  summary.row_count = batch_.rows.size();
  summary.columns = Summarize(batch_.rows, columns_);
  const std::vector<ColumnSummary> counted = summary.columns;
  Status status = in_.processor.Postprocess(summary);
  // The counts are ours, whatever a processor did to its copy.
  for (ColumnSummary& column : summary.columns) {
    const auto found = std::find_if(counted.begin(), counted.end(),
                                    [&](const auto& other) { return other.name == column.name; });
    if (found == counted.end()) continue;
    const bool drop = column.drop;
    column = *found;
    column.drop = drop;
  }
  if (status.ok()) status = DropColumns(summary.columns, columns_);
  for (const auto& [key, value] : summary.key_values) {
    if (status.ok() && key.starts_with("viper.")) {
      status = Status::InvalidArgument(
          fmt::format("keys of the footer that begin with 'viper.' are the engine's: key={}", key));
    }
  }
  added_keys_ = std::move(summary.key_values);
  return status.ok() ? status
                     : status.WithContext(fmt::format("processor '{}'", in_.processor.name()));
}

std::map<std::string, std::string> BatchRun::KeyValues(const SortedRows& sorted) const {
  const ProcessingConfig& processing = in_.config.processing;
  std::map<std::string, std::string> all = added_keys_;
  all["viper.pipeline"] = kFileVersion;
  all["viper.collection"] = in_.collection;
  all["viper.dim"] = std::to_string(schema_.dim);
  all["viper.metric"] = MetricName(schema_.metric);
  all["viper.layout"] = FileLayoutName(processing.layout);
  all["viper.order"] = SortingOrderName(sorting_.order);
  all["viper.processor"] = in_.processor.name();
  if (sorted.model) all["viper.order_model"] = *sorted.model;
  if (processing.layout == FileLayout::kTimeSeries) {
    all["viper.time_precision"] = TimePrecisionName(processing.time_series.precision);
    all["viper.window_ms"] = std::to_string(window_ms_);
  }
  return all;
}

Result<std::string> BatchRun::PathOf(const RowWindow& window) const {
  if (!SplitsFiles(in_.config.processing) || !window.begin) return in_.path;
  const size_t name = in_.path.find_last_of('/') + 1;
  const size_t dot = in_.path.rfind('.');
  const size_t end = dot == std::string::npos || dot <= name ? in_.path.size() : dot;
  return fmt::format("{}.{}{}", in_.path.substr(0, end), WindowName(*window.begin),
                     in_.path.substr(end));
}

Status BatchRun::WriteFiles(const SortedRows& sorted, const std::vector<RowWindow>& windows) {
  WriteTimes times;
  std::vector<std::unique_ptr<NewFile>> files;
  size_t first = 0;
  while (first < windows.size()) {
    VIPER_ASSIGN_OR_RETURN(const std::string path, PathOf(windows[first]));
    size_t end = first + 1;
    if (path == in_.path) end = windows.size();
    VIPER_ASSIGN_OR_RETURN(
        auto file, WriteOne(sorted, std::span(windows).subspan(first, end - first), path, times));
    files.push_back(std::move(file));
    first = end;
  }
  const Stopwatch watch;
  VIPER_RETURN_IF_ERROR(CommitAll(files, in_.config.flushing.overwrite));
  times.sync_ms += watch.ElapsedMs();
  result_.phases.push_back({"convert", times.convert_ms});
  result_.phases.push_back({"write", times.write_ms});
  result_.phases.push_back({"sync", times.sync_ms});
  return {};
}

Result<std::unique_ptr<NewFile>> BatchRun::WriteOne(const SortedRows& sorted,
                                                    std::span<const RowWindow> windows,
                                                    const std::string& path, WriteTimes& times) {
  VIPER_ASSIGN_OR_RETURN(auto file,
                         NewFile::Create(in_.file_system, path, in_.config.flushing.overwrite));
  const FileContent content{.rows = batch_.rows,
                            .order = sorted.order,
                            .windows = windows,
                            .columns = &columns_,
                            .key_values = KeyValues(sorted)};
  auto written = WriteFile(in_.file_system, in_.config, content, *file, times);
  if (!written.ok()) return written.status().WithContext(path);
  result_.files.push_back(std::move(*written));
  return file;
}

void BatchRun::Sum() {
  const ProcessingConfig& processing = in_.config.processing;
  const bool cuts = processing.layout == FileLayout::kTimeSeries &&
                    processing.time_series.precision == TimePrecision::kMillis;
  for (const core::Row& row : batch_.rows) {
    if (cuts && row.timestamp % 1000 != 0) ++result_.shortened_times;
  }
  for (const WrittenFile& file : result_.files) {
    result_.entries_flushed += file.rows;
    result_.bytes_written += file.bytes;
    result_.logical_bytes += file.logical_bytes;
    result_.row_groups += file.row_groups;
  }
  const auto logical = static_cast<double>(result_.logical_bytes);
  const auto stored = static_cast<double>(result_.bytes_written);
  if (stored > 0) result_.compression_ratio = logical / stored;
  if (logical > 0) result_.stored_fraction = stored / logical;
  result_.duplicates_dropped = batch_.duplicates;
  result_.segments_created = result_.files.size();
  result_.collections_affected = 1;
  result_.layout = processing.layout;
  result_.order = sorting_.order;
  result_.processor = in_.processor.name();
}

}  // namespace viper::pipeline
