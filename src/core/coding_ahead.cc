#include "core/coding_ahead.h"

#include <fmt/core.h>

namespace viper::core {

void CodingAhead::Code(const IndexBuilder::ViewNow& view, const FlushPlan& plan,
                       const FlushResult& written, const std::function<bool()>& goes_on) {
  if (!context_.options.background_index || written.parts.empty()) return;
  std::vector<IndexBuilder::ExpectedPart> expected;
  for (const auto& part : written.parts) {
    paths_.push_back(part->added().path);
    expected.push_back({part});
  }
  for (const MovedRows& moved : written.moved) {
    const FlushSource& source = plan.sources[moved.source];
    if (source.part == nullptr) continue;
    expected[moved.part].copies.push_back(
        {moved.first_row, moved.count, source.part, source.dead, moved.first_live});
  }
  const Status coded = builder_.CodeAhead(view, expected, [&](double) { return goes_on(); });
  if (coded.ok()) return;
  context_.Log(fmt::format("collection '{}': new files are not in the index yet: {}", context_.name,
                           coded.ToString()));
}

}  // namespace viper::core
