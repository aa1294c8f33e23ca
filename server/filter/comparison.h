// Equality and order of values, across the kinds of numbers too.
#ifndef SERVER_FILTER_COMPARISON_H_
#define SERVER_FILTER_COMPARISON_H_

#include <compare>

#include "absl/status/statusor.h"
#include "server/filter/value.h"
#include "server/filter/work.h"

namespace curatord::filter {

// Values of different kinds are not equal, except for numbers. NaN equals nothing.
absl::StatusOr<bool> Equal(const Value& a, const Value& b, Work& work);

// Of two numbers, or two values of the same kind out of bool, string, bytes, timestamp
// and duration; unordered for NaN.
std::partial_ordering Compare(const Value& a, const Value& b);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_COMPARISON_H_
