#include "pipeline/vector_file.h"

#include <memory>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "pipeline/source_limits.h"
#include "pipeline/source_testing.h"

namespace viper::pipeline {
namespace {

// Row i is full of the number i; one row cannot be read.
class NumberedRows final : public VectorFile {
 public:
  NumberedRows(size_t dim, uint64_t rows, uint64_t bad_row)
      : dim_(dim), rows_(rows), bad_row_(bad_row) {}
  const std::string& name() const override { return name_; }
  size_t dim() const override { return dim_; }
  uint64_t row_count() const override { return rows_; }
  Status ReadRows(uint64_t first, std::span<float> out) override {
    for (size_t i = 0; i < out.size(); ++i) {
      if (first + i / dim_ == bad_row_) return Status::IoError("bad sector");
      out[i] = static_cast<float>(first + i / dim_);
    }
    return Status::Ok();
  }

 private:
  const std::string name_ = "numbered";
  const size_t dim_;
  const uint64_t rows_;
  const uint64_t bad_row_;
};

TEST(VectorFile, BatchesStayWithinTheirBytes) {
  const size_t dim = 3000;
  auto source = MakeVectorFileSource(std::make_unique<NumberedRows>(dim, 2000, 9999), {});
  uint64_t rows = 0;
  while (true) {
    const auto batch = source->Next();
    ASSERT_TRUE(batch.ok());
    if (batch->row_count() == 0) break;
    EXPECT_LE(batch->vectors.size() * sizeof(float), kBatchFloatBytes);
    EXPECT_EQ(batch->vectors.back(), static_cast<float>(rows + batch->row_count() - 1));
    rows += batch->row_count();
  }
  EXPECT_EQ(rows, 2000U);
}

TEST(VectorFile, ErrorsCarryTheName) {
  auto source = MakeVectorFileSource(std::make_unique<NumberedRows>(2, 10, 5), {});
  EXPECT_EQ(source->Next().status().ToString(), "IoError: numbered: bad sector");
  auto limited = MakeVectorFileSource(std::make_unique<NumberedRows>(2, 10, 5), {.limit = 5});
  EXPECT_EQ(limited->Next()->row_count(), 5U);
  EXPECT_EQ(limited->row_count(), 5U);
}

}  // namespace
}  // namespace viper::pipeline
