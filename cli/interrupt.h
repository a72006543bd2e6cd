#pragma once

namespace viper::cli {

/// For commands that ask Interrupted() as they go: let SIGINT and SIGTERM set a mark instead of
/// ending the process, so that work can stop at a clean place. The second signal ends it at once
/// (which loses nothing that was acknowledged).
void CatchInterrupts();

/// A signal came.
bool Interrupted();

}  // namespace viper::cli
