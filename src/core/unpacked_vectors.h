#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/collection_context.h"
#include "core/part.h"
#include "viper/file_system.h"
#include "viper/result.h"

namespace viper::core {

/// The vectors of parts that have them compressed, as plain floats in files of their own. Work that
/// reads rows in another order than they are stored in would else decode a page for nearly every
/// row, once the decoded pages are more than the cache holds. The memory is the page cache's; the
/// files have no name and are gone with this object.
class UnpackedVectors {
 public:
  UnpackedVectors() = default;

  /// Unpack those of `parts` that need it: none if the cache of vectors holds the floats of them
  /// all. While the result lives the parts read from there, whoever asks them. `check` is called
  /// now and then; what it returns ends the work. Fails also as Part::OpenPage and for want of
  /// space (4 bytes a component).
  static Result<UnpackedVectors> Make(const CollectionContext& context,
                                      std::span<const std::shared_ptr<const Part>> parts,
                                      const std::function<Status()>& check);

 private:
  std::vector<std::shared_ptr<const MappedFile>> files_;
};

}  // namespace viper::core
