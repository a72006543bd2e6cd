// Exports of vectors alone: .npy and .fvecs, with a JSON Lines file beside them for all else.

#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "export_writer.h"
#include "output_file.h"
#include "record_json.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

// The header has a fixed size, so that the number of rows can be put in at the end; numpy aligns
// the numbers to 64 bytes (numpy.lib.format).
constexpr size_t kNpyHeaderBytes = 128;

std::string NpyHeader(uint64_t rows, size_t dim) {
  std::string text =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, dim);
  constexpr std::string_view kPrelude("\x93NUMPY\x01\x00\x76\x00", 10);  // 0x76 = 128 - 10
  text.resize(kNpyHeaderBytes - kPrelude.size() - 1, ' ');
  return std::string(kPrelude) + text + "\n";
}

std::string_view BytesOf(const void* data, size_t size) {
  return {static_cast<const char*>(data), size};
}

struct Files {
  std::unique_ptr<OutputFile> vectors;
  std::unique_ptr<OutputFile> metadata;
};

Result<Files> OpenFiles(const std::string& path) {
  if (path.empty() || path == "-") {
    return Status::InvalidArgument("this format makes two files: name the first with -o FILE");
  }
  Files files;
  VIPER_ASSIGN_OR_RETURN(files.vectors, OutputFile::Open(path));
  VIPER_ASSIGN_OR_RETURN(files.metadata, OutputFile::Open(path + ".metadata.jsonl"));
  return files;
}

class VectorWriter final : public ExportWriter {
 public:
  enum class Kind { kNpy, kFvecs };

  VectorWriter(Files files, Kind kind, size_t dim)
      : files_(std::move(files)), kind_(kind), dim_(dim) {}

  Status Begin() {
    return kind_ == Kind::kNpy ? files_.vectors->Write(NpyHeader(0, dim_)) : Status::Ok();
  }

  Status Add(const Record& record) override {
    ++rows_;
    if (kind_ == Kind::kFvecs) {
      const auto dim = static_cast<int32_t>(dim_);
      VIPER_RETURN_IF_ERROR(files_.vectors->Write(BytesOf(&dim, sizeof(dim))));
    }
    VIPER_RETURN_IF_ERROR(
        files_.vectors->Write(BytesOf(record.vector.data(), record.vector.size() * sizeof(float))));
    Record rest = record;
    rest.vector.clear();
    return files_.metadata->Write(RecordJson(rest) + "\n");
  }

  Status Finish() override {
    if (kind_ == Kind::kNpy) {
      VIPER_RETURN_IF_ERROR(files_.vectors->WriteAtFront(NpyHeader(rows_, dim_)));
    }
    VIPER_RETURN_IF_ERROR(files_.vectors->Finish());
    return files_.metadata->Finish();
  }

 private:
  const Files files_;
  const Kind kind_;
  const size_t dim_;
  uint64_t rows_ = 0;
};

Result<std::unique_ptr<ExportWriter>> Open(const std::string& path, VectorWriter::Kind kind,
                                           size_t dim) {
  VIPER_ASSIGN_OR_RETURN(Files files, OpenFiles(path));
  auto writer = std::make_unique<VectorWriter>(std::move(files), kind, dim);
  VIPER_RETURN_IF_ERROR(writer->Begin());
  return writer;
}

}  // namespace

Result<std::unique_ptr<ExportWriter>> OpenNpyWriter(const std::string& path, size_t dim) {
  return Open(path, VectorWriter::Kind::kNpy, dim);
}

Result<std::unique_ptr<ExportWriter>> OpenFvecsWriter(const std::string& path, size_t dim) {
  return Open(path, VectorWriter::Kind::kFvecs, dim);
}

}  // namespace viper::cli
