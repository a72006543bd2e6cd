#include "core/known_codes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/coding.h"
#include "base/status_macros.h"

namespace viper::core {
namespace {

/// Where parts begin in segments.
class PartsOfSegments {
 public:
  struct Place {
    std::shared_ptr<const OpenSegment> open;
    index::SegmentPart part;
    uint64_t number = 0;
  };

  explicit PartsOfSegments(KnownCodes::Segments segments) {
    for (const auto& open : segments) {
      uint64_t number = 0;
      for (const index::SegmentPart& part : open->segment->parts()) {
        places_[part.path] = {open, part, number};
        number += part.row_count;
      }
    }
  }

  /// Null if no segment holds the part.
  const Place* Find(const Part& part) const {
    const auto found = places_.find(part.added().path);
    if (found == places_.end()) return nullptr;
    const index::SegmentPart wanted = {part.added().path, part.added().size, part.row_count()};
    return found->second.part == wanted ? &found->second : nullptr;
  }

 private:
  std::map<std::string, Place, std::less<>> places_;
};

}  // namespace

void KnownCodes::AddRuns(const RowsOfParts& rows, Segments segments, const CopiesOf& copies_of) {
  const PartsOfSegments places(segments);
  uint64_t first = 0;
  for (const auto& part : rows.parts()) {
    if (const auto* place = places.Find(*part)) {
      runs_.push_back({first, part->row_count(), place->open, place->number});
    } else if (copies_of) {
      for (CopiedRows& copied : copies_of(part->added().path)) {
        const auto* origin = places.Find(*copied.from);
        if (origin == nullptr) continue;
        const uint64_t row = first + copied.first_row;
        runs_.push_back({row, copied.count, origin->open, origin->number, std::move(copied)});
      }
    }
    first += part->row_count();
  }
  std::sort(runs_.begin(), runs_.end(),
            [](const Run& a, const Run& b) { return a.first < b.first; });
}

Status KnownCodes::ReadPlaces(const std::shared_ptr<const OpenSegment>& open) {
  const index::Segment& segment = *open->segment;
  VIPER_RETURN_IF_ERROR(segment.CheckNumbers());
  // Where each row of the segment is to go.
  std::vector<uint32_t> row_of(segment.row_count(), kUnknownCluster);
  for (const Run& run : runs_) {
    if (run.open != open) continue;
    auto row = static_cast<uint32_t>(run.first);
    if (run.copied.from == nullptr) {
      for (uint64_t i = 0; i < run.count; ++i) row_of[run.number + i] = row++;
      continue;
    }
    uint64_t live = 0;
    const Bitmap& dead = *run.copied.dead;
    for (uint64_t from = 0; from < dead.size() && live < run.copied.first_live + run.count;
         ++from) {
      if (dead.Test(from)) continue;
      if (live++ >= run.copied.first_live) row_of[run.number + from] = row++;
    }
  }
  for (uint32_t cluster = 0; cluster < segment.cluster_count(); ++cluster) {
    const index::ClusterView& view = segment.cluster(cluster);
    bool is_checked = false;
    for (uint32_t position = 0; position < view.row_count; ++position) {
      const auto number = LoadFixed<uint32_t>(view.numbers + position * sizeof(uint32_t));
      // The file may have been overwritten since its numbers were checked.
      if (number >= row_of.size()) return Status::Corruption("index segment: number of a row");
      const uint32_t row = row_of[number];
      if (row == kUnknownCluster) continue;
      if (!std::exchange(is_checked, true)) VIPER_RETURN_IF_ERROR(segment.CheckCluster(cluster));
      clusters_[row] = cluster;
      positions_[row] = position;
      ++count_;
      squared_ += segment.mean_squared_distance();
    }
  }
  return {};
}

Result<KnownCodes> KnownCodes::Find(const RowsOfParts& rows, Segments segments,
                                    const CopiesOf& copies_of) {
  KnownCodes known;
  known.AddRuns(rows, segments, copies_of);
  if (known.empty()) return known;
  known.clusters_.assign(rows.count(), kUnknownCluster);
  known.positions_.assign(rows.count(), kUnknownCluster);
  for (const auto& open : segments) VIPER_RETURN_IF_ERROR(known.ReadPlaces(open));
  return known;
}

uint64_t KnownCodes::FindingBytes(const RowsOfParts& rows, Segments segments) {
  uint64_t largest = 0;
  for (const auto& open : segments) largest = std::max(largest, open->segment->row_count());
  // Its clusters are taken for those of all rows, which are counted there.
  return Bytes(rows) + largest * sizeof(uint32_t);
}

index::KnownCode KnownCodes::Of(uint64_t row) const {
  if (!Has(row)) return {};
  const auto after = std::upper_bound(runs_.begin(), runs_.end(), row,
                                      [](uint64_t r, const Run& run) { return r < run.first; });
  return {std::prev(after)->open->segment.get(), positions_[row]};
}

bool KnownCodes::is_cut() const {
  return std::any_of(runs_.begin(), runs_.end(),
                     [](const Run& run) { return run.open->segment->is_cut(); });
}

bool KnownCodes::AllAre(index::ByteRows kind) const {
  return std::all_of(runs_.begin(), runs_.end(),
                     [kind](const Run& run) { return run.open->segment->byte_rows() == kind; });
}

}  // namespace viper::core
