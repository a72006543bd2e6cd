#include "sampled_records.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "status_macros.h"
#include "viper/options.h"
#include "viper/record.h"
#include "viper/result.h"

namespace viper::cli {
namespace {

constexpr uint64_t kSeed = 20261125;
constexpr size_t kIdsPerPage = 100'000;

}  // namespace

// Reservoir sampling: after i ids each of them is held with probability count / i.
Result<std::vector<std::string>> SampleIds(const Snapshot& snapshot, size_t count) {
  std::vector<std::string> chosen;
  if (count == 0) return chosen;
  std::mt19937_64 random(kSeed);
  ScrollOptions options;
  options.limit = kIdsPerPage;
  options.projection = {.vector = false, .metadata = false, .fields = {}};
  uint64_t seen = 0;
  do {
    VIPER_ASSIGN_OR_RETURN(ScrollPage page, snapshot.Scroll(options));
    for (Record& record : page.records) {
      ++seen;
      if (chosen.size() < count) {
        chosen.push_back(std::move(record.id));
      } else if (const uint64_t place = random() % seen; place < count) {
        chosen[place] = std::move(record.id);
      }
    }
    options.after = std::move(page.next);
  } while (!options.after.empty());
  return chosen;
}

}  // namespace viper::cli
