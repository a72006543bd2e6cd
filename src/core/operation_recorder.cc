#include "core/operation_recorder.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/assert.h"
#include "columnar/filter_node.h"

namespace viper::core {
namespace {

constexpr std::array<std::string_view, kOperationKinds> kOperationNames = {"upsert",
                                                                           "insert",
                                                                           "replace",
                                                                           "update",
                                                                           "delete",
                                                                           "get",
                                                                           "search",
                                                                           "search_batch",
                                                                           "count",
                                                                           "scroll",
                                                                           "load",
                                                                           "flush",
                                                                           "compact",
                                                                           "background_flush",
                                                                           "background_compact"};

constexpr double kMillionths = 1e6;

uint64_t NextEpoch() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1);
}

void CollectFields(const FilterNode& node, std::set<std::string>& fields) {
  if (!node.path.empty()) {
    std::string joined = node.path.front();
    for (size_t i = 1; i < node.path.size(); ++i) joined += "." + node.path[i];
    fields.insert(std::move(joined));
  }
  for (const auto& child : node.children) CollectFields(*child, fields);
}

OperationSummary SummaryOf(std::string_view name, const LatencyCounts& counts) {
  OperationSummary summary;
  summary.name = name;
  summary.count = counts.count();
  summary.total_nanoseconds = counts.sum();
  summary.max_nanoseconds = counts.max();
  summary.mean_nanoseconds = counts.mean().value_or(0);
  summary.p50_nanoseconds = counts.Percentile(0.5).value_or(0);
  summary.p95_nanoseconds = counts.Percentile(0.95).value_or(0);
  summary.p99_nanoseconds = counts.Percentile(0.99).value_or(0);
  for (const auto& [bucket, count] : counts.buckets()) {
    summary.buckets.push_back({LatencyBuckets::Low(bucket), count});
  }
  return summary;
}

}  // namespace

std::string_view OperationKindName(OperationKind kind) {
  return kOperationNames[static_cast<size_t>(kind)];
}

OperationRecorder::OperationRecorder(std::string collection)
    : collection_(std::move(collection)), epoch_(NextEpoch()) {}

void OperationRecorder::Note(OperationKind kind, uint64_t nanoseconds, uint64_t records,
                             bool is_failed) {
  Account& account = AccountOf(kind);
  account.latency.Add(nanoseconds);
  if (records > 0) account.records.fetch_add(records, std::memory_order_relaxed);
  if (is_failed) account.failures.fetch_add(1, std::memory_order_relaxed);
}

void OperationRecorder::NoteSearches(uint64_t count, const SearchOptions& options) {
  searches_.fetch_add(count, std::memory_order_relaxed);
  wanted_hits_.fetch_add(count * options.k, std::memory_order_relaxed);
  const double recall = options.exact ? 1 : options.recall;
  wanted_recall_millionths_.fetch_add(
      count * static_cast<uint64_t>(std::llround(recall * kMillionths)), std::memory_order_relaxed);
  if (options.filter.matches_all()) return;
  filtered_.fetch_add(count, std::memory_order_relaxed);
  NoteFilter(options.filter);
}

void OperationRecorder::NoteFilter(const Filter& filter) {
  if (filter.matches_all()) return;
  std::set<std::string> fields;
  CollectFields(*filter.root(), fields);
  MutexLock lock(mutex_);
  for (const std::string& field : fields) {
    const auto found = filter_fields_.find(field);
    if (found != filter_fields_.end()) {
      ++found->second;
    } else if (filter_fields_.size() < kFilterFieldsMax) {
      filter_fields_.emplace(field, 1);
    } else {
      ++other_filter_fields_;
    }
  }
}

OperationRecorder::Account& OperationRecorder::AccountOf(OperationKind kind) {
  auto& place = accounts_[static_cast<size_t>(kind)];
  if (Account* account = place.load(std::memory_order_acquire)) return *account;
  MutexLock lock(mutex_);
  if (Account* account = place.load(std::memory_order_acquire)) return *account;
  owned_.push_back(std::make_unique<Account>());
  place.store(owned_.back().get(), std::memory_order_release);
  return *owned_.back();
}

CollectionOperations OperationRecorder::Read() const {
  CollectionOperations operations;
  operations.collection = collection_;
  operations.epoch = epoch_;
  for (size_t kind = 0; kind < kOperationKinds; ++kind) {
    const Account* account = accounts_[kind].load(std::memory_order_acquire);
    if (account == nullptr) continue;
    OperationSummary summary = SummaryOf(kOperationNames[kind], account->latency.Read());
    summary.failures = account->failures.load(std::memory_order_relaxed);
    summary.records = account->records.load(std::memory_order_relaxed);
    if (summary.count > 0) operations.operations.push_back(std::move(summary));
  }
  SearchTraffic& traffic = operations.searches;
  traffic.searches = searches_.load(std::memory_order_relaxed);
  traffic.filtered = filtered_.load(std::memory_order_relaxed);
  if (traffic.searches > 0) {
    const auto searches = static_cast<double>(traffic.searches);
    traffic.mean_k = static_cast<double>(wanted_hits_.load(std::memory_order_relaxed)) / searches;
    traffic.mean_recall =
        static_cast<double>(wanted_recall_millionths_.load(std::memory_order_relaxed)) /
        kMillionths / searches;
  }
  MutexLock lock(mutex_);
  for (const auto& [field, count] : filter_fields_) {
    operations.filter_fields.push_back({field, count});
  }
  std::sort(operations.filter_fields.begin(), operations.filter_fields.end(),
            [](const FilterFieldUse& a, const FilterFieldUse& b) {
              return a.count != b.count ? a.count > b.count : a.field < b.field;
            });
  operations.other_filter_fields = other_filter_fields_;
  return operations;
}

}  // namespace viper::core

namespace viper {
namespace {

Value TallyOf(uint64_t count) { return static_cast<int64_t>(count); }

}  // namespace

Value ToValue(const CollectionOperations& operations) {
  Value::List summaries;
  for (const OperationSummary& summary : operations.operations) {
    summaries.emplace_back(Value::Object{{"name", summary.name},
                                         {"count", TallyOf(summary.count)},
                                         {"failures", TallyOf(summary.failures)},
                                         {"records", TallyOf(summary.records)},
                                         {"total_nanoseconds", TallyOf(summary.total_nanoseconds)},
                                         {"max_nanoseconds", TallyOf(summary.max_nanoseconds)},
                                         {"mean_nanoseconds", summary.mean_nanoseconds},
                                         {"p50_nanoseconds", summary.p50_nanoseconds},
                                         {"p95_nanoseconds", summary.p95_nanoseconds},
                                         {"p99_nanoseconds", summary.p99_nanoseconds}});
  }
  Value::List fields;
  for (const FilterFieldUse& use : operations.filter_fields) {
    fields.emplace_back(Value::Object{{"field", use.field}, {"count", TallyOf(use.count)}});
  }
  const SearchTraffic& traffic = operations.searches;
  return Value::Object{
      {"collection", operations.collection},
      {"epoch", TallyOf(operations.epoch)},
      {"operations", std::move(summaries)},
      {"searches",
       Value::Object{{"searches", TallyOf(traffic.searches)},
                     {"filtered", TallyOf(traffic.filtered)},
                     {"mean_k", traffic.mean_k ? Value(*traffic.mean_k) : Value()},
                     {"mean_recall", traffic.mean_recall ? Value(*traffic.mean_recall) : Value()}}},
      {"filter_fields", std::move(fields)},
      {"other_filter_fields", TallyOf(operations.other_filter_fields)}};
}

}  // namespace viper
