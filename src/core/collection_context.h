#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/snapshot_impl.h"
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

  int64_t NowMicros() const { return clock->Now().micros; }
  int64_t NowMillis() const { return NowMicros() / 1000; }
  void Log(std::string_view line) const {
    if (options.log) options.log(line);
  }
};

}  // namespace viper::core
