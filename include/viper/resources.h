#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "viper/export.h"
#include "viper/statistics.h"
#include "viper/value.h"

namespace viper {

/// What this process takes of the machine, as the operating system tells it. Absent where it does
/// not tell.
struct ProcessResources {
  /// Bytes of memory that are resident: mapped files count as far as they are in memory.
  std::optional<uint64_t> resident_bytes = {};
  /// Seconds of all threads on processors, since the process began.
  std::optional<double> cpu_seconds = {};
  /// Bytes that went through read and write calls, and bytes that were fetched from and sent to
  /// disks, since the process began. Mapped files count among the second only.
  std::optional<uint64_t> read_call_bytes = {};
  std::optional<uint64_t> write_call_bytes = {};
  std::optional<uint64_t> disk_read_bytes = {};
  std::optional<uint64_t> disk_written_bytes = {};
  std::optional<uint64_t> open_files = {};
  std::optional<uint64_t> threads = {};
};

/// What one open collection takes.
struct CollectionResources {
  std::string collection = {};
  /// Bytes of its files: of the table, of the log, and of the index.
  uint64_t table_bytes = 0;
  uint64_t log_bytes = 0;
  uint64_t index_bytes = 0;
  /// Bytes of rows in memory, and of their codes.
  uint64_t memory_bytes = 0;
  /// What waits: rows in memory that are not in the table, and rows of the table that are not in
  /// the index (absent without an index).
  uint64_t rows_to_flush = 0;
  std::optional<uint64_t> rows_to_index = {};
};

/// What an engine takes of the machine (Utilities::Resources).
struct ResourceReport {
  ProcessResources process = {};
  MemoryUsage engine_memory = {};
  /// Of those that are open, by name.
  std::vector<CollectionResources> collections = {};
};

/// Ask the operating system.
VIPER_EXPORT ProcessResources ReadProcessResources();

/// As a JSON object, for programs; keys are those of the members.
VIPER_EXPORT Value ToValue(const ResourceReport& report);

}  // namespace viper
