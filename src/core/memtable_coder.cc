#include "core/memtable_coder.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "base/status_macros.h"
#include "index/byte_row.h"
#include "index/model_training.h"
#include "index/segment.h"

namespace viper::core {
namespace {

/// A search looks into a few clusters, and finds a block of a row or two in a few of those: that
/// takes less than comparing a row for every sixteenth cluster. Below kRowsMin most of a segment's
/// bytes would be its table of clusters.
constexpr uint64_t kRowsMin = 512;
constexpr uint64_t kClustersPerRow = 16;

/// The bytes of a segment, from a line of the cache on as in a mapped file.
class BytesInMemory : public MappedFile {
 public:
  BytesInMemory(std::span<const std::byte> bytes, MemoryCharge charge)
      : size_(bytes.size()),
        lines_((bytes.size() + sizeof(Line) - 1) / sizeof(Line)),
        charge_(std::move(charge)) {
    charge_.Set(lines_.size() * sizeof(Line));
    std::memcpy(lines_.data(), bytes.data(), size_);
  }
  std::span<const std::byte> bytes() const override {
    return std::as_bytes(std::span(lines_)).first(size_);
  }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  size_t size_;
  std::vector<Line> lines_;
  MemoryCharge charge_;
};

/// Rows of a memtable numbered from 0 on.
class Rows {
 public:
  Rows(const MemtableView& memtable, const RowRange& rows) : memtable_(memtable), rows_(rows) {}

  const std::byte* Floats(uint64_t row) const {
    return memtable_.row(static_cast<uint32_t>(rows_.first + row)).vector;
  }

  /// Call `take(floats, first, count)` for runs of rows of which the floats are contiguous.
  template <typename Take>
  void ForEachRun(Take take) const {
    const uint64_t per_chunk = memtable_.memtable->rows_per_chunk();
    for (uint64_t row = rows_.first; row < rows_.end();) {
      const uint64_t end = std::min((row / per_chunk + 1) * per_chunk, rows_.end());
      take(Floats(row - rows_.first), row - rows_.first, end - row);
      row = end;
    }
  }

  bool AreWhole(size_t dim) const {
    bool are_whole = true;
    std::vector<float> copy;
    ForEachRun([&](const std::byte* floats, uint64_t, uint64_t count) {
      copy.resize(count * dim);
      std::memcpy(copy.data(), floats, copy.size() * sizeof(float));
      are_whole = are_whole && index::IsWhole(copy);
    });
    return are_whole;
  }

