// Writes the rows of a file in their order: each window in row groups of its own, batch by batch,
// and with every row group what the footer tells of it.

#include "pipeline/file_writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/status_macros.h"
#include "parquet/part_file.h"
#include "parquet/part_layout.h"
#include "pipeline/stopwatch.h"

namespace viper::pipeline {
namespace {

/// Floats of a row group, in bytes: as the engine's own parts have them.
constexpr size_t kGroupFloatBytes = size_t{64} << 20;
/// Of smaller row groups the footer does not tell where the vectors lie: it would grow as large as
/// they are.
constexpr size_t kBallRowsMin = 64;
/// More undeclared keys than this are not listed in the footer.
constexpr size_t kListedKeysMax = 4096;

parquet::PartWriteOptions WriterOptions(const PipelineConfig& config, const FileColumns& columns) {
  const FlushingConfig& flushing = config.flushing;
  const bool tries = config.processing.enable_postprocessing;
  parquet::PartWriteOptions options;
  options.row_group_bytes = std::numeric_limits<size_t>::max();
  options.shape = columns.shape;
  options.has_statistics = flushing.enable_statistics && tries;
  options.compression = {.policy = flushing.storage_policy,
                         .adaptive = tries,
                         .fixed = flushing.compression,
                         .keeps_codec = !flushing.enable_adaptive_compression,
                         .dictionaries = flushing.enable_dictionary_encoding
                                             ? parquet::DictionaryUse::kScalarsThatRepeat
                                             : parquet::DictionaryUse::kNothing};
  options.sparse = {
      .format = columns.shape.is_legacy ? VectorFormat::kDense : flushing.vector_format,
      .threshold = flushing.sparsity_threshold};
  return options;
}

/// Where the vectors of a row group lie: their mean, and how far from it the farthest is.
struct VectorBall {
  std::vector<float> centroid;
  double radius = 0;
};

VectorBall BallOf(std::span<const std::byte* const> vectors, size_t dim) {
  std::vector<double> sums(dim);
  std::vector<float> row(dim);
  for (const std::byte* vector : vectors) {
    std::memcpy(row.data(), vector, dim * sizeof(float));
    for (size_t i = 0; i < dim; ++i) sums[i] += row[i];
  }
  VectorBall ball;
  for (const double sum : sums) {
    ball.centroid.push_back(static_cast<float>(sum / static_cast<double>(vectors.size())));
  }
  double squared_max = 0;
  for (const std::byte* vector : vectors) {
    std::memcpy(row.data(), vector, dim * sizeof(float));
    double squared = 0;
    for (size_t i = 0; i < dim; ++i) {
      const double difference = static_cast<double>(row[i]) - ball.centroid[i];
      squared += difference * difference;
    }
    squared_max = std::max(squared_max, squared);
  }
  ball.radius = std::sqrt(squared_max);
  return ball;
}

/// A row group as `viper.row_groups` has it. Floats have the digits that read back the same.
std::string GroupJson(size_t rows, const std::optional<Timestamp>& window, const VectorBall* ball) {
  std::string json = fmt::format("{{\"rows\":{}", rows);
  if (window) json += fmt::format(",\"window\":\"{}\"", window->ToString());
  if (ball != nullptr) {
    json += fmt::format(",\"radius\":{},\"centroid\":[", ball->radius);
    for (size_t i = 0; i < ball->centroid.size(); ++i) {
      json += fmt::format("{}{}", i == 0 ? "" : ",", ball->centroid[i]);
    }
    json += "]";
  }
  return json + "}";
}

class FileWriter {
 public:
  FileWriter(const PipelineConfig& config, const FileContent& content, WriteTimes& times)
      : config_(config), content_(content), times_(times) {
    const size_t dim = content.columns->schema.dim;
    group_rows_ = std::min({config.processing.batch_size, config.flushing.row_group_rows,
                            std::max<size_t>(1, kGroupFloatBytes / (dim * sizeof(float)))});
  }

  Result<parquet::PartSummary> Write(WritableFile& file) {
    VIPER_RETURN_IF_ERROR(CheckGroups());
    VIPER_ASSIGN_OR_RETURN(auto writer,
                           parquet::PartWriter::Make(file, content_.columns->schema,
                                                     WriterOptions(config_, *content_.columns)));
    for (const RowWindow& window : content_.windows) {
      for (size_t done = 0; done < window.count; done += group_rows_) {
        const size_t count = std::min(group_rows_, window.count - done);
        VIPER_RETURN_IF_ERROR(
            WriteGroup(content_.order.subspan(window.first + done, count), window.begin, *writer));
      }
    }
    Stopwatch watch;
    auto summary = writer->Finish(KeyValues());
    times_.write_ms += watch.ElapsedMs();
    return summary;
  }

 private:
  /// Windows are few enough; what they hold may be cut too small.
  Status CheckGroups() const {
    size_t groups = 0;
    for (const RowWindow& window : content_.windows) {
      groups += (window.count + group_rows_ - 1) / group_rows_;
    }
    if (groups <= parquet::kRowGroupsMax) return {};
    return Status::InvalidArgument(
        fmt::format("the file would have too many row groups: max={} actual={} rows={} "
                    "flushing.row_group_rows={} processing.batch_size={}",
                    parquet::kRowGroupsMax, groups, content_.order.size(),
                    config_.flushing.row_group_rows, config_.processing.batch_size));
  }

