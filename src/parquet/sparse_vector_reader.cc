#include "parquet/sparse_vector_reader.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <fmt/core.h>
#include <parquet/schema.h>

#include "base/status_macros.h"
#include "columnar/predicate.h"
#include "parquet/arrow_bridge.h"
#include "parquet/part_schema.h"

namespace viper::parquet {
namespace {

/// What is decoded for one row of a file whose pages do not fit each other.
constexpr size_t kForeignRunBytes = size_t{16} << 20;
/// What a footer claims must not take memory without bounds.
constexpr uint64_t kRunsMax = uint64_t{1} << 22;

/// The leaf of a field of `_sparse`, if it is a list of that type.
std::optional<int> FindListLeaf(const PartFooter& footer, std::string_view field,
                                ::parquet::Type::type type) {
  const ::parquet::SchemaDescriptor& schema = *footer.metadata().schema();
  std::optional<int> found;
  for (int leaf = 0; leaf < schema.num_columns(); ++leaf) {
    const ::parquet::ColumnDescriptor& column = *schema.Column(leaf);
    const auto path = column.path()->ToDotVector();
    if (path.size() < 3 || path[0] != columnar::kSparseColumn || path[1] != field) continue;
    if (found || column.physical_type() != type || column.max_repetition_level() != 1) return {};
    found = leaf;
  }
  return found;
}

/// Cut runs that take too much memory.
void AppendRuns(const EncodedPage& page, size_t dim, std::vector<EncodedPage>& runs) {
  const uint64_t rows_max = std::max<uint64_t>(1, kForeignRunBytes / (dim * sizeof(float)));
  const uint64_t rows_each = std::max(rows_max, page.rows.count / kRunsMax + 1);
  for (uint64_t first = page.rows.first; first < page.rows.end(); first += rows_each) {
    EncodedPage run = page;
    run.rows = {first, std::min(rows_each, page.rows.end() - first)};
    runs.push_back(run);
  }
}

}  // namespace

struct SparseVectorReader::Lists {
  ListRows<float> vectors;
  ListRows<int32_t> indices;
  ListRows<float> values;
  size_t next_float = 0;
  size_t next_component = 0;
};

std::optional<SparseVectorReader> SparseVectorReader::Open(const LeafPages& vectors, size_t dim) {
  const PartFooter& footer = vectors.footer();
  const auto indices = FindListLeaf(footer, kSparseIndices, ::parquet::Type::INT32);
  const auto values = FindListLeaf(footer, kSparseValues, ::parquet::Type::FLOAT);
  if (!indices || !values) return std::nullopt;
  return SparseVectorReader(vectors, LeafPages(footer, *indices), LeafPages(footer, *values), dim);
}

Result<std::vector<uint64_t>> SparseVectorReader::CountRows() const {
  return CatchParquet([&]() -> Result<std::vector<uint64_t>> {
    std::vector<uint64_t> counts;
    for (size_t group = 0; group < indices_.footer().row_groups().size(); ++group) {
      VIPER_ASSIGN_OR_RETURN(counts.emplace_back(), CountListRows(indices_, group));
    }
    return counts;
  });
}

Status SparseVectorReader::FindPages(::parquet::PageIndexReader* page_index) {
  VIPER_ASSIGN_OR_RETURN(vector_pages_, vectors_.Find(page_index));
  VIPER_ASSIGN_OR_RETURN(index_pages_, indices_.Find(page_index));
  VIPER_ASSIGN_OR_RETURN(value_pages_, values_.Find(page_index));
  // Of our own files all three have the same pages, but where no row of a row group is sparse: then
  // `_sparse` is one page of nulls. Of other writers those of the finer leaf are the better guess.
  const bool by_values = value_pages_.size() > vector_pages_.size();
  for (const EncodedPage& page : by_values ? value_pages_ : vector_pages_) {
    AppendRuns(page, dim_, runs_);
  }
  return Status::Ok();
}

Result<std::vector<float>> SparseVectorReader::DecodeRun(const EncodedPage& run,
                                                         size_t bytes_max) const {
  if (run.rows.count > bytes_max / (dim_ * sizeof(float))) {
    return Status::ResourceExhausted(
        fmt::format("a run of vectors takes more memory than allowed: first_row={} rows={} dim={} "
                    "maximum_bytes={}",
                    run.rows.first, run.rows.count, dim_, bytes_max));
  }
  auto decoded = CatchParquet([&]() -> Result<std::vector<float>> {
    Lists lists;
    VIPER_ASSIGN_OR_RETURN(lists.vectors, ReadFloatLists(vectors_, vector_pages_, run.rows, dim_));
    VIPER_ASSIGN_OR_RETURN(lists.indices, ReadIntegerLists(indices_, index_pages_, run.rows, dim_));
    VIPER_ASSIGN_OR_RETURN(lists.values, ReadFloatLists(values_, value_pages_, run.rows, dim_));
    std::vector<float> floats(run.rows.count * dim_);
    for (size_t row = 0; row < run.rows.count; ++row) {
      const Status status = SpreadRow(lists, row, floats.data() + row * dim_);
      if (status.ok()) continue;
      return Status::Corruption(fmt::format("row={}: {}", run.rows.first + row, status.message()));
    }
    return floats;
  });
  if (decoded.ok()) return decoded;
  return decoded.status().WithContext(
      fmt::format("rows {} to {}", run.rows.first, run.rows.end() - 1));
}

Status SparseVectorReader::SpreadRow(Lists& lists, size_t row, float* floats) const {
  constexpr uint32_t kNull = ListRows<float>::kNull;
  const uint32_t dense = lists.vectors.lengths[row];
  const uint32_t sparse = lists.indices.lengths[row];
  if (dense == kNull) return Status::Corruption("vector is null");
  if (sparse != lists.values.lengths[row]) {
    const auto number = [](uint32_t length) {
      return length == kNull ? std::string("null") : std::to_string(length);
    };
    return Status::Corruption(fmt::format(
        "sparse vector has another number of values than of indices: indices={} values={}",
        number(sparse), number(lists.values.lengths[row])));
  }
  if (sparse == kNull && dense != dim_) {
    return Status::Corruption(
        fmt::format("vector has another length, and there is no sparse one: expected={} actual={}",
                    dim_, dense));
  }
  if (sparse != kNull && dense != 0) {
    return Status::Corruption(fmt::format(
        "vector is there both dense and sparse: components={} indices={}", dense, sparse));
  }
  for (uint32_t i = 0; i < dense; ++i) {
    floats[i] = lists.vectors.values[lists.next_float++];
    if (std::isfinite(floats[i])) continue;
    return Status::Corruption(
        fmt::format("vector holds a component that is no finite 32-bit float: component={}", i));
  }
  int64_t previous = -1;
  for (uint32_t i = 0; sparse != kNull && i < sparse; ++i) {
    const int64_t index = lists.indices.values[lists.next_component];
    const float value = lists.values.values[lists.next_component++];
    if (index <= previous || index >= static_cast<int64_t>(dim_)) {
      return Status::Corruption(fmt::format(
          "sparse vector has an index that is out of order or range: place={} index={} previous={} "
          "dim={}",
          i, index, previous, dim_));
    }
    if (!std::isfinite(value)) {
      return Status::Corruption(fmt::format(
          "vector holds a component that is no finite 32-bit float: component={}", index));
    }
    floats[index] = value;
    previous = index;
  }
  return Status::Ok();
}

}  // namespace viper::parquet
