#include "core/coding_ahead.h"

#include <fmt/core.h>

namespace viper::core {

void CodingAhead::Code(const ReadView& view, std::span<const std::shared_ptr<const Part>> parts,
                       const std::function<bool()>& goes_on) {
  if (!context_.options.background_index || parts.empty()) return;
  for (const auto& part : parts) paths_.push_back(part->added().path);
  const Status coded = builder_.CodeAhead(view, parts, [&](double) { return goes_on(); });
  if (coded.ok()) return;
  context_.Log(fmt::format("collection '{}': new files are not in the index yet: {}", context_.name,
                           coded.ToString()));
}

}  // namespace viper::core
