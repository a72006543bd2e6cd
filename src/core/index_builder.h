#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/collection_context.h"
#include "core/collection_index.h"
#include "core/known_codes.h"
#include "core/read_view.h"
#include "core/rows_of_parts.h"
#include "platform/mutex.h"
#include "platform/thread_pool.h"

namespace viper::core {

/// Keeps the index of a collection up with its parts; reads go on meanwhile with what was there.
/// Thread-safe.
///
/// The old model and its segments stay until all of the new is there, then both change at once: no
/// search ranks the clusters of two models, and the recall that a model was fitted to reach holds
/// for all of what it answers. So that new rows do not wait for a training, KeepUp codes them under
/// the old model beside it.
///
/// A build (1) trains a model if there is none and the parts hold enough rows, or if what the rows
/// cost under the present one says so; (2) writes a segment for the parts that are in none,
/// together with segments that are not much larger, so that a large one is coded anew only when as
/// much has come as it holds; (3) after training fits the probe curves, and (4) measures how well
/// all that predicts; where audits of real queries found too little it makes searches more
/// cautious; (5) puts the files in place by renaming, hands them to the readers and removes those
/// they replace. It writes only what can be made again, so it does not sync.
class IndexBuilder {
 public:
  explicit IndexBuilder(const CollectionContext& context) : context_(context) {}

  /// The view of the moment. What is to be coded is found while no other build changes the files:
  /// by an older view a build would take parts out that have come since.
  using ViewNow = std::function<std::shared_ptr<const ReadView>()>;

  /// Bring the index up to the parts of the view. `threads` may be null; `progress` (share done)
  /// stops the build when it returns false: Cancelled. ResourceExhausted if
  /// EngineOptions::index_memory_bytes is too small.
  Status Build(const ViewNow& view, ThreadPool* threads,
               const std::function<bool(double)>& progress)
      VIPER_EXCLUDES(build_mutex_, files_mutex_);
  /// The same, with a new model in any case. FailedPrecondition below
  /// EngineOptions::index_min_rows.
  Status Retrain(const ViewNow& view, ThreadPool* threads,
                 const std::function<bool(double)>& progress)
      VIPER_EXCLUDES(build_mutex_, files_mutex_);
  /// Step (2) alone, under the model there is: nothing without one. Does not wait for a training.
  Status KeepUp(const ViewNow& view, ThreadPool* threads,
                const std::function<bool(double)>& progress) VIPER_EXCLUDES(files_mutex_);
  /// A part that is about to be in the view, and from where rows of it were copied.
  struct ExpectedPart {
    std::shared_ptr<const Part> part;
    std::vector<CopiedRows> copies = {};
  };
  /// Code parts that are about to be in the view, by step (2), so that a search finds them in the
  /// index from the moment on at which they are. Until ForgetAhead of their paths no build drops
  /// their segment, though no view has them.
  Status CodeAhead(const ViewNow& view, std::span<const ExpectedPart> parts,
                   const std::function<bool(double)>& progress)
      VIPER_EXCLUDES(files_mutex_, expected_mutex_);
  void ForgetAhead(std::span<const std::string> paths) VIPER_EXCLUDES(expected_mutex_);
  /// Whether Build would do something.
  bool IsBehind(const ReadView& view) const;

  /// Models trained and rows coded since the collection was opened.
  uint64_t training_count() const { return trainings_.load(); }
  /// How far the training that runs has come, 0 to 1; absent if none runs.
  std::optional<double> training_share() const {
    const double share = training_share_;
    return share == kNoTraining ? std::nullopt : std::optional(share);
  }
  uint64_t coded_rows() const { return coded_rows_.load(); }
  /// Rows whose codes were copied from another segment instead.
  uint64_t copied_rows() const { return copied_rows_.load(); }

