#include "core/verification.h"

#include <utility>

#include <fmt/core.h>

namespace viper::core {

void Verification::AddTruth(const Subject& subject, std::string problem, std::string affected) {
  VerifyFinding finding;
  finding.problem = std::move(problem);
  finding.affected = std::move(affected);
  Add(FindingKind::kTruthDamage, subject, std::move(finding));
}

void Verification::AddDerived(const Subject& subject, std::string problem) {
  VerifyFinding finding;
  finding.problem = std::move(problem);
  finding.is_repairable = true;
  Add(FindingKind::kDerivedDamage, subject, std::move(finding));
}

void Verification::AddLeftover(const std::string& path, std::string problem, uint64_t bytes) {
  VerifyFinding finding;
  finding.problem = std::move(problem);
  finding.is_repairable = true;
  finding.bytes = bytes;
  Add(FindingKind::kLeftover, {path, {}}, std::move(finding));
}

void Verification::AddNote(const Subject& subject, std::string problem, uint64_t bytes) {
  VerifyFinding finding;
  finding.problem = std::move(problem);
  finding.bytes = bytes;
  Add(FindingKind::kNote, subject, std::move(finding));
}

void Verification::Add(FindingKind kind, const Subject& subject, VerifyFinding finding) {
  finding.kind = kind;
  finding.file = Relative(subject.path);
  if (!subject.other_path.empty()) finding.other_file = Relative(subject.other_path);
  if (++findings_of_file_[finding.file] > kFindingsPerFileMax) {
    ++report_.findings_left_out;
    return;
  }
  report_.findings.push_back(std::move(finding));
}

void Verification::ForgetFindingsFrom(size_t count) {
  while (report_.findings.size() > count) {
    --findings_of_file_[report_.findings.back().file];
    report_.findings.pop_back();
  }
}

std::string Verification::Relative(const std::string& path) const {
  if (path == directory_) return ".";
  if (path.starts_with(directory_ + "/")) return path.substr(directory_.size() + 1);
  return path;
}

Status Verification::BeginFile(const std::string& path) {
  file_ = Relative(path);
  ++report_.files;
  return Tell();
}

Status Verification::AddBytes(uint64_t bytes) {
  report_.bytes += bytes;
  return Tell();
}

Status Verification::Tell() {
  if (!options_.progress) return {};
  progress_.file = file_;
  progress_.bytes_done = report_.bytes;
  if (options_.progress(progress_)) return {};
  return Status::Cancelled(fmt::format("the verification was stopped at {}", file_));
}

std::string RowsText(uint64_t first, uint64_t count) {
  if (count == 1) return fmt::format("row {}", first);
  return fmt::format("rows {} to {}", first, first + count - 1);
}

}  // namespace viper::core
