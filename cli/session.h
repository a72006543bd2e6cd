#pragma once

#include <functional>
#include <memory>
#include <string>

#include "viper/engine.h"
#include "viper/options.h"
#include "viper/result.h"

namespace viper::cli {

/// May the command change anything?
enum class Access { kRead, kWrite };

/// The options that stand before the command, and what a command needs to begin.
struct Session {
  std::string root;
  std::string durability = "sync";
  std::string deletes = "auto";
  std::string policy = "speed";
  /// Of all columns; "adaptive" = chosen for each.
  std::string compression = "adaptive";
  std::string vector_format = "adaptive";
  double sparsity_threshold = EngineOptions().sparsity_threshold;
  uint32_t threads = 0;
  uint64_t accept_loss_from = 0;
  uint64_t memory_limit_mib = 0;
  /// What the chosen command does; set when the command line is read.
  std::function<Status()> run;

  /// Open the root directory. Reading takes no lock, so it works beside a writer.
  Result<Engine> OpenEngine(Access access) const;
};

/// A collection and the engine it belongs to, which must live as long.
struct OpenedCollection {
  std::unique_ptr<Engine> engine;
  std::shared_ptr<Collection> collection;

  Collection* operator->() const { return collection.get(); }
};

Result<OpenedCollection> OpenCollection(const Session& session, const std::string& name,
                                        Access access);

}  // namespace viper::cli
