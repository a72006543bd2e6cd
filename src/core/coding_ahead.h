#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/collection_context.h"
#include "core/collection_state.h"
#include "core/index_builder.h"
#include "core/read_view.h"

namespace viper::core {

/// Has the index know parts before a commit brings them into the view, so that no search compares
/// their rows one by one meanwhile. Until it is destroyed, after the commit, they stay in the
/// index. For one thread.
class CodingAhead {
 public:
  CodingAhead(const CollectionContext& context, IndexBuilder& builder)
      : context_(context), builder_(builder) {}
  ~CodingAhead() { builder_.ForgetAhead(paths_); }
  CodingAhead(const CodingAhead&) = delete;
  CodingAhead& operator=(const CodingAhead&) = delete;

  /// Code the parts that were written by a plan and are about to be added to `view`; nothing where
  /// the index is kept up by calls only (EngineOptions::background_index). `goes_on` ends it by
  /// returning false. What fails is logged: the index thread codes those parts later.
  void Code(const IndexBuilder::ViewNow& view, const FlushPlan& plan, const FlushResult& written,
            const std::function<bool()>& goes_on);

 private:
  const CollectionContext& context_;
  IndexBuilder& builder_;
  std::vector<std::string> paths_;
};

}  // namespace viper::core
