#include "collection.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "compaction.h"
#include "float_matrix.h"
#include "index_report.h"
#include "python_error.h"
#include "python_value.h"
#include "reads.h"
#include "reads_binding.h"
#include "schema.h"
#include "snapshot.h"
#include "text.h"
#include "viper/filter.h"
#include "viper/record_source.h"

namespace viper::python {
namespace {

namespace nb = nanobind;
using nb::literals::operator""_a;

void CheckCount(size_t count, size_t rows, const char* what) {
  if (count != rows) {
    RaiseInvalidArgument(
        fmt::format("{}: one for each id expected: ids={} {}={}", what, rows, what, count));
  }
}

bool IsEmpty(nb::handle objects) {
  const Py_ssize_t size = PyObject_Size(objects.ptr());
  if (size < 0) PyErr_Clear();  // what has no length is none
  return size == 0;
}

template <typename T, typename Convert>
std::vector<T> ConvertEach(nb::handle objects, size_t rows, const char* what,
                           const Convert& convert) {
  std::vector<T> converted;
  if (objects.is_none()) return converted;
  converted.reserve(rows);
  for (const nb::handle object : ListOf(objects, what)) converted.push_back(convert(object));
  CheckCount(converted.size(), rows, what);
  return converted;
}

RecordBatch ToBatch(const Collection& collection, nb::handle ids, nb::handle vectors,
                    nb::handle metadata, nb::handle timestamps, nb::handle expires_at) {
  RecordBatch batch;
  batch.ids = IdsOf(ids);
  const size_t rows = batch.ids.size();
  // An empty list has no columns to count.
  if (rows == 0 && !nb::hasattr(vectors, "tocsr") && IsEmpty(vectors)) return batch;
  {
    const FloatMatrix matrix(vectors, 2, collection.dim(), "vectors");
    CheckCount(matrix.rows(), rows, "vectors");
    batch.vectors.assign(matrix.floats().begin(), matrix.floats().end());
  }
  batch.metadata = ConvertEach<Metadata>(metadata, rows, "metadata", ToMetadata);
  using Moment = std::optional<Timestamp>;
  batch.timestamps = ConvertEach<Moment>(timestamps, rows, "timestamps", ToTimestamp);
  batch.expirations = ConvertEach<Moment>(expires_at, rows, "expires_at", ToExpiry);
  return batch;
}

// Collection::Upsert and those that take the same.
using WriteBatchCall = Result<WriteSummary> (Collection::*)(const RecordBatch&);

template <WriteBatchCall kCall>
WriteSummary WriteRecords(const PythonCollection& self, nb::handle ids, nb::handle vectors,
                          nb::handle metadata, nb::handle timestamps, nb::handle expires_at) {
  const Held<Collection> collection = self.Get();
  const RecordBatch batch = ToBatch(*collection, ids, vectors, metadata, timestamps, expires_at);
  return ValueOrRaise(Unlocked([&] { return ((*collection).*kCall)(batch); }));
}

// Of one record or of several.
std::vector<int64_t> VersionsOf(nb::handle versions) {
  constexpr const char* kWhat = "if_version";
  if (IntOf(versions).is_valid()) return {ToInteger(versions, kWhat)};
  std::vector<int64_t> numbers;
  for (const nb::handle version : ListOf(versions, kWhat)) {
    // What was not there when it was looked for is to be new.
    numbers.push_back(version.is_none() ? 0 : ToInteger(version, kWhat));
  }
  return numbers;
}

WriteSummary Upsert(const PythonCollection& self, nb::handle ids, nb::handle vectors,
                    nb::handle metadata, nb::handle timestamps, nb::handle expires_at,
                    nb::handle if_version) {
  const Held<Collection> collection = self.Get();
  const RecordBatch batch = ToBatch(*collection, ids, vectors, metadata, timestamps, expires_at);
  if (if_version.is_none()) {
    return ValueOrRaise(Unlocked([&] { return collection->Upsert(batch); }));
  }
  const std::vector<int64_t> versions = VersionsOf(if_version);
  return ValueOrRaise(Unlocked([&] { return collection->UpsertIfVersion(batch, versions); }));
}

// One id or several.
std::vector<std::string> OneOrMoreIds(nb::handle ids) {
  return PyUnicode_Check(ids.ptr()) ? std::vector{std::string(TextOf(ids))} : IdsOf(ids);
}

void CheckTarget(nb::handle ids, nb::handle filter) {
  if (ids.is_none() == filter.is_none()) {
    RaiseInvalidArgument("name the records in one way: ids or filter");
  }
}

WriteSummary Delete(const PythonCollection& self, nb::handle ids, nb::handle filter,
                    nb::handle if_version) {
  const Held<Collection> collection = self.Get();
  CheckTarget(ids, filter);
  if (ids.is_none() && !if_version.is_none()) {
    RaiseInvalidArgument("if_version goes with ids; in a filter compare _ingested_at");
  }
  if (ids.is_none()) {
    const Filter parsed = ToFilter(filter);
    return ValueOrRaise(Unlocked([&] { return collection->DeleteWhere(parsed); }));
  }
  const std::vector<std::string> texts = OneOrMoreIds(ids);
  if (if_version.is_none()) {
    return ValueOrRaise(Unlocked([&] { return collection->Delete(texts); }));
  }
  const std::vector<int64_t> versions = VersionsOf(if_version);
  return ValueOrRaise(Unlocked([&] { return collection->DeleteIfVersion(texts, versions); }));
}

MetadataChange ToChange(nb::handle set, nb::handle unset, bool replace_all) {
  MetadataChange change;
  change.set = ToMetadata(set);
  if (!unset.is_none()) change.remove = TextsOf(unset, "unset");
  change.replace_all = replace_all;
  return change;
}

WriteSummary Update(const PythonCollection& self, nb::handle ids, nb::handle filter, nb::handle set,
                    nb::handle unset, bool replace_all) {
  const Held<Collection> collection = self.Get();
  CheckTarget(ids, filter);
  if (set.is_none() && unset.is_none() && !replace_all) {
    RaiseInvalidArgument("nothing to change: give set or unset");
  }
  const bool is_each = PyList_Check(set.ptr()) || PyTuple_Check(set.ptr());
  if (ids.is_none()) {
    if (is_each) RaiseInvalidArgument("set: with a filter one dict for all records expected");
    const Filter parsed = ToFilter(filter);
    const MetadataChange change = ToChange(set, unset, replace_all);
    return ValueOrRaise(Unlocked([&] { return collection->UpdateMetadata(parsed, change); }));
  }
  const std::vector<std::string> texts = OneOrMoreIds(ids);
  if (!is_each) {
    const MetadataChange change = ToChange(set, unset, replace_all);
    return ValueOrRaise(Unlocked([&] { return collection->UpdateMetadata(texts, change); }));
  }
  std::vector<MetadataUpdate> updates;
  updates.reserve(texts.size());
  CheckCount(nb::len(set), texts.size(), "set");
  for (const nb::handle each : nb::borrow<nb::iterable>(set)) {
    updates.push_back({texts[updates.size()], ToChange(each, unset, replace_all)});
  }
  return ValueOrRaise(Unlocked([&] { return collection->UpdateMetadata(updates); }));
}

void SetDefaultTtl(const PythonCollection& self, nb::handle ttl) {
  const Held<Collection> collection = self.Get();
  CollectionProperties properties = collection->Properties();
  properties.default_ttl_ms = ToMilliseconds(ttl, "ttl");
  RaiseUnlessOk(Unlocked([&] { return collection->SetProperties(properties); }));
}

void SetUndeclared(const PythonCollection& self, const std::string& undeclared) {
  const Held<Collection> collection = self.Get();
  CollectionProperties properties = collection->Properties();
  properties.undeclared_keys = ValueOrRaise(ParseUndeclaredKeys(undeclared));
  RaiseUnlessOk(Unlocked([&] { return collection->SetProperties(properties); }));
}

void SetRetention(const PythonCollection& self, std::optional<int64_t> retention_ms) {
  const Held<Collection> collection = self.Get();
  CollectionProperties properties = collection->Properties();
  properties.retention_ms = retention_ms;
  RaiseUnlessOk(Unlocked([&] { return collection->SetProperties(properties); }));
}

nb::dict StatisticsOf(const PythonCollection& self) {
  const Held<Collection> collection = self.Get();
  const CollectionStatistics statistics = Unlocked([&] { return collection->Statistics(); });
  nb::dict told;
  told["live_rows"] = statistics.live_rows;
  told["memory_rows"] = statistics.memory_rows;
  told["dead_rows"] = statistics.dead_rows;
  told["part_count"] = statistics.part_count;
  told["part_bytes"] = statistics.part_bytes;
  told["index_bytes"] = statistics.index_bytes;
  told["wal_bytes"] = statistics.wal_bytes;
  told["memory_bytes"] = statistics.memory_bytes;
  told["selection_bytes"] = statistics.selection_bytes;
  told["table_version"] = statistics.table_version;
  told["last_sequence"] = statistics.last_sequence;
  told["flushed_sequence"] = statistics.flushed_sequence;
  told["index_clusters"] = statistics.index_clusters;
  told["index_segments"] = statistics.index_segments;
  told["index_segment_bytes"] = statistics.index_segment_bytes;
  told["indexed_rows"] = statistics.indexed_rows;
  told["index_trainings"] = statistics.index_trainings;
  told["index_coded_rows"] = statistics.index_coded_rows;
  told["index_copied_rows"] = statistics.index_copied_rows;
  told["index_training_share"] = statistics.index_training_share;
  told["upserted_rows"] = statistics.upserted_rows;
  told["deleted_rows"] = statistics.deleted_rows;
  told["searches"] = statistics.searches;
  told["gets"] = statistics.gets;
  told["flushes"] = statistics.flushes;
  told["checkpoints"] = statistics.checkpoints;
  told["compactions"] = statistics.compactions;
  told["compacted_bytes"] = statistics.compacted_bytes;
  told["loaded_rows"] = statistics.loaded_rows;
  told["wal_syncs"] = statistics.wal_syncs;
  told["wal_records"] = statistics.wal_records;
  told["background_error"] = statistics.background_error;
  return told;
}

nb::dict PredictOptimal(const PythonCollection& self, nb::handle vector) {
  const Held<Collection> collection = self.Get();
  const FloatMatrix floats(vector, 1, collection->dim(), "vector");
  return ToDict(
      ValueOrRaise(Unlocked([&] { return collection->PredictOptimalCluster(floats.floats()); })));
}

nb::list PredictRelevant(const PythonCollection& self, nb::handle query, double recall, size_t k) {
  const Held<Collection> collection = self.Get();
  const FloatMatrix floats(query, 1, collection->dim(), "query");
  const auto relevant = ValueOrRaise(
      Unlocked([&] { return collection->PredictRelevantClusters(floats.floats(), recall, k); }));
  nb::list told;
  for (const RelevantCluster& cluster : relevant) told.append(ToDict(cluster));
  return told;
}

nb::dict ReportIndex(const PythonCollection& self) {
  const Held<Collection> collection = self.Get();
  return ToDict(ValueOrRaise(Unlocked([&] { return collection->ReportIndex(); })));
}

void BindRecord(nb::module_& module) {
  nb::class_<Record>(module, "Record", "A stored record.")
      .def_prop_ro("id", [](const Record& self) { return ToText(self.id); })
      .def_prop_ro("vector", [](const Record& self) { return ToNumPy(self.vector); })
      .def_prop_ro(
          "sparse_vector", [](const Record& self) { return SparseVector::FromDense(self.vector); },
          "The vector by its components that are not 0.0.")
      .def_prop_ro("metadata", [](const Record& self) { return FromMetadata(self.metadata); })
      .def_prop_ro("timestamp", [](const Record& self) { return FromTimestamp(self.timestamp); })
      .def_prop_ro("expires_at", [](const Record& self) { return FromTimestamp(self.expires_at); })
      .def_ro("version", &Record::version,
              "Which write made the record: for if_version. No two writes of an id have the same.")
      .def("__repr__",
           [](const Record& self) { return ToText(fmt::format("Record(id='{}')", self.id)); });
  nb::class_<WriteSummary>(module, "WriteSummary", "What a write did.")
      .def_ro("rows", &WriteSummary::rows, "Rows written, changed or deleted.")
      .def_ro("duplicates", &WriteSummary::duplicates,
              "Rows of the batch that a later row of the same id replaced (the last wins).")
      .def_ro("sequence", &WriteSummary::sequence, "Sequence number of the write.")
      .def("__repr__", [](const WriteSummary& self) {
        return ToText(fmt::format("WriteSummary(rows={}, duplicates={}, sequence={})", self.rows,
                                  self.duplicates, self.sequence));
      });
  nb::class_<Filter>(module, "Filter", "A parsed filter: saves the parsing where it is used often.")
      .def(
          "__init__", [](Filter* self, const nb::str& text) { new (self) Filter(ToFilter(text)); },
          "text"_a)
      .def("__repr__", [](const Filter& self) {
        return ToText(fmt::format("Filter(\"{}\")", self.ToString()));
      });
}

constexpr const char* kSnapshotDoc =
    R"(The state of now, or that of a version of the table, or of a time (a datetime), to read from consistently.

An older state is what had been flushed by then; raises NotFound, naming what is kept, if it is not kept any more.)";

constexpr const char* kCompactDoc =
    R"(Merge small files, and write files anew that have many dead rows; the background does the same.

dry_run: only tell. everything: whether it pays or not. fold_deletion_vectors: apply all deletion vectors, for readers
that know none. part_bytes: files grow to about this size. bytes_per_second: copy no faster. A dict: the steps with what was
predicted and what became of it, files and bytes before and after. wasted_seconds of a step: what searches have spent on its
dead rows, by a sample.)";

