#include "compaction.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "python_error.h"

namespace viper::python {
namespace {

namespace nb = nanobind;

nb::dict StepDict(const CompactionStep& step, bool dry_run) {
  nb::dict told;
  told["files"] = nb::cast(step.files);
  told["reason"] = step.reason;
  told["bytes_before"] = step.bytes_before;
  told["predicted_bytes"] = step.predicted_bytes;
  told["predicted_files"] = step.predicted_files;
  told["predicted_seconds"] = nb::cast(step.predicted_seconds);
  told["wasted_seconds"] = step.wasted_seconds;
  told["dropped_rows"] = step.dropped_rows;
  if (dry_run) return told;
  told["bytes_after"] = step.bytes_after;
  told["files_after"] = step.files_after;
  told["seconds"] = step.seconds;
  return told;
}

}  // namespace

nb::dict Compact(Collection& collection, const CompactOptions& options) {
  CompactOptions interruptible = options;
  interruptible.progress = [](double) { return HasNoSignal(); };
  Result<CompactionReport> done = Unlocked([&] { return collection.Compact(interruptible); });
  RaiseSignal();
  const CompactionReport report = ValueOrRaise(std::move(done));
  nb::list steps;
  for (const CompactionStep& step : report.steps) steps.append(StepDict(step, options.dry_run));
  nb::dict told;
  told["steps"] = steps;
  told["files_before"] = report.files_before;
  told["files_after"] = report.files_after;
  told["bytes_before"] = report.bytes_before;
  told["bytes_after"] = report.bytes_after;
  told["lowered_protocol"] = report.lowered_protocol;
  return told;
}

nb::dict Vacuum(Collection& collection, const VacuumOptions& options) {
  const VacuumReport report = ValueOrRaise(Unlocked([&] { return collection.Vacuum(options); }));
  nb::dict told;
  told["files"] = nb::cast(report.files);
  told["bytes"] = report.bytes;
  return told;
}

}  // namespace viper::python
