#include "command_line.h"

#include <cstdint>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "exit_code.h"
#include "number_text.h"

namespace viper::cli {

Command Command::AddCommand(const std::string& name, const std::string& description) {
  return Command(*app_->add_subcommand(name, description));
}

namespace {

template <typename Number>
Number ReadNumber(const std::string& names, const std::string& text) {
  Result<Number> number = ParseNumber<Number>(text);
  // As CLI11 wants to be told.
  if (!number.ok()) throw CLI::ValidationError(names, number.status().message());
  return *number;
}

template <typename Number>
constexpr const char* kTypeName = std::is_floating_point_v<Number> ? "FLOAT" : "UINT";

// CLI11 would take other bases, signs and what does not fit.
template <typename Number>
CLI::Option* AddNumber(CLI::App& app, const std::string& names, Number& value,
                       const std::string& help) {
  const auto read = [&value, names](const CLI::results_t& texts) {
    value = ReadNumber<Number>(names, texts.front());
    return true;
  };
  const auto show = [&value] { return fmt::format("{}", value); };
  return app.add_option(names, read, help, false, show)->type_name(kTypeName<Number>);
}

CLI::Option* Add(CLI::App& app, const std::string& names, double& value, const std::string& help) {
  return AddNumber(app, names, value, help);
}
CLI::Option* Add(CLI::App& app, const std::string& names, uint32_t& value,
                 const std::string& help) {
  return AddNumber(app, names, value, help);
}
CLI::Option* Add(CLI::App& app, const std::string& names, uint64_t& value,
                 const std::string& help) {
  return AddNumber(app, names, value, help);
}

CLI::Option* Add(CLI::App& app, const std::string& names, std::vector<double>& values,
                 const std::string& help) {
  const auto read = [&values, names](const CLI::results_t& texts) {
    values.clear();
    for (const std::string& text : texts) values.push_back(ReadNumber<double>(names, text));
    return true;
  };
  const auto show = [&values] { return fmt::format("[{}]", fmt::join(values, ",")); };
  return app.add_option(names, read, help, false, show)
      ->type_name("FLOAT")
      ->expected(1, CLI::detail::expected_max_vector_size);
}

template <typename Texts>
CLI::Option* Add(CLI::App& app, const std::string& names, Texts& texts, const std::string& help) {
  return app.add_option(names, texts, help);
}

}  // namespace

template <typename Value>
void Command::AddOption(const std::string& names, Value& value, const std::string& help) {
  Add(*app_, names, value, help);
}
template void Command::AddOption(const std::string&, std::string&, const std::string&);
template void Command::AddOption(const std::string&, uint64_t&, const std::string&);
template void Command::AddOption(const std::string&, double&, const std::string&);

template <typename Value>
void Command::AddOptionWithDefault(const std::string& names, Value& value,
                                   const std::string& help) {
  Add(*app_, names, value, help)->capture_default_str();
}
template void Command::AddOptionWithDefault(const std::string&, std::string&, const std::string&);
template void Command::AddOptionWithDefault(const std::string&, uint32_t&, const std::string&);
template void Command::AddOptionWithDefault(const std::string&, uint64_t&, const std::string&);
template void Command::AddOptionWithDefault(const std::string&, double&, const std::string&);

template <typename Value>
void Command::AddRequired(const std::string& names, Value& value, const std::string& help) {
  Add(*app_, names, value, help)->required();
}
template void Command::AddRequired(const std::string&, std::string&, const std::string&);
template void Command::AddRequired(const std::string&, uint64_t&, const std::string&);
template void Command::AddRequired(const std::string&, std::vector<std::string>&,
                                   const std::string&);

void Command::AddRepeated(const std::string& names, std::vector<std::string>& values,
                          const std::string& help) {
  app_->add_option(names, values, help)->allow_extra_args(false);
}

template <typename Value>
void Command::AddCommaSeparated(const std::string& names, std::vector<Value>& values,
                                const std::string& help) {
  CLI::Option* option = Add(*app_, names, values, help);
  option->delimiter(',')->allow_extra_args(false);
  if (!values.empty()) option->capture_default_str();
}
template void Command::AddCommaSeparated(const std::string&, std::vector<std::string>&,
                                         const std::string&);
template void Command::AddCommaSeparated(const std::string&, std::vector<double>&,
                                         const std::string&);

void Command::AddFlag(const std::string& names, bool& value, const std::string& help) {
  app_->add_flag(names, value, help);
}

void Command::AcceptExtras() {
  app_->allow_extras();
  app_->fallthrough(false);  // else they would go to the program, which takes none
}

void Command::AcceptAnything() {
  app_->prefix_command();
  app_->fallthrough(false);
}

std::vector<std::string> Command::extras() const { return app_->remaining(); }

void Command::SetFooter(const std::string& lines) { app_->footer(lines); }

void Command::OnChosen(std::function<void()> action) { app_->callback(std::move(action)); }

CommandLine::CommandLine(const ProgramDescription& description)
    : app_(std::make_unique<CLI::App>(description.description, description.name)) {
  app_->footer(description.footer);
  app_->require_subcommand(1);
  app_->fallthrough();
}

CommandLine::~CommandLine() = default;

void CommandLine::AddVersion(const std::string& text) { app_->set_version_flag("--version", text); }

std::optional<int> CommandLine::Parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& request) {
    return app_->exit(request);  // --help and --version
  } catch (const CLI::ParseError& error) {
    Tell(fmt::format("{} (see viper --help)", error.what()));
    return kExitInvalid;
  }
  return std::nullopt;
}

}  // namespace viper::cli
