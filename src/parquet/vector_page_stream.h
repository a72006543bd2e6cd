#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <parquet/column_reader.h>
#include <parquet/encoding.h>
#include <parquet/types.h>

#include "parquet/vector_page.h"
#include "viper/status.h"

namespace viper::parquet {

/// Decodes the pages of a column of lists of 32-bit floats, of any writer, into vectors of `dim`
/// components, and sees to it that they are: every list present and `dim` long, every component
/// present and finite. Where all lists of a page have that length the levels are only compared,
/// which is several times faster than building lists. Not thread-safe.
///
/// Usage: Start on the pages of a row group; then, until all its rows were consumed, Fill, take
/// from rows(), Consume. After an error the rows before the bad one have been given away: the bad
/// row is the next one. Methods throw ParquetException on malformed pages.
class VectorPageStream {
 public:
  /// `leaf` is a FLOAT under one repeated group and must outlive the stream.
  VectorPageStream(const ::parquet::ColumnDescriptor& leaf, size_t dim);
  ~VectorPageStream();

  /// Go on with the pages of a row group of `row_count` rows.
  void Start(std::unique_ptr<::parquet::PageReader> pages, uint64_t row_count);
  /// See to it that rows() is not empty, unless all rows of the row group were consumed.
  /// InvalidArgument saying what is wrong with the next row; Corruption for pages that contradict
  /// the row group.
  Status Fill();
  /// The floats of decoded rows, a multiple of `dim`.
  std::span<const float> rows() const;
  /// Forget the first rows of rows().
  void Consume(size_t row_count);

 private:
  struct OpenPage;
  Status DecodeSome();
  Status NextPage();
  Status OpenDataPage(std::shared_ptr<::parquet::Page> page);
  void SetDictionary(const ::parquet::DictionaryPage& page);
  Status DecodeDense(size_t value_count);
  Status DecodeByLevels(size_t value_count);
  Status AddLevels(int16_t repetition, int16_t definition);
  Status FinishRow();
  Status FinishPages();
  Status AppendValues(size_t value_count);
  Status WrongLength() const;

  const ::parquet::ColumnDescriptor* leaf_;
  const int16_t max_definition_;
  const int16_t element_level_;
  const size_t dim_;
  DenseLevelChecker levels_;

  std::unique_ptr<::parquet::PageReader> pages_;
  uint64_t rows_expected_ = 0;
  uint64_t rows_started_ = 0;
  std::unique_ptr<OpenPage> page_;
  std::unique_ptr<::parquet::DictDecoder<::parquet::FloatType>> dictionary_;

  /// Decoded floats, from the beginning of a row on. [consumed_, complete_) are whole, checked
  /// rows.
  std::vector<float> floats_;
  size_t consumed_ = 0;
  size_t complete_ = 0;
  /// Where the rows end that were followed to their last level; their floats may be still to come.
  size_t finished_ = 0;
  /// The row whose levels are being followed: whether there is one, and its components so far.
  bool row_open_ = false;
  size_t open_length_ = 0;
  /// What is wrong behind the complete rows; reported once those were consumed.
  Status error_;
};

}  // namespace viper::parquet
