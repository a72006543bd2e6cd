// Bits of files of every kind are flipped, and then the collection is opened, to read or to write,
// and asked. Every answer is right, or it is an error that names the file; what is only derived
// from other files costs no answer at all. A writer also flushes, builds its index and compacts,
// and is asked again: damage is not copied into new files.

#include <algorithm>
#include <map>
#include <set>

#include "base/coding.h"
#include "core/verified_collection_fixture.h"
#include "testing/counts.h"
#include "testing/environment.h"

namespace viper::core {
namespace {

constexpr uint64_t kSeed = 20'261'128;
constexpr size_t kEdgeBytes = 24;
constexpr int kSparseRows = 400;

/// VIPER_DAMAGE_FLIPS: how many bits of each kind of file (the default fits a developer's
/// patience). As in tests/crash, fewer where a sanitizer makes everything slow.
size_t FlipCount() {
  const uint64_t stride = std::max<uint64_t>(1, FromEnvironment("VIPER_CRASH_STRIDE", 1));
  return std::max<uint64_t>(2, FromEnvironment("VIPER_DAMAGE_FLIPS", 12) / stride);
}

/// The answer to one question, or why there is none.
using Answer = Result<std::string>;

void Append(const Record& record, std::string& text) {
  text += record.id + " " + Value(record.metadata).ToJson() + " ";
  if (record.expires_at) text += std::to_string(record.expires_at->micros);
  text += AsText(std::as_bytes(std::span(record.vector)));
  text += "\n";
}

Answer AnswerOf(const Result<Record>& record) {
  const bool is_none = record.status().code() == StatusCode::kNotFound &&
                       record.status().message().find("no record") != std::string::npos;
  if (is_none) return std::string("none");
  if (!record.ok()) return record.status();
  std::string text;
  Append(*record, text);
  return text;
}

Answer AnswerOf(const Result<Hits>& hits) {
  if (!hits.ok()) return hits.status();
  std::string text;
  for (const Hit& hit : *hits) {
    text += fmt::format("{} {} {}\n", hit.id, hit.distance, Value(hit.metadata).ToJson());
  }
  return text;
}

Answer AnswerOf(const Result<uint64_t>& count) {
  if (!count.ok()) return count.status();
  return std::to_string(*count);
}

Answer AnswerOf(const Result<ScrollPage>& page) {
  if (!page.ok()) return page.status();
  std::string text = page->next;
  for (const Record& record : page->records) Append(record, text);
  return text;
}

struct Tally {
  size_t flips = 0;
  size_t right = 0;
  size_t refused = 0;
  size_t wrong = 0;
  size_t answers = 0;
};

class DamagedAnswersTest : public VerifiedCollectionFixture {
 protected:
  /// What one flip did, and where, for messages.
  struct Flip {
    std::string file = {};
    std::string what = {};
    bool is_derived = false;
    bool is_refused = false;
    bool is_wrong = false;
  };

  /// Parts with an index and without, with deletion vectors and with sparse vectors; commits before
  /// and behind checkpoints; rows in the log. The collection is closed.
  void FillAll() {
    options_.delete_mode = DeleteMode::kVectors;
    options_.audit_share = 0;
    CreateIndexed();
    WriteRows(0, 600);
    ASSERT_OK(collection_->Flush());
    WriteRows(600, 1100);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
    WriteRows(1100, 1150);
    ASSERT_OK(collection_->Delete(std::vector<std::string>{"id7", "id650", "id651"}));
    ASSERT_OK(collection_->Flush());
    options_.vector_format = VectorFormat::kSparse;
    ASSERT_OK(Reopen());
    WriteSparseRows();
    ASSERT_OK(collection_->Flush());
    sparse_part_ = PartOfVersion(4);
    WriteRows(1150, 1160);
    ASSERT_OK(collection_->Flush());
    FillLog();
    for (int i = 0; i < 3; ++i) queries_.push_back(RandomVector());
    collection_.reset();
    log_segments_ = OpenToRead()->Inspect("docs")->log_segments;
    ASSERT_FALSE(log_segments_.empty());
  }

  void WriteSparseRows() {
    std::vector<Record> records;
    for (int row = 0; row < kSparseRows; ++row) {
      Record& record = records.emplace_back();
      record.id = "sparse" + std::to_string(row);
      record.vector = RandomVector();
      record.metadata = {{"year", 1900 + row % 50}};
      for (size_t i = 0; i < kDim && row % 3 > 0; ++i) {
        if (i % 4 > 0) record.vector[i] = 0;
      }
    }
    ASSERT_OK(collection_->Upsert(records));
  }

  /// The last write says what the one before says: damage to the last group of a log cannot be told
  /// from a torn end (docs/format/wal.md), and it alone may be lost.
  void FillLog() {
    WriteRows(1160, 1170);
    WriteRows(1170, 1180);
    ASSERT_OK(collection_->Delete(std::vector<std::string>{"id3"}));
    Record record;
    record.id = "last";
    record.vector = RandomVector();
    record.timestamp = clock_.Now();
    ASSERT_OK(collection_->Upsert(record));
    ASSERT_OK(collection_->Upsert(record));
  }

