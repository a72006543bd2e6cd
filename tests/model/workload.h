#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "viper/viper.h"

namespace viper::model {

/// What a collection should hold: the last written record of each id. Expired ones stay in; reads
/// leave them out (VisibleAt).
using Contents = std::map<std::string, Record>;

/// One write, as the workload makes it.
struct Write {
  enum class Kind : uint8_t {
    kUpsert,
    kInsert,
    kReplace,
    kUpdate,
    kUpdateWhere,
    kDelete,
    kDeleteWhere,
    /// Straight into the table, past the log.
    kLoad
  };
  Kind kind = Kind::kUpsert;
  std::vector<Record> records;
  /// Give the records by those of their components that are not zero. Loads cannot.
  bool is_sparse = false;
  std::vector<MetadataUpdate> updates;
  std::vector<std::string> ids;
  /// Of the writes by filter: category = 'text' AND year < year_below.
  int64_t year_below = 0;
  MetadataChange change;
};

/// When a write happens, and what expiry it gives to records that have none of their own (0 =
/// none).
struct WriteTime {
  int64_t now_micros = 0;
  int64_t default_ttl_ms = 0;
};

/// A small schema with every type of declared field.
CollectionSchema WorkloadSchema(Metric metric = Metric::kL2);

/// The field that is declared late, and what it is: its values are integers, floats, texts and
/// nulls until then, and fit it afterwards.
inline constexpr char kLateField[] = "rating";

/// What a declaration makes of the records that are there: under kFloat64 integers become floats.
void DeclareLate(FieldType type, Contents& contents);
/// How many records have a value of the type under kLateField, and how many have one that is
/// parked.
struct LateCounts {
  uint64_t values = 0;
  uint64_t parked = 0;
};
LateCounts CountLate(FieldType type, const Contents& contents);
/// How many records have a rating of at least `least` for a filter; no type: it is not declared.
uint64_t CountRated(std::optional<FieldType> type, const Contents& contents, double least);

/// Makes random writes over a small set of ids, so that they collide often. Metadata mix declared
/// fields, undeclared ones, nulls and nested values.
class Workload {
 public:
  explicit Workload(uint64_t seed) : random_(seed) {}

  Write NextWrite(int64_t now_micros);
  /// Change the metadata of about half of these, or by filter of most that the filter allows.
  Write NextUpdate(const Contents& contents, bool by_filter);
  std::string NextId();
  std::vector<float> NextVector();
  /// From now on ratings are of this type.
  void SetLateType(FieldType type) { late_type_ = type; }
  Random& random() { return random_; }

 private:
  Record NextRecord(int64_t now_micros);
  Metadata NextMetadata();
  MetadataChange NextChange();

  Value NextRating();

  Random random_;
  std::optional<FieldType> late_type_;
};

/// Whether the write may succeed on these contents (an Insert of an id that is visible may not, nor
/// a Replace of one that is not).
bool IsAllowed(const Write& write, const Contents& contents, int64_t now_micros);
/// Apply it; the last of several records of one id wins. Returns how many records it wrote, changed
/// or deleted (by id: of those that are visible).
uint64_t Apply(const Write& write, Contents& contents, const WriteTime& time);
/// Give a record that is written the expiry that it is read with.
void SetExpiry(const WriteTime& time, Record& record);
/// Without what has expired.
Contents VisibleAt(const Contents& contents, int64_t now_micros);

/// Do it for real.
Result<WriteSummary> Perform(const Write& write, Collection& collection);
/// Load records from a source that gives a few at a time.
Result<LoadSummary> Load(const std::vector<Record>& records, Collection& collection,
                         const LoadOptions& options = {});
/// The same record, by those of its components that are not zero.
Record MakeSparse(const Record& record);

/// Everything a snapshot or collection returns, read by scrolling in small pages.
Result<Contents> ReadAll(const Snapshot& snapshot);

/// Empty if the two hold the same records (times of ingestion aside); else the first difference.
std::string Difference(const Contents& expected, const Contents& actual);

}  // namespace viper::model
