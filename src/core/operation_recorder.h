#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/latency_histogram.h"
#include "platform/mutex.h"
#include "viper/engine.h"
#include "viper/operation_summary.h"
#include "viper/snapshot.h"

namespace viper::core {

/// What is counted apart, in the order in which it is told.
enum class OperationKind : uint8_t {
  kUpsert,
  kInsert,
  kReplace,
  kUpdate,
  kDelete,
  kGet,
  kSearch,
  kSearchBatch,
  kCount,
  kScroll,
  kLoad,
  kFlush,
  kCompact,
  kBackgroundFlush,
  kBackgroundCompact,
};
inline constexpr size_t kOperationKinds = 15;
/// As OperationSummary::name.
std::string_view OperationKindName(OperationKind kind);

/// Counts and times what a collection is asked to do, without a lock but for what filters name.
/// Lives as long as the engine, so that closing a collection loses nothing. Thread-safe.
class OperationRecorder {
 public:
  /// Fields of filters that are told apart.
  static constexpr size_t kFilterFieldsMax = 256;

  explicit OperationRecorder(std::string collection);

  void Note(OperationKind kind, uint64_t nanoseconds, uint64_t records, bool is_failed);
  void NoteSearches(uint64_t count, const SearchOptions& options) VIPER_EXCLUDES(mutex_);
  /// Count the fields that it names, each once.
  void NoteFilter(const Filter& filter) VIPER_EXCLUDES(mutex_);

  CollectionOperations Read() const VIPER_EXCLUDES(mutex_);

 private:
  struct Account {
    LatencyHistogram latency;
    std::atomic<uint64_t> failures{0};
    std::atomic<uint64_t> records{0};
  };
  /// Made when the operation comes for the first time: a histogram takes 9 KiB.
  Account& AccountOf(OperationKind kind) VIPER_EXCLUDES(mutex_);

  const std::string collection_;
  const uint64_t epoch_;

  std::array<std::atomic<Account*>, kOperationKinds> accounts_{};
  std::atomic<uint64_t> searches_{0};
  std::atomic<uint64_t> filtered_{0};
  std::atomic<uint64_t> wanted_hits_{0};
  std::atomic<uint64_t> wanted_recall_millionths_{0};

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Account>> owned_ VIPER_GUARDED_BY(mutex_);
  std::map<std::string, uint64_t, std::less<>> filter_fields_ VIPER_GUARDED_BY(mutex_);
  uint64_t other_filter_fields_ VIPER_GUARDED_BY(mutex_) = 0;
};

/// How many records an operation wrote or returned.
inline uint64_t RecordsOf(const Status&) { return 0; }
inline uint64_t RecordsOf(const WriteSummary& summary) { return summary.rows; }
inline uint64_t RecordsOf(const LoadSummary& summary) { return summary.rows_committed; }
inline uint64_t RecordsOf(const Record&) { return 1; }
inline uint64_t RecordsOf(const Hits& hits) { return hits.size(); }
inline uint64_t RecordsOf(const ScrollPage& page) { return page.records.size(); }
inline uint64_t RecordsOf(uint64_t) { return 0; }
inline uint64_t RecordsOf(const CompactionReport& report) {
  uint64_t dropped = 0;
  for (const CompactionStep& step : report.steps) dropped += step.dropped_rows;
  return dropped;
}
inline uint64_t RecordsOf(const std::vector<Hits>& answers) {
  uint64_t hits = 0;
  for (const Hits& answer : answers) hits += answer.size();
  return hits;
}
template <typename T>
uint64_t RecordsOf(const Result<T>& result) {
  return result.ok() ? RecordsOf(*result) : 0;
}

/// Do it, and note how it went. `recorder` may be null.
template <typename Function>
auto Measured(OperationRecorder* recorder, OperationKind kind, Function&& function) {
  if (recorder == nullptr) return function();
  const auto begin = std::chrono::steady_clock::now();
  auto outcome = function();
  const auto taken = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::steady_clock::now() - begin);
  bool is_failed = !outcome.ok();
  if constexpr (!std::is_same_v<decltype(outcome), Status>) {
    // That there is no such record is an answer.
    if (kind == OperationKind::kGet && is_failed) {
      is_failed = outcome.status().code() != StatusCode::kNotFound;
    }
  }
  recorder->Note(kind, static_cast<uint64_t>(taken.count()), RecordsOf(outcome), is_failed);
  return outcome;
}

}  // namespace viper::core
