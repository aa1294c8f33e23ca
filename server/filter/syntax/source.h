// The text of a filter, and the words for a place in it.
#ifndef SERVER_FILTER_SYNTAX_SOURCE_H_
#define SERVER_FILTER_SYNTAX_SOURCE_H_

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace curatord::filter {

class Source {
 public:
  explicit Source(std::string text) : text_(std::move(text)) {}

  absl::string_view text() const { return text_; }

  // "column 12", or "line 2, column 5" where there is more than one line. Counted in
  // characters, from 1. `offset` is in bytes.
  std::string Position(size_t offset) const;

  // kInvalidArgument: "column 12: `message`".
  absl::Status Error(size_t offset, absl::string_view message) const;

  // The same code, with the place in front of its message.
  absl::Status Locate(size_t offset, const absl::Status& error) const;

 private:
  std::string text_;
};

}  // namespace curatord::filter

#endif  // SERVER_FILTER_SYNTAX_SOURCE_H_
