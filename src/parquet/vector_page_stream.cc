#include "parquet/vector_page_stream.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/status_macros.h"
#include "parquet/page_decoder.h"

namespace viper::parquet {
namespace {

/// Values decoded at a time: of dense pages about a page, else a few.
constexpr size_t kDenseValues = size_t{1} << 18;
constexpr size_t kLevelBatch = 4096;

}  // namespace

/// The data page being decoded.
struct VectorPageStream::OpenPage {
  /// Keeps the bytes.
  std::shared_ptr<::parquet::Page> page;
  size_t values_left = 0;
  bool dense = false;
  ::parquet::LevelDecoder repetition;
  ::parquet::LevelDecoder definition;
  /// Null when the values are indexes into the dictionary.
  std::unique_ptr<::parquet::TypedDecoder<::parquet::FloatType>> values;
};

VectorPageStream::VectorPageStream(const ::parquet::ColumnDescriptor& leaf, size_t dim)
    : leaf_(&leaf),
      max_definition_(leaf.max_definition_level()),
      element_level_(ElementDefinitionLevel(leaf)),
      dim_(dim),
      levels_(dim, leaf.max_definition_level()) {}

VectorPageStream::~VectorPageStream() = default;

void VectorPageStream::Start(std::unique_ptr<::parquet::PageReader> pages, uint64_t row_count) {
  pages_ = std::move(pages);
  rows_expected_ = row_count;
  rows_started_ = 0;
  page_.reset();
  dictionary_.reset();
  floats_.clear();
  consumed_ = complete_ = finished_ = 0;
  row_open_ = false;
  error_ = Status::Ok();
}

std::span<const float> VectorPageStream::rows() const {
  return std::span(floats_).subspan(consumed_, complete_ - consumed_);
}

void VectorPageStream::Consume(size_t row_count) {
  VIPER_ASSERT(row_count * dim_ <= complete_ - consumed_);
  consumed_ += row_count * dim_;
}

Status VectorPageStream::Fill() {
  while (rows().empty()) {
    VIPER_RETURN_IF_ERROR(error_);
    if (pages_ == nullptr) return Status::Ok();
    error_ = DecodeSome();
  }
  return Status::Ok();
}

Status VectorPageStream::DecodeSome() {
  floats_.erase(floats_.begin(), floats_.begin() + static_cast<std::ptrdiff_t>(consumed_));
  finished_ -= consumed_;
  complete_ -= consumed_;
  consumed_ = 0;
  if (page_ == nullptr || page_->values_left == 0) return NextPage();
  if (page_->dense) {
    const size_t step = std::max<size_t>(1, kDenseValues / dim_) * dim_;
    return DecodeDense(std::min(page_->values_left, step));
  }
  return DecodeByLevels(std::min(page_->values_left, kLevelBatch));
}

Status VectorPageStream::NextPage() {
  page_.reset();
  std::shared_ptr<::parquet::Page> page = pages_->NextPage();
  if (page == nullptr) return FinishPages();
  if (page->type() == ::parquet::PageType::DICTIONARY_PAGE) {
    SetDictionary(static_cast<const ::parquet::DictionaryPage&>(*page));
    return Status::Ok();
  }
  return OpenDataPage(std::move(page));
}

void VectorPageStream::SetDictionary(const ::parquet::DictionaryPage& page) {
  const auto values =
      ::parquet::MakeTypedDecoder<::parquet::FloatType>(::parquet::Encoding::PLAIN, leaf_);
  values->SetData(page.num_values(), page.data(), page.size());
  dictionary_ = ::parquet::MakeDictDecoder<::parquet::FloatType>(leaf_);
  dictionary_->SetDict(values.get());  // copies
}

Status VectorPageStream::OpenDataPage(std::shared_ptr<::parquet::Page> page) {
  const auto& data = static_cast<const ::parquet::DataPage&>(*page);
  const auto parts = SplitPage(data, max_definition_);
  if (!parts) return Status::Corruption("levels of a page are malformed");
  auto open = std::make_unique<OpenPage>();
  open->values_left = static_cast<size_t>(data.num_values());
  open->dense = levels_.AreDense(*parts, open->values_left);
  open->repetition.SetDataV2(static_cast<int32_t>(parts->repetition.size()),
                             leaf_->max_repetition_level(), data.num_values(),
                             parts->repetition.data());
  if (max_definition_ > 0) {
    open->definition.SetDataV2(static_cast<int32_t>(parts->definition.size()), max_definition_,
                               data.num_values(), parts->definition.data());
  }
  const auto value_bytes = static_cast<int>(parts->values.size());
  if (data.encoding() == ::parquet::Encoding::PLAIN_DICTIONARY ||
      data.encoding() == ::parquet::Encoding::RLE_DICTIONARY) {
    if (dictionary_ == nullptr) return Status::Corruption("the dictionary of a page is missing");
    dictionary_->SetData(data.num_values(), parts->values.data(), value_bytes);
  } else {
    open->values = ::parquet::MakeTypedDecoder<::parquet::FloatType>(data.encoding(), leaf_);
    open->values->SetData(data.num_values(), parts->values.data(), value_bytes);
  }
  open->page = std::move(page);
  page_ = std::move(open);
  return Status::Ok();
}

Status VectorPageStream::DecodeDense(size_t value_count) {
  VIPER_RETURN_IF_ERROR(FinishRow());
  const size_t row_count = value_count / dim_;
  if (row_count > rows_expected_ - rows_started_) {
    return Status::Corruption(
        fmt::format("pages hold more rows than the row group: expected={}", rows_expected_));
  }
  rows_started_ += row_count;
  finished_ += value_count;
  page_->values_left -= value_count;
  return AppendValues(value_count);
}

Status VectorPageStream::DecodeByLevels(size_t value_count) {
  int16_t repetition[kLevelBatch] = {};
  int16_t definition[kLevelBatch] = {};
  const int count = static_cast<int>(value_count);
  if (page_->repetition.Decode(count, repetition) != count ||
      (max_definition_ > 0 && page_->definition.Decode(count, definition) != count)) {
    return Status::Corruption("a page holds fewer levels than it says");
  }
  page_->values_left -= value_count;
  size_t present = 0;
  Status status;
  for (size_t i = 0; i < value_count && status.ok(); ++i) {
    status = AddLevels(repetition[i], definition[i]);
    if (status.ok() && definition[i] == max_definition_) ++present;
  }
  // The rows before the bad one are still good.
  VIPER_RETURN_IF_ERROR(AppendValues(present));
  return status;
}

Status VectorPageStream::AddLevels(int16_t repetition, int16_t definition) {
  if (repetition == 0) {
    VIPER_RETURN_IF_ERROR(FinishRow());
    if (rows_started_ == rows_expected_) {
      return Status::Corruption(
          fmt::format("pages hold more rows than the row group: expected={}", rows_expected_));
    }
    ++rows_started_;
    row_open_ = true;
    open_length_ = 0;
  } else if (!row_open_) {
    return Status::Corruption("a page starts in the middle of a vector");
  }
  if (definition == max_definition_) return ++open_length_ > dim_ ? WrongLength() : Status::Ok();
  if (definition >= element_level_) {
    return Status::InvalidArgument(fmt::format("vector holds a null: component={}", open_length_));
  }
  if (definition < element_level_ - 1) return Status::InvalidArgument("vector is null");
  return Status::Ok();
}

Status VectorPageStream::WrongLength() const {
  return Status::InvalidArgument(fmt::format("vector has another length: expected={} actual{}={}",
                                             dim_, open_length_ > dim_ ? ">" : "", open_length_));
}

Status VectorPageStream::FinishRow() {
  if (!row_open_) return Status::Ok();
  if (open_length_ != dim_) return WrongLength();
  row_open_ = false;
  finished_ += dim_;
  return Status::Ok();
}

Status VectorPageStream::FinishPages() {
  VIPER_RETURN_IF_ERROR(FinishRow());
  complete_ = finished_;
  pages_.reset();
  if (rows_started_ == rows_expected_) return Status::Ok();
  return Status::Corruption(
      fmt::format("pages hold fewer rows than the row group: expected={} actual={}", rows_expected_,
                  rows_started_));
}

Status VectorPageStream::AppendValues(size_t value_count) {
  const size_t start = floats_.size();
  floats_.resize(start + value_count);
  const int count = static_cast<int>(value_count);
  const int decoded = page_->values != nullptr
                          ? page_->values->Decode(floats_.data() + start, count)
                          : dictionary_->Decode(floats_.data() + start, count);
  if (decoded != count) return Status::Corruption("a page holds fewer values than it says");
  complete_ = finished_;
  const auto bad = FindNotFinite(std::as_bytes(std::span(floats_).subspan(start)));
  if (!bad) return Status::Ok();
  complete_ = std::min(complete_, (start + *bad) / dim_ * dim_);
  return Status::InvalidArgument(
      fmt::format("vector holds a component that is no finite 32-bit float: component={}",
                  (start + *bad) % dim_));
}

}  // namespace viper::parquet
