/// Power is lost after every single file operation of a life of a collection: creation, inserts,
/// updates, flushes that rewrite parts, write deletion vectors or give the table the column of
/// sparse vectors, checkpoints, loads, compactions, a field that is declared and then widened, an
/// index that is built, kept up and trained anew, reopening. Each time the disk is taken as a power
/// loss may leave it, and opened: every acknowledged write is there, the one in flight is there
/// whole or not at all, searches find what is there, and the collection goes on working. The same
/// after file operations of that recovery: every fifth, each time others, or as
/// VIPER_CRASH_RECOVERY_STRIDE says.

#include <algorithm>
#include <cmath>
#include <cstdio>
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

constexpr int kStepCount = 17;
/// So many records are written first, or more: files must have rows to lose.
constexpr size_t kFirstRecords = 12;
constexpr uint32_t kClusters = 3;
/// Steps that declare a field, and widen it.
constexpr int kDeclareStep = 8;
constexpr int kWidenStep = 15;
/// Step that opens the collection for the last time.
constexpr int kLastOpenStep = 13;
constexpr Timestamp kNow{1'700'000'000'000'000};

/// What differs from life to life. Six in a row have every delete mode with an index and without.
struct Kind {
  explicit Kind(uint64_t seed)
      : delete_mode(seed % 3 == 0   ? DeleteMode::kAuto
                    : seed % 3 == 1 ? DeleteMode::kRewrite
                                    : DeleteMode::kVectors),
        has_index(seed % 2 == 1) {}
  DeleteMode delete_mode;
  bool has_index;
};

EngineOptions Options(MemoryFileSystem& files, const Clock& clock, const Kind& kind) {
  EngineOptions options;
  options.file_system = &files;
  options.clock = &clock;
  options.background_flush = false;
  options.background_compaction = false;
  options.checkpoint_interval = 2;
  options.background_index = false;
  options.enable_clustering = kind.has_index;
  options.index_min_rows = 5;
  options.index_clusters = kClusters;
  options.delete_mode = kind.delete_mode;
  options.search_threads = 1;
  if (kind.delete_mode == DeleteMode::kVectors) {
    // Nearly every row counts: the first flush gives the table the column for them.
    options.vector_format = VectorFormat::kSparse;
    options.sparsity_threshold = 0.1;
  }
  return options;
}

/// One life of a collection, the same each time for a seed, clusters of its index apart. Stops at
/// the first failure.
class Life {
 public:
  Life(uint64_t seed, MemoryFileSystem& files) : workload_(seed), files_(files), kind_(seed) {
    clock_.Set(kNow);
  }

  /// True if nothing failed.
  bool Run() {
    if (!Open(/*create=*/true, FirstDeleteMode())) return false;
    created_ = true;
    for (int step = 0; step < kStepCount; ++step) {
      if (!Step(step)) return false;
    }
    return true;
  }

  bool created() const { return created_; }
  const Kind& kind() const { return kind_; }
  /// After the last acknowledged operation.
  const Contents& acknowledged() const { return acknowledged_; }
  /// If the operation in flight took effect.
  const Contents& in_flight() const { return in_flight_; }
  /// The types that the late field may have.
  std::optional<FieldType> acknowledged_type() const { return acknowledged_type_; }
  std::optional<FieldType> in_flight_type() const { return in_flight_type_; }

 private:
  /// Files as small as these get deletion vectors under kVectors alone: kAuto comes when they are
  /// there.
  DeleteMode FirstDeleteMode() const {
    return kind_.delete_mode == DeleteMode::kAuto ? DeleteMode::kVectors : kind_.delete_mode;
  }

  bool Open(bool create, DeleteMode delete_mode) {
    collection_.reset();
    EngineOptions options = Options(files_, clock_, kind_);
    options.delete_mode = delete_mode;
    auto engine = Engine::Open("/db", options);
    if (!engine.ok()) return false;
    auto collection = create ? engine->CreateCollection("docs", WorkloadSchema())
                             : engine->OpenCollection("docs");
    if (!collection.ok()) return false;
    collection_ = std::move(*collection);
    return true;
  }

  bool Flush() { return collection_->Flush().ok() && BuildIndex(); }

  bool Compact() {
    return collection_->Compact({.everything = true, .fold_deletion_vectors = true}).ok() &&
           BuildIndex() && collection_->Vacuum({.retention_ms = 0}).ok();
  }

  bool BuildIndex() { return !kind_.has_index || collection_->BuildIndex().ok(); }

  bool RetrainIndex() {
    if (!kind_.has_index) return true;
    const Status trained = collection_->RetrainIndex();
    // Some lives have too few records for an index.
    return trained.ok() || trained.code() == StatusCode::kFailedPrecondition;
  }

  bool Declare(FieldType type) {
    in_flight_ = acknowledged_;
    DeclareLate(type, in_flight_);
    in_flight_type_ = type;
    const Field field{kLateField, type};
    const bool is_new = !acknowledged_type_;
    const auto changed =
        is_new ? collection_->AddFields(std::span(&field, 1)) : collection_->WidenField(field);
    if (!changed.ok()) return false;
    workload_.SetLateType(type);
    acknowledged_ = in_flight_;
    acknowledged_type_ = in_flight_type_;
    return true;
  }

  Write FirstWrite() {
    Write first;
    while (first.records.size() < kFirstRecords) {
      const Write write = workload_.NextWrite(kNow.micros);
      first.records.insert(first.records.end(), write.records.begin(), write.records.end());
    }
    return first;
  }

  Write NextWrite(int step) {
    if (step == 0) return FirstWrite();
    return step % 2 == 0 ? workload_.NextWrite(kNow.micros)
                         : workload_.NextUpdate(acknowledged_, step % 4 == 3);
  }

  bool Step(int step) {
    if (step == kDeclareStep) return Declare(FieldType::kInt64);
    if (step == kWidenStep) return Declare(FieldType::kFloat64) && RetrainIndex();
    if (step % 5 == 2) return Flush();
    if (step % 7 == 5) return Compact();
    if (step == kLastOpenStep) return Open(false, kind_.delete_mode);
    if (step % 7 == 6) return Open(false, FirstDeleteMode());
    Write write = NextWrite(step);
    // What would be refused is written all the same.
    if (!write.records.empty()) {
      write.kind = step % 5 == 4 ? Write::Kind::kLoad : Write::Kind::kUpsert;
    }
    in_flight_ = acknowledged_;
    Apply(write, in_flight_, {.now_micros = kNow.micros});
    if (!Perform(write, *collection_).ok()) return false;
    acknowledged_ = in_flight_;
    return true;
  }

  Workload workload_;
  MemoryFileSystem& files_;
  const Kind kind_;
  ManualClock clock_;
  std::shared_ptr<Collection> collection_;
  bool created_ = false;
  Contents acknowledged_;
  Contents in_flight_;
  std::optional<FieldType> acknowledged_type_;
  std::optional<FieldType> in_flight_type_;
};

struct Counts {
  uint64_t crash_points = 0;
  uint64_t recovery_crash_points = 0;
  uint64_t images = 0;
  uint64_t answers = 0;
  uint64_t index_searches = 0;
  /// Images without something acknowledged, or with half of what was in flight.
  uint64_t lost = 0;
  uint64_t lives_with_deletion_vectors = 0;
};

/// The late field is declared as before or after the operation in flight, and filters see it as it
/// is.
void CheckLateField(const Collection& collection, const Contents& contents, const Life& life) {
  const CollectionSchema schema = collection.schema();
  const Field* field = schema.FindField(kLateField);
  const auto type = field == nullptr ? std::nullopt : std::optional(field->type);
  ASSERT_TRUE(type == life.acknowledged_type() || type == life.in_flight_type());
  if (!type) return;
  ASSERT_OK_AND_ASSIGN(const uint64_t count, collection.Count(where::Field(kLateField) >= 2.0));
  ASSERT_EQ(count, CountRated(type, contents, 2));
}

double Distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(double{a[i]} - double{b[i]}, 2);
  return std::sqrt(sum);
}

