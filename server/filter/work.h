// How much an evaluation may still do.
#ifndef SERVER_FILTER_WORK_H_
#define SERVER_FILTER_WORK_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace curatord::filter {

class Work {
 public:
  explicit Work(int64_t steps) : left_(steps) {}

  // kResourceExhausted once all is spent. No operator absorbs that error.
  absl::Status Spend(int64_t steps) {
    left_ -= steps;
    if (left_ >= 0) return absl::OkStatus();
    left_ = 0;
    return Exhausted();
  }

  // For work that grows with the length of a text.
  absl::Status SpendOnBytes(size_t bytes) { return Spend(static_cast<int64_t>(bytes / 16)); }

  int64_t left() const { return left_; }

 private:
  static absl::Status Exhausted() {
    return absl::ResourceExhaustedError("the filter takes too much work");
  }

  int64_t left_;
};

}  // namespace curatord::filter

#endif  // SERVER_FILTER_WORK_H_