  std::vector<Answer> Ask(const Collection& collection) const {
    std::vector<Answer> answers;
    for (const char* id : {"id1", "id3", "id7", "id599", "id650", "id700", "id1120", "id1155",
                           "id1165", "sparse4", "sparse6", "last"}) {
      answers.push_back(AnswerOf(collection.Get(id)));
    }
    for (const std::vector<float>& query : queries_) {
      SearchOptions options;
      answers.push_back(AnswerOf(collection.Search(query, ThroughIndex())));
      options.exact = true;
      answers.push_back(AnswerOf(collection.Search(query, options)));
      options = ThroughIndex();
      options.filter = where::Field("year") >= 2040;
      answers.push_back(AnswerOf(collection.Search(query, options)));
    }
    for (const char* filter : {"", "year < 1905", "category = 'category 3' AND price > 100",
                               "tags CONTAINS '77'", "note IS NOT NULL"}) {
      answers.push_back(AnswerOf(collection.Count(Filter::Parse(filter).value())));
    }
    ScrollOptions everything;
    everything.limit = 10'000;
    everything.projection = Snapshot::kEverything;
    answers.push_back(AnswerOf(collection.Scroll(everything)));
    const auto older = collection.GetSnapshotOfVersion(1);
    answers.push_back(older.ok() ? AnswerOf(older->Scroll(everything)) : Answer(older.status()));
    return answers;
  }

  /// In all of its clusters: what is found is exact.
  static SearchOptions ThroughIndex() {
    SearchOptions options;
    options.nprobe = size_t{1} << 20;
    return options;
  }

  Result<std::shared_ptr<Collection>> OpenImage(MemoryFileSystem& image, bool read_only) {
    EngineOptions options = options_;
    options.file_system = &image;
    options.read_only = read_only;
    auto engine = Engine::Open("/db", options);
    if (!engine.ok()) return engine.status();
    return engine->OpenCollection("docs");
  }

  void FindTruth() {
    ASSERT_OK_AND_ASSIGN(const auto collection, OpenImage(files_, true));
    const auto explained = collection->Explain(queries_[0], ThroughIndex());
    ASSERT_EQ(explained->plan, SearchPlan::kIndex);
    for (const Answer& answer : Ask(*collection)) {
      ASSERT_OK(answer);
      truth_.push_back(*answer);
    }
    const auto at = [this](size_t i) { return truth_[i]; };
    ASSERT_EQ(at(1), "none") << "id3 is deleted in the log";
    ASSERT_EQ(at(2), "none") << "id7 is deleted by a vector";
  }

  static std::string KindOf(const std::string& file, const std::string& sparse_part) {
    const auto ends = [&](const char* ending) { return file.ends_with(ending); };
    if (file == "_delta_log/_last_checkpoint") return "_last_checkpoint";
    if (file.starts_with("_delta_log/") && ends(".checkpoint.parquet")) return "checkpoint";
    if (file.starts_with("_delta_log/") && ends(".json")) return "commit";
    if (file == sparse_part) return "sparse part";
    if (file.starts_with("part-") && ends(".parquet")) return "part";
    if (file.starts_with("_dv/")) return "deletion vector";
    if (file.starts_with("_viper/wal/") && ends(".wal")) return "log segment";
    if (ends(".vidx")) return "sidecar";
    if (ends(".vmodel")) return "model";
    if (ends(".vseg")) return "index segment";
    return "";
  }

  static bool IsDerived(const std::string& kind) {
    // All commits are there: a checkpoint that cannot be read is passed over.
    static const std::set<std::string> derived = {"_last_checkpoint", "checkpoint", "sidecar",
                                                  "model", "index segment"};
    return derived.contains(kind);
  }

  /// All files of the collection by kind. A kind that this test does not know is a failure.
  std::map<std::string, std::vector<std::string>> FilesByKind() {
    std::map<std::string, std::vector<std::string>> files;
    std::vector<std::string> folders = {""};
    while (!folders.empty()) {
      const std::string folder = folders.back();
      folders.pop_back();
      const auto names = files_.List(storage::JoinPath(kTable, folder));
      EXPECT_OK(names);
      for (const std::string& name : *names) {
        const std::string file = folder.empty() ? name : folder + "/" + name;
        const auto size = files_.FileSize(storage::JoinPath(kTable, file));
        if (!size.ok()) {
          folders.push_back(file);
        } else if (*size > 0) {
          const std::string kind = KindOf(file, sparse_part_);
          EXPECT_NE(kind, "") << "no kind is known for " << file;
          files[kind].push_back(file);
        }
      }
    }
    return files;
  }

  /// Bytes of a file that mean something, and a few behind them: logs are written in advance.
  uint64_t BytesOf(const std::string& file) {
    const auto segment =
        std::find_if(log_segments_.begin(), log_segments_.end(),
                     [&](const LogSegmentInspection& told) { return told.file == file; });
    if (segment == log_segments_.end()) {
      return files_.FileSize(storage::JoinPath(kTable, file)).value();
    }
    return std::min(segment->bytes, segment->used_bytes + 32);
  }