/// Search for the vector of each record: the best hit is at no distance. And from the first one for
/// all records: each is found once, and where it is. All through the index, where there is one.
void CheckSearches(const Collection& collection, const Contents& contents, Counts& counts) {
  SearchOptions options;
  // In fewer it may be missed: some vectors are as near to one centroid as to another.
  options.nprobe = kClusters;
  options.projection.metadata = false;
  counts.answers += contents.size() + 1;
  for (const auto& [id, record] : contents) {
    options.k = 1;
    ASSERT_OK_AND_ASSIGN(const Hits nearest, collection.Search(record.vector, options));
    ASSERT_EQ(nearest.size(), 1u);
    ASSERT_EQ(nearest[0].distance, 0) << id;
  }
  if (contents.empty()) return;
  options.k = contents.size() + 1;
  const std::vector<float>& query = contents.begin()->second.vector;
  ASSERT_OK_AND_ASSIGN(const SearchExplanation all, collection.Explain(query, options));
  std::set<std::string> ids;
  for (const Hit& hit : all.hits) {
    const auto found = contents.find(hit.id);
    ASSERT_TRUE(found != contents.end() && ids.insert(hit.id).second) << hit.id;
    ASSERT_NEAR(hit.distance, Distance(query, found->second.vector), 1e-6) << hit.id;
  }
  ASSERT_EQ(ids.size(), contents.size());
  counts.index_searches += all.plan == SearchPlan::kIndex ? 1 : 0;
}

