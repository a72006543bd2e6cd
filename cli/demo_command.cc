#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/core.h>
#include <unistd.h>

#include "collection_argument.h"
#include "commands.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

namespace fs = std::filesystem;

// The script that answers questions in words: VIPER_DEMO_SCRIPT, or at its place in the source tree
// (this program is build/<preset>/bin/viper there) or in an installation.
Result<fs::path> FindScript() {
  if (const char* named = std::getenv("VIPER_DEMO_SCRIPT")) return fs::path(named);
  std::error_code ignored;
  const fs::path folder = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const char* place :
       {"../../../demo/ask.py", "../../demo/ask.py", "../share/viper/demo/ask.py"}) {
    fs::path script = (folder / place).lexically_normal();
    if (fs::exists(script, ignored)) return script;
  }
  return Status::NotFound(
      "the demo's script ask.py is not there; name it in the environment variable "
      "VIPER_DEMO_SCRIPT");
}

// The interpreter of the project if there is one beside the script, for its packages.
std::string FindPython(const fs::path& script) {
  std::error_code ignored;
  const fs::path own = script.parent_path().parent_path() / ".venv/bin/python";
  return fs::exists(own, ignored) ? own.string() : "python3";
}

Status Run(const std::vector<std::string>& words) {
  VIPER_ASSIGN_OR_RETURN(const fs::path script, FindScript());
  std::vector<std::string> arguments = {FindPython(script), script.string()};
  arguments.insert(arguments.end(), words.begin(), words.end());
  std::error_code ignored;
  // The script asks this very program.
  ::setenv("VIPER_BIN", fs::read_symlink("/proc/self/exe", ignored).c_str(), /*overwrite=*/0);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::execvp(pointers.front(), pointers.data());
  return Status::IoError(
      fmt::format("cannot run '{}': {}", arguments.front(), std::strerror(errno)));
}

}  // namespace

void AddDemoCommand(Command& program, Session& session) {
  Command command = program.AddCommand("demo", "Ask the demo's collection a question in words");
  // What follows is the script's, also when it looks like an option of ours.
  command.AcceptAnything();
  AddExample(command,
             "  viper demo \"compute the median\"\n"
             "\n"
             "Make the collection with `make demo` first.");
  command.OnChosen(
      [command, &session] { session.run = [command] { return Run(command.extras()); }; });
}

}  // namespace viper::cli
