// What a filter may be and may cost, so that none can hurt the server.
#ifndef SERVER_FILTER_LIMITS_H_
#define SERVER_FILTER_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace curatord::filter {

// Room for a list of more than two thousand node ids.
inline constexpr size_t kMaxFilterBytes = size_t{128} << 10;

// Of an expression, counted in nodes on the way from the root to a leaf. Parser,
// checker, evaluator and destructors recurse over expressions, and values and types
// cannot nest deeper than the expression that makes them: this bounds every stack.
inline constexpr int kMaxDepth = 250;

// Steps of an evaluation on one message. A step is the evaluation of one node of the
// expression or the handling of some twenty bytes: tens of nanoseconds, and at most some
// fifty bytes of memory.
inline constexpr int64_t kStepsPerMessage = 100'000;

// Steps spent on constant parts while compiling; what does not fit is left to the
// evaluation.
inline constexpr int64_t kStepsOfCompilation = 1'000'000;

// What RE2 may use for one regular expression; its running time is linear anyhow.
inline constexpr int64_t kMaxRegexMemory = int64_t{1} << 20;

// Of a regular expression that is not a literal and hence compiled for each use.
inline constexpr size_t kMaxComputedRegexBytes = 1024;

}  // namespace curatord::filter

#endif  // SERVER_FILTER_LIMITS_H_