constexpr const char* kPredictOptimalDoc = R"(The cluster that a record with this vector belongs to.

Returns a dict: cluster ("collection/model/number"), number, distance (to its centroid), second_distance (to the nearest
other one, or None), margin (0 to 1). Raises FailedPrecondition without an index.)";

constexpr const char* kPredictRelevantDoc =
    R"(The clusters that a search would look into, in its order.

Returns a list of dicts: cluster, number, distance, probability (of one of the k nearest to lie in it, or None), rows.
Raises FailedPrecondition without an index.)";

constexpr const char* kUpsertDoc = R"(Write records; those whose id exists are replaced.

ids: texts or integers. vectors: count x dim; other number types are converted to float32. metadata: a dict (or None)
for each id, or None at all. timestamps, expires_at: datetimes (or None), UTC where they name no zone.
A record without expires_at expires as the collection's default_ttl says, "never" is never.
if_version: for each id the `version` of the record that was read, or 0 (None) if there was none: raises
FailedPrecondition, and writes nothing, if one of them is another by now.
Durable, and visible to every later read, when it returns. Nothing is written if any record is invalid. A call of at most 64
MiB is all or nothing; a larger one is written in pieces that are, and an error on the way says how many rows are written. With
if_version a larger one is refused.)";

constexpr const char* kInsertDoc =
    R"(Write records that must be new, as upsert does: AlreadyExists if any id exists; then nothing is
