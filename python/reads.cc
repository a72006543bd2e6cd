#include "reads.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "float_matrix.h"
#include "python_error.h"
#include "text.h"
#include "viper/options.h"

namespace viper::python {

namespace nb = nanobind;

Filter ToFilter(nb::handle filter) {
  if (filter.is_none()) return {};
  if (nb::isinstance<Filter>(filter)) return nb::cast<Filter>(filter);
  if (!PyUnicode_Check(filter.ptr())) RaiseWrongType("filter", "a text or a viper.Filter", filter);
  return ValueOrRaise(Filter::Parse(TextOf(filter)));
}

namespace {

// Milliseconds, at least one; the engine takes 0 for no timeout.
uint64_t TimeoutMs(double seconds) {
  constexpr double kSecondsMax = 1e9;
  if (!(seconds > 0)) {
    RaiseInvalidArgument(fmt::format("timeout: seconds above 0 expected: actual={}", seconds));
  }
  return static_cast<uint64_t>(std::ceil(1000 * std::min(seconds, kSecondsMax)));
}

SearchOptions ToOptions(const SearchKnobs& knobs) {
  SearchOptions options;
  options.k = knobs.k;
  options.filter = ToFilter(knobs.filter);
  options.recall = knobs.recall;
  options.exact = knobs.exact;
  options.nprobe = knobs.nprobe.value_or(0);
  options.rerank = knobs.rerank.value_or(0);
  if (knobs.timeout) options.timeout_ms = TimeoutMs(*knobs.timeout);
  return options;
}

}  // namespace

PythonHits Search(const Readable& readable, nb::handle query, const SearchKnobs& knobs,
                  const HitKnobs& hit_knobs) {
  const FloatMatrix vector(query, 1, readable.dim, "query");
  SearchOptions options = ToOptions(knobs);
  options.projection.vector = hit_knobs.with_vectors;
  options.projection.metadata = hit_knobs.with_metadata;
  if (!hit_knobs.select.is_none()) {
    options.projection.fields = TextsOf(hit_knobs.select, "select");
    // An empty list of fields means all of them to the engine, and none to a reader of the call.
    options.projection.metadata = !options.projection.fields.empty();
  }
  Result<Hits> hits = Unlocked([&] { return readable.snapshot.Search(vector.floats(), options); });
  return ToPythonHits(ValueOrRaise(std::move(hits)), options.projection);
}

nb::object SearchBatch(const Readable& readable, nb::handle queries, const SearchKnobs& knobs) {
  const FloatMatrix vectors(queries, 2, readable.dim, "queries");
  SearchOptions options = ToOptions(knobs);
  options.projection.metadata = false;
  Result<std::vector<Hits>> answers = Unlocked(
      [&] { return readable.snapshot.SearchBatch({vectors.floats(), vectors.rows()}, options); });
  return ToBatchAnswer(ValueOrRaise(std::move(answers)), knobs.k);
}

nb::dict Explain(const Readable& readable, nb::handle query, const SearchKnobs& knobs) {
  const FloatMatrix vector(query, 1, readable.dim, "query");
  const SearchOptions options = ToOptions(knobs);
  Result<SearchExplanation> result =
      Unlocked([&] { return readable.snapshot.Explain(vector.floats(), options); });
  SearchExplanation explanation = ValueOrRaise(std::move(result));
  nb::dict told;
  told["plan"] = ToText(SearchPlanName(explanation.plan));
  told["exact_estimate_us"] = explanation.exact_estimate_us;
  told["index_estimate_us"] = explanation.index_estimate_us;
  told["rows"] = explanation.rows;
  told["selected_rows"] = explanation.selected_rows;
  told["selection_was_cached"] = explanation.selection_was_cached;
  told["clusters"] = explanation.clusters;
  told["selected_clusters"] = explanation.selected_clusters;
  told["probed_clusters"] = explanation.probed_clusters;
  told["scanned_rows"] = explanation.scanned_rows;
  told["byte_rows"] = explanation.byte_rows;
  told["float_rows"] = explanation.float_rows;
  told["compared_rows"] = explanation.compared_rows;
  told["selection_us"] = explanation.selection_us;
  told["search_us"] = explanation.search_us;
  told["hits_us"] = explanation.hits_us;
  told["hits"] = ToPythonHits(std::move(explanation.hits), options.projection);
  return told;
}

Record GetRecord(const Readable& readable, nb::handle id) {
  const std::string text = IdOf(id);
  return ValueOrRaise(Unlocked([&] { return readable.snapshot.Get(text); }));
}

uint64_t Count(const Readable& readable, nb::handle filter) {
  const Filter parsed = ToFilter(filter);
  return ValueOrRaise(Unlocked([&] { return readable.snapshot.Count(parsed); }));
}

nb::object Scroll(const Readable& readable, const ScrollKnobs& knobs) {
  ScrollOptions options;
  options.after = knobs.after;
  options.limit = knobs.limit;
  options.filter = ToFilter(knobs.filter);
  options.projection.vector = knobs.with_vectors;
  options.projection.version = true;
  ScrollPage page = ValueOrRaise(Unlocked([&] { return readable.snapshot.Scroll(options); }));
  nb::list records;
  for (Record& record : page.records) records.append(nb::cast(std::move(record)));
  const nb::object next = page.next.empty() ? nb::none() : ToText(page.next);
  return nb::make_tuple(records, next);
}

}  // namespace viper::python
