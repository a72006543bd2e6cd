#include "viper/record_source.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "parquet/parquet_record_source.h"
#include "pipeline/csv_source.h"
#include "pipeline/input_file.h"
#include "pipeline/jsonl_source.h"
#include "pipeline/metadata_join.h"
#include "pipeline/npy_source.h"
#include "pipeline/vecs_source.h"
#include "viper/file_system.h"

namespace viper {
namespace {

constexpr std::string_view kFormatNames = "parquet, jsonl, ndjson, csv, npy, fvecs, bvecs, ivecs";

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::optional<FileFormat> FormatOf(std::string_view name) {
  static constexpr std::pair<std::string_view, FileFormat> kFormats[] = {
      {"parquet", FileFormat::kParquet}, {"jsonl", FileFormat::kJsonl},
      {"ndjson", FileFormat::kJsonl},    {"csv", FileFormat::kCsv},
      {"npy", FileFormat::kNpy},         {"fvecs", FileFormat::kFvecs},
      {"bvecs", FileFormat::kBvecs},     {"ivecs", FileFormat::kIvecs},
  };
  const std::string lower = Lower(name);
  for (const auto& [known, format] : kFormats) {
    if (known == lower) return format;
  }
  return std::nullopt;
}

Result<FileFormat> FormatByEnding(const std::string& path) {
  const size_t dot = path.find_last_of("./");
  if (dot != std::string::npos && path[dot] == '.') {
    if (const auto format = FormatOf(std::string_view(path).substr(dot + 1))) return *format;
  }
  return Status::InvalidArgument(fmt::format(
      "{}: cannot tell the format by the name's ending, give it: known={}", path, kFormatNames));
}

Result<pipeline::InputFile> OpenInput(const std::string& path) {
  VIPER_ASSIGN_OR_RETURN(auto file, FileSystem::Local().OpenForRead(path));
  return pipeline::InputFile{path, std::move(file)};
}

Result<std::unique_ptr<RecordSource>> OpenVectors(pipeline::InputFile input, FileFormat format,
                                                  const RecordSourceOptions& options) {
  if (format == FileFormat::kNpy) return pipeline::OpenNpySource(std::move(input), options);
  return pipeline::OpenVecsSource(std::move(input), format, options);
}

// Each format refuses the options that mean nothing to it: a typo must not load other data than
// meant.
Status CheckOptions(const std::string& path, bool has_columns, const RecordSourceOptions& options) {
  if (has_columns && !options.metadata_path.empty()) {
    return Status::InvalidArgument(fmt::format(
        "{}: a metadata file goes with npy, fvecs, bvecs and ivecs only: metadata_path={}", path,
        options.metadata_path));
  }
  if (!has_columns && !options.vector_column.empty()) {
    return Status::InvalidArgument(fmt::format("{}: this format has no columns: vector_column={}",
                                               path, options.vector_column));
  }
  if (!has_columns && !options.id_column.empty() && options.metadata_path.empty()) {
    return Status::InvalidArgument(
        fmt::format("{}: this format has no ids, they come from a metadata file: id_column={}",
                    path, options.id_column));
  }
  return Status::Ok();
}

}  // namespace

Result<FileFormat> ParseFileFormat(std::string_view name) {
  if (Lower(name) == "auto") return FileFormat::kAuto;
  if (const auto format = FormatOf(name)) return *format;
  return Status::InvalidArgument(
      fmt::format("unknown file format: actual={} known=auto, {}", name, kFormatNames));
}

Result<std::unique_ptr<RecordSource>> OpenRecordSource(const std::string& path,
                                                       const RecordSourceOptions& options) {
  FileFormat format = options.format;
  if (format == FileFormat::kAuto) {
    VIPER_ASSIGN_OR_RETURN(format, FormatByEnding(path));
  }
  const bool has_columns =
      format == FileFormat::kParquet || format == FileFormat::kJsonl || format == FileFormat::kCsv;
  VIPER_RETURN_IF_ERROR(CheckOptions(path, has_columns, options));
  if (format == FileFormat::kParquet) return OpenParquetSource(path, options);
  VIPER_ASSIGN_OR_RETURN(pipeline::InputFile input, OpenInput(path));
  if (format == FileFormat::kJsonl) return pipeline::OpenJsonlSource(std::move(input), options);
  if (format == FileFormat::kCsv) return pipeline::OpenCsvSource(std::move(input), options);
  VIPER_ASSIGN_OR_RETURN(auto vectors, OpenVectors(std::move(input), format, options));
  if (options.metadata_path.empty()) return vectors;
  VIPER_ASSIGN_OR_RETURN(pipeline::InputFile metadata, OpenInput(options.metadata_path));
  return pipeline::JoinMetadata(std::move(vectors), std::move(metadata), options);
}

}  // namespace viper
