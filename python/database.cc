#include "database.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "collection.h"
#include "held.h"
#include "python_error.h"
#include "python_value.h"
#include "schema.h"
#include "text.h"
#include "viper/engine.h"
#include "viper/version.h"

namespace viper::python {
namespace {

namespace nb = nanobind;
using nb::literals::operator""_a;

// The engine, shared with the calls that are under way when `close` gives it up.
class Database {
 public:
  explicit Database(Engine engine) : engine_(std::make_shared<Engine>(std::move(engine))) {}

  Held<Engine> Get() const {
    if (engine_.is_empty()) Raise(Status::FailedPrecondition("the database is closed"));
    return engine_;
  }

  void Close() { engine_.Reset(); }

 private:
  Held<Engine> engine_;
};

Database Connect(nb::handle path, bool read_only, const std::string& durability,
                 uint32_t sync_interval_ms, size_t flush_bytes, uint32_t flush_age_ms,
                 bool background_flush, bool background_index, uint32_t search_threads,
                 size_t cache_bytes, uint64_t accept_loss_from, uint64_t index_min_rows,
                 bool index_byte_rows, size_t index_memory_bytes, uint32_t index_threads,
                 double audit_share, const std::string& deletes, bool background_compaction,
                 uint64_t part_bytes, uint64_t compaction_bytes_per_second, int64_t retention_ms,
                 uint64_t memory_limit, uint32_t write_timeout_ms, uint32_t compaction_interval_ms,
                 uint32_t retained_versions, const std::string& policy,
                 const std::string& compression, size_t vector_cache_bytes,
                 const std::string& vector_format, double sparsity_threshold,
                 uint32_t compaction_threads) {
  const std::string root = PathOf(path, "path");
  EngineOptions options;
  options.read_only = read_only;
  options.durability = ValueOrRaise(ParseDurability(durability));
  options.sync_interval_ms = sync_interval_ms;
  options.flush_bytes = flush_bytes;
  options.flush_age_ms = flush_age_ms;
  options.background_flush = background_flush;
  options.background_index = background_index;
  options.search_threads = search_threads;
  options.cache_bytes = cache_bytes;
  options.accept_loss_from = accept_loss_from;
  options.index_min_rows = index_min_rows;
  options.index_byte_rows = index_byte_rows;
  options.index_memory_bytes = index_memory_bytes;
  options.index_threads = index_threads;
  options.audit_share = audit_share;
  options.delete_mode = ValueOrRaise(ParseDeleteMode(deletes));
  options.background_compaction = background_compaction;
  options.part_bytes = part_bytes;
  options.compaction_bytes_per_second = compaction_bytes_per_second;
  options.retention_ms = retention_ms;
  options.memory_limit = memory_limit;
  options.write_timeout_ms = write_timeout_ms;
  options.compaction_interval_ms = compaction_interval_ms;
  options.retained_versions = retained_versions;
  options.storage_policy = ValueOrRaise(ParseStoragePolicy(policy));
  options.adaptive_compression = compression == "adaptive";
  if (!options.adaptive_compression) {
    options.compression = ValueOrRaise(ParseCompression(compression));
  }
  options.vector_cache_bytes = vector_cache_bytes;
  options.compaction_threads = compaction_threads;
  options.vector_format = ValueOrRaise(ParseVectorFormat(vector_format));
  options.sparsity_threshold = sparsity_threshold;
  return Database(ValueOrRaise(Unlocked([&] { return Engine::Open(root, options); })));
}

CollectionSchema MakeSchema(size_t dim, const std::string& metric, nb::handle fields) {
  CollectionSchema schema;
  schema.dim = dim;
  schema.metric = ValueOrRaise(ParseMetric(metric));
  if (!fields.is_none()) schema.fields = ToFields(fields);
  return schema;
}

// Whether a collection is of this kind and has these fields, perhaps more: they may have been
// added.
bool Holds(const CollectionSchema& schema, const CollectionSchema& asked) {
  return schema.dim == asked.dim && schema.metric == asked.metric &&
         std::all_of(asked.fields.begin(), asked.fields.end(), [&](const Field& field) {
           const Field* declared = schema.FindField(field.name);
           return declared != nullptr && *declared == field;
         });
}

std::string PropertiesText(const CollectionProperties& properties) {
  return fmt::format(
      "default_ttl={} ms undeclared={} retention={}", properties.default_ttl_ms,
      UndeclaredKeysName(properties.undeclared_keys),
      properties.retention_ms ? fmt::format("{} ms", *properties.retention_ms) : "None");
}

// With exist_ok an existing collection is opened, if it has this schema, perhaps with more fields.
Result<std::shared_ptr<Collection>> CreateOrOpen(Engine& engine, const std::string& name,
                                                 const CollectionSchema& schema,
                                                 const CollectionProperties& properties,
                                                 bool exist_ok) {
  Result<std::shared_ptr<Collection>> created = engine.CreateCollection(name, schema, properties);
  // Where nothing can be created, as in a database that is read-only, it may still be there.
  const bool may_exist = created.status().code() == StatusCode::kAlreadyExists ||
                         created.status().code() == StatusCode::kFailedPrecondition;
  if (!exist_ok || !may_exist) return created;
  Result<std::shared_ptr<Collection>> opened = engine.OpenCollection(name);
  if (opened.status().code() == StatusCode::kNotFound) return created;
  if (opened.ok() && !Holds((*opened)->schema(), schema)) {
    return Status::AlreadyExists("a collection of another schema has this name: " + name);
  }
  // Who asks for none takes what there is.
  if (opened.ok() && properties != CollectionProperties() &&
      (*opened)->Properties() != properties) {
    return Status::AlreadyExists(
        fmt::format("a collection of other properties has this name: {}: asked {} actual {}", name,
                    PropertiesText(properties), PropertiesText((*opened)->Properties())));
  }
  return opened;
}

PythonCollection Create(const Database& self, const std::string& name, size_t dim,
                        const std::string& metric, nb::handle fields, nb::handle default_ttl,
                        const std::string& undeclared, std::optional<int64_t> retention_ms,
                        bool exist_ok) {
  const Held<Engine> engine = self.Get();
  const CollectionSchema schema = MakeSchema(dim, metric, fields);
  const CollectionProperties properties = {
      .default_ttl_ms = ToMilliseconds(default_ttl, "default_ttl"),
      .undeclared_keys = ValueOrRaise(ParseUndeclaredKeys(undeclared)),
      .retention_ms = retention_ms};
  return PythonCollection(ValueOrRaise(
      Unlocked([&] { return CreateOrOpen(*engine, name, schema, properties, exist_ok); })));
}

PythonCollection Open(const Database& self, const std::string& name) {
  const Held<Engine> engine = self.Get();
  return PythonCollection(ValueOrRaise(Unlocked([&] { return engine->OpenCollection(name); })));
}

std::vector<std::string> List(const Database& self) {
  const Held<Engine> engine = self.Get();
  return ValueOrRaise(Unlocked([&] { return engine->ListCollections(); }));
}

void Drop(const Database& self, const std::string& name) {
  const Held<Engine> engine = self.Get();
  RaiseUnlessOk(Unlocked([&] { return engine->DropCollection(name); }));
}

// Lets Ctrl-C stop what reads a whole collection.
bool GoesOn(const VerifyProgress&) { return HasNoSignal(); }

// The report as a dict; or the exception of the signal that stopped the work.
template <typename Report>
nb::object DictOrRaise(Result<Report> report) {
  RaiseSignal();
  return FromValue(ToValue(ValueOrRaise(std::move(report))));
}

nb::object Verify(const Database& self, const std::string& name, size_t memory_bytes) {
  const Held<Engine> engine = self.Get();
  VerifyOptions options;
  options.progress = GoesOn;
  options.memory_bytes = memory_bytes;
  return DictOrRaise(Unlocked([&] { return engine->Verify(name, options); }));
}

nb::object Repair(const Database& self, const std::string& name, bool dry_run,
                  size_t memory_bytes) {
  const Held<Engine> engine = self.Get();
  RepairOptions options;
  options.dry_run = dry_run;
  options.progress = GoesOn;
  options.memory_bytes = memory_bytes;
  return DictOrRaise(Unlocked([&] { return engine->Repair(name, options); }));
}

nb::object Inspect(const Database& self, const std::string& name) {
  const Held<Engine> engine = self.Get();
  return FromValue(ToValue(ValueOrRaise(Unlocked([&] { return engine->Inspect(name); }))));
}

nb::object Memory(const Database& self) {
  const MemoryUsage usage = self.Get()->Memory();
  nb::dict told;
  told["limit"] = usage.limit;
  told["rows"] = usage.rows;
  told["caches"] = usage.caches;
  told["index_builds"] = usage.index_builds;
  told["files"] = usage.files;
  told["total"] = usage.total();
  return told;
}

constexpr const char* kMemoryDoc =
    R"(Tell what all open collections take in memory, as a dict of bytes: limit (0 = none), rows (not in the table yet, and
their codes), caches (what they may grow to), index_builds and files (what builds, flushes and compactions under way have
asked for), and their total. Mapped files are not counted.)";

