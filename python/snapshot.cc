#include "snapshot.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "python_error.h"
#include "python_value.h"
#include "reads_binding.h"
#include "text.h"

namespace viper::python {

namespace nb = nanobind;

PythonSnapshot TakeSnapshot(const Collection& collection, std::optional<int64_t> version,
                            nb::handle time) {
  if (version.has_value() && !time.is_none()) {
    RaiseInvalidArgument("name the snapshot in one way: version or time");
  }
  const std::optional<Timestamp> moment = ToTimestamp(time);
  Result<Snapshot> taken = Unlocked([&]() -> Result<Snapshot> {
    if (version.has_value()) return collection.GetSnapshotOfVersion(*version);
    if (moment.has_value()) return collection.GetSnapshotOfTime(*moment);
    return collection.GetSnapshot();
  });
  return {{ValueOrRaise(std::move(taken)), collection.schema().dim}};
}

nb::list ListVersions(const Collection& collection) {
  const auto versions = ValueOrRaise(Unlocked([&] { return collection.Versions(); }));
  nb::list told;
  for (const TableVersion& version : versions) {
    nb::dict one;
    one["version"] = version.version;
    one["committed_at"] = FromTimestamp(version.committed_at);
    one["operation"] = ToText(version.operation);
    one["reason"] = ToText(version.reason);
    one["files_added"] = version.files_added;
    one["files_removed"] = version.files_removed;
    one["files"] = version.files;
    one["bytes"] = version.bytes;
    one["rows"] = version.rows;
    told.append(one);
  }
  return told;
}

Readable ReadableOf(const PythonSnapshot& snapshot) { return snapshot.readable; }

void BindSnapshot(nb::module_& module) {
  nb::class_<PythonSnapshot> type(module, "Snapshot",
                                  "A consistent state of a collection: no later write changes it.");
  type.def_prop_ro(
          "version",
          [](const PythonSnapshot& self) { return self.readable.snapshot.table_version(); },
          "The version of the Delta table under it.")
      .def_prop_ro(
          "sequence", [](const PythonSnapshot& self) { return self.readable.snapshot.sequence(); },
          "The sequence number of the newest write that it sees.")
      .def("__repr__", [](const PythonSnapshot& self) {
        return ToText("Snapshot(version=" + std::to_string(self.readable.snapshot.table_version()) +
                      ")");
      });
  BindReads(type);
}

}  // namespace viper::python
