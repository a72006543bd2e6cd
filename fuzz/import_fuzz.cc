// Reads arbitrary bytes as a file of records: the first byte chooses format and options, the rest
// is the file. What can be read must keep the promises of RecordSource, and skipping rows must
// leave the others as they are. A broken promise aborts.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "pipeline/csv_source.h"
#include "pipeline/input_file.h"
#include "pipeline/jsonl_source.h"
#include "pipeline/metadata_join.h"
#include "pipeline/npy_source.h"
#include "pipeline/vecs_source.h"
#include "viper/file_system.h"
#include "viper/record_source.h"

namespace viper::pipeline {
namespace {

class BytesFile final : public RandomAccessFile {
 public:
  explicit BytesFile(std::string_view bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  Status ReadAt(uint64_t offset, std::span<std::byte> out) const override {
    VIPER_ASSERT(offset <= bytes_.size() && out.size() <= bytes_.size() - offset);
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return Status::Ok();
  }

 private:
  const std::string_view bytes_;
};

InputFile MakeInput(std::string_view bytes) { return {"fuzz", std::make_unique<BytesFile>(bytes)}; }

constexpr unsigned kFormats = 6;

// Two rows of one component, described by the fuzzed lines.
Result<std::unique_ptr<RecordSource>> OpenJoined(std::string_view lines,
                                                 const RecordSourceOptions& options) {
  static constexpr std::string_view kRows("\1\0\0\0\5\0\0\0\1\0\0\0\6\0\0\0", 16);
  Result<std::unique_ptr<RecordSource>> vectors =
      OpenVecsSource(MakeInput(kRows), FileFormat::kIvecs, options);
  VIPER_ASSERT(vectors.ok());
  return JoinMetadata(std::move(*vectors), MakeInput(lines), options);
}

Result<std::unique_ptr<RecordSource>> Open(unsigned choice, std::string_view bytes) {
  RecordSourceOptions options;
  options.id_prefix = "r";
  if (choice / kFormats % 2 == 1) options.limit = 1;
  switch (choice % kFormats) {
    case 0:
      return OpenJsonlSource(MakeInput(bytes), options);
    case 1:
      if (choice / kFormats % 4 >= 2) options.vector_column = "v*";
      return OpenCsvSource(MakeInput(bytes), options);
    case 2:
      return OpenNpySource(MakeInput(bytes), options);
    case 3:
      return OpenJoined(bytes, options);
    case 4:
      return OpenVecsSource(MakeInput(bytes), FileFormat::kFvecs, options);
    default:
      return OpenVecsSource(MakeInput(bytes), FileFormat::kBvecs, options);
  }
}

void CheckBatch(const RecordBatch& batch, size_t dim) {
  const size_t rows = batch.row_count();
  VIPER_ASSERT(batch.vectors.size() == rows * dim);
  VIPER_ASSERT(batch.metadata.empty() || batch.metadata.size() == rows);
  VIPER_ASSERT(batch.timestamps.empty() || batch.timestamps.size() == rows);
  VIPER_ASSERT(batch.expirations.empty() || batch.expirations.size() == rows);
  for (const std::string& id : batch.ids) {
    VIPER_ASSERT(!id.empty() && id.size() <= kIdBytesMax && IsValidUtf8(id));
  }
  for (const float value : batch.vectors) VIPER_ASSERT(std::isfinite(value));
}

// Ids and vectors of all rows; false if the source fails on the way.
bool ReadAll(RecordSource& source, std::vector<std::string>& ids, std::vector<float>& vectors) {
  while (true) {
    const Result<RecordBatch> batch = source.Next();
    if (!batch.ok()) {
      VIPER_ASSERT(!batch.status().message().empty());
      return false;
    }
    CheckBatch(*batch, source.dim());
    if (batch->row_count() == 0) return true;
    ids.insert(ids.end(), batch->ids.begin(), batch->ids.end());
    vectors.insert(vectors.end(), batch->vectors.begin(), batch->vectors.end());
  }
}

void CheckSource(unsigned choice, std::string_view bytes) {
  const Result<std::unique_ptr<RecordSource>> source = Open(choice, bytes);
  if (!source.ok()) return;
  const size_t dim = (*source)->dim();
  VIPER_ASSERT(dim >= 1 && dim <= kDimMax);
  std::vector<std::string> ids;
  std::vector<float> vectors;
  if (!ReadAll(**source, ids, vectors)) return;
  const auto count = (*source)->row_count();
  VIPER_ASSERT(!count.has_value() || *count == ids.size());

  const Result<std::unique_ptr<RecordSource>> again = Open(choice, bytes);
  VIPER_ASSERT(again.ok());
  const size_t skipped = ids.size() / 2;
  VIPER_ASSERT((*again)->Skip(skipped).ok());
  std::vector<std::string> rest_ids;
  std::vector<float> rest_vectors;
  VIPER_ASSERT(ReadAll(**again, rest_ids, rest_vectors));
  ids.erase(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(skipped));
  vectors.erase(vectors.begin(), vectors.begin() + static_cast<ptrdiff_t>(skipped * dim));
  VIPER_ASSERT(rest_ids == ids && rest_vectors == vectors);
  VIPER_ASSERT(!(*again)->Skip(1).ok());
}

}  // namespace
}  // namespace viper::pipeline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  viper::pipeline::CheckSource(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
