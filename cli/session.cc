#include "session.h"

#include <limits>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "exit_code.h"
#include "status_macros.h"

namespace viper::cli {

Result<Engine> Session::OpenEngine(Access access) const {
  EngineOptions options;
  options.read_only = access == Access::kRead;
  VIPER_ASSIGN_OR_RETURN(options.durability, ParseDurability(durability));
  VIPER_ASSIGN_OR_RETURN(options.delete_mode, ParseDeleteMode(deletes));
  VIPER_ASSIGN_OR_RETURN(options.storage_policy, ParseStoragePolicy(policy));
  VIPER_ASSIGN_OR_RETURN(options.vector_format, ParseVectorFormat(vector_format));
  options.sparsity_threshold = sparsity_threshold;
  options.adaptive_compression = compression == "adaptive";
  if (!options.adaptive_compression) {
    VIPER_ASSIGN_OR_RETURN(options.compression, ParseCompression(compression));
  }
  // A command that ends soon builds the index itself, or not at all.
  options.background_index = false;
  options.background_compaction = false;
  // Nor would it be there to tell what an audit found.
  options.audit_share = 0;
  options.search_threads = threads;
  options.accept_loss_from = accept_loss_from;
  constexpr uint64_t kMemoryLimitMibMax = std::numeric_limits<uint64_t>::max() >> 20;
  if (memory_limit_mib > kMemoryLimitMibMax) {
    return Status::InvalidArgument(fmt::format("--memory-limit is out of range: max={} actual={}",
                                               kMemoryLimitMibMax, memory_limit_mib));
  }
  options.memory_limit = memory_limit_mib << 20;
  options.log = Tell;
  return Engine::Open(root, options);
}

Result<OpenedCollection> OpenCollection(const Session& session, const std::string& name,
                                        Access access) {
  VIPER_ASSIGN_OR_RETURN(Engine engine, session.OpenEngine(access));
  OpenedCollection opened;
  opened.engine = std::make_unique<Engine>(std::move(engine));
  VIPER_ASSIGN_OR_RETURN(opened.collection, opened.engine->OpenCollection(name));
  return opened;
}

}  // namespace viper::cli
