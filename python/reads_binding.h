#pragma once

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "reads.h"

namespace viper::python {

inline constexpr const char* kSearchDoc =
    R"(Return the k nearest records, best first, as Hits: a sequence of Hit, with lists of their ids, scores and distances.

query: one vector; a contiguous float32 array is read in place.
filter: only records that match, as text such as "year >= 2000 AND tags CONTAINS 'x'".
recall: the share of the true neighbours to aim at where an index is used; exact=True compares with every record.
with_metadata=False saves reading the metadata; select names the keys to read.
nprobe: clusters of the index to look into, in place of what recall says. rerank: the most records whose floats are read.
timeout: seconds until the search gives up and raises DeadlineExceeded (a TimeoutError).)";

inline constexpr const char* kExplainDoc = R"(Search, and tell how, as a dict.

plan: "index" or "exact", with the estimated microseconds of each (None without an index). rows, selected_rows: physical
rows, and those that are alive and match. clusters, selected_clusters, probed_clusters: of the index, with a matching row,
looked into. scanned_rows, byte_rows, float_rows: rows whose codes, bytes and floats were read. compared_rows: rows that
were compared without the index. selection_us, search_us, hits_us: measured. hits: what `search` returns.
What does not apply is None.)";

inline constexpr const char* kSearchBatchDoc =
    R"(Search for many queries at once: faster than one by one.

queries: count x dim. Returns (ids, distances): a list of lists of ids, best first, and an array of count x k float32,
NaN where fewer than k records match.)";

inline constexpr const char* kScrollDoc =
    R"(Return (records, next): a page of records in the order of their ids.

next goes into `after` for the next page; None when this was the last.)";

/// Give a Python class the methods that read, from what ReadableOf makes of an object.
template <typename T>
void BindReads(nanobind::class_<T>& type) {
  namespace nb = nanobind;
  using nb::literals::operator""_a;
  using Number = std::optional<size_t>;
  using Seconds = std::optional<double>;
  type.def(
      "get", [](const T& self, nb::handle id) { return GetRecord(ReadableOf(self), id); }, "id"_a,
      "The record of that id; raises NotFound (a KeyError).");
  type.def(
      "count", [](const T& self, nb::handle filter) { return Count(ReadableOf(self), filter); },
      "filter"_a.none() = nb::none(), "How many records match.");
  type.def(
      "search",
      [](const T& self, nb::handle query, size_t k, double recall, nb::handle filter, bool exact,
         bool with_metadata, bool with_vectors, nb::handle select, Number nprobe, Number rerank,
         Seconds timeout) {
        return Search(ReadableOf(self), query, {k, recall, filter, exact, nprobe, rerank, timeout},
                      {with_metadata, with_vectors, select});
      },
      "query"_a, "k"_a = 10, nb::kw_only(), "recall"_a = 0.95, "filter"_a.none() = nb::none(),
      "exact"_a = false, "with_metadata"_a = true, "with_vectors"_a = false,
      "select"_a.none() = nb::none(), "nprobe"_a.none() = nb::none(),
      "rerank"_a.none() = nb::none(), "timeout"_a.none() = nb::none(), kSearchDoc);
  type.def(
      "search_batch",
      [](const T& self, nb::handle queries, size_t k, double recall, nb::handle filter, bool exact,
         Number nprobe, Number rerank, Seconds timeout) {
        return SearchBatch(ReadableOf(self), queries,
                           {k, recall, filter, exact, nprobe, rerank, timeout});
      },
      "queries"_a, "k"_a = 10, nb::kw_only(), "recall"_a = 0.95, "filter"_a.none() = nb::none(),
      "exact"_a = false, "nprobe"_a.none() = nb::none(), "rerank"_a.none() = nb::none(),
      "timeout"_a.none() = nb::none(), kSearchBatchDoc);
  type.def(
      "explain",
      [](const T& self, nb::handle query, size_t k, double recall, nb::handle filter, bool exact,
         Number nprobe, Number rerank, Seconds timeout) {
        return Explain(ReadableOf(self), query,
                       {k, recall, filter, exact, nprobe, rerank, timeout});
      },
      "query"_a, "k"_a = 10, nb::kw_only(), "recall"_a = 0.95, "filter"_a.none() = nb::none(),
      "exact"_a = false, "nprobe"_a.none() = nb::none(), "rerank"_a.none() = nb::none(),
      "timeout"_a.none() = nb::none(), kExplainDoc);
  type.def(
      "scroll",
      [](const T& self, const std::string& after, size_t limit, nb::handle filter,
         bool with_vectors) {
        return Scroll(ReadableOf(self), {filter, after, limit, with_vectors});
      },
      nb::kw_only(), "after"_a = "", "limit"_a = 100, "filter"_a.none() = nb::none(),
      "with_vectors"_a = true, kScrollDoc);
}

}  // namespace viper::python
