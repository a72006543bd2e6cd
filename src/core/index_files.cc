#include "core/index_files.h"

#include <functional>
#include <set>
#include <utility>

#include "base/status_macros.h"
#include "storage/file_names.h"

namespace viper::core {
namespace {

Result<std::shared_ptr<const index::Model>> ReadModel(FileSystem& files, const std::string& path) {
  VIPER_ASSIGN_OR_RETURN(const auto mapped, files.Map(path));
  auto model = index::Model::Decode(mapped->bytes());
  if (!model.ok()) return model.status().WithContext(path);
  return model;
}

}  // namespace

Result<std::shared_ptr<OpenSegment>> OpenSegmentFile(FileSystem& files, const std::string& path,
                                                     const index::Model& model) {
  auto open = std::make_shared<OpenSegment>();
  open->path = path;
  VIPER_ASSIGN_OR_RETURN(open->file, files.Map(path));
  auto segment = index::Segment::Open(open->file->bytes(), model);
  if (!segment.ok()) return segment.status().WithContext(path);
  open->segment = std::move(*segment);
  return open;
}

std::shared_ptr<const IndexFiles> LoadIndex(const CollectionContext& context,
                                            std::vector<std::string>& rejected) {
  FileSystem& files = *context.file_system;
  const std::string directory = storage::IndexDirectory(context.directory);
  const auto names = files.List(directory);
  if (!names.ok()) return nullptr;
  auto loaded = std::make_shared<IndexFiles>();
  for (const std::string& name : *names) {
    if (!storage::IsModelName(name)) continue;
    const std::string path = storage::JoinPath(directory, name);
    auto model = ReadModel(files, path);
    const bool fits =
        model.ok() && (*model)->dim() == context.dim && (*model)->metric() == context.metric;
    if (!fits) {
      rejected.push_back(model.ok() ? path + ": a model of another collection"
                                    : model.status().ToString());
      continue;
    }
    // After a build that was cut off there may be two.
    if (loaded->model == nullptr || loaded->model->record().version < (*model)->record().version) {
      loaded->model = std::move(*model);
      loaded->model_path = path;
    }
  }
  if (loaded->model == nullptr) return nullptr;
  for (const std::string& name : *names) {
    if (!storage::IsSegmentName(name)) continue;
    auto segment = OpenSegmentFile(files, storage::JoinPath(directory, name), *loaded->model);
    if (segment.ok()) {
      loaded->segments.push_back(std::move(*segment));
    } else {
      rejected.push_back(segment.status().ToString());
    }
  }
  return loaded;
}

void RemoveUnusedIndexFiles(const CollectionContext& context, const IndexFiles& used) {
  FileSystem& files = *context.file_system;
  const std::string directory = storage::IndexDirectory(context.directory);
  const auto names = files.List(directory);
  if (!names.ok()) return;
  std::set<std::string, std::less<>> kept = {used.model_path};
  for (const auto& open : used.segments) kept.insert(open->path);
  for (const std::string& name : *names) {
    const std::string path = storage::JoinPath(directory, name);
    const bool is_index = storage::IsModelName(name) || storage::IsSegmentName(name);
    if (is_index && !kept.contains(path)) (void)files.RemoveFile(path).ok();
  }
}

}  // namespace viper::core
