// Arbitrary bytes as the files of an index. The first byte says what the others are: 0, a model; 1,
// the same with a checksum that fits; 2, a segment under a model that is fixed; 3, the same with
// the checksum, the length and the model of its footer made to fit. Nothing may crash, no row out
// of range may come out, and a model that can be read is written again as it was.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "base/coding.h"
#include "base/crc32c.h"
#include "index/index_search.h"
#include "index/model.h"
#include "index/segment.h"

namespace {

using viper::index::Model;
using viper::index::Segment;

constexpr size_t kDim = 4;
constexpr size_t kTrailerBytes = 32;

void Require(bool condition, const char* promise) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

std::shared_ptr<const Model> FixedModel() {
  viper::index::ModelContent content;
  content.metric = viper::Metric::kL2;
  content.dim = kDim;
  content.code_dim = 8;
  content.mean = {0, 0, 0, 0};
  content.centroids = {0, 0, 0, 0, 1, 1, 1, 1, -1, -1, 1, 1};
  return Model::Make(std::move(content)).value();
}

void FixModel(std::vector<std::byte>& bytes) {
  if (bytes.size() < sizeof(uint32_t)) return;
  const size_t body = bytes.size() - sizeof(uint32_t);
  viper::StoreFixed(bytes.data() + body, viper::crc32c::Value(std::span(bytes).first(body)));
}

void CheckModel(std::span<const std::byte> bytes) {
  const auto model = Model::Decode(bytes);
  if (!model.ok()) return;
  const auto again = Model::Decode((*model)->Encode());
  Require(again.ok(), "what we write can be read");
  Require((*again)->id() == (*model)->id(), "a model keeps its id");
  Require((*again)->Encode() == (*model)->Encode(), "a model comes back");
}

void FixSegment(const Model& model, std::vector<std::byte>& bytes) {
  if (bytes.size() < kTrailerBytes) return;
  const size_t end = bytes.size() - kTrailerBytes;
  std::byte* trailer = bytes.data() + end;
  const size_t offset = viper::LoadFixed<uint64_t>(trailer) % (end + 1);
  viper::StoreFixed(trailer, uint64_t{offset});
  viper::StoreFixed(trailer + 8, uint64_t{end - offset});
  const auto footer = std::span(bytes).subspan(offset, end - offset);
  if (footer.size() >= sizeof(uint64_t)) viper::StoreFixed(footer.data(), model.id());
  viper::StoreFixed(trailer + 16, viper::crc32c::Value(footer));
}

void CheckSegment(const std::shared_ptr<const Model>& model, std::span<const std::byte> bytes) {
  const auto segment = Segment::Open(bytes, *model);
  if (!segment.ok()) return;
  const viper::index::SearchedSegment searched = {.segment = segment->get()};
  const std::vector<float> query = {0.5F, 0.25F, -1, 2};
  viper::index::IndexSearchRequest request;
  request.model = model.get();
  request.segments = {&searched, 1};
  request.queries = query;
  request.k = 3;
  request.probes = model->cluster_count();
  const uint64_t rows = (*segment)->row_count();
  request.floats = [&](uint64_t row) -> viper::Result<viper::HeldFloats> {
    Require(row < rows, "rows are those of the segment");
    return std::as_bytes(std::span(query)).data();
  };
  const auto found = viper::index::IndexSearch(request, nullptr);
  if (!found.ok()) return;
  for (const auto& row : found->front())
    Require(row.row < rows, "rows found are those of the segment");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const std::shared_ptr<const Model> model = FixedModel();
  const auto input = std::as_bytes(std::span(data, size)).subspan(1);
  std::vector<std::byte> bytes(input.begin(), input.end());
  switch (data[0] % 4) {
    case 1:
      FixModel(bytes);
      [[fallthrough]];
    case 0:
      CheckModel(bytes);
      break;
    case 3:
      FixSegment(*model, bytes);
      [[fallthrough]];
    default:
      CheckSegment(model, bytes);
  }
  return 0;
}
