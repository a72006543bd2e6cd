#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "viper/resources.h"

namespace viper {
namespace {

/// The number behind `key` in a file of lines such as "VmRSS:  123 kB".
std::optional<uint64_t> NumberBehind(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const size_t digit = line.find_first_of("0123456789", key.size());
    if (digit == std::string::npos) return std::nullopt;
    uint64_t number = 0;
    for (size_t i = digit; i < line.size() && line[i] >= '0' && line[i] <= '9'; ++i) {
      number = number * 10 + static_cast<uint64_t>(line[i] - '0');
    }
    return number;
  }
  return std::nullopt;
}

std::optional<uint64_t> OpenFiles() {
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc/self/fd", error);
  uint64_t count = 0;
  while (!error && entries != std::filesystem::directory_iterator()) {
    ++count;
    entries.increment(error);
  }
  // One of them is the directory that is being read.
  return error || count == 0 ? std::nullopt : std::optional(count - 1);
}

std::optional<double> CpuSeconds() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return std::nullopt;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

ProcessResources ReadProcessResources() {
  constexpr auto kStatus = "/proc/self/status";
  constexpr auto kIo = "/proc/self/io";
  ProcessResources resources;
  resources.resident_bytes = NumberBehind(kStatus, "VmRSS:");
  if (resources.resident_bytes) *resources.resident_bytes *= 1024;
  resources.threads = NumberBehind(kStatus, "Threads:");
  resources.cpu_seconds = CpuSeconds();
  resources.read_call_bytes = NumberBehind(kIo, "rchar:");
  resources.write_call_bytes = NumberBehind(kIo, "wchar:");
  resources.disk_read_bytes = NumberBehind(kIo, "read_bytes:");
  resources.disk_written_bytes = NumberBehind(kIo, "write_bytes:");
  resources.open_files = OpenFiles();
  return resources;
}

}  // namespace viper
