// The extension module viper._viper; the package viper re-exports it, python/viper/__init__.py.
#include <nanobind/nanobind.h>

#include "collection.h"
#include "database.h"
#include "hits.h"
#include "sparse.h"
#include "viper/version.h"

NB_MODULE(_viper, module) {
  module.attr("__version__") = VIPER_VERSION_STRING;
  viper::python::BindSparse(module);
  viper::python::BindHits(module);
  viper::python::BindCollection(module);
  viper::python::BindDatabase(module);
}
