#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "viper/export.h"
#include "viper/options.h"
#include "viper/result.h"
#include "viper/service.h"
#include "viper/storage_trial.h"
#include "viper/value.h"

namespace viper {

class Engine;

/// How the adviser on compression works.
struct VIPER_EXPORT CompressionAdviceConfig {
  /// Look at the open collections again every `interval_ms`, in the background
  /// (Utilities::StartServices), and tell the log where another way would save bytes.
  bool enable_adaptive_compression = true;
  /// Try ways on a sample of the collection. Off: advice comes from what the files tell of the
  /// trials that their writers made.
  bool enable_benchmarking = true;
  /// Recommended where nothing is known. One that files can be written with.
  Compression default_algorithm = {};
  /// 1 or more, in milliseconds.
  uint64_t interval_ms = 3'600'000;
  /// Levels of Zstandard that are tried for all columns alike. 1 to 22.
  int level_min = 1;
  int level_max = 9;
  /// As StorageTrialOptions: 1 to 1,000,000.
  uint64_t sample_rows = 20'000;
  uint64_t time_budget_ms = 2'000;
  /// Another way is recommended if it saves this share of the bytes at least: fewer are seldom
  /// worth the slower reads that they cost. 0 to 1.
  double saving_min = 0.2;

  /// OK, or InvalidArgument naming the member that is wrong and its value.
  Status Validate() const;
};

/// Where advice comes from.
enum class AdviceSource : uint8_t {
  /// Trials, made for it.
  kMeasured = 0,
  /// What the files tell of how they were written.
  kHistory = 1,
  /// Nothing is known.
  kDefault = 2,
};

/// Return "measured", "history" or "default".
VIPER_EXPORT std::string_view AdviceSourceName(AdviceSource source);

/// What a way came to. Speeds are in logical megabytes (10^6) a second of one thread.
struct CompressionPerformance {
  /// Logical over stored bytes.
  std::optional<double> compression_ratio = {};
  std::optional<double> compression_speed_mb_sec = {};
  std::optional<double> decompression_speed_mb_sec = {};
};

/// A column under the current and under the recommended way, in the sample.
struct CompressionColumnAdvice {
  std::string column = {};
  /// Encoding and codec, such as "byte_stream_split zstd:1".
  std::string current = {};
  std::string recommended = {};
  uint64_t current_bytes = 0;
  uint64_t recommended_bytes = 0;
};

/// Advice for one collection. Ratios and speeds of a way that was not measured are absent.
struct CompressionRecommendation {
  std::string collection = {};
  Timestamp made_at = {};
  AdviceSource source = AdviceSource::kDefault;
  /// How all files would be written: for Collection::Compact, and for the engine's options.
  StorageWay current_way = {};
  StorageWay recommended_way = {};
  /// The codec of the column that takes the most bytes under that way, with its level: columns have
  /// codecs of their own (`columns`).
  Compression current_algorithm = {};
  Compression recommended_algorithm = {};
  int recommended_level = 0;
  /// Of the recommended way, and how far predictions of this adviser were off so far, at most, as a
  /// share of what came; absent before anything was applied.
  std::optional<double> expected_ratio = {};
  std::optional<double> error_bound = {};
  CompressionPerformance expected_performance = {};
  CompressionPerformance current_performance = {};
  /// Recommended minus current.
  CompressionPerformance gain = {};
  /// The files as they are, whichever way they were written in: CollectionStatistics::part_bytes
  /// and compression_ratio. And what they are expected to take in the recommended way; absent if
  /// nothing was measured.
  uint64_t files_bytes = 0;
  std::optional<double> files_ratio = {};
  std::optional<uint64_t> expected_files_bytes = {};
  /// Writing the files anew in the recommended way is worth while; and why, or why not. Files that
  /// are about as small already are none to write anew, even if the current way is another one.
  bool is_change = false;
  std::string reason = {};
  std::vector<CompressionColumnAdvice> columns = {};
  /// All that was measured.
  StorageTrialReport trials = {};
};

/// What came of applying a recommendation.
struct CompressionOutcome {
  StorageWay way = {};
  double expected_ratio = 0;
  /// Of all files afterwards: CollectionStatistics::compression_ratio.
  double actual_ratio = 0;
  /// actual_ratio / expected_ratio - 1.
  double error = 0;
  uint64_t bytes_before = 0;
  uint64_t bytes_after = 0;
};

/// Advises on how the columns of a collection's files are encoded and compressed, by trying ways on
/// a sample of its real rows. Thread-safe.
class VIPER_EXPORT CompressionOptimizer {
 public:
  /// `log` is called with one line for each trial and each recommendation of the background; may be
  /// empty. The engine is not owned, and must outlive it.
  CompressionOptimizer(Engine& engine, CompressionAdviceConfig config,
                       std::function<void(std::string_view line)> log = {});
  ~CompressionOptimizer();
  CompressionOptimizer(const CompressionOptimizer&) = delete;
  CompressionOptimizer& operator=(const CompressionOptimizer&) = delete;

  /// Begin to look at the open collections every `interval_ms`. Nothing if it has begun, or
  /// adaptive compression is off.
  void Start();
  void Stop();
  ServiceHealth Health() const;
  /// Look at all open collections now.
  Status OptimizeAll(const std::stop_token& stop = {});

  /// Advise on one collection. NotFound.
  Result<CompressionRecommendation> Optimize(const std::string& collection);
  /// Write all files of the collection anew in the way that was recommended last (if none was, or
  /// the collection was dropped since and another has its name, it is asked for), and compare what
  /// came with what was expected. Files that are written later are written as the engine's options
  /// say. FailedPrecondition if nothing was measured.
  Result<CompressionOutcome> Apply(const std::string& collection);
  /// The same in this way, of which that ratio is expected (above 0), whatever was recommended
  /// last.
  Result<CompressionOutcome> Apply(const std::string& collection, const StorageWay& way,
                                   double expected_ratio);
  /// The last advice for each collection.
  std::vector<CompressionRecommendation> Latest() const;
  std::vector<CompressionOutcome> Outcomes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// As a JSON object, for programs; keys are those of the members.
VIPER_EXPORT Value ToValue(const CompressionRecommendation& recommendation);

}  // namespace viper
