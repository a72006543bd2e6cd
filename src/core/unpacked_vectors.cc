#include "core/unpacked_vectors.h"

#include <utility>

#include "base/random.h"
#include "base/status_macros.h"
#include "core/staged_file.h"
#include "storage/file_names.h"

namespace viper::core {

namespace {

Result<std::shared_ptr<const MappedFile>> Unpack(const CollectionContext& context, const Part& part,
                                                 const std::function<Status()>& check) {
  FileSystem& files = *context.file_system;
  // Gone when this returns: what is mapped needs no name.
  const StagedFile staged(files, storage::TmpPath(context.directory, MakeUuid() + ".floats"));
  VIPER_ASSIGN_OR_RETURN(auto file, files.CreateFile(staged.path()));
  const auto& pages = part.reader().vector_pages();
  for (size_t page = 0; page < pages.size(); ++page) {
    VIPER_ASSIGN_OR_RETURN(const HeldFloats held, part.OpenPage(page));
    const size_t bytes = pages[page].rows.count * context.dim * sizeof(float);
    VIPER_RETURN_IF_ERROR(file->Append({held.floats, bytes}));
    VIPER_RETURN_IF_ERROR(check());
  }
  VIPER_RETURN_IF_ERROR(file->Close());
  VIPER_ASSIGN_OR_RETURN(auto mapped, files.Map(staged.path()));
  return std::shared_ptr<const MappedFile>(std::move(mapped));
}

}  // namespace

Result<UnpackedVectors> UnpackedVectors::Make(const CollectionContext& context,
                                              std::span<const std::shared_ptr<const Part>> parts,
                                              const std::function<Status()>& check) {
  UnpackedVectors unpacked;
  std::vector<const Part*> packed;
  uint64_t bytes = 0;
  for (const auto& part : parts) {
    if (part->maps_vectors()) continue;
    if (auto file = part->unpacked()) {
      unpacked.files_.push_back(std::move(file));
      continue;
    }
    packed.push_back(part.get());
    bytes += part->row_count() * context.dim * sizeof(float);
  }
  if (bytes <= context.options.vector_cache_bytes) return unpacked;
  for (const Part* part : packed) {
    VIPER_ASSIGN_OR_RETURN(auto file, Unpack(context, *part, check));
    part->ReadFrom(file);
    unpacked.files_.push_back(std::move(file));
  }
  return unpacked;
}

}  // namespace viper::core
