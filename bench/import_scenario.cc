// A durable bulk load writes every float once, so its measure is a plain write of the same floats
// to one file with a sync at the end, in the same run.

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "environment.h"
#include "scenario.h"
#include "vector_set.h"

namespace viper::bench {

namespace {

constexpr size_t kWriteBytes = size_t{1} << 20;

// Writes as many bytes as the floats take, in large pieces, and syncs once.
Status WritePlainly(const std::string& path, size_t bytes) {
  auto file = FileSystem::Local().CreateFile(path);
  if (!file.ok()) return file.status();
  std::vector<std::byte> piece(kWriteBytes, std::byte{0x3f});
  for (size_t written = 0; written < bytes; written += piece.size()) {
    piece.resize(std::min(piece.size(), bytes - written));
    if (Status status = (*file)->Append(piece); !status.ok()) return status;
  }
  return (*file)->Sync();
}

Status Load(const std::string& root, const std::string& path, size_t rows, size_t dim) {
  auto engine = OpenQuietEngine(root);
  if (!engine.ok()) return engine.status();
  RecordSourceOptions source_options;
  source_options.limit = rows;
  auto source = OpenRecordSource(path, source_options);
  if (!source.ok()) return source.status();
  if ((*source)->dim() != dim) {
    return Status::InvalidArgument(
        fmt::format("{}: dimension: expected={} actual={}", path, dim, (*source)->dim()));
  }
  auto collection = engine->CreateCollection(
      "import", {.dim = dim, .metric = Metric::kL2, .fields = (*source)->fields()});
  if (!collection.ok()) return collection.status();
  auto summary = (*collection)->Load(**source);
  if (!summary.ok()) return summary.status();
  if (summary->rows_committed != rows) {
    return Status::Corruption(
        fmt::format("{}: rows loaded: expected={} actual={}", path, rows, summary->rows_committed));
  }
  return Status::Ok();
}

Status Measure(const RunOptions& options, const VectorSet& set, const std::string& path,
               const std::string& label, Report& report) {
  Rounds load_rate;
  Rounds load_seconds;
  Rounds plain_seconds;
  Rounds slowdown;
  std::string root = options.work_folder + "/import";
  size_t float_bytes = set.rows * set.dim * sizeof(float);
  for (size_t round = 0; round < options.rounds; ++round) {
    if (Status status = MakeEmptyFolder(root); !status.ok()) return status;
    auto plain = TimeOnce([&] { return WritePlainly(root + "/plain", float_bytes); });
    if (!plain.ok()) return plain.status();
    if (Status status = MakeEmptyFolder(root); !status.ok()) return status;
    auto load = TimeOnce([&] { return Load(root, path, set.rows, set.dim); });
    if (!load.ok()) return load.status();
    load_rate.Add(static_cast<double>(set.rows) / load->wall);
    load_seconds.Add(load->wall);
    plain_seconds.Add(plain->wall);
    slowdown.Add(load->wall / plain->wall);
  }
  Value::Object results;
  results["rows"] = static_cast<int64_t>(set.rows);
  results["dim"] = static_cast<int64_t>(set.dim);
  results["rows_per_s"] = load_rate.Summary();
  results["seconds"] = load_seconds.Summary();
  results["plain_write_seconds"] = plain_seconds.Summary();
  results["times_plain_write"] = slowdown.Summary();
  report.Add("import", label, set.label, std::move(results));
  return MakeEmptyFolder(root);
}

}  // namespace

Status RunImport(const RunOptions& options, Report& report) {
  auto set = OpenOrMakeVectors(options);
  if (!set.ok()) return set.status();
  if (Status status = Measure(options, *set, set->base_path, "fvecs", report); !status.ok()) {
    return status;
  }
  if (options.parquet_path.empty()) {
    fmt::print(stderr, "import: the case `parquet` is skipped: no --parquet FILE\n");
    return Status::Ok();
  }
  return Measure(options, *set, options.parquet_path, "parquet, id and two metadata fields",
                 report);
}

}  // namespace viper::bench
