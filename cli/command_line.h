#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace viper::cli {

/// The command line, without a view of the library behind it: including CLI11 costs seconds, so
/// only command_line.cc does.

/// The program or one of its commands: a handle that may be copied, valid as long as its
/// CommandLine. Variables given to it receive what was typed and must live until Parse returns.
///
/// `names` are those of an option ("-o,--output"), or of a positional argument ("NAME"). A Value is
/// std::string, uint32_t, uint64_t or double; in AddRequired also a list of strings, which takes
/// all that follow.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  Command AddCommand(const std::string& name, const std::string& description);

  template <typename Value>
  void AddOption(const std::string& names, Value& value, const std::string& help);
  /// Show the present value of the variable in the help.
  template <typename Value>
  void AddOptionWithDefault(const std::string& names, Value& value, const std::string& help);
  template <typename Value>
  void AddRequired(const std::string& names, Value& value, const std::string& help);
  /// One value each time the option is given.
  void AddRepeated(const std::string& names, std::vector<std::string>& values,
                   const std::string& help);
  /// Shows the present values, if there are any. Value is std::string or double.
  template <typename Value>
  void AddCommaSeparated(const std::string& names, std::vector<Value>& values,
                         const std::string& help);
  void AddFlag(const std::string& names, bool& value, const std::string& help);

  /// Keep arguments that no option takes for extras(), options of the program among them.
  void AcceptExtras();
  /// Keep for extras() all that follows the command, whatever it looks like.
  void AcceptAnything();
  std::vector<std::string> extras() const;

  /// Show these lines below the help.
  void SetFooter(const std::string& lines);
  /// Call this when the command was chosen and its options are read.
  void OnChosen(std::function<void()> action);

 private:
  CLI::App* app_;
};

struct ProgramDescription {
  std::string name;
  std::string description;
  std::string footer;
};

class CommandLine {
 public:
  explicit CommandLine(const ProgramDescription& description);
  ~CommandLine();

  /// Where options of the program and its commands are added.
  Command program() { return Command(*app_); }

  /// Add --version, which prints this text.
  void AddVersion(const std::string& text);

  /// Read the arguments. An exit code if the program ends with that: the help or the version was
  /// asked for and printed, or the arguments are wrong and standard error says why.
  std::optional<int> Parse(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace viper::cli
