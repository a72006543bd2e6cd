#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viper/index_report.h"
#include "viper/inspect.h"
#include "viper/maintenance.h"
#include "viper/operation_summary.h"
#include "viper/options.h"
#include "viper/record.h"
#include "viper/record_source.h"
#include "viper/schema_report.h"
#include "viper/snapshot.h"
#include "viper/statistics.h"
#include "viper/storage_trial.h"
#include "viper/verify.h"

namespace viper {

/// What a write did.
struct WriteSummary {
  /// Rows written, changed or deleted.
  uint64_t rows = 0;
  /// Rows of the batch that a later row of the same id replaced (the last wins).
  uint64_t duplicates = 0;
  /// Sequence number of the write.
  uint64_t sequence = 0;
};

/// What a bulk load did.
struct LoadSummary {
  /// Rows read from the source in this call, rows skipped because an earlier call had committed
  /// them.
  uint64_t rows_read = 0;
  uint64_t rows_resumed = 0;
  /// Rows committed by this call, after dropping duplicates within a commit (the last wins).
  uint64_t rows_committed = 0;
  uint64_t duplicates = 0;
  /// The progress callback asked to stop.
  bool stopped = false;
};

/// An updatable set of records on disk, searchable by similarity: one Delta Lake table.
/// All methods may be called from many threads at once. Reads never wait for writes.
///
/// What was opened before a fork belongs to the parent and must not be used in the child: there
/// writes, reads and those of snapshots are FailedPrecondition, and destroying it leaks, as its
/// threads are not there. The same holds for an Engine and what it opens, creates, drops and
/// repairs. Statistics may wait for ever.
class VIPER_EXPORT Collection {
 public:
  class Impl;
  explicit Collection(std::unique_ptr<Impl> impl);
  /// Close: waits for running flushes; rows that are only in memory stay in the log.
  ~Collection();
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;

  const std::string& name() const;
  /// As it is now; AddFields and WidenField change its fields.
  CollectionSchema schema() const;
  size_t dim() const;
  const RecoveryReport& recovery() const;
  /// As they are now, also if another process has changed them and Refresh has seen it.
  CollectionProperties Properties() const;
  /// Change the properties, by one commit of the table; nothing is committed if they are those that
  /// the collection has. Writes that begin afterwards go by them; records that are there stay as
  /// they are. InvalidArgument; FailedPrecondition if read-only.
  Status SetProperties(const CollectionProperties& properties);

  /// Write records; those whose id exists are replaced. Durable (EngineOptions::durability) and
  /// visible to every later read when it returns. A call of at most 64 MiB is atomic: all of its
  /// records or none survive a crash; a larger one is a sequence of atomic pieces. Nothing is
  /// written if any record is invalid: InvalidArgument names its index and id, the field and the
  /// values.
  Result<WriteSummary> Upsert(std::span<const Record> records);
  Result<WriteSummary> Upsert(const Record& record) { return Upsert(std::span(&record, 1)); }
  /// The same, in bulk form.
  Result<WriteSummary> Upsert(const RecordBatch& batch);
  /// Write records that must be new: AlreadyExists, naming one, if any id exists; then nothing is
  /// written. A call larger than 64 MiB is refused.
  Result<WriteSummary> Insert(std::span<const Record> records);
  Result<WriteSummary> Insert(const Record& record) { return Insert(std::span(&record, 1)); }
  /// The same, in bulk form.
  Result<WriteSummary> Insert(const RecordBatch& batch);
  /// Write records in place of those that exist: NotFound, naming one, if any id has none; then
  /// nothing is written. A call larger than 64 MiB is refused.
  Result<WriteSummary> Replace(std::span<const Record> records);
  Result<WriteSummary> Replace(const Record& record) { return Replace(std::span(&record, 1)); }
  /// The same, in bulk form.
  Result<WriteSummary> Replace(const RecordBatch& batch);

  /// Write records whose ids are still at these versions (Record::version), one for each; 0 means
  /// that there must be no such record. FailedPrecondition, naming the first id and what was found,
  /// if anything else is the case of any of them; then nothing is written. InvalidArgument if an id
  /// comes twice. A call larger than 64 MiB is refused. To change metadata on that condition, name
  /// the version in a filter: `_id = 'a' AND _ingested_at = '...'`.
  Result<WriteSummary> UpsertIfVersion(std::span<const Record> records,
                                       std::span<const int64_t> versions);
  /// The same, in bulk form.
  Result<WriteSummary> UpsertIfVersion(const RecordBatch& batch, std::span<const int64_t> versions);

