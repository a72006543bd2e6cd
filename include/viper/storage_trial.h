#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "viper/export.h"
#include "viper/options.h"

namespace viper {

/// How the columns of files are written: EngineOptions::storage_policy, adaptive_compression and
/// compression, which it takes the place of.
struct VIPER_EXPORT StorageWay {
  StoragePolicy policy = StoragePolicy::kSpeed;
  bool adaptive = true;
  /// Of every column, if not adaptive.
  Compression compression = {};

  /// "speed", "size", or the codec of all columns, such as "zstd:3".
  std::string ToString() const;
  friend bool operator==(const StorageWay&, const StorageWay&) = default;
};

struct StorageTrialOptions {
  /// Rows that are written in each way, taken in runs from all over the files: about so many. 1 to
  /// 1,000,000. They are held in memory, encoded.
  uint64_t sample_rows = 20'000;
  /// No further way is begun after this long. In milliseconds; 0 = no limit.
  uint64_t time_budget_ms = 2'000;
};

/// A column as it was written in a trial.
struct StorageTrialColumn {
  /// Dotted, as in "_vector.list.element".
  std::string path = {};
  /// Of its pages, compressed, and before.
  uint64_t bytes = 0;
  uint64_t encoded_bytes = 0;
  /// How its writer chose to write it, such as "byte_stream_split zstd:1"; and what the file has:
  /// codecs and encodings of Parquet, sorted.
  std::string chosen = {};
  std::vector<std::string> compressions = {};
  std::vector<std::string> encodings = {};
};

/// One way, as it was measured.
struct StorageTrial {
  StorageWay way = {};
  /// Of the files.
  uint64_t bytes = 0;
  /// By one thread, to and from memory: writing rows that are read from the collection's files
  /// (encodings and codecs chosen beforehand, as all files but the first of a build have it), and
  /// reading all of it back.
  double write_seconds = 0;
  double read_seconds = 0;
  std::vector<StorageTrialColumn> columns = {};
};

/// What Collection::TryStorage measured.
struct StorageTrialReport {
  /// Live rows of the files, and those of the sample.
  uint64_t rows = 0;
  uint64_t sample_rows = 0;
  /// Of the sample, before anything is encoded: 4 for each component of a vector, those of the id,
  /// those of the metadata as JSON without spaces, and 8 for each time.
  uint64_t logical_bytes = 0;
  /// In the order asked for; those that the time did not suffice for are left out.
  std::vector<StorageTrial> trials = {};
  double seconds = 0;
};

}  // namespace viper
