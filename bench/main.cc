// viper_bench [SCENARIO...]: measures the engine through its public API and writes one JSON object
// a line. docs/BENCHMARKING.md says what each figure means.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "environment.h"
#include "scenario.h"
#include "vector_set.h"

namespace viper::bench {
namespace {

using Scenario = Status (*)(const RunOptions&, Report&);

const std::map<std::string, Scenario>& Scenarios() {
  static const std::map<std::string, Scenario> scenarios = {
      {"ablation", RunAblation}, {"exact", RunExact},     {"import", RunImport},
      {"insert", RunInsert},     {"kernels", RunKernels}, {"lifecycle", RunLifecycle},
      {"memory", RunMemory},     {"modules", RunModules}, {"reopen", RunReopen},
      {"size", RunSize},
  };
  return scenarios;
}

int Fail(const std::string& what, const Status& status) {
  fmt::print(stderr, "viper_bench: {}: {}\n", what, status.ToString());
  return 1;
}

int RunAll(const std::vector<std::string>& names, const RunOptions& options, Report& report) {
  for (const std::string& name : names) {
    double begin = MonotonicSeconds();
    // The folder is emptied for each, so that no scenario measures on the leftovers of another.
    if (Status status = MakeEmptyFolder(options.work_folder); !status.ok())
      return Fail(name, status);
    if (Status status = Scenarios().at(name)(options, report); !status.ok())
      return Fail(name, status);
    fmt::print(stderr, "{}: {:.1f} s\n", name, MonotonicSeconds() - begin);
  }
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Measure the VIPER engine");
  RunOptions options;
  options.program = std::filesystem::read_symlink("/proc/self/exe");
  std::string output_path;
  std::string revision = "unknown";
  std::vector<std::string> names;
  std::vector<std::string> all;
  for (const auto& [name, run] : Scenarios()) all.push_back(name);

  app.add_option(
         "scenario", names,
         "ablation, exact, import, insert, kernels, lifecycle, memory, modules, reopen, size; all "
         "when none is named")
      ->check(CLI::IsMember(all));
  app.add_option("--work", options.work_folder,
                 "folder on the disk to measure; the run works in viper-bench below it");
  app.add_option("--data", options.data_folder, "folder with base.fvecs and queries.fvecs");
  app.add_option("--parquet", options.parquet_path, "the same rows as a Parquet file, for import");
  app.add_option("--rows", options.rows, "rows at most")->check(CLI::Range(1'000, 100'000'000));
  app.add_option("--rounds", options.rounds, "rounds of every measurement")
      ->check(CLI::Range(1, 1'000));
  app.add_option("--insert-ms", options.insert_round_ms, "length of a round of inserts")
      ->check(CLI::Range(10, 600'000));
  app.add_option("--lifecycle-seconds", options.lifecycle_seconds,
                 "length of the mix of `lifecycle`")
      ->check(CLI::Range(1, 86'400));
  app.add_option("--revision", revision, "source revision, for the report");
  app.add_option("-o,--output", output_path,
                 "append the report to this file; default: standard output");

  std::string root;
  uint64_t start_ns = 0;
  CLI::App* answer_once = app.add_subcommand("answer-once", "the fresh process of `reopen`");
  answer_once->group("");
  answer_once->add_option("root", root)->required();
  answer_once->add_option("start", start_ns)->required();
  std::string vectors_path;
  CLI::App* make_vectors =
      app.add_subcommand("make-vectors", "write the seeded set as an .fvecs file");
  make_vectors->add_option("path", vectors_path)->required();
  make_vectors->add_option("--rows", options.rows)->check(CLI::Range(1, 100'000'000));
  CLI11_PARSE(app, argc, argv);

  if (answer_once->parsed()) {
    Status status = AnswerOnce(root, start_ns);
    return status.ok() ? 0 : Fail("answer-once", status);
  }
  if (make_vectors->parsed()) {
    Status status = MakeVectors(vectors_path, options.rows, kDefaultDim).status();
    return status.ok() ? 0 : Fail("make-vectors", status);
  }
  if (options.work_folder.empty()) {
    fmt::print(stderr, "viper_bench: name a scratch folder with --work\n");
    return 2;
  }
  options.work_folder += "/viper-bench";
  std::FILE* output = output_path.empty() ? stdout : std::fopen(output_path.c_str(), "a");
  if (output == nullptr) {
    fmt::print(stderr, "viper_bench: cannot write {}\n", output_path);
    return 1;
  }
  Report report(output, DescribeEnvironment(revision));
  int result = RunAll(names.empty() ? all : names, options, report);
  if (output != stdout && std::fclose(output) != 0 && result == 0) result = 1;
  return result;
}

}  // namespace
}  // namespace viper::bench

int main(int argc, char** argv) { return viper::bench::Main(argc, argv); }
