#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "viper/options.h"

namespace viper::parquet {

/// Footer key: how the columns of a part were written, and why (docs/format/table.md).
inline constexpr std::string_view kCompressionKey = "viper.compression";

/// The encodings of Parquet that we write, in the order of how fast they are read.
enum class Encoding : uint8_t {
  kPlain,
  kDictionary,
  kByteStreamSplit,
  kDeltaBinaryPacked,
  kDeltaLengthByteArray,
  kDeltaByteArray,
};

/// How the values of a column chunk become bytes.
struct ColumnCoding {
  Encoding encoding = Encoding::kPlain;
  Compression compression = {};

  bool has_dictionary() const { return encoding == Encoding::kDictionary; }
  friend bool operator==(const ColumnCoding&, const ColumnCoding&) = default;
};

/// Return such as "byte_stream_split zstd:1".
std::string CodingName(const ColumnCoding& coding);

/// The bytes of a sample when it is written so.
struct CodingTrial {
  ColumnCoding coding;
  uint64_t bytes = 0;
};

/// What was chosen for a column.
struct ColumnChoice {
  ColumnCoding coding;
  /// For chunks with too many different values for a dictionary; of the same codec, since Parquet
  /// builds the footer on one codec for each column.
  ColumnCoding without_dictionary;
  std::string reason;
  std::vector<CodingTrial> trials;
};

/// Choose the trial of the fewest bytes; of those within 1 % of it the one that is read fastest: by
/// codec, then encoding, then level, so that it does not depend on a clock. At least one trial has
/// no dictionary.
ColumnChoice ChooseCoding(std::vector<CodingTrial> trials);

/// The best ways of each encoding tried so far, to try more codecs with: those at most 10 % larger
/// than the smallest, which none of other codecs is likely to turn round.
std::vector<Encoding> PromisingEncodings(const std::vector<CodingTrial>& trials);

/// What is written as numbers of a dictionary.
enum class DictionaryUse : uint8_t {
  /// What is smallest so.
  kWhereSmallest,
  /// Every scalar column whose values repeat, and no vectors.
  kScalarsThatRepeat,
  kNothing,
};

/// How columns are to be written.
struct CompressionOptions {
  StoragePolicy policy = StoragePolicy::kSpeed;
  /// Off: every column has `fixed`, and the encoding that its type suggests.
  bool adaptive = true;
  Compression fixed = {};
  /// With `adaptive`: encodings are tried, all with `fixed`.
  bool keeps_codec = false;
  DictionaryUse dictionaries = DictionaryUse::kWhereSmallest;
};

/// What may be tried of a column.
struct TrialLimits {
  bool dictionary = true;
  /// A dictionary is taken where values repeat, whatever is smallest.
  bool prefers_dictionary = false;
  /// The only codec; absent: any.
  std::optional<Compression> codec = {};
};
TrialLimits ScalarTrialLimits(const CompressionOptions& options);
TrialLimits VectorTrialLimits(const CompressionOptions& options);

/// The choices for the columns of a part, or of the parts that one build writes one after the
/// other, so that a column is not tried again in each. Not thread-safe.
class ColumnChoices {
 public:
  explicit ColumnChoices(const CompressionOptions& options) : options_(options) {}

  const CompressionOptions& options() const { return options_; }
  /// Null if there is none that was made on enough values.
  const ColumnChoice* Find(std::string_view column) const;
  /// `is_settled`: the values tried were enough to keep the choice for the next row groups.
  const ColumnChoice& Set(std::string_view column, ColumnChoice choice, bool is_settled);
  /// Put something behind the reason of a column, if it has one.
  void Note(std::string_view column, const std::string& note);
  /// What kCompressionKey says.
  std::string ToJson() const;

 private:
  struct Entry {
    ColumnChoice choice;
    bool is_settled = false;
    std::string note = {};
  };
  const CompressionOptions options_;
  std::map<std::string, Entry, std::less<>> choices_;
};

/// What kCompressionKey of a file says, for people.
struct CompressionReport {
  /// Such as "policy size, adaptive".
  std::string options;
  struct Column {
    std::string chosen;
    std::string reason;
    std::vector<std::pair<std::string, uint64_t>> trials;
  };
  /// By the name of the top-level column; of `_sparse` by the path of its two leaves.
  std::map<std::string, Column, std::less<>> columns;
};
/// Empty if it is not what we write.
CompressionReport ParseCompressionReport(std::string_view json);

}  // namespace viper::parquet
