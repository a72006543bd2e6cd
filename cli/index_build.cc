#include "index_build.h"

#include <chrono>

#include <fmt/core.h>

#include "interrupt.h"
#include "number_text.h"
#include "progress_line.h"
#include "status_macros.h"

namespace viper::cli {

Status BuildIndexShown(Collection& collection) {
  const CollectionStatistics before = collection.Statistics();
  const uint64_t rows = before.live_rows.value_or(0);
  const auto begin = std::chrono::steady_clock::now();
  ProgressLine line;
  VIPER_RETURN_IF_ERROR(collection.BuildIndex([&](double share) {
    line.Show(static_cast<uint64_t>(share * static_cast<double>(rows)), share);
    return !Interrupted();
  }));
  line.Clear();
  const CollectionStatistics after = collection.Statistics();
  if (after.indexed_rows == before.indexed_rows && after.index_clusters == before.index_clusters) {
    return Status::Ok();
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print("indexed {} rows in {} clusters in {}\n", CountText(after.indexed_rows),
             CountText(after.index_clusters), SecondsText(seconds));
  return Status::Ok();
}

Status BringIndexUp(Collection& collection, bool is_told) {
  if (collection.Statistics().index_clusters == 0) return {};
  return is_told ? BuildIndexShown(collection)
                 : collection.BuildIndex([](double) { return !Interrupted(); });
}

}  // namespace viper::cli