  /// Change the metadata of records; their vectors, `timestamp` and `expires_at` stay. Ids that do
  /// not exist are skipped: `rows` counts the records that were changed. Several updates of one id
  /// are all done, in their order, and count as one row.
  ///
  /// No concurrent write is lost: a record is changed as the write before this one left it. Durable
  /// and visible when it returns. A call of at most 64 MiB (of the records as they are afterwards,
  /// with their vectors) is atomic, a larger one is a sequence of atomic pieces. Nothing is written
  /// if a change is invalid (InvalidArgument names its index and id, the field and the values) or
  /// would make the metadata of a record in the first piece too large.
  Result<WriteSummary> UpdateMetadata(std::span<const MetadataUpdate> updates);
  /// Make the same change to all of these; an id may come more than once.
  Result<WriteSummary> UpdateMetadata(std::span<const std::string> ids,
                                      const MetadataChange& change);
  /// Change the metadata of all records that match when the call begins, in batches of at most
  /// 10,000 records and 64 MiB. Each batch is atomic, all of them are not: what was done before a
  /// failure stays, and the error says how many records that are.
  ///
  /// A record that somebody else has written since the call began is judged as it is when its
  /// batch's turn comes: changed if it matches then, left alone if not. So a filter on the old
  /// value makes a condition: `_id = 'a' AND version = 3` with a change that sets `version` to 4
  /// gives `rows` 1 for one of several callers and 0 for the others. Records that begin to match
  /// after the call began are left alone.
  ///
  /// InvalidArgument, before anything is written, for a change or filter that is invalid, and for a
  /// filter that is empty or always true: a condition that every record meets is written out as
  /// `_id IS NOT NULL`.
  Result<WriteSummary> UpdateMetadata(const Filter& filter, const MetadataChange& change);

  /// Delete by id; ids that do not exist are ignored. `rows` counts those that did.
  Result<WriteSummary> Delete(std::span<const std::string> ids);
  /// Delete records that are still at these versions: conditions and errors as for UpsertIfVersion.
  Result<WriteSummary> DeleteIfVersion(std::span<const std::string> ids,
                                       std::span<const int64_t> versions);
  /// Delete all records that match when the call begins: batches, atomicity, records that others
  /// write meanwhile and refused filters as for UpdateMetadata by filter.
  Result<WriteSummary> DeleteWhere(const Filter& filter);

  /// Load a whole source straight into the table, faster than Upsert: each commit is durable and
  /// visible, rows replace those of equal id, and no log is written. Stops at the first bad row:
  /// what was committed before stays, the rest is not written, and the error names the row.
  Result<LoadSummary> Load(RecordSource& source, const LoadOptions& options = {});

  /// Declare further fields, whatever the records hold: in one commit, which writes no rows. Values
  /// that are there under these keys are values of the fields from then on, for filters and reads,
  /// converted as those of new writes are; values that do not fit are parked (FieldReport), not
  /// lost. New writes must fit. Files that are older than the commit keep such values in
  /// `_payload`, where other readers of the table find them, until they are written anew (Compact);
  /// filters on these fields read and parse it until then. Fields that are declared already, with
  /// the same type, are passed over. Older versions and snapshots keep their schema.
  ///
  /// The report counts what the records have: reading their payloads takes longer than the change.
  /// If they cannot be read the error says that the change was made. InvalidArgument, before
  /// anything is changed: a bad name, one that differs from another field's in case only, another
  /// type than declared, too many fields. FailedPrecondition if read-only.
  Result<SchemaChangeReport> AddFields(std::span<const Field> fields);
  /// Give a declared field a wider type: int64 becomes float64, nothing else. All files are written
  /// anew, in one commit; writes and reads go on meanwhile, flushes wait. Parked values that fit
  /// now are values of the field. InvalidArgument, before anything is changed, if an integer is not
  /// exact as a float (beyond 2^53): it says how many; or for other types. NotFound: no such field.
  /// FailedPrecondition if read-only.
  Result<SchemaChangeReport> WidenField(const Field& field);
  /// Count what the records have under the declared fields and under other keys, and say which of
  /// those are worth declaring. Reads all metadata, or those of a sample.
  Result<SchemaReport> ReportSchema(const SchemaReportOptions& options = {}) const;

