// The smallest program on the installed library: it compiles against the installed headers, links,
// makes a collection, searches it, and finds everything again after reopening.  user <empty folder>

#include <cstdio>
#include <string>
#include <vector>

#include "viper/viper.h"

namespace {

viper::Status Run(const std::string& root) {
  {
    viper::Result<viper::Engine> engine = viper::Engine::Open(root);
    if (!engine.ok()) return engine.status();
    const auto collection =
        engine->CreateCollection("colours", {.dim = 2, .metric = viper::Metric::kL2});
    if (!collection.ok()) return collection.status();
    for (const viper::Record& record : {viper::Record{.id = "red", .vector = {1, 0}},
                                        viper::Record{.id = "blue", .vector = {0, 1}}}) {
      const auto written = (*collection)->Upsert(record);
      if (!written.ok()) return written.status();
    }
  }
  viper::Result<viper::Engine> engine = viper::Engine::Open(root);
  if (!engine.ok()) return engine.status();
  const auto collection = engine->OpenCollection("colours");
  if (!collection.ok()) return collection.status();
  const std::vector<float> query = {0.9F, 0.2F};
  const auto hits = (*collection)->Search(query);
  if (!hits.ok()) return hits.status();
  for (const viper::Hit& hit : *hits) std::printf("%s %.3f\n", hit.id.c_str(), hit.distance);
  return viper::Status();
}

}  // namespace

int main(int argc, char** argv) {
  std::printf("viper %s\n", viper::kVersionString);
  const viper::Status status = Run(argc > 1 ? argv[1] : ".");
  if (!status.ok()) std::printf("%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
