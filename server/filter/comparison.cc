#include "server/filter/comparison.h"

#include <optional>

#include "google/protobuf/util/message_differencer.h"

namespace curatord::filter {
namespace {

bool IsNumber(Kind kind) {
  return kind == Kind::kInt || kind == Kind::kUint || kind == Kind::kDouble;
}

std::partial_ordering CompareIntUint(int64_t a, uint64_t b) {
  return a < 0 ? std::partial_ordering::less : static_cast<uint64_t>(a) <=> b;
}

// As doubles, so 9007199254740993 equals 9007199254740992.0: that is what CEL's
// conformance cases ask for. NaN is unordered.
template <typename Integer>
std::partial_ordering CompareIntegerDouble(Integer a, double b) {
  return static_cast<double>(a) <=> b;
}

std::partial_ordering Reverse(std::partial_ordering order) {
  if (std::is_lt(order)) return std::partial_ordering::greater;
  return std::is_gt(order) ? std::partial_ordering::less : order;
}

std::partial_ordering CompareNumbers(const Value& a, const Value& b) {
  switch (a.kind()) {
    case Kind::kInt:
      switch (b.kind()) {
        case Kind::kInt:
          return a.int_value() <=> b.int_value();
        case Kind::kUint:
          return CompareIntUint(a.int_value(), b.uint_value());
        default:
          return CompareIntegerDouble(a.int_value(), b.double_value());
      }
    case Kind::kUint:
      switch (b.kind()) {
        case Kind::kInt:
          return Reverse(CompareIntUint(b.int_value(), a.uint_value()));
        case Kind::kUint:
          return a.uint_value() <=> b.uint_value();
        default:
          return CompareIntegerDouble(a.uint_value(), b.double_value());
      }
    default:
      if (b.kind() == Kind::kDouble) return a.double_value() <=> b.double_value();
      return Reverse(CompareNumbers(b, a));
  }
}

// absl's times have no operator <=>.
template <typename T>
std::partial_ordering Order(T a, T b) {
  if (a < b) return std::partial_ordering::less;
  return a == b ? std::partial_ordering::equivalent : std::partial_ordering::greater;
}

absl::StatusOr<bool> EqualLists(const Value& a, const Value& b, Work& work) {
  const size_t size = a.size();
  if (size != b.size()) return false;
  for (size_t i = 0; i < size; ++i) {
    const absl::StatusOr<Value> left = a.Element(i);
    if (!left.ok()) return left.status();
    const absl::StatusOr<Value> right = b.Element(i);
    if (!right.ok()) return right.status();
    absl::StatusOr<bool> equal = Equal(*left, *right, work);
    if (!equal.ok() || !*equal) return equal;
  }
  return true;
}

absl::StatusOr<bool> EqualMaps(const Value& a, const Value& b, Work& work) {
  const size_t size = a.size();
  if (size != b.size()) return false;
  for (size_t i = 0; i < size; ++i) {
    const absl::StatusOr<Value> key = a.Key(i);
    if (!key.ok()) return key.status();
    const absl::StatusOr<std::optional<size_t>> at = b.Find(*key);
    if (!at.ok()) return at.status();
    if (!at->has_value()) return false;
    const absl::StatusOr<Value> left = a.ValueAt(i);
    if (!left.ok()) return left.status();
    const absl::StatusOr<Value> right = b.ValueAt(**at);
    if (!right.ok()) return right.status();
    absl::StatusOr<bool> equal = Equal(*left, *right, work);
    if (!equal.ok() || !*equal) return equal;
  }
  return true;
}

absl::StatusOr<bool> EqualMessages(const Value& a, const Value& b, Work& work) {
  if (a.message().GetDescriptor() != b.message().GetDescriptor()) return false;
  if (absl::Status s = work.SpendOnBytes(16 * a.message().ByteSizeLong()); !s.ok()) return s;
  return google::protobuf::util::MessageDifferencer::Equals(a.message(), b.message());
}

}  // namespace

absl::StatusOr<bool> Equal(const Value& a, const Value& b, Work& work) {
  if (absl::Status s = work.Spend(1); !s.ok()) return s;
  if (IsNumber(a.kind()) && IsNumber(b.kind())) {
    return CompareNumbers(a, b) == std::partial_ordering::equivalent;
  }
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kString:
    case Kind::kBytes:
      if (a.text().size() != b.text().size()) return false;
      if (absl::Status s = work.SpendOnBytes(a.text().size()); !s.ok()) return s;
      return a.text() == b.text();
    case Kind::kType:
      return a.text() == b.text();
    case Kind::kList:
      return EqualLists(a, b, work);
    case Kind::kMap:
      return EqualMaps(a, b, work);
    case Kind::kMessage:
      return EqualMessages(a, b, work);
    default:
      return Compare(a, b) == std::partial_ordering::equivalent;
  }
}

std::partial_ordering Compare(const Value& a, const Value& b) {
  switch (a.kind()) {
    case Kind::kBool:
      return a.bool_value() <=> b.bool_value();
    case Kind::kString:
    case Kind::kBytes:
      // By bytes, which for UTF-8 is the order of the code points.
      return a.text().compare(b.text()) <=> 0;
    case Kind::kTimestamp:
      return Order(a.time(), b.time());
    case Kind::kDuration:
      return Order(a.duration(), b.duration());
    default:
      return CompareNumbers(a, b);
  }
}

}  // namespace curatord::filter
