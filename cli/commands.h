#pragma once

#include "command_line.h"
#include "session.h"

namespace viper::cli {

/// Each adds one command to the command line; the session outlives the command line.
void AddCompactCommand(Command& program, Session& session);
void AddCreateCommand(Command& program, Session& session);
void AddImportCommand(Command& program, Session& session);
void AddGetCommand(Command& program, Session& session);
void AddSearchCommand(Command& program, Session& session);
void AddCountCommand(Command& program, Session& session);
void AddInfoCommand(Command& program, Session& session);
void AddSchemaCommand(Command& program, Session& session);
void AddScrollCommand(Command& program, Session& session);
void AddExportCommand(Command& program, Session& session);
void AddUpdateCommand(Command& program, Session& session);
void AddDeleteCommand(Command& program, Session& session);
void AddIndexCommand(Command& program, Session& session);
void AddClustersCommand(Command& program, Session& session);
void AddAlterCommand(Command& program, Session& session);
void AddBenchCommand(Command& program, Session& session);
void AddFlushCommand(Command& program, Session& session);
void AddDropCommand(Command& program, Session& session);
void AddListCommand(Command& program, Session& session);
void AddVersionsCommand(Command& program, Session& session);
void AddVerifyCommand(Command& program, Session& session);
void AddRepairCommand(Command& program, Session& session);
void AddInspectCommand(Command& program, Session& session);
void AddDemoCommand(Command& program, Session& session);

}  // namespace viper::cli