/// Open what the power loss left, compare, write on, and compare again after one more reopening.
void CheckImage(MemoryFileSystem& image, const Life& life, Counts& counts) {
  ManualClock clock(kNow);
  Contents contents;
  {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", Options(image, clock, life.kind())));
    auto opened = engine.OpenCollection("docs");
    if (!life.created() && !opened.ok()) {
      EXPECT_STATUS(kNotFound, "", opened);
      opened = engine.CreateCollection("docs", WorkloadSchema());
    }
    ASSERT_OK(opened);
    ASSERT_OK_AND_ASSIGN(contents, ReadAll((*opened)->GetSnapshot()));
    const std::string lost = Difference(VisibleAt(life.acknowledged(), kNow.micros), contents);
    const std::string other = Difference(VisibleAt(life.in_flight(), kNow.micros), contents);
    ++counts.answers;
    counts.lost += lost.empty() || other.empty() ? 0 : 1;
    ASSERT_TRUE(lost.empty() || other.empty()) << lost << "\nor, with the write in flight:\n"
                                               << other;

    CheckLateField(**opened, contents, life);
    CheckSearches(**opened, contents, counts);

    Record extra;
    extra.id = "after the crash";
    extra.vector = {1, 2, 3, 4, 5, 6};
    extra.timestamp = kNow;
    ASSERT_OK((*opened)->Upsert(extra));
    contents[extra.id] = extra;
    ASSERT_OK((*opened)->Flush());
  }
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", Options(image, clock, life.kind())));
  ASSERT_OK_AND_ASSIGN(auto collection, engine.OpenCollection("docs"));
  ASSERT_OK_AND_ASSIGN(Contents again, ReadAll(collection->GetSnapshot()));
  counts.lost += Difference(contents, again).empty() ? 0 : 1;
  ASSERT_EQ(Difference(contents, again), "");
  if (life.kind().has_index) {
    ASSERT_OK(collection->BuildIndex());
  }
  CheckSearches(*collection, contents, counts);
}

/// Recover from an image. False if the power was cut on the way.
bool Recover(MemoryFileSystem& image, const Life& life) {
  ManualClock clock(kNow);
  auto engine = Engine::Open("/db", Options(image, clock, life.kind()));
  if (!engine.ok()) return false;
  auto collection = engine->OpenCollection("docs");
  if (!collection.ok()) return collection.status().code() == StatusCode::kNotFound;
  if (!(*collection)->Flush().ok()) return false;
  return !life.kind().has_index || (*collection)->BuildIndex().ok();
}