  uint64_t NextOffset(uint64_t bytes) {
    if (random_places_.Chance(0.6)) return random_places_.Uniform(bytes);
    const uint64_t edge = random_places_.Uniform(std::min<uint64_t>(kEdgeBytes, bytes));
    return random_places_.Chance(0.5) ? edge : bytes - 1 - edge;
  }

  static void FlipBit(MemoryFileSystem& image, const std::string& path, uint64_t offset, int mask) {
    std::byte byte{};
    ASSERT_OK((*image.OpenForRead(path))->ReadAt(offset, std::span(&byte, 1)));
    byte ^= static_cast<std::byte>(mask);
    ASSERT_OK((*image.OpenForWrite(path))->WriteAt(offset, std::span(&byte, 1)));
  }

  static std::string NameOf(const std::string& file) {
    return file.substr(file.find_last_of('/') + 1);
  }

  static void JudgeError(const Status& status, Flip& flip) {
    flip.is_refused = true;
    EXPECT_NE(status.message().find(NameOf(flip.file)), std::string::npos)
        << flip.what << "\nthe file is not named: " << status.ToString();
    EXPECT_FALSE(flip.is_derived) << flip.what << "\n" << status.ToString();
  }

  void JudgeAnswers(const Collection& collection, Flip& flip, Tally& tally) const {
    const std::vector<Answer> answers = Ask(collection);
    tally.answers += answers.size();
    for (size_t i = 0; i < answers.size(); ++i) {
      if (!answers[i].ok()) {
        JudgeError(answers[i].status(), flip);
        continue;
      }
      const bool is_right = *answers[i] == truth_[i];
      flip.is_wrong |= !is_right;
      EXPECT_TRUE(is_right) << flip.what << "\nquestion " << i
                            << " is answered wrongly: " << answers[i]->substr(0, 200)
                            << "\ninstead of " << truth_[i].substr(0, 200);
    }
  }

  /// Open it, ask, and as a writer write all files anew and ask again.
  void Try(MemoryFileSystem& image, bool read_only, Flip& flip, Tally& tally) {
    const auto collection = OpenImage(image, read_only);
    if (!collection.ok()) return JudgeError(collection.status(), flip);
    JudgeAnswers(**collection, flip, tally);
    if (read_only) return;
    const CompactOptions everything{.everything = true, .fold_deletion_vectors = true};
    for (const Status& status : {(*collection)->Flush(), (*collection)->BuildIndex(),
                                 (*collection)->Compact(everything).status()}) {
      if (!status.ok()) JudgeError(status, flip);
    }
    JudgeAnswers(**collection, flip, tally);
  }

  Tally FlipBitsOf(const std::string& kind, const std::vector<std::string>& files) {
    Tally tally;
    for (; tally.flips < FlipCount(); ++tally.flips) {
      const std::string& file = files[random_places_.Uniform(files.size())];
      const uint64_t bytes = BytesOf(file);
      const uint64_t offset = NextOffset(bytes);
      const int mask = 1 << random_places_.Uniform(8);
      const bool read_only = tally.flips % 2 == 0;
      Flip flip{.file = file, .is_derived = IsDerived(kind)};
      flip.what = fmt::format("{} {}: bit {:#x} of byte {} of {}, opened to {}", kind, file, mask,
                              offset, bytes, read_only ? "read" : "write");
      const auto image = files_.DurableImage(CrashMode::kKeepAll);
      FlipBit(*image, storage::JoinPath(kTable, file), offset, mask);
      Try(*image, read_only, flip, tally);
      ++(flip.is_wrong ? tally.wrong : flip.is_refused ? tally.refused : tally.right);
    }
    fmt::print("{:<16} flips {:4} right {:4} refused {:4} wrong {:4}\n", kind, tally.flips,
               tally.right, tally.refused, tally.wrong);
    return tally;
  }

  std::string sparse_part_;
  std::vector<LogSegmentInspection> log_segments_;
  std::vector<std::vector<float>> queries_;
  std::vector<std::string> truth_;
  Random random_places_{kSeed};
};

TEST_F(DamagedAnswersTest, AnswersAreRightOrAnErrorThatNamesTheFile) {
  ASSERT_NO_FATAL_FAILURE(FillAll());
  ASSERT_NO_FATAL_FAILURE(FindTruth());
  fmt::print("seed {}\n", kSeed);
  const auto files = FilesByKind();
  EXPECT_EQ(files.size(), 10u);
  Tally all;
  for (const auto& [kind, of_kind] : files) {
    const Tally tally = FlipBitsOf(kind, of_kind);
    all.flips += tally.flips;
    all.right += tally.right;
    all.refused += tally.refused;
    all.wrong += tally.wrong;
    all.answers += tally.answers;
  }
  EXPECT_GT(all.refused, 0u);
  PrintCount("flipped bits", all.flips);
  PrintCount("flipped bits: answered right", all.right);
  PrintCount("flipped bits: refused by name", all.refused);
  PrintCount("answers compared", all.answers);
  PrintCount("wrong answers", all.wrong);
}

}  // namespace
}  // namespace viper::core
