#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/snapshot_impl.h"
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
  std::shared_ptr<const CollectionSchema> schema;
  std::shared_ptr<ReadContext> read;
  /// Shared by the collections of an engine.
  std::shared_ptr<MemoryBudget> memory = std::make_shared<MemoryBudget>(MemoryBudget::kUnlimited);

  int64_t NowMicros() const { return clock->Now().micros; }
  int64_t NowMillis() const { return NowMicros() / 1000; }
  void Log(std::string_view line) const {
    if (options.log) options.log(line);
  }
};

/// Under a limit of memory this much is left to files that flushes and compactions write.
inline uint64_t FileMemory(const MemoryBudget& memory) { return memory.limit() / 8; }

}  // namespace viper::core
