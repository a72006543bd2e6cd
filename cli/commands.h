#pragma once

#include <CLI/App.hpp>

#include "session.h"

namespace viper::cli {

/// Each adds one command to the command line; the session outlives the app.
void AddCreateCommand(CLI::App& app, Session& session);
void AddImportCommand(CLI::App& app, Session& session);
void AddGetCommand(CLI::App& app, Session& session);
void AddSearchCommand(CLI::App& app, Session& session);
void AddCountCommand(CLI::App& app, Session& session);
void AddInfoCommand(CLI::App& app, Session& session);
void AddScrollCommand(CLI::App& app, Session& session);
void AddExportCommand(CLI::App& app, Session& session);
void AddDeleteCommand(CLI::App& app, Session& session);
void AddIndexCommand(CLI::App& app, Session& session);
void AddBenchCommand(CLI::App& app, Session& session);
void AddFlushCommand(CLI::App& app, Session& session);
void AddDropCommand(CLI::App& app, Session& session);
void AddListCommand(CLI::App& app, Session& session);
void AddDemoCommand(CLI::App& app, Session& session);

}  // namespace viper::cli