 private:
  struct Plan {
    bool has_work = false;
    /// Why a model is trained; absent if none is.
    std::optional<std::string> reason;
    /// ModelRecord::caution from now on.
    double caution = 1;
    /// Parts of the view that are to be coded.
    std::vector<size_t> parts;
    /// Rows of them that no segment has, and of these those that are in a segment of other parts,
    /// which a compaction is about to replace.
    uint64_t added_rows = 0;
    uint64_t moved_rows = 0;
    /// Rows of all parts.
    uint64_t rows = 0;
    /// Segments that stay.
    std::vector<std::shared_ptr<const OpenSegment>> kept;
  };
  /// What a build makes, step by step.
  struct Made;
  enum class Training { kAllowed, kNever, kAlways };
  Plan MakePlan(const ReadView& view, Training training) const;
  Status Run(const ViewNow& view, Training training, ThreadPool* threads,
             const std::function<bool(double)>& progress) VIPER_EXCLUDES(files_mutex_);
  Status CodeNew(const ViewNow& view, ThreadPool* threads,
                 const std::function<bool(double)>& progress) VIPER_EXCLUDES(files_mutex_);
  Status Train(const ReadView& view, const Plan& plan, ThreadPool* threads,
               const std::function<bool(double)>& progress) VIPER_EXCLUDES(files_mutex_);
  /// Do what a plan says; on disk, and not in place yet.
  Status Make(const ReadView& view, const Plan& plan, ThreadPool* threads,
              const std::function<bool(double)>& progress, Made& made);
  Status PutInPlace(const Plan& plan, Made& made) VIPER_REQUIRES(files_mutex_);
  Status TrainModel(const RowsOfParts& rows, ThreadPool* threads,
                    const std::function<bool(double)>& progress, Made& made) const;
  Status Code(const RowsOfParts& rows, ThreadPool* threads,
              const std::function<bool(double)>& progress, Made& made);
  /// The codes of rows under the present model, as far as there are any and memory to find them.
  Result<KnownCodes> FindCodes(const RowsOfParts& rows, Made& made) const
      VIPER_EXCLUDES(expected_mutex_);
  Status Fit(const ReadView& view, const RowsOfParts& rows, ThreadPool* threads,
             const std::function<bool(double)>& progress, Made& made) const;
  /// What is known about the model of `files`, measured where that is due.
  Result<index::ModelRecord> MakeRecord(const ReadView& view, const Plan& plan,
                                        const std::shared_ptr<const IndexFiles>& files,
                                        ThreadPool* threads,
                                        const std::function<bool(double)>& progress,
                                        const Made& made) const;
  /// What a build may take now.
  uint64_t AllowedMemory() const;
  Status TakeMemory(uint64_t rows, Made& made) const;
  /// Take out the segments that are not what they were, so that they are made again. True if there
  /// were any.
  bool DropDamaged() const;
  Status WriteSegmentFile(index::SegmentInput input, Made& made) const;
  Status WriteModelFile(const index::Model& model, const std::string& path) const;

  bool IsExpected(const OpenSegment& open) const VIPER_EXCLUDES(expected_mutex_);
  /// Of a part that is to come, the rows that another has: they were added before.
  uint64_t MovedRows(const Part& part) const VIPER_EXCLUDES(expected_mutex_);

  const CollectionContext& context_;
  /// The parts that CodeAhead was given, by path.
  mutable Mutex expected_mutex_;
  std::map<std::string, ExpectedPart, std::less<>> expected_ VIPER_GUARDED_BY(expected_mutex_);
  static constexpr double kNoTraining = -1;

  std::atomic<uint64_t> trainings_{0};
  std::atomic<double> training_share_{kNoTraining};
  std::atomic<uint64_t> coded_rows_{0};
  std::atomic<uint64_t> copied_rows_{0};
  /// One build at a time,
  Mutex build_mutex_;
  /// and one change of the files, which for a training is its end. Taken after the other.
  Mutex files_mutex_;
};

}  // namespace viper::core
