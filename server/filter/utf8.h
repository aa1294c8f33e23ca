// UTF-8 as CEL needs it: strings are sequences of code points.
#ifndef SERVER_FILTER_UTF8_H_
#define SERVER_FILTER_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace curatord::filter {

// The offset of the first byte that is not well-formed UTF-8, or the length.
// Surrogates and overlong forms are not well-formed.
size_t ValidUtf8Prefix(absl::string_view text);

// `text` must be well-formed.
size_t CountCodePoints(absl::string_view text);

// The first characters of a well-formed text, for a message.
absl::string_view Excerpt(absl::string_view text);

// False for surrogates and beyond U+10FFFF.
bool IsCodePoint(uint32_t code_point);
void AppendCodePoint(uint32_t code_point, std::string& text);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_UTF8_H_
