// == != < <= > >= !, `in` and [ ].
#include <compare>
#include <optional>

#include "absl/strings/str_cat.h"
#include "server/filter/comparison.h"
#include "server/filter/functions/function.h"
#include "server/filter/utf8.h"

namespace curatord::filter {
namespace {

using Arguments = absl::Span<const Value>;
using Result = absl::StatusOr<Value>;

Result Equals(Arguments a, Work& work) {
  const absl::StatusOr<bool> equal = Equal(a[0], a[1], work);
  if (!equal.ok()) return equal.status();
  return Value::Bool(*equal);
}

Result Differs(Arguments a, Work& work) {
  const absl::StatusOr<bool> equal = Equal(a[0], a[1], work);
  if (!equal.ok()) return equal.status();
  return Value::Bool(!*equal);
}

Result InList(Arguments a, Work& work) {
  const Value& list = a[1];
  const ListData* constants = list.constants();
  if (constants != nullptr && a[0].kind() != Kind::kDouble) {
    const std::optional<MapKey> key = KeyOf(a[0]);
    return Value::Bool(key.has_value() && constants->keys.contains(*key));
  }
  const size_t size = list.size();
  for (size_t i = 0; i < size; ++i) {
    const Result element = list.Element(i);
    if (!element.ok()) return element.status();
    const absl::StatusOr<bool> equal = Equal(a[0], *element, work);
    if (!equal.ok()) return equal.status();
    if (*equal) return Value::Bool(true);
  }
  return Value::Bool(false);
}

Result InMap(Arguments a, Work& work) {
  if (absl::Status s = work.SpendOnBytes(a[1].size()); !s.ok()) return s;
  const absl::StatusOr<std::optional<size_t>> found = a[1].Find(a[0]);
  if (!found.ok()) return found.status();
  return Value::Bool(found->has_value());
}

Result ListIndex(Arguments a, Work&) {
  // An index of another number type counts if it is whole.
  const std::optional<MapKey> key = KeyOf(a[1]);
  const auto* index = key.has_value() ? absl::get_if<int64_t>(&*key) : nullptr;
  const auto size = static_cast<int64_t>(a[0].size());
  if (index == nullptr || *index < 0 || *index >= size) {
    return absl::InvalidArgumentError(
        absl::StrCat("index ", index == nullptr ? "" : absl::StrCat(*index, " "),
                     "out of range of a list of ", size));
  }
  return a[0].Element(static_cast<size_t>(*index));
}

Result MapIndex(Arguments a, Work& work) {
  if (absl::Status s = work.SpendOnBytes(a[0].size()); !s.ok()) return s;
  const absl::StatusOr<std::optional<size_t>> found = a[0].Find(a[1]);
  if (!found.ok()) return found.status();
  if (found->has_value()) return a[0].ValueAt(**found);
  return absl::InvalidArgumentError(
      a[1].kind() == Kind::kString ? absl::StrCat("no such key: \"", Excerpt(a[1].text()), "\"")
                                   : "no such key");
}

template <typename Holds>
Result Ordered(Arguments a, Work& work, Holds holds) {
  if (a[0].kind() == Kind::kString || a[0].kind() == Kind::kBytes) {
    if (absl::Status s = work.SpendOnBytes(a[0].text().size()); !s.ok()) return s;
  }
  return Value::Bool(holds(Compare(a[0], a[1])));
}

// NaN is neither below nor above anything.
Result Less(Arguments a, Work& work) { return Ordered(a, work, std::is_lt); }
Result LessOrEqual(Arguments a, Work& work) { return Ordered(a, work, std::is_lteq); }
Result Greater(Arguments a, Work& work) { return Ordered(a, work, std::is_gt); }
Result GreaterOrEqual(Arguments a, Work& work) { return Ordered(a, work, std::is_gteq); }

void AddOrder(FunctionTable& table, absl::string_view name, Implementation implementation) {
  for (const Kind kind :
       {Kind::kBool, Kind::kString, Kind::kBytes, Kind::kTimestamp, Kind::kDuration}) {
    table.Add(name, {kind, kind}, Kind::kBool, implementation);
  }
  constexpr Kind kNumbers[] = {Kind::kInt, Kind::kUint, Kind::kDouble};
  for (const Kind left : kNumbers) {
    for (const Kind right : kNumbers) table.Add(name, {left, right}, Kind::kBool, implementation);
  }
}

}  // namespace

void AddComparison(FunctionTable& table) {
  table.Add("_==_", {Kind::kDyn, Kind::kDyn}, Kind::kBool, Equals);
  table.Add("_!=_", {Kind::kDyn, Kind::kDyn}, Kind::kBool, Differs);
  AddOrder(table, "_<_", Less);
  AddOrder(table, "_<=_", LessOrEqual);
  AddOrder(table, "_>_", Greater);
  AddOrder(table, "_>=_", GreaterOrEqual);
  table.Add("!_", {Kind::kBool}, Kind::kBool,
            [](Arguments a, Work&) -> Result { return Value::Bool(!a[0].bool_value()); });
  table.Add("@in", {Kind::kDyn, Kind::kList}, Kind::kBool, InList);
  table.Add("@in", {Kind::kDyn, Kind::kMap}, Kind::kBool, InMap);
  for (const Kind number : {Kind::kInt, Kind::kUint, Kind::kDouble}) {
    table.Add("_[_]", {Kind::kList, number}, Kind::kDyn, ListIndex);
  }
  table.Add("_[_]", {Kind::kMap, Kind::kDyn}, Kind::kDyn, MapIndex);
}

}  // namespace curatord::filter
