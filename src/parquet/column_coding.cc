#include "parquet/column_coding.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/core.h>

#include "base/assert.h"
#include "viper/value.h"

namespace viper::parquet {
namespace {

/// So much larger than the smallest, in percent, may be what is read faster.
constexpr uint64_t kFasterPercent = 1;
constexpr uint64_t kPromisingPercent = 10;
/// Trials that a file tells of each column, the smallest; the footer is read at every opening.
constexpr size_t kToldTrials = 6;

std::string_view EncodingName(Encoding encoding) {
  switch (encoding) {
    case Encoding::kPlain:
      return "plain";
    case Encoding::kDictionary:
      return "dictionary";
    case Encoding::kByteStreamSplit:
      return "byte_stream_split";
    case Encoding::kDeltaBinaryPacked:
      return "delta_binary_packed";
    case Encoding::kDeltaLengthByteArray:
      return "delta_length_byte_array";
    case Encoding::kDeltaByteArray:
      break;
  }
  return "delta_byte_array";
}

auto ReadingOrder(const CodingTrial& trial) {
  const ColumnCoding& coding = trial.coding;
  return std::tuple(coding.compression.codec, coding.encoding, coding.compression.level,
                    trial.bytes);
}

const CodingTrial& Smallest(const std::vector<CodingTrial>& trials) {
  VIPER_ASSERT(!trials.empty());
  return *std::min_element(trials.begin(), trials.end(),
                           [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
}

const CodingTrial& Best(const std::vector<CodingTrial>& trials) {
  const uint64_t smallest = Smallest(trials).bytes;
  const uint64_t limit = smallest + smallest * kFasterPercent / 100;
  const CodingTrial* best = nullptr;
  for (const CodingTrial& trial : trials) {
    if (trial.bytes > limit) continue;
    if (best == nullptr || ReadingOrder(trial) < ReadingOrder(*best)) best = &trial;
  }
  return *best;
}

std::string TextOf(const Value& object, std::string_view key) {
  const auto found = object.as_object()->find(std::string(key));
  const bool is_text = found != object.as_object()->end() && found->second.as_string() != nullptr;
  return is_text ? *found->second.as_string() : std::string();
}

const Value* MemberOf(const Value& object, std::string_view key) {
  if (object.as_object() == nullptr) return nullptr;
  const auto found = object.as_object()->find(std::string(key));
  return found == object.as_object()->end() ? nullptr : &found->second;
}

CompressionReport::Column ColumnOf(const Value& value) {
  CompressionReport::Column column;
  if (value.as_object() == nullptr) return column;
  column.chosen = TextOf(value, "chosen");
  column.reason = TextOf(value, "reason");
  const Value* trials = MemberOf(value, "trials");
  if (trials == nullptr || trials->as_object() == nullptr) return column;
  for (const auto& [way, bytes] : *trials->as_object()) {
    if (bytes.as_int64() == nullptr || *bytes.as_int64() < 0) continue;
    column.trials.emplace_back(way, static_cast<uint64_t>(*bytes.as_int64()));
  }
  return column;
}

}  // namespace

TrialLimits ScalarTrialLimits(const CompressionOptions& options) {
  return {options.dictionaries != DictionaryUse::kNothing,
          options.dictionaries == DictionaryUse::kScalarsThatRepeat,
          options.keeps_codec ? std::optional(options.fixed) : std::nullopt};
}

TrialLimits VectorTrialLimits(const CompressionOptions& options) {
  return {options.dictionaries == DictionaryUse::kWhereSmallest, false,
          options.keeps_codec ? std::optional(options.fixed) : std::nullopt};
}

std::string CodingName(const ColumnCoding& coding) {
  return fmt::format("{} {}", EncodingName(coding.encoding), CompressionName(coding.compression));
}

ColumnChoice ChooseCoding(std::vector<CodingTrial> trials) {
  ColumnChoice choice;
  const CodingTrial& best = Best(trials);
  const CodingTrial& smallest = Smallest(trials);
  choice.coding = best.coding;
  choice.reason = best.bytes == smallest.bytes
                      ? fmt::format("the smallest of {} ways", trials.size())
                      : fmt::format("within {} % of the smallest of {} ways ({}), and read faster",
                                    kFasterPercent, trials.size(), CodingName(smallest.coding));
  std::vector<CodingTrial> others = trials;
  std::erase_if(others, [&](const CodingTrial& trial) {
    return trial.coding.has_dictionary() ||
           trial.coding.compression.codec != choice.coding.compression.codec;
  });
  choice.without_dictionary = others.empty() ? choice.coding : Best(others).coding;
  if (choice.without_dictionary.has_dictionary()) {
    choice.without_dictionary.encoding = Encoding::kPlain;
  }
  choice.trials = std::move(trials);
  return choice;
}

std::vector<Encoding> PromisingEncodings(const std::vector<CodingTrial>& trials) {
  const uint64_t smallest = Smallest(trials).bytes;
  std::vector<Encoding> promising;
  for (const CodingTrial& trial : trials) {
    // Plain stays: there must be one way that has no dictionary.
    if (trial.bytes > smallest + smallest * kPromisingPercent / 100 &&
        trial.coding.encoding != Encoding::kPlain) {
      continue;
    }
    promising.push_back(trial.coding.encoding);
  }
  return promising;
}

const ColumnChoice* ColumnChoices::Find(std::string_view column) const {
  const auto found = choices_.find(column);
  return found != choices_.end() && found->second.is_settled ? &found->second.choice : nullptr;
}

const ColumnChoice& ColumnChoices::Set(std::string_view column, ColumnChoice choice,
                                       bool is_settled) {
  Entry& entry = choices_[std::string(column)];
  entry = {std::move(choice), is_settled};
  return entry.choice;
}

void ColumnChoices::Note(std::string_view column, const std::string& note) {
  const auto found = choices_.find(column);
  if (found != choices_.end()) found->second.note = note;
}

std::string ColumnChoices::ToJson() const {
  Value::Object columns;
  for (const auto& [name, entry] : choices_) {
    std::vector<CodingTrial> smallest = entry.choice.trials;
    std::sort(smallest.begin(), smallest.end(),
              [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
    smallest.resize(std::min(smallest.size(), kToldTrials));
    Value::Object trials;
    for (const CodingTrial& trial : smallest) {
      trials[CodingName(trial.coding)] = static_cast<int64_t>(trial.bytes);
    }
    columns[name] = Value::Object{
        {"chosen", CodingName(entry.choice.coding)},
        {"reason", entry.choice.reason + (entry.note.empty() ? "" : "; " + entry.note)},
        {"trials", std::move(trials)}};
  }
  Value::Object all{{"policy", std::string(StoragePolicyName(options_.policy))},
                    {"adaptive", options_.adaptive},
                    {"columns", std::move(columns)}};
  if (!options_.adaptive) all["compression"] = CompressionName(options_.fixed);
  if (options_.adaptive && options_.keeps_codec) all["codec"] = CompressionName(options_.fixed);
  return Value(std::move(all)).ToJson();
}

CompressionReport ParseCompressionReport(std::string_view json) {
  CompressionReport report;
  const auto parsed = Value::FromJson(json);
  if (!parsed.ok() || parsed->as_object() == nullptr) return report;
  const std::string fixed = TextOf(*parsed, "compression");
  const std::string codec = TextOf(*parsed, "codec");
  report.options = fmt::format("policy {}, {}", TextOf(*parsed, "policy"),
                               !fixed.empty()   ? "all columns " + fixed
                               : !codec.empty() ? "adaptive encodings, all columns " + codec
                                                : "adaptive");
  const Value* columns = MemberOf(*parsed, "columns");
  if (columns == nullptr || columns->as_object() == nullptr) return report;
  for (const auto& [name, column] : *columns->as_object()) report.columns[name] = ColumnOf(column);
  return report;
}

}  // namespace viper::parquet
