#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bitmap.h"
#include "core/read_view.h"
#include "platform/background_thread.h"
#include "platform/mutex.h"
#include "viper/index_report.h"
#include "viper/options.h"
#include "viper/snapshot.h"

namespace viper::core {

struct FoundRow;
struct ReadContext;

/// A query that was answered through the index, and what it takes to answer it exactly.
struct AuditedQuery {
  std::shared_ptr<const ReadView> view;
  /// As Selections.
  std::vector<std::shared_ptr<const Bitmap>> selections;
  std::vector<float> query;
  size_t k = 0;
  double asked = 0;
  /// Of the rows found, rising.
  std::vector<double> distances;
};

/// Whether queries find less than they ask for, by the newest one or two thousand. A plain value.
class RecallJudgement {
 public:
  void Add(double asked, double recall);
  /// If they do: the misses that they allowed divided by those that they had, below 1. From 100
  /// queries on.
  std::optional<double> ShareOfMissesAllowed() const;

 private:
  uint64_t count_ = 0;
  double asked_sum_ = 0;
  double recall_sum_ = 0;
};

/// Asks a share of the real queries again, exactly and against the same state, in a thread of low
/// priority, and tells which recall they had. Which ones: every n-th that was answered through the
/// index. Where answers come slower than queries, some are dropped and counted. Thread-safe.
class RecallAudit {
 public:
  RecallAudit() = default;
  ~RecallAudit() { Stop(); }
  RecallAudit(const RecallAudit&) = delete;
  RecallAudit& operator=(const RecallAudit&) = delete;

  /// Audit every `every`-th query (1 or more) from now on. `on_audited` (may be empty)
  /// is called on its thread before each, `on_short` (may be empty) is called on
  /// the thread of the audit when queries turn out to find less than they asked for (is_short).
  void Start(uint64_t every, std::function<void()> on_audited, std::function<void()> on_short)
      VIPER_EXCLUDES(mutex_);
  /// Stop a running comparison, drop what waits, and take no more.
  void Stop() VIPER_EXCLUDES(mutex_);

  /// Which of so many queries are to be submitted: mostly none. One relaxed addition, or none when
  /// off.
  std::vector<size_t> Pick(size_t query_count);
  void Submit(AuditedQuery query) VIPER_EXCLUDES(mutex_);

  /// Since opening, but for what refers to Forget.
  RecallAuditReport Report() const VIPER_EXCLUDES(mutex_);
  /// As RecallJudgement, of the queries since Forget.
  std::optional<double> ShareOfMissesAllowed() const VIPER_EXCLUDES(mutex_);
  /// Judge anew: searches work differently from now on.
  void Forget() VIPER_EXCLUDES(mutex_);

 private:
  struct Tally {
    uint64_t audited = 0;
    uint64_t met = 0;
    double asked_sum = 0;
    double recall_sum = 0;
    void Add(double asked, double recall);
  };
  void AnswerQueued() VIPER_EXCLUDES(mutex_);
  std::optional<AuditedQuery> Next() VIPER_EXCLUDES(mutex_);
  /// True if that showed that queries find too little.
  bool Add(double asked, double recall) VIPER_EXCLUDES(mutex_);

  std::atomic<uint64_t> every_{0};  // 0 = off
  std::atomic<uint64_t> seen_{0};
  std::atomic<bool> stopping_{false};
  // Set before the thread starts.
  std::function<void()> on_audited_;
  std::function<void()> on_short_;

  mutable Mutex mutex_;
  std::deque<AuditedQuery> queue_ VIPER_GUARDED_BY(mutex_);
  uint64_t dropped_ VIPER_GUARDED_BY(mutex_) = 0;
  uint64_t failed_ VIPER_GUARDED_BY(mutex_) = 0;
  Tally all_ VIPER_GUARDED_BY(mutex_);
  RecallJudgement judged_ VIPER_GUARDED_BY(mutex_);
  std::map<double, Tally> by_recall_ VIPER_GUARDED_BY(mutex_);
  std::unique_ptr<BackgroundThread> thread_ VIPER_GUARDED_BY(mutex_);
};

/// The share of `truth` (exact distances, rising) that `found` has, by distance: a row as near as
/// the last of the truth is as good as it. 1 without a truth.
double RecallByDistance(std::span<const double> found, std::span<const double> truth);

/// How many queries there are to one that is audited; 0 = none is.
uint64_t QueriesPerAudit(double share);

/// Submit those of some queries, answered through the index with `found`, whose turn it is. Queries
/// that say themselves how many clusters to look into, or how many rows to compare, promise no
/// recall and are left out.
void OfferToAudit(ReadContext& context, const std::shared_ptr<const ReadView>& view,
                  const std::vector<std::shared_ptr<const Bitmap>>& selections,
                  const QueryBatch& queries, const SearchOptions& options,
                  std::span<const std::vector<FoundRow>> found);

}  // namespace viper::core
