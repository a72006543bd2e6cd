#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "viper/export.h"
#include "viper/result.h"
#include "viper/service.h"
#include "viper/value.h"

namespace viper {

class Engine;

/// How what has expired is removed. Reads hide it from the moment on at which it expires, whatever
/// is set here.
struct VIPER_EXPORT TtlConfig {
  /// Remove it in the background (Utilities::StartServices).
  bool enabled = true;
  /// How often. Runs come at multiples of it, however long they take. 1 ms or more.
  uint64_t cleanup_interval_ms = 3'600'000;
  /// Begin with the collection of whose bytes the largest share has expired. Off: by name.
  bool enable_priority_scheduling = true;
  /// Files are written anew of whose rows at least this share has expired; of 0 one row is enough.
  /// Files of which all rows have expired are dropped without reading them. 0 to 1.
  double expired_share_min = 0.01;
  /// Clean collections that are not open too, opening them for it. Off: those that are open.
  bool open_collections = true;

  /// OK, or InvalidArgument naming the member that is wrong and its value.
  Status Validate() const;
};

/// What a cleanup did to a collection.
struct TtlCollectionCleanup {
  std::string collection = {};
  /// Of the files' bytes, before.
  double expired_share = 0;
  uint64_t expired_bytes = 0;
  /// Removed rows; files that were dropped without reading them and files that were written anew;
  /// bytes that the table has less.
  uint64_t removed_rows = 0;
  uint64_t dropped_files = 0;
  uint64_t rewritten_files = 0;
  uint64_t bytes_given_back = 0;
  /// Why it could not be cleaned; then all above but the first two are 0.
  std::optional<std::string> error = {};
};

/// What a cleanup did, in the order in which it did it. Collections without expired rows are left
/// out.
struct TtlCleanupReport {
  std::vector<TtlCollectionCleanup> collections = {};
  /// Collections that were looked at.
  uint64_t looked_at = 0;
};

/// Removes what has expired from the files of all collections of an engine: by the records' own
/// expiries, never by the age of a file. Old versions of the table keep their files until
/// the retention has passed, as after any compaction (Collection::Vacuum). Thread-safe.
class VIPER_EXPORT TtlCleanupService {
 public:
  /// `log` is called with one line for each collection that was cleaned, in that order; may be
  /// empty. The engine is not owned, and must outlive the service.
  TtlCleanupService(Engine& engine, TtlConfig config,
                    std::function<void(std::string_view line)> log = {});
  ~TtlCleanupService();
  TtlCleanupService(const TtlCleanupService&) = delete;
  TtlCleanupService& operator=(const TtlCleanupService&) = delete;

  /// Begin to clean every `cleanup_interval_ms`, in a thread. Nothing if it has begun, or is not
  /// enabled, or the engine is open read-only.
  void Start();
  /// Wait for the thread to end.
  void Stop();
  /// Clean now, on this thread. A collection that cannot be cleaned is told in the report, and the
  /// others are cleaned. Cancelled; FailedPrecondition if the engine is open read-only.
  Result<TtlCleanupReport> CleanUp(const std::stop_token& stop = {});
  ServiceHealth Health() const;
  /// Of the last cleanup that ended.
  TtlCleanupReport LastReport() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace viper