written. More than 64 MiB in one call are refused.)";

constexpr const char* kReplaceDoc =
    R"(Write records in place of those that exist, as upsert does: NotFound (a KeyError) if any id has none; then nothing is
written. More than 64 MiB in one call are refused.)";

constexpr const char* kUpdateDoc =
    R"(Change the metadata of records; their vectors and times stay.

ids or filter: which records. ids that do not exist are skipped; a filter that is empty or always true is refused
("_id IS NOT NULL" means every record).
set: keys and their new values, a dict for all, or a list with a dict for each id. unset: keys to remove. The other keys
stay, unless replace_all.
`rows` counts the records that were changed. No concurrent write is lost. By ids a call is all or nothing if
the records, with their vectors, take at most 64 MiB, else pieces of it are; by filter batches of at most 10,000 records and 64
MiB are, and a record that others write meanwhile is only changed if it still matches. An error on the way says what is done.)";

constexpr const char* kDeleteDoc =
    R"(Delete records by id or by filter. `rows` counts those that existed.

ids that do not exist are ignored. A filter that is empty or always true is refused; "_id IS NOT NULL" means every record.
if_version: as for upsert, for each of the ids.)";

constexpr const char* kAddFieldsDoc =
    R"(Declare further fields, whatever the records hold: a dict of name to type, as create_collection takes.

