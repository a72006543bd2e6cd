/// Power is lost after every single file operation of a life of a collection: creation, inserts,
/// updates, flushes that rewrite parts, write deletion vectors or give the table the column of
/// sparse vectors, checkpoints, loads, compactions, a field that is declared and then widened,
/// reopening. Each time the disk is taken as a power loss may leave it, and opened: every
/// acknowledged write is there, the one in flight is there whole or not at all, and the collection
/// goes on working. The same after every single file operation of that recovery.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "model/workload.h"
#include "testing/manual_clock.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper::model {
namespace {

constexpr int kStepCount = 17;
/// Steps that declare a field, and widen it.
constexpr int kDeclareStep = 8;
constexpr int kWidenStep = 15;
constexpr Timestamp kNow{1'700'000'000'000'000};

EngineOptions Options(MemoryFileSystem& files, const Clock& clock, DeleteMode delete_mode) {
  EngineOptions options;
  options.file_system = &files;
  options.clock = &clock;
  options.background_flush = false;
  options.background_compaction = false;
  options.checkpoint_interval = 2;
  options.delete_mode = delete_mode;
  options.search_threads = 1;
  if (delete_mode == DeleteMode::kVectors) {
    // Nearly every row counts: the first flush gives the table the column for them.
    options.vector_format = VectorFormat::kSparse;
    options.sparsity_threshold = 0.1;
  }
  return options;
}

/// A source of a few records, for bulk loads.
class FewRecords : public RecordSource {
 public:
  explicit FewRecords(const std::vector<Record>& records) : records_(records) {}
  size_t dim() const override { return WorkloadSchema().dim; }
  std::optional<uint64_t> row_count() const override { return records_.size(); }
  const std::vector<Field>& fields() const override { return fields_; }
  Result<RecordBatch> Next() override {
    RecordBatch batch;
    for (; next_ < records_.size(); ++next_) {
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

/// One life of a collection, the same each time for a seed. Stops at the first failure. Every other
/// one writes deletion vectors, and sparse vectors.
class Life {
 public:
  Life(uint64_t seed, MemoryFileSystem& files)
      : workload_(seed),
        files_(files),
        delete_mode_(seed % 2 == 0 ? DeleteMode::kVectors : DeleteMode::kRewrite) {
    clock_.Set(kNow);
  }

  /// True if nothing failed.
  bool Run() {
    if (!Open(/*create=*/true)) return false;
    created_ = true;
    for (int step = 0; step < kStepCount; ++step) {
      if (!Step(step)) return false;
    }
    return true;
  }

  bool created() const { return created_; }
  DeleteMode delete_mode() const { return delete_mode_; }
  /// After the last acknowledged operation.
  const Contents& acknowledged() const { return acknowledged_; }
  /// If the operation in flight took effect.
  const Contents& in_flight() const { return in_flight_; }
  /// The types that the late field may have.
  std::optional<FieldType> acknowledged_type() const { return acknowledged_type_; }
  std::optional<FieldType> in_flight_type() const { return in_flight_type_; }

 private:
  bool Open(bool create) {
    collection_.reset();
    auto engine = Engine::Open("/db", Options(files_, clock_, delete_mode_));
    if (!engine.ok()) return false;
    auto collection = create ? engine->CreateCollection("docs", WorkloadSchema())
                             : engine->OpenCollection("docs");
    if (!collection.ok()) return false;
    collection_ = std::move(*collection);
    return true;
  }

  bool Compact() {
    return collection_->Compact({.everything = true, .fold_deletion_vectors = true}).ok() &&
           collection_->Vacuum({.retention_ms = 0}).ok();
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

  bool Step(int step) {
    if (step == kDeclareStep) return Declare(FieldType::kInt64);
    if (step == kWidenStep) return Declare(FieldType::kFloat64);
    if (step % 5 == 2) return collection_->Flush().ok();
    if (step % 7 == 5) return Compact();
    if (step % 7 == 6) return Open(false);
    Write write = step % 2 == 0 ? workload_.NextWrite(kNow.micros)
                                : workload_.NextUpdate(acknowledged_, step % 4 == 3);
    const bool loads = step % 5 == 4 && !write.records.empty();
    // What would be refused is written all the same.
    if (!write.records.empty()) write.kind = Write::Kind::kUpsert;
    in_flight_ = acknowledged_;
    Apply(write, in_flight_, kNow.micros);
    if (loads) {
      FewRecords source(write.records);
      if (!collection_->Load(source).ok()) return false;
    } else if (!Perform(write, *collection_).ok()) {
      return false;
    }
    acknowledged_ = in_flight_;
    return true;
  }

  Workload workload_;
  MemoryFileSystem& files_;
  const DeleteMode delete_mode_;
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

/// Open what the power loss left, compare, write on, and compare again after one more reopening.
void CheckImage(MemoryFileSystem& image, const Life& life) {
  ManualClock clock(kNow);
  Contents contents;
  {
    ASSERT_OK_AND_ASSIGN(Engine engine,
                         Engine::Open("/db", Options(image, clock, life.delete_mode())));
    auto opened = engine.OpenCollection("docs");
    if (!life.created() && !opened.ok()) {
      EXPECT_STATUS(kNotFound, "", opened);
      opened = engine.CreateCollection("docs", WorkloadSchema());
    }
    ASSERT_OK(opened);
    ASSERT_OK_AND_ASSIGN(contents, ReadAll((*opened)->GetSnapshot()));
    const std::string lost = Difference(VisibleAt(life.acknowledged(), kNow.micros), contents);
    const std::string other = Difference(VisibleAt(life.in_flight(), kNow.micros), contents);
    ASSERT_TRUE(lost.empty() || other.empty()) << lost << "\nor, with the write in flight:\n"
                                               << other;

    CheckLateField(**opened, contents, life);

    Record extra;
    extra.id = "after the crash";
    extra.vector = {1, 2, 3, 4, 5, 6};
    extra.timestamp = kNow;
    ASSERT_OK((*opened)->Upsert(extra));
    contents[extra.id] = extra;
    ASSERT_OK((*opened)->Flush());
  }
  ASSERT_OK_AND_ASSIGN(Engine engine,
                       Engine::Open("/db", Options(image, clock, life.delete_mode())));
  ASSERT_OK_AND_ASSIGN(auto collection, engine.OpenCollection("docs"));
  ASSERT_OK_AND_ASSIGN(Contents again, ReadAll(collection->GetSnapshot()));
  ASSERT_EQ(Difference(contents, again), "");
}

/// Recover from an image. False if the power was cut on the way.
bool Recover(MemoryFileSystem& image, const Life& life) {
  ManualClock clock(kNow);
  auto engine = Engine::Open("/db", Options(image, clock, life.delete_mode()));
  if (!engine.ok()) return false;
  auto collection = engine->OpenCollection("docs");
  if (!collection.ok()) return collection.status().code() == StatusCode::kNotFound;
  return (*collection)->Flush().ok();
}

/// Cut the power after every file operation of the recovery from what a power loss left, and let
/// the next recovery deal with it.
void CrashRecoveryEverywhere(const MemoryFileSystem& files, CrashMode mode, uint64_t choice,
                             const Life& life, Counts& counts) {
  for (uint64_t m = 0;; ++m) {
    SCOPED_TRACE("crash after operation " + std::to_string(m) + " of the recovery");
    auto image = files.DurableImage(mode, choice);
    image->CrashAfter(m);
    if (Recover(*image, life)) return;
    auto after = image->DurableImage(
        m % 2 == 0 ? CrashMode::kDropUnsynced : CrashMode::kRandomSubset, choice + m);
    CheckImage(*after, life);
    ++counts.recovery_crash_points;
    if (::testing::Test::HasFailure()) {
      std::printf("%s\n", image->OperationLog().c_str());
      return;
    }
  }
}

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

uint64_t LifeCount() { return FromEnvironment("VIPER_CRASH_LIVES", 2); }
/// Of how many crash points one is tried: 1 unless a sanitizer makes everything slow.
uint64_t Stride() { return std::max<uint64_t>(1, FromEnvironment("VIPER_CRASH_STRIDE", 1)); }

void CrashEverywhere(uint64_t seed, Counts& counts) {
  uint64_t operation_count = 0;
  {
    MemoryFileSystem files;
    ASSERT_TRUE(Life(seed, files).Run()) << files.OperationLog();
    operation_count = files.OperationCount();
  }
  for (uint64_t n = 0; n < operation_count; n += Stride()) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", crash after operation " + std::to_string(n));
    MemoryFileSystem files;
    files.CrashAfter(n);
    Life life(seed, files);
    ASSERT_FALSE(life.Run());
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
      CheckImage(*image, life);
      ++counts.images;
      if (::testing::Test::HasFailure()) {
        std::printf("%s\n", files.OperationLog().c_str());
        return;
      }
    }
    const auto& [mode, choice] = outcomes[counts.crash_points % 2 == 0 ? 0 : 2];
    CrashRecoveryEverywhere(files, mode, choice, life, counts);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Crash, S03_C28_EveryFileOperationMayBeTheLast) {
  Counts counts;
  for (uint64_t seed = 1; seed <= LifeCount(); ++seed) {
    CrashEverywhere(seed, counts);
    if (HasFailure()) return;
  }
  std::printf(
      "crash points %llu, in the recovery from them %llu, disk images %llu, lost 0, half 0\n",
      static_cast<unsigned long long>(counts.crash_points),
      static_cast<unsigned long long>(counts.recovery_crash_points),
      static_cast<unsigned long long>(counts.images + counts.recovery_crash_points));
}

}  // namespace
}  // namespace viper::model
