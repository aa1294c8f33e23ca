#include "server/filter/syntax/source.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/filter/utf8.h"

namespace curatord::filter {

std::string Source::Position(size_t offset) const {
  const absl::string_view before = absl::string_view(text_).substr(0, offset);
  const size_t newline = before.rfind('\n');
  const bool first_line = newline == absl::string_view::npos;
  const size_t column = CountCodePoints(first_line ? before : before.substr(newline + 1)) + 1;
  if (first_line && absl::string_view(text_).find('\n') == absl::string_view::npos) {
    return absl::StrCat("column ", column);
  }
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  return absl::StrCat("line ", line, ", column ", column);
}

absl::Status Source::Error(size_t offset, absl::string_view message) const {
  return Locate(offset, absl::InvalidArgumentError(message));
}

absl::Status Source::Locate(size_t offset, const absl::Status& error) const {
  return {error.code(), absl::StrCat(Position(offset), ": ", error.message())};
}

}  // namespace curatord::filter
