#include "core/verify_index.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "core/index_files.h"
#include "storage/file_names.h"

namespace viper::core {
namespace {

class IndexVerifier {
 public:
  IndexVerifier(const storage::TableState* table, const CollectionSchema& schema,
                Verification& verification)
      : table_(table), schema_(schema), verification_(verification) {}

  Status Run() {
    const std::string directory = storage::IndexDirectory(verification_.directory());
    const auto names = verification_.files().List(directory);
    if (!names.ok()) return {};
    for (const std::string& name : *names) {
      if (!storage::IsModelName(name)) continue;
      VIPER_RETURN_IF_ERROR(VerifyModel(storage::JoinPath(directory, name)));
    }
    for (const auto& [version, path] : versions_) {
      if (path != versions_.rbegin()->second) Unused(path, "a newer model is used");
    }
    for (const std::string& name : *names) {
      if (!storage::IsSegmentName(name)) continue;
      VIPER_RETURN_IF_ERROR(VerifySegment(storage::JoinPath(directory, name)));
    }
    return {};
  }

 private:
  Status VerifyModel(const std::string& path) {
    VIPER_RETURN_IF_ERROR(verification_.BeginFile(path));
    const auto mapped = verification_.files().Map(path);
    if (!mapped.ok()) return Unmapped(path, mapped.status());
    auto model = index::Model::Decode((*mapped)->bytes());
    if (!model.ok()) {
      Damaged(path, model.status().message());
    } else if ((*model)->dim() != schema_.dim || (*model)->metric() != schema_.metric) {
      Damaged(path, fmt::format("it is the model of another collection: dim={} metric={}",
                                (*model)->dim(), MetricName((*model)->metric())));
    } else if (storage::ModelPath(verification_.directory(), (*model)->id()) != path) {
      Damaged(path,
              fmt::format("it has the name of another model: actual={:016x}", (*model)->id()));
    } else {
      versions_[(*model)->record().version] = path;
      models_[(*model)->id()] = std::move(*model);
    }
    return verification_.AddBytes((*mapped)->bytes().size());
  }

  Status VerifySegment(const std::string& path) {
    VIPER_RETURN_IF_ERROR(verification_.BeginFile(path));
    const auto mapped = verification_.files().Map(path);
    if (!mapped.ok()) return Unmapped(path, mapped.status());
    ++verification_.report().index_segments;
    const auto bytes = (*mapped)->bytes();
    const auto model_id = index::Segment::ModelIdOf(bytes);
    if (!model_id.ok()) {
      Damaged(path, model_id.status().message());
    } else if (const auto found = models_.find(*model_id); found == models_.end()) {
      verification_.AddDerived(
          {path, storage::ModelPath(verification_.directory(), *model_id)},
          fmt::format("its model is not there, or damaged: {:016x}", *model_id));
    } else {
      VIPER_RETURN_IF_ERROR(VerifySegmentOf(path, bytes, *found->second));
    }
    return verification_.AddBytes(bytes.size());
  }

  Status VerifySegmentOf(const std::string& path, std::span<const std::byte> bytes,
                         const index::Model& model) {
    const auto segment = index::Segment::Open(bytes, model);
    if (!segment.ok()) {
      Damaged(path, segment.status().message());
      return {};
    }
    for (size_t cluster = 0; cluster < (*segment)->cluster_count(); ++cluster) {
      VIPER_RETURN_IF_ERROR(verification_.AddBytes(0));
      const Status checked = (*segment)->CheckCluster(cluster);
      if (!checked.ok()) Damaged(path, checked.message());
    }
    if (const Status checked = (*segment)->CheckNumbers(); !checked.ok()) {
      Damaged(path, checked.message());
    }
    if (table_ != nullptr) CompareWithTable(path, **segment);
    return {};
  }

  /// Parts that are gone are passed over by searches; when all are, so is the segment.
  void CompareWithTable(const std::string& path, const index::Segment& segment) {
    size_t gone = 0;
    for (const index::SegmentPart& part : segment.parts()) {
      const auto found = table_->files.find(part.path);
      if (found == table_->files.end()) {
        ++gone;
      } else if (found->second.size != part.file_bytes) {
        Damaged(path, fmt::format("it codes another state of {}: expected_bytes={} actual_bytes={}",
                                  part.path, found->second.size, part.file_bytes));
      }
    }
    if (gone > 0 && gone == segment.parts().size()) Unused(path, "no part of it is in the table");
  }

  /// A builder takes away what is not used any more.
  Status Unmapped(const std::string& path, const Status& status) {
    if (status.code() != StatusCode::kNotFound) Damaged(path, status.message());
    return {};
  }

  void Damaged(const std::string& path, std::string problem) {
    verification_.AddDerived({path, {}}, std::move(problem));
  }

  void Unused(const std::string& path, std::string why) {
    const auto bytes = verification_.files().FileSize(path);
    verification_.AddLeftover(path, std::move(why), bytes.ok() ? *bytes : 0);
  }

  const storage::TableState* table_;
  const CollectionSchema& schema_;
  Verification& verification_;
  std::map<uint64_t, std::shared_ptr<const index::Model>> models_;
  /// Paths by version.
  std::map<uint64_t, std::string> versions_;
};

}  // namespace

Status VerifyIndex(const storage::TableState* table, const CollectionSchema& schema,
                   Verification& verification) {
  return IndexVerifier(table, schema, verification).Run();
}

}  // namespace viper::core