uint64_t LifeCount() { return FromEnvironment("VIPER_CRASH_LIVES", 3); }
/// Of how many crash points one is tried: 1 unless a sanitizer makes everything slow.
uint64_t Stride() { return std::max<uint64_t>(1, FromEnvironment("VIPER_CRASH_STRIDE", 1)); }
/// The same in a recovery. Odd, so that it meets both modes of a power loss.
uint64_t RecoveryStride() {
  return std::max<uint64_t>(1, FromEnvironment("VIPER_CRASH_RECOVERY_STRIDE", 5));
}

/// Cut the power after file operations of the recovery from what a power loss left, and let the
/// next recovery deal with it.
void CrashRecovery(const MemoryFileSystem& files, CrashMode mode, uint64_t choice, const Life& life,
                   Counts& counts) {
  for (uint64_t m = counts.crash_points % RecoveryStride();; m += RecoveryStride()) {
    SCOPED_TRACE("crash after operation " + std::to_string(m) + " of the recovery");
    auto image = files.DurableImage(mode, choice);
    image->CrashAfter(m);
    if (Recover(*image, life)) return;
    auto after = image->DurableImage(
        m % 2 == 0 ? CrashMode::kDropUnsynced : CrashMode::kRandomSubset, choice + m);
    CheckImage(*after, life, counts);
    ++counts.recovery_crash_points;
    if (::testing::Test::HasFailure()) {
      std::printf("%s\n", image->OperationLog().c_str());
      return;
    }
  }
}

void CrashEverywhere(uint64_t seed, Counts& counts) {
  uint64_t operation_count = 0;
  {
    MemoryFileSystem files;
    ASSERT_TRUE(Life(seed, files).Run()) << files.OperationLog();
    operation_count = files.OperationCount();
    const auto deletion_vectors = files.List("/db/docs/_dv");
    const bool has_some = deletion_vectors.ok() && !deletion_vectors->empty();
    counts.lives_with_deletion_vectors += has_some ? 1 : 0;
  }
  for (uint64_t n = 0; n < operation_count; n += Stride()) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", crash after operation " + std::to_string(n));
    MemoryFileSystem files;
    files.CrashAfter(n);
    Life life(seed, files);
    // Not always at the last: the writes of an index depend on the clusters that come of its
    // training.
    if (life.Run()) break;
    ++counts.crash_points;
    const std::pair<CrashMode, uint64_t> outcomes[] = {
        {CrashMode::kDropUnsynced, 0},
        {CrashMode::kKeepAll, 0},
        {CrashMode::kRandomSubset, 2 * n + seed},
        {CrashMode::kRandomSubset, 2 * n + 1 + seed}};
    for (const auto& [mode, choice] : outcomes) {
      SCOPED_TRACE("mode " + std::to_string(static_cast<int>(mode)) + ", choice " +
                   std::to_string(choice));
      auto image = files.DurableImage(mode, choice);
      CheckImage(*image, life, counts);
      ++counts.images;
      if (::testing::Test::HasFailure()) {
        std::printf("%s\n", files.OperationLog().c_str());
        return;
      }
    }
    const auto& [mode, choice] = outcomes[counts.crash_points % 2 == 0 ? 0 : 2];
    CrashRecovery(files, mode, choice, life, counts);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Crash, S03_C28_EveryFileOperationMayBeTheLast) {
  Counts counts;
  for (uint64_t seed = 1; seed <= LifeCount() && !HasFailure(); ++seed) {
    CrashEverywhere(seed, counts);
  }
  PrintCount("crash points: of a life", counts.crash_points);
  PrintCount("crash points: of the recovery from one", counts.recovery_crash_points);
  PrintCount("recoveries", counts.images + counts.recovery_crash_points);
  PrintCount("answers compared", counts.answers);
  PrintCount("answers compared through an index", counts.index_searches);
  PrintCount("lost", counts.lost);
  PrintCount("wrong answers", HasFailure() && counts.lost == 0 ? 1 : 0);
  if (HasFailure()) return;
  EXPECT_GT(counts.index_searches, 0u);
  // The first life has none.
  EXPECT_GE(counts.lives_with_deletion_vectors, LifeCount() > 1 ? 1u : 0u);
}

}  // namespace
}  // namespace viper::model
