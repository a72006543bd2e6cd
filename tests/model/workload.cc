#include "model/workload.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/status_macros.h"

namespace viper::model {
namespace {

constexpr size_t kDim = 6;
constexpr uint64_t kIdCount = 40;
/// So few that a load of one write is often several batches, with an id in more than one.
constexpr size_t kBatchRows = 3;

/// A source of a few records, for bulk loads.
class FewRecords : public RecordSource {
 public:
  explicit FewRecords(const std::vector<Record>& records) : records_(records) {}
  size_t dim() const override { return kDim; }
  std::optional<uint64_t> row_count() const override { return records_.size(); }
  const std::vector<Field>& fields() const override { return fields_; }
  Result<RecordBatch> Next() override {
    RecordBatch batch;
    for (; next_ < records_.size() && batch.row_count() < kBatchRows; ++next_) {
      const Record& record = records_[next_];
      batch.ids.push_back(record.id);
      batch.vectors.insert(batch.vectors.end(), record.vector.begin(), record.vector.end());
      batch.metadata.push_back(record.metadata);
      batch.timestamps.push_back(record.timestamp);
      batch.expirations.push_back(record.expires_at);
    }
    return batch;
  }
  Status Skip(uint64_t count) override {
    next_ += count;
    return {};
  }

 private:
  const std::vector<Record>& records_;
  const std::vector<Field> fields_;
  size_t next_ = 0;
};

}  // namespace

CollectionSchema WorkloadSchema(Metric metric) {
  CollectionSchema schema;
  schema.dim = kDim;
  schema.metric = metric;
  schema.fields = {{"category", FieldType::kString}, {"year", FieldType::kInt64},
                   {"price", FieldType::kFloat64},   {"in_stock", FieldType::kBool},
                   {"seen", FieldType::kTimestamp},  {"tags", FieldType::kStringList}};
  return schema;
}

std::string Workload::NextId() {
  const uint64_t number = random_.Uniform(kIdCount);
  // Some ids are awkward on purpose.
  if (number == 0) return "'quote\" \\ \n";
  if (number == 1) return "\xC3\xA9t\xC3\xA9 \xF0\x9F\x90\x8D";
  return "id-" + std::to_string(number);
}

std::vector<float> Workload::NextVector() {
  std::vector<float> vector(kDim);
  const bool is_sparse = random_.Chance(0.3);
  // Small integers make equal distances common, which tests the order of ties.
  for (float& x : vector) {
    x = static_cast<float>(random_.Uniform(5)) - 2.0f;
    if (is_sparse && random_.Chance(0.7)) x = 0;
  }
  return vector;
}

void DeclareLate(FieldType type, Contents& contents) {
  for (auto& [id, record] : contents) {
    const auto rating = record.metadata.find(kLateField);
    if (rating == record.metadata.end() || type != FieldType::kFloat64) continue;
    if (const int64_t* integer = rating->second.as_int64()) {
      rating->second = Value(static_cast<double>(*integer));
    }
  }
}

LateCounts CountLate(FieldType type, const Contents& contents) {
  LateCounts counts;
  for (const auto& [id, record] : contents) {
    const auto rating = record.metadata.find(kLateField);
    if (rating == record.metadata.end() || rating->second.is_null()) continue;
    const bool fits = type == FieldType::kInt64 ? rating->second.as_int64() != nullptr
                                                : rating->second.as_string() == nullptr;
    ++(fits ? counts.values : counts.parked);
  }
  return counts;
}

uint64_t CountRated(std::optional<FieldType> type, const Contents& contents, double least) {
  uint64_t count = 0;
  for (const auto& [id, record] : contents) {
    const auto rating = record.metadata.find(kLateField);
    if (rating == record.metadata.end()) continue;
    if (const int64_t* integer = rating->second.as_int64()) {
      count += static_cast<double>(*integer) >= least ? 1 : 0;
    }
    // A float is parked in a field of integers.
    const double* real = rating->second.as_float64();
    if (real != nullptr && type != FieldType::kInt64) count += *real >= least ? 1 : 0;
  }
  return count;
}

Value Workload::NextRating() {
  const auto integer = static_cast<int64_t>(random_.Uniform(6));
  if (random_.Chance(0.2)) return nullptr;
  if (late_type_ == FieldType::kInt64) return integer;
  if (late_type_ == FieldType::kFloat64) return static_cast<double>(integer) + 0.5;
  if (random_.Chance(0.3)) return static_cast<double>(integer) + 0.5;
  return random_.Chance(0.3) ? Value("unrated") : Value(integer);
}

Metadata Workload::NextMetadata() {
  Metadata metadata;
  if (random_.Chance(0.7)) metadata["category"] = random_.Chance(0.5) ? "text" : "image";
  if (random_.Chance(0.7)) metadata["year"] = static_cast<int64_t>(1990 + random_.Uniform(40));
  if (random_.Chance(0.6)) metadata["price"] = static_cast<double>(random_.Uniform(1000)) / 8;
  if (random_.Chance(0.4)) metadata["in_stock"] = random_.Chance(0.5);
  if (random_.Chance(0.3)) metadata["seen"] = Timestamp{static_cast<int64_t>(random_.Next() >> 16)};
  if (random_.Chance(0.4)) {
    Value::List tags;
    for (uint64_t i = random_.Uniform(3); i > 0; --i) tags.emplace_back("t" + std::to_string(i));
    metadata["tags"] = std::move(tags);
  }
  if (random_.Chance(0.1)) metadata["year"] = nullptr;  // null is not absent
  if (random_.Chance(0.3)) metadata["note"] = random_.Chance(0.2) ? Value() : Value("n\xC3\xB6te");
  if (random_.Chance(0.5)) metadata[kLateField] = NextRating();
  if (random_.Chance(0.2)) {
    metadata["nested"] =
        Value::Object{{"a", Value::List{1, 1.0, "x", nullptr, true}},
                      {"b", Value::Object{{"c", static_cast<int64_t>(random_.Next() >> 1)}}}};
  }
  return metadata;
}

Record Workload::NextRecord(int64_t now_micros) {
  Record record;
  record.id = NextId();
  record.vector = NextVector();
  record.metadata = NextMetadata();
  record.timestamp = Timestamp{static_cast<int64_t>(random_.Uniform(1'000'000'000))};
  if (random_.Chance(0.15)) {
    // From two seconds ago to eight seconds ahead.
    record.expires_at =
        Timestamp{now_micros - 2'000'000 + static_cast<int64_t>(random_.Uniform(10'000'000))};
  } else if (random_.Chance(0.1)) {
    record.expires_at = Timestamp::Never();
  }
  return record;
}

MetadataChange Workload::NextChange() {
  MetadataChange change;
  change.replace_all = random_.Chance(0.2);
  const Metadata values = NextMetadata();
  for (const auto& [key, value] : values) {
    if (random_.Chance(0.5)) change.set.emplace(key, value);
  }
  for (const char* key : {"category", "year", "tags", "note", "rating", "nested", "never"}) {
    if (change.replace_all || change.set.contains(key)) continue;
    if (random_.Chance(0.2)) change.remove.emplace_back(key);
  }
  return change;
}

Write Workload::NextUpdate(const Contents& contents, bool by_filter) {
  Write write;
  write.kind = by_filter ? Write::Kind::kUpdateWhere : Write::Kind::kUpdate;
  if (by_filter) {
    write.year_below = 2025;
    write.change = NextChange();
    return write;
  }
  for (const auto& [id, record] : contents) {
    if (random_.Chance(0.5)) write.updates.push_back({id, NextChange()});
  }
  return write;
}

Write Workload::NextWrite(int64_t now_micros) {
  Write write;
  const uint64_t dice = random_.Uniform(20);
  const uint64_t count = random_.Chance(0.3) ? 1 + random_.Uniform(8) : 1;
  using enum Write::Kind;
  if (dice < 3) {
    write.kind = kDelete;
    for (uint64_t i = 0; i < count; ++i) write.ids.push_back(NextId());
  } else if (dice < 7) {
    write.kind = kUpdate;
    for (uint64_t i = 0; i < count; ++i) write.updates.push_back({NextId(), NextChange()});
  } else if (dice < 9) {
    write.kind = dice < 8 ? kUpdateWhere : kDeleteWhere;
    write.year_below =
        static_cast<int64_t>(1990 + random_.Uniform(write.kind == kDeleteWhere ? 10 : 40));
    if (write.kind == kUpdateWhere) write.change = NextChange();
  } else {
    write.kind = dice < 11 ? kInsert : dice < 14 ? kReplace : dice < 15 ? kLoad : kUpsert;
    for (uint64_t i = 0; i < count; ++i) write.records.push_back(NextRecord(now_micros));
    write.is_sparse = random_.Chance(0.3);
  }
  return write;
}

namespace {

bool IsSelected(const Write& write, const Record& record) {
  const auto category = record.metadata.find("category");
  if (category == record.metadata.end() || category->second != Value("text")) return false;
  const auto year = record.metadata.find("year");
  if (year == record.metadata.end() || year->second.as_int64() == nullptr) return false;
  return *year->second.as_int64() < write.year_below;
}

void Change(const MetadataChange& change, Record& record) {
  Metadata changed = change.replace_all ? Metadata() : record.metadata;
  for (const std::string& key : change.remove) changed.erase(key);
  for (const auto& [key, value] : change.set) changed[key] = value;
  record.metadata = std::move(changed);
}

}  // namespace

bool IsAllowed(const Write& write, const Contents& contents, int64_t now_micros) {
  const Contents visible = VisibleAt(contents, now_micros);
  const auto is_visible = [&](const Record& record) { return visible.contains(record.id); };
  if (write.kind == Write::Kind::kInsert) {
    return std::none_of(write.records.begin(), write.records.end(), is_visible);
  }
  if (write.kind == Write::Kind::kReplace) {
    return std::all_of(write.records.begin(), write.records.end(), is_visible);
  }
  return true;
}

void SetExpiry(const WriteTime& time, Record& record) {
  if (record.expires_at == Timestamp::Never()) {
    record.expires_at.reset();
  } else if (!record.expires_at && time.default_ttl_ms > 0) {
    record.expires_at = Timestamp{time.now_micros + time.default_ttl_ms * 1000};
  }
}

uint64_t Apply(const Write& write, Contents& contents, const WriteTime& time) {
  const Contents visible = VisibleAt(contents, time.now_micros);
  std::set<std::string> changed;
  for (const std::string& id : write.ids) {
    if (visible.contains(id)) changed.insert(id);
    contents.erase(id);
  }
  for (const Record& record : write.records) {
    changed.insert(record.id);
    contents[record.id] = record;
    SetExpiry(time, contents[record.id]);
  }
  for (const MetadataUpdate& update : write.updates) {
    if (!visible.contains(update.id)) continue;
    changed.insert(update.id);
    Change(update.change, contents[update.id]);
  }
  for (const auto& [id, record] : visible) {
    const bool by_filter =
        write.kind == Write::Kind::kUpdateWhere || write.kind == Write::Kind::kDeleteWhere;
    if (!by_filter || !IsSelected(write, record)) continue;
    changed.insert(id);
    if (write.kind == Write::Kind::kDeleteWhere) {
      contents.erase(id);
    } else {
      Change(write.change, contents[id]);
    }
  }
  return changed.size();
}

Contents VisibleAt(const Contents& contents, int64_t now_micros) {
  Contents visible;
  for (const auto& [id, record] : contents) {
    if (!record.expires_at || record.expires_at->micros > now_micros) visible[id] = record;
  }
  return visible;
}

Record MakeSparse(const Record& record) {
  Record sparse = record;
  sparse.sparse_vector = SparseVector::FromDense(record.vector);
  sparse.vector.clear();
  return sparse;
}

Result<LoadSummary> Load(const std::vector<Record>& records, Collection& collection,
                         const LoadOptions& options) {
  FewRecords source(records);
  return collection.Load(source, options);
}

Result<WriteSummary> Perform(const Write& write, Collection& collection) {
  std::vector<Record> records = write.records;
  if (write.is_sparse && write.kind != Write::Kind::kLoad) {
    std::transform(records.begin(), records.end(), records.begin(), MakeSparse);
  }
  const Filter filter =
      where::Field("category") == "text" && where::Field("year") < write.year_below;
  switch (write.kind) {
    case Write::Kind::kDelete:
      return collection.Delete(write.ids);
    case Write::Kind::kDeleteWhere:
      return collection.DeleteWhere(filter);
    case Write::Kind::kInsert:
      return collection.Insert(records);
    case Write::Kind::kReplace:
      return collection.Replace(records);
    case Write::Kind::kUpdate:
      return collection.UpdateMetadata(write.updates);
    case Write::Kind::kUpdateWhere:
      return collection.UpdateMetadata(filter, write.change);
    case Write::Kind::kLoad: {
      VIPER_ASSIGN_OR_RETURN(const LoadSummary loaded, Load(records, collection));
      return WriteSummary{.rows = loaded.rows_committed, .duplicates = loaded.duplicates};
    }
    case Write::Kind::kUpsert:
      break;
  }
  return collection.Upsert(records);
}

Result<Contents> ReadAll(const Snapshot& snapshot) {
  Contents contents;
  ScrollOptions options;
  options.limit = 7;
  do {
    VIPER_ASSIGN_OR_RETURN(ScrollPage page, snapshot.Scroll(options));
    for (Record& record : page.records) contents[record.id] = std::move(record);
    options.after = page.next;
  } while (!options.after.empty());
  return contents;
}

std::string Difference(const Contents& expected, const Contents& actual) {
  for (const auto& [id, record] : expected) {
    auto found = actual.find(id);
    if (found == actual.end()) return "missing: " + id;
    if (!(found->second == record)) {
      return "differs: " + id + "\n  expected " + Value(record.metadata).ToJson() +
             "\n  actual   " + Value(found->second.metadata).ToJson();
    }
  }
  for (const auto& [id, record] : actual) {
    if (!expected.contains(id)) return "not expected: " + id;
  }
  return "";
}

}  // namespace viper::model