  /// Write all rows in memory to the table, so that other readers of the lake see them.
  Status Flush();
  /// Write files of the table anew where it pays: many small ones become a large one, and rows that
  /// are deleted, replaced or expired are left out. Waits for nobody and lets nobody wait, but for
  /// a moment at the end; what readers have stays as it is. The background does the same
  /// (EngineOptions::background_compaction); call it for CompactOptions::everything, or to know.
  /// InvalidArgument; FailedPrecondition if read-only; Conflict if flushes keep overtaking it.
  Result<CompactionReport> Compact(const CompactOptions& options = {});
  /// Remove files that only old versions of the table name. The background does the same after
  /// CollectionProperties::retention_ms or else EngineOptions::retention_ms. Takes in first what
  /// other processes committed. FailedPrecondition if read-only, or if `options` would keep less
  /// than the collection's own retention, which has to be changed first.
  Result<VacuumReport> Vacuum(const VacuumOptions& options = {});
  /// Bring the index up to the table now, on EngineOptions::index_threads, instead of waiting
  /// for the background to do it: searches are answered through it from then on. Does nothing below
  /// EngineOptions::index_min_rows records in the table, or if the index is up to date. `progress`
  /// is told the share done, 0 to 1, and stops the build by returning false: Cancelled.
  /// FailedPrecondition if read-only; ResourceExhausted if EngineOptions::index_memory_bytes is too
  /// small.
  Status BuildIndex(const std::function<bool(double)>& progress = nullptr);
  /// Train a new model for the index, whether the one that there is has become worse or not, and
  /// code all rows under it. Errors as above; FailedPrecondition also where there is no index: with
  /// EngineOptions::enable_clustering off, or fewer records in the table than index_min_rows.
  Status RetrainIndex(const std::function<bool(double)>& progress = nullptr);
  /// What there is to know about the index: how it was trained, what it holds, and how well it
  /// does. FailedPrecondition if there is none.
  Result<IndexReport> ReportIndex() const;
  /// The cluster that a record with this vector belongs to: the one with the nearest centroid.
  /// Always the same while the model is. InvalidArgument: wrong dimension, not finite, or zero
  /// under cosine; FailedPrecondition without an index. Reads no records.
  Result<ClusterPrediction> PredictOptimalCluster(std::span<const float> vector) const;
  /// The clusters that a search with this `recall` and `k` would look into, in its order. (A search
  /// goes on beyond them only if they hold fewer than k records.) Errors as above and as Search.
  Result<std::vector<RelevantCluster>> PredictRelevantClusters(std::span<const float> query,
                                                               double recall = 0.95,
                                                               size_t k = 10) const;
  /// Take in what other processes committed to the table (and, read-only, what the writer logged).
  Status Refresh();

  /// The state of now, to read from consistently. It keeps the index of now, too: to search it
  /// takes no longer when compaction has replaced its files.
  Snapshot GetSnapshot() const;
  /// The table as it was at a version (Snapshot::table_version), or at a time: what was flushed by
  /// then, and nothing of the log. NotFound if that version, or a file of it, is no longer kept
  /// (CollectionProperties::retention_ms, EngineOptions::retention_ms). Files that the table has
  /// left behind are read as slowly as new ones: their index is gone.
  /// NotFound names the versions that are kept.
  Result<Snapshot> GetSnapshotOfVersion(int64_t version) const;
  Result<Snapshot> GetSnapshotOfTime(Timestamp time) const;
  /// The versions of the table that can be read, the oldest first.
  Result<std::vector<TableVersion>> Versions() const;
  Result<Record> Get(std::string_view id,
                     const Projection& projection = Snapshot::kEverything) const;
  Result<Hits> Search(std::span<const float> query, const SearchOptions& options = {}) const;
  Result<Hits> Search(const SparseVector& query, const SearchOptions& options = {}) const;
  Result<std::vector<Hits>> SearchBatch(QueryBatch queries,
                                        const SearchOptions& options = {}) const;
  Result<SearchExplanation> Explain(std::span<const float> query,
                                    const SearchOptions& options = {}) const;
  Result<uint64_t> Count(const Filter& filter = {}) const;
  Result<ScrollPage> Scroll(const ScrollOptions& options = {}) const;

  /// About so many records (never more), evenly and at random from all over the collection: of
  /// each stretch of its rows one, unless that is dead. The same for the same state and seed.
  Result<std::vector<Record>> Sample(uint64_t row_count, uint64_t seed = 0,
                                     const Projection& projection = Snapshot::kEverything) const;

