#pragma once

#include <nanobind/nanobind.h>

#include "viper/index_report.h"

namespace viper::python {

nanobind::dict ToDict(const ClusterPrediction& prediction);
nanobind::dict ToDict(const RelevantCluster& cluster);
nanobind::dict ToDict(const IndexReport& report);

}  // namespace viper::python
