// Bytes on disk beside the bytes of the floats alone, for a collection with ids and no other
// metadata.

#include <fmt/core.h>

#include "environment.h"
#include "scenario.h"
#include "vector_set.h"

namespace viper::bench {

namespace {

constexpr size_t kWideDim = 768;

Status Measure(const RunOptions& options, const VectorSet& set, bool indexed, Report& report) {
  std::string root = options.work_folder + "/size";
  if (Status status = MakeEmptyFolder(root); !status.ok()) return status;
  {
    auto engine = OpenQuietEngine(root);
    if (!engine.ok()) return engine.status();
    auto collection = LoadCollection(*engine, "size", set, Metric::kL2);
    if (!collection.ok()) return collection.status();
    Status built = indexed ? (*collection)->BuildIndex() : Status::Ok();
    if (!built.ok()) return built;
  }
  Value::Object results;
  auto total = BytesBelow(root + "/size");
  if (!total.ok()) return total.status();
  for (const char* kind : {"_delta_log", "_viper/wal", "_viper/index"}) {
    auto bytes = BytesBelow(root + "/size", kind);
    if (!bytes.ok()) return bytes.status();
    results[fmt::format("bytes of {}", kind)] = static_cast<int64_t>(*bytes);
  }
  auto log_bytes = BytesBelow(root + "/size", "_viper/wal");
  if (!log_bytes.ok()) return log_bytes.status();
  double float_bytes = static_cast<double>(set.rows) * static_cast<double>(set.dim) * sizeof(float);
  results["rows"] = static_cast<int64_t>(set.rows);
  results["dim"] = static_cast<int64_t>(set.dim);
  results["bytes"] = static_cast<int64_t>(*total);
  results["float_bytes"] = float_bytes;
  results["bytes_to_float_bytes"] = static_cast<double>(*total) / float_bytes;
  // The log's files are preallocated: a fixed cost, whatever the number of rows.
  results["bytes_without_log_to_float_bytes"] =
      static_cast<double>(*total - *log_bytes) / float_bytes;
  report.Add("size", fmt::format("{} dimensions{}", set.dim, indexed ? ", indexed" : ""), set.label,
             std::move(results));
  return MakeEmptyFolder(root);
}

}  // namespace

Status RunSize(const RunOptions& options, Report& report) {
  auto set = OpenOrMakeVectors(options);
  if (!set.ok()) return set.status();
  auto wide = MakeVectors(options.work_folder + "/wide.fvecs", options.rows / 10, kWideDim);
  if (!wide.ok()) return wide.status();
  for (bool indexed : {false, true}) {
    if (Status status = Measure(options, *set, indexed, report); !status.ok()) return status;
    if (Status status = Measure(options, *wide, indexed, report); !status.ok()) return status;
  }
  return Status::Ok();
}

}  // namespace viper::bench