One commit, which writes no rows. Values that are there under these keys are values of the fields from then on; values of
another type are parked: get gives them back, filters take them for null. New writes must fit. Fields that are declared
already, with the same type, are passed over. Returns a dict: table_version, and for each field how many records have a
value, a parked one (with an example), null, or nothing.)";

constexpr const char* kWidenFieldDoc =
    R"(Give an int64 field the type float64: all files are written anew, in one commit.

Raises InvalidArgument, and changes nothing, if an integer is not exact as a float. Returns a dict as add_fields does.)";

constexpr const char* kReportSchemaDoc =
    R"(What the records have under the declared fields and under other keys, as a dict; each of the other keys with whether
it is worth declaring, as what type, and why. sample_rows: read about so many records, evenly chosen; 0 = all.)";

}  // namespace

Readable ReadableOf(const PythonCollection& collection) {
  const Held<Collection> open = collection.Get();
  return {open->GetSnapshot(), open->schema().dim};
}

Held<Collection> PythonCollection::Get() const {
  if (collection_.is_empty()) Raise(Status::FailedPrecondition("the collection is closed"));
  return collection_;
}

void BindCollection(nb::module_& module) {
  BindRecord(module);
  BindSnapshot(module);
  nb::class_<PythonCollection> type(module, "Collection",
                                    "An updatable, searchable set of records.");
  BindReads(type);
  type.def_prop_ro("name", [](const PythonCollection& self) { return self.Get()->name(); })
      .def_prop_ro("dim", [](const PythonCollection& self) { return self.Get()->dim(); })
      .def_prop_ro("metric",
                   [](const PythonCollection& self) {
                     return ToText(MetricName(self.Get()->schema().metric));
                   })
      .def_prop_ro(
          "fields",
          [](const PythonCollection& self) { return FromFields(self.Get()->schema().fields); },
          "The declared fields: name to type.")
      .def(
          "add_fields",
          [](const PythonCollection& self, nb::handle fields) {
            return AddFields(*self.Get(), fields);
          },
          "fields"_a, kAddFieldsDoc)
      .def(
          "widen_field",
          [](const PythonCollection& self, const std::string& name, const std::string& to) {
            return WidenField(*self.Get(), name, to);
          },
          "name"_a, "type"_a = "float64", kWidenFieldDoc)
      .def(
          "report_schema",
          [](const PythonCollection& self, uint64_t sample_rows) {
            return ReportSchema(*self.Get(), sample_rows);
          },
          nb::kw_only(), "sample_rows"_a = uint64_t{0}, kReportSchemaDoc)
      .def_prop_ro(
          "default_ttl",
          [](const PythonCollection& self) {
            return FromMilliseconds(self.Get()->Properties().default_ttl_ms);
          },
          "After this time records expire that were written without an expiry, a timedelta; None: "
          "never.")
      .def("set_default_ttl", &SetDefaultTtl, "ttl"_a.none(),
           "Set default_ttl, a timedelta or seconds, or None, for what is written from now on.")
      .def_prop_ro(
          "undeclared",
          [](const PythonCollection& self) {
            return std::string(UndeclaredKeysName(self.Get()->Properties().undeclared_keys));
          },
          "What becomes of metadata keys that no field is declared for: \"keep\" or \"refuse\".")
      .def("set_undeclared", &SetUndeclared, "undeclared"_a,
           "Set undeclared for what is written from now on; records keep the keys that they have.")
      .def_prop_ro(
          "retention_ms",
          [](const PythonCollection& self) { return self.Get()->Properties().retention_ms; },
          "For so long files and versions that the table has left behind are kept at the least, "
          "whoever opens it, in milliseconds; None: as each who opens it says (viper.connect).")
      .def("set_retention_ms", &SetRetention, "retention_ms"_a.none(),
           "Set retention_ms, or None, by one commit of the table.")
      .def("upsert", &Upsert, "ids"_a, "vectors"_a, "metadata"_a.none() = nb::none(), nb::kw_only(),
           "timestamps"_a.none() = nb::none(), "expires_at"_a.none() = nb::none(),
           "if_version"_a.none() = nb::none(), kUpsertDoc)
      .def("insert", &WriteRecords<&Collection::Insert>, "ids"_a, "vectors"_a,
           "metadata"_a.none() = nb::none(), nb::kw_only(), "timestamps"_a.none() = nb::none(),
           "expires_at"_a.none() = nb::none(), kInsertDoc)
      .def("replace", &WriteRecords<&Collection::Replace>, "ids"_a, "vectors"_a,
           "metadata"_a.none() = nb::none(), nb::kw_only(), "timestamps"_a.none() = nb::none(),
           "expires_at"_a.none() = nb::none(), kReplaceDoc)
      .def("update", &Update, "ids"_a.none() = nb::none(), nb::kw_only(),
           "filter"_a.none() = nb::none(), "set"_a.none() = nb::none(),
           "unset"_a.none() = nb::none(), "replace_all"_a = false, kUpdateDoc)
      .def("delete", &Delete, "ids"_a.none() = nb::none(), nb::kw_only(),
           "filter"_a.none() = nb::none(), "if_version"_a.none() = nb::none(), kDeleteDoc)
      .def(
          "snapshot",
          [](const PythonCollection& self, std::optional<int64_t> version, nb::handle time) {
            return TakeSnapshot(*self.Get(), version, time);
          },
          nb::kw_only(), "version"_a.none() = nb::none(), "time"_a.none() = nb::none(),
          kSnapshotDoc)
      .def(
          "versions", [](const PythonCollection& self) { return ListVersions(*self.Get()); },
          "The versions of the table that `snapshot` can read, the oldest first: a list of dicts.")
      .def(
          "flush",
          [](const PythonCollection& self) {
            const Held<Collection> collection = self.Get();
            RaiseUnlessOk(Unlocked([&] { return collection->Flush(); }));
          },
          "Write all rows in memory to the table, so that other readers of the lake see them.")
      .def(
          "build_index",
          [](const PythonCollection& self, const nb::object& progress) {
            const Held<Collection> collection = self.Get();
            Listener listener(progress);
            const Status built = Unlocked([&] {
              return collection->BuildIndex([&](double share) { return listener.Hears(share); });
            });
            listener.RaiseWhatItRaised();
            RaiseSignal();
            RaiseUnlessOk(built);
          },
          nb::kw_only(), "progress"_a = nb::none(),
          "Bring the index up to the table now, instead of waiting for the background to do it. "
          "progress: called now and then, from any thread, with the share that is done, 0 to 1; "
          "Cancelled is raised if it returns False.")
      .def(
          "compact",
          [](const PythonCollection& self, bool dry_run, bool everything,
             bool fold_deletion_vectors, uint64_t part_bytes, uint64_t bytes_per_second) {
            return Compact(*self.Get(), {.dry_run = dry_run,
                                         .everything = everything,
                                         .fold_deletion_vectors = fold_deletion_vectors,
                                         .part_bytes = part_bytes,
                                         .bytes_per_second = bytes_per_second});
          },
          nb::kw_only(), "dry_run"_a = false, "everything"_a = false,
          "fold_deletion_vectors"_a = false, "part_bytes"_a = uint64_t{0},
          "bytes_per_second"_a = uint64_t{0}, kCompactDoc)
      .def(
          "vacuum",
          [](const PythonCollection& self, int64_t retention_ms, bool dry_run) {
            return Vacuum(*self.Get(), {.retention_ms = retention_ms, .dry_run = dry_run});
          },
          nb::kw_only(), "retention_ms"_a = int64_t{-1}, "dry_run"_a = false,
          "Remove files that only older versions of the table need: those that were replaced more "
          "than retention_ms ago (-1: as the collection's retention_ms says, or else that of the "
          "database; less than the collection's own raises FailedPrecondition). A dict: the files, "
          "and their bytes.")
      .def("predict_optimal_cluster", &PredictOptimal, "vector"_a, kPredictOptimalDoc)
      .def("predict_relevant_clusters", &PredictRelevant, "query"_a, "recall"_a = 0.95, "k"_a = 10,
           kPredictRelevantDoc)
      .def("index_report", &ReportIndex,
           "How the index was trained, what it holds and how well it does, as a dict; raises "
           "FailedPrecondition without an index.")
      .def(
          "refresh",
          [](const PythonCollection& self) {
            const Held<Collection> collection = self.Get();
            RaiseUnlessOk(Unlocked([&] { return collection->Refresh(); }));
          },
          "Take in what other processes wrote.")
      .def("statistics", &StatisticsOf, "What the collection holds and has done, as a dict.")
      .def("close", &PythonCollection::Close,
           "Give the collection up; its files close when nobody uses it any more.")
      .def("__enter__", [](nb::handle self) { return nb::borrow(self); })
      .def("__exit__", [](PythonCollection& self, const nb::args&) { self.Close(); });
}

}  // namespace viper::python
