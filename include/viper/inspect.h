#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "viper/export.h"
#include "viper/schema.h"
#include "viper/sparse_vector.h"
#include "viper/value.h"

namespace viper {

/// What the files of a collection hold (Engine::Inspect). Paths are relative to the collection's
/// directory. What cannot be read has `problem` set, and zeros.

/// A way to write a column that was tried on a sample of its values.
struct ColumnTrial {
  /// Encoding and compression, such as "byte_stream_split zstd:1".
  std::string way;
  /// Of the encoded sample.
  uint64_t bytes = 0;
};

/// A leaf column of a part, summed over its row groups.
struct ColumnInspection {
  /// Dotted, as in "_vector.list.element".
  std::string path;
  /// As Parquet spells them; the second may be "None".
  std::string physical_type;
  std::string logical_type;
  /// Sorted; those of levels and dictionaries too.
  std::vector<std::string> encodings;
  std::vector<std::string> compressions;
  uint64_t compressed_bytes = 0;
  uint64_t uncompressed_bytes = 0;
  /// Absent where the file does not tell. Bounds may be wider than the values, and text is cut.
  std::optional<uint64_t> null_count;
  std::optional<Value> min;
  std::optional<Value> max;
  bool has_bloom_filter = false;
  /// How its writer chose to write it, as the file tells, and why; empty if it does not. A row
  /// group whose values do not allow the choice (a dictionary) has the next best.
  std::string chosen;
  std::string reason;
  std::vector<ColumnTrial> trials;
};

/// A row group of a part.
struct RowGroupInspection {
  uint64_t rows = 0;
  /// Of them, those whose vectors are stored sparse; and what that makes of the row group.
  uint64_t sparse_rows = 0;
  VectorLayout layout = VectorLayout::kDense;
};

/// A data file of the table's newest version.
struct PartInspection {
  std::string file;
  std::string problem;
  uint64_t bytes = 0;
  uint64_t rows = 0;
  /// Of them, by the part's deletion vector; and the file that has it, or empty.
  uint64_t dead_rows = 0;
  std::string deletion_vector;
  uint64_t row_groups = 0;
  uint64_t footer_bytes = 0;
  std::string created_by;
  Timestamp modified_at;
  /// Another writer made it.
  bool is_foreign = false;
  /// Columns of that writer that VIPER does not read. A part that has some is never copied, which
  /// would lose them: it is neither merged with others nor rid of its dead rows.
  std::vector<std::string> unread_columns;
  /// By which options encodings and codecs were chosen, such as "policy size, adaptive"; empty if
  /// the file does not tell.
  std::string compression;
  std::vector<ColumnInspection> columns;
  std::vector<RowGroupInspection> groups;
};

/// The sidecar of a part: where its vectors lie, and which rows an id may be in.
struct SidecarInspection {
  std::string file;
  std::string problem;
  std::string part;
  uint64_t bytes = 0;
  uint64_t rows = 0;
  /// Runs of vectors that are searched in place.
  uint64_t pages = 0;
  double max_norm = 0;
};

/// A version of the table.
struct TableVersionInspection {
  int64_t version = 0;
  /// Absent if the commit is gone, or does not say.
  std::optional<Timestamp> committed_at;
  std::string operation;
  uint64_t files_added = 0;
  uint64_t files_removed = 0;
  /// Of the commit and the checkpoint.
  uint64_t bytes = 0;
  bool has_commit = false;
  bool has_checkpoint = false;
};

/// A segment of the write-ahead log.
struct LogSegmentInspection {
  std::string file;
  std::string problem;
  /// Of its first and last record; the last is below the first if it has none.
  uint64_t first_sequence = 0;
  uint64_t last_sequence = 0;
  uint64_t records = 0;
  /// Preallocated, and of them written.
  uint64_t bytes = 0;
  uint64_t used_bytes = 0;
};

/// A model of the index.
struct IndexModelInspection {
  std::string file;
  std::string problem;
  uint64_t bytes = 0;
  /// Its id, 16 hexadecimal digits.
  std::string model;
  uint64_t version = 0;
  Timestamp trained_at;
  uint64_t trained_rows = 0;
  uint64_t clusters = 0;
  uint64_t dim = 0;
  /// Bits of a code.
  uint64_t code_dim = 0;
};

/// A segment of the index: the codes of the rows of some parts.
struct IndexSegmentInspection {
  std::string file;
  std::string problem;
  uint64_t bytes = 0;
  std::string model;
  uint64_t rows = 0;
  std::vector<std::string> parts;
  uint64_t clusters = 0;
  uint64_t largest_cluster_rows = 0;
};

struct CollectionInspection {
  std::string collection;
  /// -1 if no version could be read.
  int64_t table_version = -1;
  /// Absent if it could not be read.
  std::optional<CollectionSchema> schema;
  /// The newest write that is in the table.
  uint64_t flushed_sequence = 0;
  std::vector<TableVersionInspection> versions;
  std::vector<PartInspection> parts;
  std::vector<SidecarInspection> sidecars;
  std::vector<LogSegmentInspection> log_segments;
  std::vector<IndexModelInspection> index_models;
  std::vector<IndexSegmentInspection> index_segments;
};

/// As a JSON value, for programs; keys are those of the fields.
VIPER_EXPORT Value ToValue(const CollectionInspection& inspection);

}  // namespace viper
