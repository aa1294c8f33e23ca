#include "server/filter/regex.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/filter/limits.h"
#include "server/filter/utf8.h"

namespace curatord::filter {

absl::StatusOr<std::unique_ptr<RE2>> CompileRegex(absl::string_view pattern, Work& work) {
  if (absl::Status s = work.Spend(static_cast<int64_t>(100 + 10 * pattern.size())); !s.ok()) {
    return s;
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxRegexMemory);
  auto regex = std::make_unique<RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!regex->ok()) {
    const std::string& error = regex->error();
    const size_t valid = ValidUtf8Prefix(error);
    return absl::InvalidArgumentError(absl::StrCat(
        "bad regular expression: ", Excerpt(absl::string_view(error).substr(0, valid))));
  }
  // Repetitions make a short pattern a big program.
  if (absl::Status s = work.Spend(regex->ProgramSize()); !s.ok()) return s;
  return regex;
}

absl::StatusOr<bool> FindRegex(const RE2& regex, absl::string_view text, Work& work) {
  // RE2 needs a few instructions for a byte, and as many as the program has where its
  // automaton outgrows its memory.
  const auto program = static_cast<int64_t>(regex.ProgramSize());
  const auto bytes = static_cast<int64_t>(text.size());
  if (absl::Status s = work.Spend(4 + bytes / 4 + bytes * program / 256); !s.ok()) return s;
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex);
}

}  // namespace curatord::filter