  CollectionStatistics Statistics() const;
  /// What this collection, and its snapshots, were asked to do since the engine was opened, at this
  /// moment. Empty without EngineOptions::operation_metrics.
  CollectionOperations Operations() const;
  /// Write a sample of the records of the files in several ways, in memory, and tell what came of
  /// it: bytes, and seconds of one thread. InvalidArgument.
  Result<StorageTrialReport> TryStorage(std::span<const StorageWay> ways,
                                        const StorageTrialOptions& options = {}) const;
  /// How many records of the files have expired, and what removing them would give back. Reads no
  /// files whose statistics tell; of others the column of the expiries.
  Result<ExpiryReport> ReportExpiry() const;

 private:
  std::unique_ptr<Impl> impl_;
};

/// A directory of collections. Safe to use from many threads.
class VIPER_EXPORT Engine {
 public:
  class Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  /// Open the directory `root`, creating it unless read-only.
  static Result<Engine> Open(const std::string& root, const EngineOptions& options = {});

  /// Create a collection. AlreadyExists if there is one of that name; InvalidArgument for a bad
  /// name, schema or property.
  Result<std::shared_ptr<Collection>> CreateCollection(const std::string& name,
                                                       const CollectionSchema& schema,
                                                       const CollectionProperties& properties = {});
  /// Open a collection, recovering what a crash left. Calls of one engine for one name share the
  /// object while it lives. NotFound; Busy if another process writes it; Corruption or Unsupported,
  /// naming what is wrong.
  Result<std::shared_ptr<Collection>> OpenCollection(const std::string& name);
  // By name, for those who do not want to hold collections: each call opens the collection that it
  // names, and the engine keeps it open.

  /// Write a record into the collection that it names (Record::collection_id), which is created, if
  /// there is none, with the dimension of the record's vector, EngineOptions::default_metric and
  /// EngineOptions::filterable_fields; fields of those that are not declared yet are. Else as
  /// Collection::Upsert, with its errors and those of CreateCollection and OpenCollection.
  Result<WriteSummary> InsertVector(const Record& record);
  /// Write records, each into the collection that it names; those of one collection together, in
  /// their order. What was written before a failure stays.
  Result<WriteSummary> InsertVectors(std::span<const Record> records);
  /// The k nearest (Collection::Search). NotFound: no such collection.
  Result<Hits> SearchVectors(const std::string& collection, std::span<const float> query, size_t k);
  Status FlushCollection(const std::string& collection);
  Result<CompactionReport> CompactCollection(const std::string& collection,
                                             const CompactOptions& options = {});
  /// What the open collections hold and have done.
  EngineStatistics Statistics() const;

  /// What all open collections, and the snapshots of others, take in memory.
  MemoryUsage Memory() const;
  /// What collections were asked to do since this engine was opened, by name; those that are closed
  /// by now too, unless they were dropped. Empty without EngineOptions::operation_metrics.
  std::vector<CollectionOperations> Operations() const;
  /// The collections that are open here at this moment, by name.
  std::vector<std::shared_ptr<Collection>> OpenCollections() const;
  /// Names of the collections, sorted.
  Result<std::vector<std::string>> ListCollections() const;
  /// Remove a collection and its files for good. NotFound; Busy while it is open here or elsewhere.
  Status DropCollection(const std::string& name);

  /// Check every file of a collection: the checksums, whether all of it can be read, and whether
  /// the files say the same. Changes nothing and takes no lock, so that a writer, of this process
  /// or another, may be at work. Damage is in the report; the call fails only if there is no such
  /// collection (NotFound), if it was stopped (Cancelled), or if directories cannot be read. Reads
  /// everything once.
  Result<VerifyReport> Verify(const std::string& name, const VerifyOptions& options = {}) const;
  /// Put right what a verification finds, where that can be done without a choice: what is made
  /// from other files is made again, or removed so that it will be; files that nobody refers to are
  /// removed. What holds records is never touched: where that is damaged the report names it, and
  /// what is lost. Takes the writer's lock, but for a dry run: Busy if the collection is open here
  /// or written elsewhere. FailedPrecondition if read-only, but for a dry run. Else fails as
  /// Verify.
  Result<RepairReport> Repair(const std::string& name, const RepairOptions& options = {});
  /// Tell what is in each file of a collection: versions of the table, parts and their columns, the
  /// log, the index. Reads footers and headers, but for the log and the sidecars, which are read
  /// whole. Takes no lock; a file that cannot be read says why. NotFound.
  Result<CollectionInspection> Inspect(const std::string& name) const;

  const std::string& root() const;
  /// As it works: with the file system and the clock that it uses, and shares of `memory_limit`.
  const EngineOptions& options() const;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace viper