constexpr const char* kVerifyDoc =
    R"(Check every file of a collection: checksums, whether all can be read, and whether the files say the same.

Changes nothing and takes no lock, so that the collection may be written meanwhile. Damage does not raise: the dict has
is_sound, and findings, each with kind ("truth", "derived", "leftover" or "note"), file, problem, affected and
is_repairable. memory_bytes limits the comparison of ids.)";

constexpr const char* kRepairDoc =
    R"(Make again what is derived and damaged, remove leftovers, and name what cannot be repaired.

What holds records is never touched. Needs the collection for itself (raises Busy); with dry_run it changes nothing and says
what would be done. The dict has is_sound, steps (finding, action, is_done), and the reports before and after.)";

constexpr const char* kInspectDoc =
    R"(Tell what is in each file of a collection, as a dict: versions, parts with their columns, sidecars, log_segments,
index_models and index_segments.)";

constexpr const char* kConnectDoc =
    R"(Open the directory `path` as a database, creating it unless read-only.

durability: what a write has survived when it returns: "sync" (power loss), "interval" or "none" (kill -9).
search_threads: threads for one large search (a single query too, where there is enough to scan) or one batch; 0 means one
per core. index_min_rows: below so many records there is no index. index_byte_rows=False: a smaller index, whose searches
read more of the vectors themselves.
index_memory_bytes, index_threads: what building the index may take. audit_share: the share of queries that are asked again
exactly in the background, to learn the recall that they had.
deletes: how rows that died leave the table at a flush: "rewrite" (their files are written anew), "vectors" (deletion
vectors, which some readers refuse) or "auto" (what costs less). background_compaction, part_bytes,
compaction_bytes_per_second: merging of small files, and the dropping of dead rows. compaction_threads: of Collection.compact
(0 means one per core) and, if set, of the background, which else has one. retention_ms, retained_versions: how long, and for
how many versions at most, files are kept that only older versions of the table need, of collections that have no retention_ms of
their own. compaction_interval_ms: how often the
background looks for what has expired.
memory_limit: bytes that all collections may take in memory together, mapped files apart (0 = no common limit, else 64 MiB
or more); a write that finds no room waits for a flush, and raises a TimeoutError after write_timeout_ms.
policy: what files are made for: "speed" (vectors are read where they lie) or "size" (vectors are compressed too, where that
saves bytes, and decoded through a cache of vector_cache_bytes). compression: "adaptive" (chosen for each column by trial), or
that of all columns: "none", "lz4", "snappy", "zstd", "gzip" or "brotli", these three also with a level: "zstd:9".
vector_format: "adaptive" (vectors of which more than the share sparsity_threshold is 0.0 are stored by their other components
where that pays), "sparse" (all of these are) or "dense" (none is).)";

}  // namespace