 private:
  const MemtableView& memtable_;
  const RowRange rows_;
};

/// The nearest cluster of each row; returns the sum of the squared distances to their centroids.
double AssignClusters(const std::shared_ptr<const index::Model>& model, const Rows& rows,
                      std::span<uint32_t> clusters) {
  const index::ClusterAssigner assigner(model);
  std::vector<float> squared(clusters.size());
  rows.ForEachRun([&](const std::byte* floats, uint64_t first, uint64_t count) {
    assigner.Assign(floats, count, clusters.data() + first, squared.data() + first);
  });
  return std::accumulate(squared.begin(), squared.end(), 0.0);
}

/// The clusters of the rows of a segment: those of zeros, which are in none, are left as they are.
void ReadClusters(const index::Segment& segment, std::span<uint32_t> clusters) {
  for (size_t i = 0; i < segment.cluster_count(); ++i) {
    const index::ClusterView& cluster = segment.cluster(i);
    for (uint32_t row = 0; row < cluster.row_count; ++row) {
      const std::byte* number = cluster.numbers + size_t{row} * sizeof(uint32_t);
      clusters[LoadFixed<uint32_t>(number)] = static_cast<uint32_t>(i);
    }
  }
}

bool IsOf(const CodedRows& coded, const MemtableView& memtable) {
  return coded.memtable.lock() == memtable.memtable;
}

}  // namespace

uint64_t MemtableCoder::MinRows(const index::Model& model) {
  return std::max<uint64_t>(kRowsMin, model.cluster_count() / kClustersPerRow);
}

Status MemtableCoder::Code(const ReadView& view, const std::function<bool(double)>& progress) {
  MutexLock lock(mutex_);
  CollectionIndex& index = context_.read->index;
  const auto files = index.files();
  if (files == nullptr || files->model == nullptr) return {};
  const std::vector<CodedRows> before = index.coded_rows();
  std::vector<CodedRows> coded;
  bool has_changed = false;
  for (const MemtableView& memtable : view.memtables) {
    const size_t first_of_memtable = coded.size();
    std::copy_if(
        before.begin(), before.end(), std::back_inserter(coded), [&](const CodedRows& rows) {
          return IsOf(rows, memtable) && rows.open->segment->model_id() == files->model->id();
        });
    RowRange rows = {coded.size() == first_of_memtable ? 0 : coded.back().rows.end(), 0};
    rows.count = memtable.row_count - std::min<uint64_t>(rows.first, memtable.row_count);
    if (rows.count < MinRows(*files->model)) continue;
    size_t first_merged = coded.size();
    while (first_merged > first_of_memtable && coded[first_merged - 1].rows.count <= rows.count) {
      --first_merged;
      rows = {coded[first_merged].rows.first, coded[first_merged].rows.count + rows.count};
    }
    VIPER_ASSIGN_OR_RETURN(
        CodedRows merged,
        CodeRows(files->model, memtable, rows, std::span(coded).subspan(first_merged), progress));
    coded.resize(first_merged);
    coded.push_back(std::move(merged));
    has_changed = true;
  }
  if (has_changed || coded.size() != before.size()) index.ReplaceCodedRows(std::move(coded));
  return {};
}

Result<CodedRows> MemtableCoder::CodeRows(const std::shared_ptr<const index::Model>& model,
                                          const MemtableView& memtable, const RowRange& range,
                                          std::span<const CodedRows> known,
                                          const std::function<bool(double)>& progress) const {
  const Rows rows(memtable, range);
  std::vector<uint32_t> clusters(range.count);
  double squared_sum = 0;
  uint64_t known_count = 0;
  for (const CodedRows& before : known) {
    const index::Segment& segment = *before.open->segment;
    ReadClusters(segment, std::span(clusters).subspan(known_count, before.rows.count));
    squared_sum += segment.mean_squared_distance() * static_cast<double>(before.rows.count);
    known_count += before.rows.count;
  }
  squared_sum +=
      AssignClusters(model, Rows(memtable, {range.first + known_count, range.count - known_count}),
                     std::span(clusters).subspan(known_count));
  index::SegmentInput input;
  input.model = model;
  input.parts = {{"(memory)", 0, range.count}};
  input.clusters = clusters;
  input.mean_squared_distance = squared_sum / static_cast<double>(range.count);
  if (!context_.options.index_byte_rows) {
    input.byte_rows = index::ByteRows::kNone;
  } else if (model->metric() == Metric::kL2 && rows.AreWhole(model->dim())) {
    input.byte_rows = index::ByteRows::kWhole;
  }
  input.floats = [&rows](uint64_t row) { return Result<HeldFloats>(rows.Floats(row)); };
  std::vector<std::byte> bytes;
  input.append = [&bytes](std::span<const std::byte> next) {
    bytes.insert(bytes.end(), next.begin(), next.end());
    return Status::Ok();
  };
  input.progress = progress;
  VIPER_RETURN_IF_ERROR(index::WriteSegment(input));
  auto open = std::make_shared<OpenSegment>();
  open->file =
      std::make_unique<BytesInMemory>(bytes, MemoryCharge(context_.memory, MemoryUse::kRows));
  VIPER_ASSIGN_OR_RETURN(open->segment, index::Segment::Open(open->file->bytes(), *model));
  return CodedRows{memtable.memtable, range, std::move(open)};
}

void MemtableCoder::ForgetFlushed(const ReadView& view) {
  MutexLock lock(mutex_);
  std::vector<CodedRows> coded = context_.read->index.coded_rows();
  const size_t gone = std::erase_if(coded, [&](const CodedRows& rows) {
    return std::none_of(view.memtables.begin(), view.memtables.end(),
                        [&](const MemtableView& memtable) { return IsOf(rows, memtable); });
  });
  if (gone > 0) context_.read->index.ReplaceCodedRows(std::move(coded));
}

size_t MemtableCoder::memory_bytes() const {
  size_t bytes = 0;
  for (const CodedRows& rows : context_.read->index.coded_rows()) {
    bytes += rows.open->segment->file_bytes();
  }
  return bytes;
}

}  // namespace viper::core
