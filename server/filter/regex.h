// The regular expressions of matches(): RE2, whose time is linear in the text.
#ifndef SERVER_FILTER_REGEX_H_
#define SERVER_FILTER_REGEX_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "re2/re2.h"
#include "server/filter/work.h"

namespace curatord::filter {

// kInvalidArgument for what is no regular expression, or needs too much memory.
absl::StatusOr<std::unique_ptr<RE2>> CompileRegex(absl::string_view pattern, Work& work);

// Whether it is found anywhere in the text.
absl::StatusOr<bool> FindRegex(const RE2& regex, absl::string_view text, Work& work);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_REGEX_H_
