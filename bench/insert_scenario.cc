// A durable insert of one row needs one sync, so its measure is the fastest bare loop that makes
// single records durable: append to a preallocated file, then sync. With many threads one sync
// serves a group.

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "environment.h"
#include "scenario.h"
#include "vector_set.h"

namespace viper::bench {

namespace {

constexpr std::array<size_t, 3> kThreadCounts = {1, 8, 64};
constexpr size_t kBareFileBytes = size_t{64} << 20;
// What a log record needs besides the floats: checksum, lengths, sequence number, id, metadata.
constexpr size_t kRecordOverheadBytes = 64;

Status Failure(std::string_view what) {
  return Status::IoError(fmt::format("{}: {}", what, std::strerror(errno)));
}

// A file full of zeros that are on disk, so that a sync after an overwrite has no new extents to
// record.
class PreallocatedFile {
 public:
  PreallocatedFile() = default;
  PreallocatedFile(const PreallocatedFile&) = delete;
  PreallocatedFile& operator=(const PreallocatedFile&) = delete;
  ~PreallocatedFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  Status Open(const std::string& path) {
    descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor_ < 0) return Failure("open " + path);
    std::vector<char> zeros(size_t{1} << 20);
    for (size_t written = 0; written < kBareFileBytes; written += zeros.size()) {
      if (write(descriptor_, zeros.data(), zeros.size()) != static_cast<ssize_t>(zeros.size())) {
        return Failure("fill " + path);
      }
    }
    return fsync(descriptor_) == 0 ? Status::Ok() : Failure("fsync " + path);
  }

  Status WriteAndSync(std::span<const char> record) {
    if (offset_ + record.size() > kBareFileBytes) offset_ = 0;
    if (pwrite(descriptor_, record.data(), record.size(), static_cast<off_t>(offset_)) !=
        static_cast<ssize_t>(record.size())) {
      return Failure("pwrite");
    }
    offset_ += record.size();
    return fdatasync(descriptor_) == 0 ? Status::Ok() : Failure("fdatasync");
  }

 private:
  int descriptor_ = -1;
  size_t offset_ = 0;
};

Result<double> BareRate(PreallocatedFile& file, size_t record_bytes, double seconds) {
  std::vector<char> record(record_bytes, 'v');
  size_t count = 0;
  double begin = MonotonicSeconds();
  double now = begin;
  for (; now - begin < seconds; now = MonotonicSeconds()) {
    if (Status status = file.WriteAndSync(record); !status.ok()) return status;
    ++count;
  }
  return static_cast<double>(count) / (now - begin);
}

// Inserts rows with fresh ids from several threads until the time is over.
class Inserters {
 public:
  Inserters(Collection& collection, const VectorSet& set) : collection_(collection), set_(set) {}

  Result<double> Rate(size_t thread_count, double seconds) {
    uint64_t first = next_id_;
    std::vector<Status> failures(thread_count);
    double begin = MonotonicSeconds();
    {
      std::vector<std::jthread> threads;
      threads.reserve(thread_count);
      for (size_t t = 0; t < thread_count; ++t) {
        threads.emplace_back([&, t] { failures[t] = InsertUntil(begin + seconds); });
      }
    }
    double elapsed = MonotonicSeconds() - begin;
    for (const Status& status : failures) {
      if (!status.ok()) return status;
    }
    return static_cast<double>(next_id_ - first) / elapsed;
  }

  uint64_t inserted() const { return next_id_; }

 private:
  Status InsertUntil(double end) {
    while (MonotonicSeconds() < end) {
      uint64_t number = next_id_++;
      auto vector = set_.query(number);
      Record record;
      record.id = fmt::format("row-{:010}", number);
      record.vector.assign(vector.begin(), vector.end());
      record.metadata["number"] = static_cast<int64_t>(number);
      auto summary = collection_.Upsert(record);
      if (!summary.ok()) return summary.status();
    }
    return Status::Ok();
  }

  Collection& collection_;
  const VectorSet& set_;
  std::atomic<uint64_t> next_id_ = 0;
};

struct ThreadRounds {
  Rounds rate;
  Rounds ratio;
};

}  // namespace

Status RunInsert(const RunOptions& options, Report& report) {
  auto set = OpenOrMakeVectors(options);
  if (!set.ok()) return set.status();
  std::string root = options.work_folder + "/insert";
  if (Status status = MakeEmptyFolder(root); !status.ok()) return status;
  PreallocatedFile bare_file;
  if (Status status = bare_file.Open(root + "/bare"); !status.ok()) return status;
  auto engine = OpenQuietEngine(root + "/engine");
  if (!engine.ok()) return engine.status();
  auto collection = engine->CreateCollection(
      "insert",
      {.dim = set->dim, .metric = Metric::kL2, .fields = {{"number", FieldType::kInt64}}});
  if (!collection.ok()) return collection.status();

  Inserters inserters(**collection, *set);
  size_t record_bytes = set->dim * sizeof(float) + kRecordOverheadBytes;
  double seconds = static_cast<double>(options.insert_round_ms) * 1e-3;
  Rounds bare_rounds;
  std::array<ThreadRounds, kThreadCounts.size()> rounds;
  for (size_t round = 0; round < options.rounds; ++round) {
    auto bare = BareRate(bare_file, record_bytes, seconds);
    if (!bare.ok()) return bare.status();
    bare_rounds.Add(*bare);
    for (size_t i = 0; i < kThreadCounts.size(); ++i) {
      auto rate = inserters.Rate(kThreadCounts[i], seconds);
      if (!rate.ok()) return rate.status();
      rounds[i].rate.Add(*rate);
      rounds[i].ratio.Add(*rate / *bare);
    }
  }
  auto count = (*collection)->Count();
  if (!count.ok()) return count.status();
  if (*count != inserters.inserted()) {
    return Status::Corruption(
        fmt::format("rows acknowledged and found differ: {} {}", inserters.inserted(), *count));
  }
  CollectionStatistics statistics = (*collection)->Statistics();
  for (size_t i = 0; i < kThreadCounts.size(); ++i) {
    Value::Object results;
    results["dim"] = static_cast<int64_t>(set->dim);
    results["threads"] = static_cast<int64_t>(kThreadCounts[i]);
    results["record_bytes"] = static_cast<int64_t>(record_bytes);
    results["inserts_per_s"] = rounds[i].rate.Summary();
    results["bare_append_sync_per_s"] = bare_rounds.Summary();
    results["times_bare"] = rounds[i].ratio.Summary();
    report.Add("insert", fmt::format("{} threads", kThreadCounts[i]), set->label,
               std::move(results));
  }
  Value::Object groups;
  groups["rows"] = static_cast<int64_t>(*count);
  groups["log_records"] = static_cast<int64_t>(statistics.wal_records);
  groups["log_syncs"] = static_cast<int64_t>(statistics.wal_syncs);
  report.Add("insert", "group commit, all threads and rounds", set->label, std::move(groups));
  collection->reset();
  return MakeEmptyFolder(root);
}

}  // namespace viper::bench
