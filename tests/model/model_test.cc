/// The engine against a plain map, over random writes (conditional ones, sparse ones, bulk loads),
/// reads, flushes, snapshots, older versions, changes of the default expiry, jumps of the clock to
/// both sides, clean reopens and power losses, on the in-memory file system.

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "model/workload.h"
#include "testing/counts.h"
#include "testing/environment.h"
#include "testing/manual_clock.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper::model {
namespace {

constexpr int kStepCount = 400;

struct Counts {
  uint64_t recoveries = 0;
  uint64_t acknowledged_writes = 0;
  uint64_t loads = 0;
  uint64_t answers = 0;
  /// Runs that failed: in what was there after opening, and elsewhere.
  uint64_t lost = 0;
  uint64_t wrong = 0;
};

class ModelRun {
 public:
  ModelRun(uint64_t seed, Metric metric, Counts& counts)
      : metric_(metric),
        counts_(counts),
        workload_(seed),
        files_(std::make_unique<MemoryFileSystem>()) {
    clock_.Set(Timestamp{1'700'000'000'000'000});
    declare_step_ = static_cast<int>(workload_.random().Uniform(kStepCount / 2));
    widen_step_ = declare_step_ + 1 + static_cast<int>(workload_.random().Uniform(kStepCount / 2));
    Reopen(/*create=*/true);
  }

  void Run() {
    for (int step = 0; step < kStepCount && !::testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      if (step == declare_step_) {
        DeclareLater(workload_.random().Chance(0.7) ? FieldType::kInt64 : FieldType::kFloat64);
      } else if (step == widen_step_) {
        DeclareLater(FieldType::kFloat64);
      } else {
        Step();
      }
    }
    if (!::testing::Test::HasFailure()) Reopen(false);
    if (::testing::Test::HasFailure()) ++(is_opening_ ? counts_.lost : counts_.wrong);
  }

 private:
  void Step() {
    const uint64_t dice = workload_.random().Uniform(100);
    if (dice < 52) return WriteSomething();
    if (dice < 53) return StopLoad();
    if (dice < 55) return ChangeDefaultExpiry();
    if (dice < 60) return WriteIfVersion();
    if (dice < 70) return CheckPoint();
    if (dice < 73) return CheckSearch();
    if (dice < 77) return CheckIndexedSearch();
    if (dice < 80) return CheckFilters();
    if (dice < 85) return Flush();
    if (dice < 87) return Compact();
    if (dice < 89) return TakeSnapshot();
    if (dice < 91) return CheckSnapshot();
    if (dice < 92) return CheckOlderVersion();
    if (dice < 95) return MoveClock();
    if (dice < 97) return Reopen(false);
    PowerLoss();
  }

  void Reopen(bool create) {
    is_opening_ = true;
    snapshot_.reset();
    collection_.reset();
    engine_.reset();
    EngineOptions options;
    options.file_system = files_.get();
    options.clock = &clock_;
    options.background_flush = false;
    options.background_compaction = false;
    options.background_index = false;
    options.index_min_rows = 5;
    options.checkpoint_interval = 3;
    options.search_threads = 1;
    const DeleteMode delete_modes[] = {DeleteMode::kAuto, DeleteMode::kRewrite,
                                       DeleteMode::kVectors};
    options.delete_mode = delete_modes[workload_.random().Uniform(3)];
    options.storage_policy =
        workload_.random().Chance(0.5) ? StoragePolicy::kSize : StoragePolicy::kSpeed;
    options.vector_format =
        workload_.random().Chance(0.5) ? VectorFormat::kSparse : VectorFormat::kAdaptive;
    options.sparsity_threshold = workload_.random().Chance(0.5) ? 0.1 : 0.3;
    options.vector_cache_bytes = workload_.random().Chance(0.5) ? 0 : size_t{1} << 20;
    options.cache_bytes = workload_.random().Chance(0.5) ? 0 : size_t{1} << 20;
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options));
    engine_.emplace(std::move(engine));
    if (create) {
      ASSERT_OK_AND_ASSIGN(collection_, engine_->CreateCollection("docs", WorkloadSchema(metric_)));
    } else {
      ASSERT_OK_AND_ASSIGN(collection_, engine_->OpenCollection("docs"));
      EXPECT_EQ(collection_->Properties().default_ttl_ms, default_ttl_ms_);
      CheckEverything();
    }
    is_opening_ = ::testing::Test::HasFailure();
  }

