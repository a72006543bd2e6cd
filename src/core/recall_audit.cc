#include "core/recall_audit.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/limits.h"
#include "core/indexed_search.h"
#include "core/snapshot_impl.h"
#include "platform/thread_name.h"

namespace viper::core {
namespace {

/// Queries find too little if so many did by more than so much, on average.
constexpr uint64_t kJudgedMin = 100;
constexpr double kShortfallMax = 0.01;
/// From so many on, half of their weight is taken from those that were judged: what queries find
/// now is not hidden by what a million found before the data changed.
constexpr uint64_t kJudgedMax = 2'000;

std::vector<double> DistancesOf(const FoundRows& rows) {
  std::vector<double> distances;
  distances.reserve(rows.size());
  for (const FoundRow& row : rows) distances.push_back(row.distance);
  return distances;
}

}  // namespace

double RecallByDistance(std::span<const double> found, std::span<const double> truth) {
  if (truth.empty()) return 1;
  const auto near = std::count_if(found.begin(), found.end(),
                                  [&](double distance) { return distance <= truth.back(); });
  return std::min(1.0, static_cast<double>(near) / static_cast<double>(truth.size()));
}

uint64_t QueriesPerAudit(double share) {
  return share > 0 ? static_cast<uint64_t>(std::llround(1 / share)) : 0;
}

void RecallJudgement::Add(double asked, double recall) {
  if (count_ == kJudgedMax) {
    count_ /= 2;
    asked_sum_ /= 2;
    recall_sum_ /= 2;
  }
  ++count_;
  asked_sum_ += asked;
  recall_sum_ += recall;
}

std::optional<double> RecallJudgement::ShareOfMissesAllowed() const {
  if (count_ < kJudgedMin) return std::nullopt;
  const auto count = static_cast<double>(count_);
  const double allowed = 1 - asked_sum_ / count;
  const double missed = 1 - recall_sum_ / count;
  if (missed - allowed <= kShortfallMax) return std::nullopt;
  return allowed / missed;
}

void RecallAudit::Tally::Add(double asked, double recall) {
  ++audited;
  met += recall >= asked ? 1 : 0;
  asked_sum += asked;
  recall_sum += recall;
}

void RecallAudit::Start(uint64_t every, std::function<void()> on_audited,
                        std::function<void()> on_short) {
  on_audited_ = std::move(on_audited);
  on_short_ = std::move(on_short);
  MutexLock lock(mutex_);
  thread_ = std::make_unique<BackgroundThread>("viper-audit", std::chrono::milliseconds(0),
                                               [this] { AnswerQueued(); });
  every_ = every;
}

void RecallAudit::Stop() {
  every_ = 0;
  stopping_ = true;
  std::unique_ptr<BackgroundThread> thread;
  {
    MutexLock lock(mutex_);
    thread = std::move(thread_);
    queue_.clear();
  }
  // Waits for the comparison that is running, which sees `stopping_` before its next page.
  thread.reset();
}

std::vector<size_t> RecallAudit::Pick(size_t query_count) {
  const uint64_t every = every_.load(std::memory_order_relaxed);
  if (every == 0) return {};
  const uint64_t first = seen_.fetch_add(query_count, std::memory_order_relaxed);
  std::vector<size_t> picked;
  for (uint64_t i = every - 1 - first % every; i < query_count; i += every) picked.push_back(i);
  return picked;
}

void RecallAudit::Submit(AuditedQuery query) {
  MutexLock lock(mutex_);
  if (thread_ == nullptr) return;
  if (queue_.size() == kAuditQueueMax) {
    ++dropped_;
    return;
  }
  queue_.push_back(std::move(query));
  thread_->Notify();
}

std::optional<AuditedQuery> RecallAudit::Next() {
  MutexLock lock(mutex_);
  if (stopping_ || queue_.empty()) return std::nullopt;
  AuditedQuery query = std::move(queue_.front());
  queue_.pop_front();
  return query;
}

void RecallAudit::AnswerQueued() {
  LowerThreadPriority();
  while (const auto audited = Next()) {
    if (on_audited_) on_audited_();
    std::vector<size_t> sources(audited->view->source_count());
    for (size_t i = 0; i < sources.size(); ++i) sources[i] = i;
    const auto truth =
        ScanByDistance(*audited->view, audited->selections, sources, {audited->query, 1},
                       audited->k, {nullptr, [this] { return !stopping_; }});
    if (truth.ok()) {
      const double recall = RecallByDistance(audited->distances, DistancesOf(truth->front()));
      if (Add(audited->asked, recall) && on_short_) on_short_();
    } else {
      MutexLock lock(mutex_);
      ++failed_;
    }
  }
}

bool RecallAudit::Add(double asked, double recall) {
  MutexLock lock(mutex_);
  all_.Add(asked, recall);
  judged_.Add(asked, recall);
  if (by_recall_.contains(asked) || by_recall_.size() < kAuditedRecallsMax) {
    by_recall_[asked].Add(asked, recall);
  }
  return judged_.ShareOfMissesAllowed().has_value();
}

std::optional<double> RecallAudit::ShareOfMissesAllowed() const {
  MutexLock lock(mutex_);
  return judged_.ShareOfMissesAllowed();
}

void RecallAudit::Forget() {
  MutexLock lock(mutex_);
  judged_ = {};
  // They were answered as before.
  queue_.clear();
}

RecallAuditReport RecallAudit::Report() const {
  MutexLock lock(mutex_);
  RecallAuditReport report;
  report.audited = all_.audited;
  report.dropped = dropped_;
  report.failed = failed_;
  report.is_short = judged_.ShareOfMissesAllowed().has_value();
  const auto mean_of = [](const Tally& tally) {
    return tally.recall_sum / static_cast<double>(tally.audited);
  };
  const auto met_of = [](const Tally& tally) {
    return static_cast<double>(tally.met) / static_cast<double>(tally.audited);
  };
  if (all_.audited > 0) {
    report.mean_recall = mean_of(all_);
    report.met_share = met_of(all_);
  }
  for (const auto& [asked, tally] : by_recall_) {
    report.by_recall.push_back({asked, tally.audited, mean_of(tally), met_of(tally)});
  }
  return report;
}

void OfferToAudit(ReadContext& context, const std::shared_ptr<const ReadView>& view,
                  const std::vector<std::shared_ptr<const Bitmap>>& selections,
                  const QueryBatch& queries, const SearchOptions& options,
                  std::span<const FoundRows> found) {
  if (options.nprobe != 0 || options.rerank != 0 || options.k == 0) return;
  const size_t dim = view->schema->dim;
  for (const size_t i : context.audit.Pick(queries.count)) {
    const auto floats = queries.floats.subspan(i * dim, dim);
    context.audit.Submit({view,
                          selections,
                          {floats.begin(), floats.end()},
                          options.k,
                          options.recall,
                          DistancesOf(found[i])});
  }
}

}  // namespace viper::core