void BindDatabase(nb::module_& module) {
  nb::class_<Database>(module, "Database", "A directory of collections.")
      .def_prop_ro("root", [](const Database& self) { return FromPath(self.Get()->root()); })
      .def(
          "create_collection", &Create, "name"_a, "dim"_a, "metric"_a = "cosine",
          "fields"_a.none() = nb::none(), nb::kw_only(), "default_ttl"_a.none() = nb::none(),
          "undeclared"_a = "keep", "retention_ms"_a.none() = nb::none(), "exist_ok"_a = false,
          "Create a collection. metric: cosine, l2 or dot. fields: metadata keys that become typed "
          "columns, such as {\"year\": \"int64\"}: bool, int64, float64, string, timestamp, "
          "list<string>. default_ttl: records without an expiry of their own expire so long after "
          "they were written, a timedelta or seconds. undeclared: \"refuse\" writes with metadata "
          "keys that are not declared, or \"keep\" them. retention_ms: files and versions that the "
          "table has left behind are kept for at least so long, whoever opens it (None: as "
          "viper.connect says).")
      .def("open_collection", &Open, "name"_a,
           "Open a collection, recovering what a crash left; raises NotFound (a KeyError).")
      .def("list_collections", &List, "Names of the collections, sorted.")
      .def("drop_collection", &Drop, "name"_a,
           "Remove a collection and its files for good; it must not be open.")
      .def("verify", &Verify, "name"_a, nb::kw_only(),
           "memory_bytes"_a = VerifyOptions().memory_bytes, kVerifyDoc)
      .def("repair", &Repair, "name"_a, "dry_run"_a = false, nb::kw_only(),
           "memory_bytes"_a = RepairOptions().memory_bytes, kRepairDoc)
      .def("inspect", &Inspect, "name"_a, kInspectDoc)
      .def("memory", &Memory, kMemoryDoc)
      .def("close", &Database::Close, "Give the database up; open collections stay open.")
      .def("__enter__", [](nb::handle self) { return nb::borrow(self); })
      .def("__exit__", [](Database& self, const nb::args&) { self.Close(); });

  const EngineOptions defaults;
  module.def("connect", &Connect, "path"_a, "read_only"_a = false, nb::kw_only(),
             "durability"_a = "sync", "sync_interval_ms"_a = defaults.sync_interval_ms,
             "flush_bytes"_a = defaults.flush_bytes, "flush_age_ms"_a = defaults.flush_age_ms,
             "background_flush"_a = defaults.background_flush,
             "background_index"_a = defaults.background_index,
             "search_threads"_a = defaults.search_threads, "cache_bytes"_a = defaults.cache_bytes,
             "accept_loss_from"_a = uint64_t{0}, "index_min_rows"_a = defaults.index_min_rows,
             "index_byte_rows"_a = defaults.index_byte_rows,
             "index_memory_bytes"_a = defaults.index_memory_bytes,
             "index_threads"_a = defaults.index_threads, "audit_share"_a = defaults.audit_share,
             "deletes"_a = "auto", "background_compaction"_a = defaults.background_compaction,
             "part_bytes"_a = defaults.part_bytes,
             "compaction_bytes_per_second"_a = defaults.compaction_bytes_per_second,
             "retention_ms"_a = defaults.retention_ms, "memory_limit"_a = defaults.memory_limit,
             "write_timeout_ms"_a = defaults.write_timeout_ms,
             "compaction_interval_ms"_a = defaults.compaction_interval_ms,
             "retained_versions"_a = defaults.retained_versions, "policy"_a = "speed",
             "compression"_a = "adaptive", "vector_cache_bytes"_a = defaults.vector_cache_bytes,
             "vector_format"_a = "adaptive", "sparsity_threshold"_a = defaults.sparsity_threshold,
             "compaction_threads"_a = defaults.compaction_threads, kConnectDoc);
}

}  // namespace viper::python