  void PowerLoss() {
    const CrashMode modes[] = {CrashMode::kDropUnsynced, CrashMode::kKeepAll,
                               CrashMode::kRandomSubset};
    auto image =
        files_->DurableImage(modes[workload_.random().Uniform(3)], workload_.random().Next());
    snapshot_.reset();
    collection_.reset();
    engine_.reset();
    files_ = std::move(image);
    Reopen(false);
    ++counts_.recoveries;
  }

  void WriteSomething() {
    const Write write = workload_.NextWrite(Now());
    auto written = Perform(write, *collection_);
    if (!IsAllowed(write, contents_, Now())) {
      if (write.kind == Write::Kind::kInsert) {
        EXPECT_STATUS(kAlreadyExists, "exists already", written);
      } else {
        EXPECT_STATUS(kNotFound, "replace: no record", written);
      }
      return;
    }
    ASSERT_OK(written);
    const uint64_t changed = Apply(write, contents_, TimeOfWrite());
    ++counts_.acknowledged_writes;
    counts_.loads += write.kind == Write::Kind::kLoad ? 1 : 0;
    // By id also what has expired, and was not removed yet, is deleted and counted.
    if (write.kind != Write::Kind::kDelete) {
      EXPECT_EQ(written->rows, changed);
    }
    if (!write.records.empty()) {
      EXPECT_EQ(written->duplicates, write.records.size() - changed);
    }
  }

  /// A load that is stopped before it commits anything.
  void StopLoad() {
    Write write;
    while (write.records.empty()) write = workload_.NextWrite(Now());
    LoadOptions options;
    options.progress = [](uint64_t, uint64_t) { return false; };
    ASSERT_OK_AND_ASSIGN(const LoadSummary loaded, Load(write.records, *collection_, options));
    EXPECT_TRUE(loaded.stopped);
    EXPECT_EQ(loaded.rows_committed, 0u);
    CheckEverything();
  }

  /// None half of the time, else one that passes in a few steps or hardly ever.
  void ChangeDefaultExpiry() {
    Random& random = workload_.random();
    default_ttl_ms_ = random.Chance(0.5) ? 0 : static_cast<int64_t>(1 + random.Uniform(8000));
    if (random.Chance(0.2)) default_ttl_ms_ = 3'600'000;
    ASSERT_OK(collection_->SetProperties({.default_ttl_ms = default_ttl_ms_}));
  }

  /// On the condition that some records are at the versions that they are at, or are not.
  void WriteIfVersion() {
    std::set<std::string> ids;
    for (uint64_t i = 1 + workload_.random().Uniform(3); i > 0; --i) ids.insert(workload_.NextId());
    std::vector<Record> records;
    std::vector<int64_t> versions;
    bool is_so = true;
    for (const std::string& id : ids) {
      const auto found = collection_->Get(id, {.version = true});
      const int64_t version = found.ok() ? found->version : 0;
      ASSERT_EQ(version > 0, VisibleAt(contents_, Now()).contains(id)) << id;
      const bool is_wrong = workload_.random().Chance(0.15);
      is_so &= !is_wrong;
      const int64_t another = workload_.random().Chance(0.5) && version > 0 ? 0 : version + 1;
      versions.push_back(is_wrong ? another : version);
      Record& record = records.emplace_back();
      record.id = id;
      record.vector = workload_.NextVector();
    }
    std::vector<Record> given = records;
    if (workload_.random().Chance(0.3)) {
      std::transform(records.begin(), records.end(), given.begin(), MakeSparse);
    }
    const auto written = collection_->UpsertIfVersion(given, versions);
    if (!is_so) {
      EXPECT_STATUS(kFailedPrecondition, "version", written);
      return;
    }
    ASSERT_OK(written);
    ++counts_.acknowledged_writes;
    for (Record& record : records) {
      ASSERT_OK_AND_ASSIGN(const Record found, collection_->Get(record.id, {.version = true}));
      EXPECT_GT(found.version, versions[static_cast<size_t>(&record - records.data())]);
      record.timestamp = found.timestamp;  // that of the write
      SetExpiry(TimeOfWrite(), record);
      contents_[record.id] = record;
    }
  }

