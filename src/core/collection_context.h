#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/live_properties.h"
#include "core/snapshot_impl.h"
#include "core/write_batch.h"
#include "core/write_stamps.h"
#include "platform/memory_budget.h"
#include "viper/clock.h"
#include "viper/file_system.h"
#include "viper/options.h"
#include "viper/schema.h"

namespace viper::core {

/// The application id under which a table's transactions record how far the log is in the table.
inline constexpr std::string_view kLogApplication = "viper-wal";

/// What the parts of an open collection share. Constant once the collection is open.
struct CollectionContext {
  std::string name;
  /// The table's directory.
  std::string directory;
  EngineOptions options;
  FileSystem* file_system = nullptr;
  const Clock* clock = nullptr;
  /// Of the schema what never changes; its fields are those of a ReadView.
  size_t dim = 0;
  Metric metric = Metric::kCosine;
  std::shared_ptr<ReadContext> read;
  /// Shared by the collections of an engine.
  std::shared_ptr<MemoryBudget> memory = std::make_shared<MemoryBudget>(MemoryBudget::kUnlimited);
  /// Shared by copies of the context.
  std::shared_ptr<LiveProperties> properties = std::make_shared<LiveProperties>();
  std::shared_ptr<WriteStamps> stamps = std::make_shared<WriteStamps>();
  /// Null without EngineOptions::operation_metrics. Shared with the engine.
  std::shared_ptr<OperationRecorder> operations = {};

  int64_t NowMicros() const { return clock->Now().micros; }
  int64_t NowMillis() const { return NowMicros() / 1000; }
  /// The time by which it is judged whether rows have expired.
  int64_t ExpiryNow() const { return options.enforce_expiry ? NowMicros() : kBeforeEveryExpiry; }
  /// What writes do with metadata that do not fit.
  Misfits MisfitsOfWrites() const {
    return properties->Get().undeclared_keys == UndeclaredKeys::kRefuse ? Misfits::kRefuseUndeclared
                                                                        : Misfits::kRefuse;
  }
  /// The rules for a write that begins now.
  WriteRules RulesOfWrite() const {
    WriteRules rules{.now = NowMicros(), .misfits = MisfitsOfWrites()};
    rules.collection = name;
    rules.stamp = stamps->Next(rules.now);
    if (const int64_t ttl_ms = properties->Get().default_ttl_ms; ttl_ms > 0) {
      rules.default_expiry = rules.now + ttl_ms * 1000;
    }
    return rules;
  }
  void Log(std::string_view line) const {
    if (options.log) options.log(line);
  }
};

/// Under a limit of memory this much is left to files that flushes and compactions write.
inline uint64_t FileMemory(const MemoryBudget& memory) { return memory.limit() / 8; }

}  // namespace viper::core
