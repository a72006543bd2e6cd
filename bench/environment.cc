#include "environment.h"

#include <fmt/core.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <thread>

#include "viper/version.h"

namespace viper::bench {

namespace {

// The text behind "key : " of the first such line of a file of /proc; empty if there is none.
std::string ProcField(const std::string& path, std::string_view key) {
  std::ifstream stream(path);
  std::string line;
  while (std::getline(stream, line)) {
    if (!line.starts_with(key)) continue;
    size_t begin = line.find_first_not_of(" \t:", key.size());
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

std::string KernelRelease() {
  utsname names = {};
  return uname(&names) == 0 ? fmt::format("{} {}", names.sysname, names.release) : "";
}

}  // namespace

Value::Object DescribeEnvironment(std::string_view revision) {
  Value::Object machine;
  machine["processor"] = ProcField("/proc/cpuinfo", "model name");
  machine["cores"] = static_cast<int64_t>(std::thread::hardware_concurrency());
  machine["kernel"] = KernelRelease();
  machine["memory"] = ProcField("/proc/meminfo", "MemTotal");

  Value::Object build;
  build["type"] = VIPER_BENCH_BUILD_TYPE;
  build["compiler"] = VIPER_BENCH_COMPILER;
  build["version"] = VIPER_VERSION_STRING;
  build["revision"] = revision;

  Value::Object environment;
  environment["machine"] = std::move(machine);
  environment["build"] = std::move(build);
  return environment;
}

Result<int64_t> ProcessMemory(std::string_view key) {
  std::string text = ProcField("/proc/self/status", key);
  if (text.empty())
    return Status::IoError(fmt::format("no such line in /proc/self/status: {}", key));
  return int64_t{1024} * std::strtoll(text.c_str(), nullptr, 10);
}

Result<uint64_t> BytesBelow(const std::string& folder, std::string_view prefix) {
  namespace fs = std::filesystem;
  std::error_code error;
  uint64_t bytes = 0;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (!entry->is_regular_file(error)) continue;
    if (entry->path().lexically_relative(folder).string().starts_with(prefix)) {
      bytes += entry->file_size(error);
    }
    if (error) break;
  }
  if (error) return Status::IoError(fmt::format("cannot add up {}: {}", folder, error.message()));
  return bytes;
}

Status MakeEmptyFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (!error) std::filesystem::create_directories(folder, error);
  if (error) return Status::IoError(fmt::format("cannot empty {}: {}", folder, error.message()));
  return Status::Ok();
}

}  // namespace viper::bench