  void MoveClock() {
    Random& random = workload_.random();
    if (random.Chance(0.2))
      return clock_.AdvanceSeconds(static_cast<int64_t>(random.Uniform(7200)));
    if (random.Chance(0.8)) return clock_.AdvanceSeconds(static_cast<int64_t>(random.Uniform(4)));
    // Back. What expired meanwhile may have been removed for good, or be alive again: nobody knows,
    // so that it goes first.
    const Timestamp before{Now() - static_cast<int64_t>(random.Uniform(7'200'000'000))};
    const Contents visible = VisibleAt(contents_, Now());
    std::vector<std::string> unclear;
    for (const auto& [id, record] : VisibleAt(contents_, before.micros)) {
      if (!visible.contains(id)) unclear.push_back(id);
    }
    ASSERT_OK(collection_->Delete(unclear));
    for (const std::string& id : unclear) contents_.erase(id);
    snapshot_.reset();
    flushed_.clear();
    clock_.Set(before);
  }

  void CheckOlderVersion() {
    if (flushed_.empty()) return;
    const auto chosen = std::next(
        flushed_.begin(), static_cast<std::ptrdiff_t>(workload_.random().Uniform(flushed_.size())));
    const auto snapshot = collection_->GetSnapshotOfVersion(chosen->first);
    // Or it was vacuumed.
    if (snapshot.status().code() == StatusCode::kNotFound) return;
    ASSERT_OK(snapshot);
    ++counts_.answers;
    ASSERT_OK_AND_ASSIGN(const Contents actual, ReadAll(*snapshot));
    EXPECT_EQ(Difference(VisibleAt(chosen->second, Now()), actual), "")
        << "version " << chosen->first;
  }

  void Flush() {
    ASSERT_OK(collection_->Flush());
    flushed_[collection_->GetSnapshot().table_version()] = contents_;
    if (workload_.random().Chance(0.5)) {
      ASSERT_OK(collection_->BuildIndex());
    }
  }

  void Compact() {
    CompactOptions options;
    options.everything = workload_.random().Chance(0.7);
    options.fold_deletion_vectors = workload_.random().Chance(0.3);
    ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact(options));
    EXPECT_EQ(report.files_after, collection_->Statistics().part_count);
    if (workload_.random().Chance(0.5)) {
      ASSERT_OK(collection_->Vacuum({.retention_ms = 0}));
    }
    CheckEverything();
  }

  /// Declare the late field, or widen it.
  void DeclareLater(FieldType type) {
    const Field field{kLateField, type};
    ASSERT_OK_AND_ASSIGN(
        const SchemaChangeReport report,
        late_type_ ? collection_->WidenField(field) : collection_->AddFields(std::span(&field, 1)));
    late_type_ = type;
    workload_.SetLateType(type);
    DeclareLate(type, contents_);
    const LateCounts expected = CountLate(type, VisibleAt(contents_, Now()));
    ASSERT_EQ(report.fields.size(), 1u);
    EXPECT_EQ(report.fields[0].values, expected.values);
    EXPECT_EQ(report.fields[0].parked, expected.parked);
    CheckEverything();
    CheckRatings();
  }

  void CheckRatings() {
    const bool known = late_type_ || std::any_of(contents_.begin(), contents_.end(), [](auto& of) {
                         return of.second.metadata.contains(kLateField);
                       });
    if (!known) return;  // the name may be refused
    const double least = static_cast<double>(workload_.random().Uniform(12)) / 2;
    ASSERT_OK_AND_ASSIGN(uint64_t count, collection_->Count(where::Field(kLateField) >= least));
    EXPECT_EQ(count, CountRated(late_type_, VisibleAt(contents_, Now()), least));
  }

  void TakeSnapshot() {
    snapshot_.emplace(collection_->GetSnapshot());
    snapshot_contents_ = contents_;
  }

  void CheckSnapshot() {
    if (!snapshot_) return;
    ++counts_.answers;
    ASSERT_OK_AND_ASSIGN(Contents actual, ReadAll(*snapshot_));
    EXPECT_EQ(Difference(VisibleAt(snapshot_contents_, Now()), actual), "");
    const std::string id = workload_.NextId();
    EXPECT_EQ(snapshot_->Get(id).ok(), VisibleAt(snapshot_contents_, Now()).contains(id));
  }

  void CheckPoint() {
    const std::string id = workload_.NextId();
    const Contents visible = VisibleAt(contents_, Now());
    ++counts_.answers;
    Projection projection = Snapshot::kEverything;
    projection.sparse_vector = workload_.random().Chance(0.5);
    auto record = collection_->Get(id, projection);
    auto expected = visible.find(id);
    if (expected == visible.end()) {
      EXPECT_STATUS(kNotFound, "no record", record);
      return;
    }
    ASSERT_OK(record);
    if (projection.sparse_vector) {
      EXPECT_EQ(record->sparse_vector, SparseVector::FromDense(expected->second.vector)) << id;
      record->sparse_vector.reset();
    }
    EXPECT_TRUE(*record == expected->second) << id;
  }

  void CheckEverything() {
    ASSERT_OK_AND_ASSIGN(Contents actual, ReadAll(collection_->GetSnapshot()));
    const Contents visible = VisibleAt(contents_, Now());
    ++counts_.answers;
    ASSERT_EQ(Difference(visible, actual), "");
    ASSERT_OK_AND_ASSIGN(uint64_t count, collection_->Count());
    EXPECT_EQ(count, visible.size());
    EXPECT_EQ(collection_->Statistics().live_rows, visible.size());
  }

  double Distance(const std::vector<float>& a, const std::vector<float>& b) const {
    double dot = 0, norm_a = 0, norm_b = 0, squared = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      dot += double{a[i]} * double{b[i]};
      norm_a += double{a[i]} * double{a[i]};
      norm_b += double{b[i]} * double{b[i]};
      squared += (double{a[i]} - double{b[i]}) * (double{a[i]} - double{b[i]});
    }
    if (metric_ == Metric::kDot) return -dot;
    if (metric_ == Metric::kL2) return std::sqrt(squared);
    return norm_a == 0 || norm_b == 0 ? 1 : 1 - dot / std::sqrt(norm_a * norm_b);
  }

  using Ranked = std::vector<std::pair<double, std::string>>;

  /// All records that a search may find, nearest first.
  Ranked Rank(const std::vector<float>& query, bool filtered) {
    Ranked ranked;
    for (const auto& [id, record] : VisibleAt(contents_, Now())) {
      auto category = record.metadata.find("category");
      if (filtered && (category == record.metadata.end() || category->second != Value("text"))) {
        continue;
      }
      // Rounded, so that equal distances compare equal whatever the order of the sums.
      ranked.emplace_back(std::round(Distance(query, record.vector) * 1e9) / 1e9, id);
    }
    std::sort(ranked.begin(), ranked.end());
    return ranked;
  }

  Result<Hits> Search(const std::vector<float>& query, const SearchOptions& options) {
    if (workload_.random().Chance(0.7)) return collection_->Search(query, options);
    return collection_->Search(SparseVector::FromDense(query), options);
  }

  /// Through the index hits may be missed, but what is given is alive, matches, is ranked by its
  /// true distance, and is as much as there is.
  void CheckIndexedSearch() {
    const std::vector<float> query = workload_.NextVector();
    const bool filtered = workload_.random().Chance(0.5);
    SearchOptions options;
    options.k = workload_.random().Uniform(12);
    options.nprobe = 1 + workload_.random().Uniform(3);
    if (filtered) options.filter = where::Field("category") == "text";
    const Ranked ranked = Rank(query, filtered);
    ++counts_.answers;
    ASSERT_OK_AND_ASSIGN(Hits hits, Search(query, options));
    ASSERT_EQ(hits.size(), std::min(ranked.size(), options.k));
    std::set<std::string> ids;
    for (size_t i = 0; i < hits.size(); ++i) {
      const auto found = std::find_if(ranked.begin(), ranked.end(), [&](const auto& candidate) {
        return candidate.second == hits[i].id;
      });
      ASSERT_NE(found, ranked.end()) << hits[i].id;
      EXPECT_NEAR(hits[i].distance, found->first, 1e-8);
      EXPECT_TRUE(ids.insert(hits[i].id).second) << hits[i].id << " twice";
      if (i > 0) {
        EXPECT_GE(hits[i].distance, hits[i - 1].distance);
      }
    }
  }

  void CheckSearch() {
    const std::vector<float> query = workload_.NextVector();
    const bool filtered = workload_.random().Chance(0.5);
    SearchOptions options;
    options.k = workload_.random().Uniform(12);
    if (filtered) options.filter = where::Field("category") == "text";
    Ranked expected = Rank(query, filtered);
    expected.resize(std::min(expected.size(), options.k));
    ++counts_.answers;
    ASSERT_OK_AND_ASSIGN(Hits hits, Search(query, options));
    ASSERT_EQ(hits.size(), expected.size());
    for (size_t i = 0; i < hits.size(); ++i) {
      EXPECT_NEAR(hits[i].distance, expected[i].first, 1e-8) << i;
      if (metric_ != Metric::kCosine) {
        EXPECT_EQ(hits[i].id, expected[i].second) << i;
      }
    }
  }

  void CheckFilters() {
    ASSERT_OK_AND_ASSIGN(Filter filter, Filter::Parse("year >= 2010 OR tags CONTAINS 't1'"));
    uint64_t expected = 0;
    for (const auto& [id, record] : VisibleAt(contents_, Now())) {
      auto year = record.metadata.find("year");
      auto tags = record.metadata.find("tags");
      bool match = year != record.metadata.end() && year->second.as_int64() != nullptr &&
                   *year->second.as_int64() >= 2010;
      if (tags != record.metadata.end() && tags->second.as_list() != nullptr) {
        for (const Value& tag : *tags->second.as_list()) match |= tag == Value("t1");
      }
      expected += match ? 1 : 0;
    }
    ++counts_.answers;
    ASSERT_OK_AND_ASSIGN(uint64_t count, collection_->Count(filter));
    EXPECT_EQ(count, expected);
    CheckRatings();
  }

  int64_t Now() const { return clock_.Now().micros; }
  WriteTime TimeOfWrite() const { return {Now(), default_ttl_ms_}; }

  const Metric metric_;
  Counts& counts_;
  Workload workload_;
  int declare_step_ = 0;
  int widen_step_ = 0;
  std::optional<FieldType> late_type_;
  int64_t default_ttl_ms_ = 0;
  /// The last opening is not over, or what was there then is wrong.
  bool is_opening_ = false;
  ManualClock clock_;
  std::unique_ptr<MemoryFileSystem> files_;
  std::optional<Engine> engine_;
  std::shared_ptr<Collection> collection_;
  Contents contents_;
  std::optional<Snapshot> snapshot_;
  Contents snapshot_contents_;
  /// What the table held at its versions.
  std::map<int64_t, Contents> flushed_;
};

/// VIPER_MODEL_SEEDS: how many runs (the default fits a developer's patience).
uint64_t SeedCount() { return FromEnvironment("VIPER_MODEL_SEEDS", 12); }

TEST(Model, EngineEqualsMapOverRandomOperations) {
  Counts counts;
  for (uint64_t seed = 1; seed <= SeedCount() && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ModelRun run(seed, static_cast<Metric>(seed % 3), counts);
    run.Run();
  }
  EXPECT_GT(counts.loads, 0u);
  PrintCount("recoveries", counts.recoveries);
  PrintCount("acknowledged writes", counts.acknowledged_writes);
  PrintCount("answers compared", counts.answers);
  PrintCount("lost", counts.lost);
  PrintCount("wrong answers", counts.wrong);
}

}  // namespace
}  // namespace viper::model
