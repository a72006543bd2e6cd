#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <arrow/util/key_value_metadata.h>
#include <fmt/core.h>

#include "base/assert.h"
#include "base/status_macros.h"
#include "parquet/arrow_bridge.h"
#include "parquet/part_file.h"
#include "parquet/part_footer.h"
#include "parquet/part_schema.h"
#include "parquet/scalar_column_reader.h"
#include "parquet/sparse_vector_reader.h"
#include "parquet/vector_column_reader.h"
#include "viper/value.h"

namespace viper::parquet {
namespace {

/// How messages name the columns of vectors.
Status InVectorColumn(const Status& status) {
  return status.WithContext(fmt::format("column {}", columnar::kVectorColumn));
}

Status InSparseColumn(const Status& status) {
  return status.WithContext(fmt::format("column {}", columnar::kSparseColumn));
}

class PartReaderImpl : public PartReader {
 public:
  PartReaderImpl(std::shared_ptr<const MappedFile> file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  Status Load(const CollectionSchema& schema, const PartOpenOptions& options) {
    VIPER_ASSIGN_OR_RETURN(footer_, PartFooter::Open(file_->bytes()));
    if (const auto& pairs = footer_->metadata().key_value_metadata()) {
      for (int64_t i = 0; i < pairs->size(); ++i) key_values_[pairs->key(i)] = pairs->value(i);
    }
    VIPER_RETURN_IF_ERROR(InVectorColumn(LoadVectors(schema.dim, options)));
    // The vectors come first: they bound the number of rows by the size of the file.
    return LoadScalars(schema);
  }

  uint64_t row_count() const override { return footer_->row_count(); }
  const std::map<std::string, std::string>& key_values() const override { return key_values_; }
  bool maps_vectors() const override { return maps_vectors_; }
  const std::vector<VectorPage>& vector_pages() const override { return vector_pages_; }

  const std::byte* Floats(const VectorPage& page) const override {
    VIPER_DCHECK(maps_vectors_);
    return file_->bytes().data() + page.offset;
  }

  Result<std::vector<float>> DecodeVectors(size_t page) const override {
    VIPER_ASSERT(page < encoded_pages_.size());
    auto floats = has_sparse_rows_ ? sparse_->DecodeRun(encoded_pages_[page], page_bytes_max_)
                                   : vectors_->DecodePage(encoded_pages_[page], page_bytes_max_);
    if (!floats.ok()) return InVectorColumn(floats.status()).WithContext(path_);
    return floats;
  }

  Result<std::vector<uint64_t>> SparseRowCounts() const override {
    if (!has_sparse_rows_) return std::vector<uint64_t>(RowGroups().size());
    if (auto told = ToldSparseRows()) return OfFullGroups(std::move(*told));
    auto counts = sparse_->CountRows();
    if (!counts.ok()) return InSparseColumn(counts.status()).WithContext(path_);
    return OfFullGroups(std::move(*counts));
  }

  Status VerifyVectors() const override {
    const Status checked = CheckSparseRows();
    if (!checked.ok()) return checked.WithContext(path_);
    if (!maps_vectors_) return DecodeAllVectors();
    auto pages = vectors_->FindPages(/*verify=*/true);
    if (!pages.ok()) return InVectorColumn(pages.status()).WithContext(path_);
    if (*pages == vector_pages_) return Status::Ok();
    return InVectorColumn(Status::Corruption("pages are not where they were")).WithContext(path_);
  }

  std::optional<FieldType> StoredType(std::string_view column) const override {
    return Scalar(column).StoredType();
  }
  std::vector<std::string> UnreadColumns() const override {
    std::vector<std::string> unread;
    const auto* root = footer_->metadata().schema()->group_node();
    for (int i = 0; i < root->field_count(); ++i) {
      const std::string& name = root->field(i)->name();
      const bool is_read = name == columnar::kVectorColumn || scalars_.contains(name) ||
                           (name == columnar::kSparseColumn && sparse_ != nullptr);
      if (!is_read) unread.push_back(name);
    }
    return unread;
  }
  size_t PageCount(std::string_view column) const override { return Scalar(column).page_count(); }
  RowRange PageRows(std::string_view column, size_t page) const override {
    return Scalar(column).PageRows(page);
  }
  size_t PageOfRow(std::string_view column, uint64_t row) const override {
    return Scalar(column).PageOfRow(row);
  }
  Result<columnar::Column> ReadPage(std::string_view column, size_t page) const override {
    auto result = Scalar(column).ReadPage(page);
    if (!result.ok()) return result.status().WithContext(path_);
    return result;
  }
  std::vector<columnar::ColumnBounds> RowGroupBounds(std::string_view column) const override {
    return OfFullGroups(Scalar(column).RowGroupBounds());
  }
  std::vector<RowRange> RowGroups() const override { return OfFullGroups(footer_->row_groups()); }

 private:
  /// Of what there is for each row group (or nothing), without what is of groups without rows.
  template <typename T>
  std::vector<T> OfFullGroups(std::vector<T> of_groups) const {
    if (of_groups.empty()) return of_groups;
    size_t kept = 0;
    for (size_t group = 0; group < footer_->row_groups().size(); ++group) {
      if (footer_->row_groups()[group].count == 0) continue;
      if (kept != group) of_groups[kept] = std::move(of_groups[group]);
      ++kept;
    }
    of_groups.resize(kept);
    return of_groups;
  }

  Status LoadVectors(size_t dim, const PartOpenOptions& options) {
    VIPER_ASSIGN_OR_RETURN(const auto vectors, VectorColumnReader::Open(*footer_, dim));
    vectors_ = std::make_unique<VectorColumnReader>(vectors);
    if (auto sparse = SparseVectorReader::Open(vectors_->pages(), dim)) {
      sparse_ = std::make_unique<SparseVectorReader>(std::move(*sparse));
    }
    maps_vectors_ = true;
    if (options.vector_pages && vectors_->pages().IsUncompressed()) {
      vector_pages_ = *options.vector_pages;
      return vectors_->CheckPages(vector_pages_);
    }
    VIPER_RETURN_IF_ERROR(FindSparseRows());
    page_bytes_max_ = options.page_bytes_max;
    if (has_sparse_rows_) return LoadRuns();
    VIPER_ASSIGN_OR_RETURN(auto pages, vectors_->FindPages(/*verify=*/false));
    if (pages) {
      vector_pages_ = std::move(*pages);
      return Status::Ok();
    }
    const auto page_index = footer_->MakePageIndexReader();
    VIPER_ASSIGN_OR_RETURN(auto encoded, vectors_->pages().Find(page_index.get()));
    SetEncodedPages(std::move(encoded));
    return Status::Ok();
  }

  void SetEncodedPages(std::vector<EncodedPage> pages) {
    maps_vectors_ = false;
    encoded_pages_ = std::move(pages);
    for (const EncodedPage& page : encoded_pages_) {
      vector_pages_.push_back({page.rows, page.place.offset});
    }
  }

  Status LoadRuns() {
    return CatchParquet([&] {
      const auto page_index = footer_->MakePageIndexReader();
      VIPER_RETURN_IF_ERROR(sparse_->FindPages(page_index.get()));
      SetEncodedPages(sparse_->runs());
      return Status::Ok();
    });
  }

  /// Find out whether some rows are stored sparse. A file that says so is believed: its rows are
  /// judged one by one when they are decoded.
  Status FindSparseRows() {
    if (sparse_ == nullptr) return Status::Ok();
    auto counts = ToldSparseRows();
    const bool is_told = counts && std::any_of(counts->begin(), counts->end(),
                                               [](uint64_t rows) { return rows > 0; });
    if (!is_told) {
      auto counted = sparse_->CountRows();
      if (!counted.ok()) return InSparseColumn(counted.status());
      counts = std::move(*counted);
    }
    has_sparse_rows_ =
        std::any_of(counts->begin(), counts->end(), [](uint64_t rows) { return rows > 0; });
    return Status::Ok();
  }

  /// Compare the rows that have a sparse vector with what the file tells, and with how it is read.
  Status CheckSparseRows() const {
    if (sparse_ == nullptr) return Status::Ok();
    auto counted = sparse_->CountRows();
    if (!counted.ok()) return InSparseColumn(counted.status());
    const auto told = ToldSparseRows();
    for (size_t group = 0; group < counted->size(); ++group) {
      const uint64_t actual = (*counted)[group];
      const uint64_t expected = told ? (*told)[group] : has_sparse_rows_ ? actual : 0;
      if (actual == expected) continue;
      return InSparseColumn(Status::Corruption(
          fmt::format("another number of rows is stored sparse: row_group={} expected={} actual={}",
                      group, expected, actual)));
    }
    return Status::Ok();
  }

  /// What kSparseRowsKey says, if it can be meant.
  std::optional<std::vector<uint64_t>> ToldSparseRows() const {
    const auto found = key_values_.find(std::string(kSparseRowsKey));
    if (found == key_values_.end()) return std::nullopt;
    const auto parsed = Value::FromJson(found->second);
    if (!parsed.ok() || parsed->as_list() == nullptr ||
        parsed->as_list()->size() != footer_->row_groups().size()) {
      return std::nullopt;
    }
    std::vector<uint64_t> counts;
    for (const Value& rows : *parsed->as_list()) {
      if (rows.as_int64() == nullptr || *rows.as_int64() < 0) return std::nullopt;
      counts.push_back(static_cast<uint64_t>(*rows.as_int64()));
    }
    return counts;
  }

  Status DecodeAllVectors() const {
    for (size_t page = 0; page < encoded_pages_.size(); ++page) {
      VIPER_RETURN_IF_ERROR(DecodeVectors(page).status());
    }
    return Status::Ok();
  }

  Status LoadScalars(const CollectionSchema& schema) {
    return CatchParquet([&] {
      const auto page_index = footer_->MakePageIndexReader();
      for (const PartColumn& column : ScalarColumns(schema)) {
        VIPER_ASSIGN_OR_RETURN(auto reader,
                               ScalarColumnReader::Open(*footer_, column, page_index.get()));
        scalars_.emplace(column.name, std::move(reader));
      }
      return Status::Ok();
    });
  }

  const ScalarColumnReader& Scalar(std::string_view column) const {
    const auto found = scalars_.find(column);
    VIPER_ASSERT(found != scalars_.end());
    return found->second;
  }

  const std::shared_ptr<const MappedFile> file_;
  const std::string path_;
  std::unique_ptr<PartFooter> footer_;
  std::map<std::string, std::string> key_values_;
  std::unique_ptr<VectorColumnReader> vectors_;
  /// Null if the file has no such column; decodes if it has_sparse_rows_.
  std::unique_ptr<SparseVectorReader> sparse_;
  bool has_sparse_rows_ = false;
  bool maps_vectors_ = false;
  std::vector<VectorPage> vector_pages_;
  /// Only if floats are not mapped: what each of vector_pages_ is decoded from.
  std::vector<EncodedPage> encoded_pages_;
  size_t page_bytes_max_ = 0;
  std::map<std::string, ScalarColumnReader, std::less<>> scalars_;
};

}  // namespace

Result<std::unique_ptr<PartReader>> PartReader::Open(std::shared_ptr<const MappedFile> file,
                                                     const CollectionSchema& schema,
                                                     const PartOpenOptions& options) {
  auto reader = std::make_unique<PartReaderImpl>(std::move(file), options.path);
  const Status status = reader->Load(schema, options);
  if (!status.ok()) return status.WithContext(options.path);
  return std::unique_ptr<PartReader>(std::move(reader));
}

}  // namespace viper::parquet
