#pragma once

/// VIPER: a vector database whose collections are open Delta Lake tables. Include this one header.

#include "viper/clock.h"
#include "viper/engine.h"
#include "viper/file_system.h"
#include "viper/filter.h"
#include "viper/index_report.h"
#include "viper/inspect.h"
#include "viper/maintenance.h"
#include "viper/options.h"
#include "viper/record.h"
#include "viper/record_source.h"
#include "viper/result.h"
#include "viper/schema.h"
#include "viper/schema_report.h"
#include "viper/snapshot.h"
#include "viper/sparse_vector.h"
#include "viper/statistics.h"
#include "viper/status.h"
#include "viper/value.h"
#include "viper/verify.h"
#include "viper/version.h"