  Status WriteGroup(std::span<const uint32_t> numbers, const std::optional<Timestamp>& window,
                    parquet::PartWriter& writer) {
    Stopwatch watch;
    const parquet::PartRows rows = MakePartRows(content_.rows, numbers, *content_.columns);
    NoteKeys(numbers);
    if (config_.processing.enable_postprocessing) {
      std::optional<VectorBall> ball;
      if (config_.flushing.enable_statistics && numbers.size() >= kBallRowsMin) {
        ball = BallOf(rows.vectors, content_.columns->schema.dim);
      }
      groups_json_ += fmt::format("{}{}", groups_json_.empty() ? "" : ",",
                                  GroupJson(numbers.size(), window, ball ? &*ball : nullptr));
    }
    times_.convert_ms += watch.ElapsedMs();
    watch = Stopwatch();
    const Status appended = writer.Append(rows);
    times_.write_ms += watch.ElapsedMs();
    return appended;
  }

  /// The undeclared keys of the rows, as a part lists them.
  void NoteKeys(std::span<const uint32_t> numbers) {
    if (content_.columns->shape.is_legacy) return;
    for (const uint32_t number : numbers) {
      for (const auto& [key, value] : content_.rows[number].metadata) {
        if (!value.is_null() && content_.columns->schema.FindField(key) != nullptr) continue;
        if (keys_.size() <= kListedKeysMax && !keys_.contains(key)) keys_.insert(key);
      }
    }
  }

  std::map<std::string, std::string> KeyValues() const {
    std::map<std::string, std::string> all = content_.key_values;
    if (!content_.columns->shape.is_legacy && keys_.size() <= kListedKeysMax) {
      all["viper.payload_keys"] = Value(Value::List(keys_.begin(), keys_.end())).ToJson();
    }
    if (config_.processing.enable_postprocessing) {
      all["viper.row_groups"] = fmt::format("[{}]", groups_json_);
    }
    return all;
  }

  const PipelineConfig& config_;
  const FileContent& content_;
  WriteTimes& times_;
  size_t group_rows_ = 1;
  std::set<std::string, std::less<>> keys_;
  std::string groups_json_;
};

int64_t WindowNumber(int64_t time, int64_t length) {
  return time / length - (time % length < 0 ? 1 : 0);
}

}  // namespace

int64_t LengthenWindows(std::span<const core::Row> rows, std::span<const uint32_t> order,
                        int64_t window_ms) {
  // Windows of twice the length are joined pairs: their numbers are halves.
  std::vector<int64_t> numbers;
  for (const uint32_t row : order) {
    const int64_t number = WindowNumber(rows[row].timestamp, window_ms * 1000);
    if (numbers.empty() || numbers.back() != number) numbers.push_back(number);
  }
  while (numbers.size() > kWindowsMax) {
    for (int64_t& number : numbers) number = WindowNumber(number, 2);
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    window_ms *= 2;
  }
  return window_ms;
}

std::vector<RowWindow> DivideByTime(std::span<const core::Row> rows,
                                    std::span<const uint32_t> order, int64_t window_ms) {
  if (window_ms == 0 || order.empty()) return {{0, order.size()}};
  const int64_t length = window_ms * 1000;
  std::vector<RowWindow> windows;
  std::optional<int64_t> current;
  for (size_t place = 0; place < order.size(); ++place) {
    const int64_t number = WindowNumber(rows[order[place]].timestamp, length);
    if (number != current) {
      int64_t begin = 0;
      // The window that holds the first of all times begins before it.
      if (__builtin_mul_overflow(number, length, &begin)) {
        begin = std::numeric_limits<int64_t>::min();
      }
      windows.push_back({place, 0, Timestamp{begin}});
      current = number;
    }
    ++windows.back().count;
  }
  return windows;
}

Result<WrittenFile> WriteFile(FileSystem& file_system, const PipelineConfig& config,
                              const FileContent& content, NewFile& file, WriteTimes& times) {
  VIPER_ASSIGN_OR_RETURN(const parquet::PartSummary summary,
                         FileWriter(config, content, times).Write(file.file()));
  Stopwatch watch;
  VIPER_RETURN_IF_ERROR(file.Sync());
  times.sync_ms += watch.ElapsedMs();
  watch = Stopwatch();
  VIPER_ASSIGN_OR_RETURN(const auto map, file_system.Map(file.staged_path()));
  VIPER_ASSIGN_OR_RETURN(const parquet::PartLayout layout, parquet::ReadPartLayout(map->bytes()));
  WrittenFile written;
  written.path = file.path();
  written.rows = layout.row_count;
  written.bytes = map->bytes().size();
  written.logical_bytes = summary.logical_bytes;
  written.row_groups = layout.row_groups;
  for (const parquet::ColumnLayout& column : layout.columns) {
    written.columns.push_back(
        {column.path, column.encodings, column.compressions, column.compressed_bytes});
  }
  times.write_ms += watch.ElapsedMs();
  return written;
}

}  // namespace viper::pipeline
