// A fresh process (this program, started again) opens a collection and asks. Time counts from
// before the fork. Cold means that the kernel was asked to drop the collection's pages from its
// cache before.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "environment.h"
#include "scenario.h"
#include "vector_set.h"

namespace viper::bench {

namespace {

constexpr const char* kCollection = "reopen";
constexpr size_t kOutputMax = 64 << 10;

Status Failure(std::string_view what) {
  return Status::IoError(fmt::format("{}: {}", what, std::strerror(errno)));
}

// Everything a descriptor gives until its end, within a limit.
std::string ReadAll(int descriptor) {
  std::string text;
  std::array<char, 4096> piece;
  while (text.size() < kOutputMax) {
    ssize_t count = read(descriptor, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(piece.data(), static_cast<size_t>(count));
  }
  return text;
}

// Starts `program answer-once root start_ns` and returns the JSON object that it prints.
Result<Value::Object> AskFreshProcess(const std::string& program, const std::string& root) {
  std::array<int, 2> pipe_ends;
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return Failure("pipe");
  std::string start = fmt::format("{}", static_cast<uint64_t>(MonotonicSeconds() * 1e9));
  pid_t child = fork();
  if (child < 0) return Failure("fork");
  if (child == 0) {
    dup2(pipe_ends[1], STDOUT_FILENO);
    execl(program.c_str(), program.c_str(), "answer-once", root.c_str(), start.c_str(),
          static_cast<char*>(nullptr));
    _exit(127);
  }
  close(pipe_ends[1]);
  std::string output = ReadAll(pipe_ends[0]);
  close(pipe_ends[0]);
  int exit_status = 0;
  while (waitpid(child, &exit_status, 0) < 0 && errno == EINTR) {
  }
  if (exit_status != 0)
    return Status::IoError(fmt::format("the fresh process ended with {}", exit_status));
  auto answer = Value::FromJson(output);
  if (!answer.ok()) return answer.status();
  const Value::Object* object = answer->as_object();
  if (object == nullptr) return Status::IoError("the fresh process printed no object: " + output);
  return *object;
}

Status DropFromCache(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (!entry.is_regular_file(error)) continue;
    int descriptor = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return Failure("open " + entry.path().string());
    int failed =
        fsync(descriptor) != 0 ? errno : posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    close(descriptor);
    if (failed != 0) return Status::IoError("cannot drop from the cache: " + entry.path().string());
  }
  return error ? Status::IoError(error.message()) : Status::Ok();
}

Status Measure(const RunOptions& options, const VectorSet& set, const std::string& root,
               const std::string& label, Report& report) {
  const bool cold = label.ends_with("cold cache");
  std::map<std::string, Rounds> figures;
  // One round more, not counted, when warm: it fills the cache.
  for (size_t round = cold ? 1 : 0; round <= options.rounds; ++round) {
    if (cold) {
      if (Status status = DropFromCache(root); !status.ok()) return status;
    }
    auto answer = AskFreshProcess(options.program, root);
    if (!answer.ok()) return answer.status();
    if (round == 0) continue;
    for (const auto& [key, value] : *answer) {
      if (const double* figure = value.as_float64()) figures[key].Add(*figure);
    }
  }
  Value::Object results;
  results["rows"] = static_cast<int64_t>(set.rows);
  results["dim"] = static_cast<int64_t>(set.dim);
  for (const auto& [key, rounds] : figures) results[key] = rounds.Summary();
  report.Add("reopen", label, set.label, std::move(results));
  return Status::Ok();
}

}  // namespace

Status RunReopen(const RunOptions& options, Report& report) {
  auto set = OpenOrMakeVectors(options);
  if (!set.ok()) return set.status();
  std::string root = options.work_folder + "/reopen";
  if (Status status = MakeEmptyFolder(root); !status.ok()) return status;
  for (const bool indexed : {false, true}) {
    {
      auto engine = OpenQuietEngine(root);
      if (!engine.ok()) return engine.status();
      auto collection = indexed ? engine->OpenCollection(kCollection)
                                : LoadCollection(*engine, kCollection, *set, Metric::kL2);
      if (!collection.ok()) return collection.status();
      Status built = indexed ? (*collection)->BuildIndex() : Status::Ok();
      if (!built.ok()) return built;
    }
    for (const char* cache : {"warm cache", "cold cache"}) {
      const std::string label = fmt::format("{}, {}", indexed ? "indexed" : "exact", cache);
      if (Status status = Measure(options, *set, root, label, report); !status.ok()) return status;
    }
  }
  return MakeEmptyFolder(root);
}

Status AnswerOnce(const std::string& root, uint64_t start_ns) {
  auto since_start = [start_ns] {
    return (MonotonicSeconds() - static_cast<double>(start_ns) * 1e-9) * 1e3;
  };
  Value::Object answer;
  auto note = [&answer, &since_start](const std::string& moment) -> Status {
    answer["ms_until_" + moment] = since_start();
    auto anonymous = ProcessMemory("RssAnon:");
    auto mapped = ProcessMemory("RssFile:");
    if (!anonymous.ok()) return anonymous.status();
    if (!mapped.ok()) return mapped.status();
    answer["anonymous_mib_at_" + moment] = static_cast<double>(*anonymous) / (1 << 20);
    answer["mapped_mib_at_" + moment] = static_cast<double>(*mapped) / (1 << 20);
    return Status::Ok();
  };
  if (Status status = note("main"); !status.ok()) return status;
  auto engine = OpenQuietEngine(root);
  if (!engine.ok()) return engine.status();
  auto collection = engine->OpenCollection(kCollection);
  if (!collection.ok()) return collection.status();
  if (Status status = note("open"); !status.ok()) return status;

  std::vector<float> query((*collection)->dim(), 1.0F);
  SearchOptions search;
  search.projection.metadata = false;
  auto hits = (*collection)->Search(query, search);
  if (!hits.ok()) return hits.status();
  if (hits->size() != search.k) {
    return Status::Corruption(fmt::format("hits: expected={} actual={}", search.k, hits->size()));
  }
  if (Status status = note("answer"); !status.ok()) return status;
  auto record = (*collection)->Get(hits->front().id);
  if (!record.ok()) return record.status();
  if (Status status = note("get"); !status.ok()) return status;
  fmt::print("{}\n", Value(std::move(answer)).ToJson());
  return Status::Ok();
}

}  // namespace viper::bench
