#include "server/filter/constants.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "server/filter/evaluator.h"
#include "server/filter/functions/function.h"
#include "server/filter/regex.h"

namespace curatord::filter {
namespace {

// Below this, looking at each element is as fast.
constexpr size_t kLeastElementsForKeys = 8;

bool MayFold(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kCall:
    case ExprKind::kReceiverCall:
    case ExprKind::kList:
    case ExprKind::kMap:
      return std::all_of(expr.operands.begin(), expr.operands.end(), [](const ExprPtr& operand) {
        return operand->kind == ExprKind::kLiteral;
      });
    default:
      return false;
  }
}

// The same list, with keys by which `in` finds an element. Doubles are left to a real
// comparison, which rounds where keys are exact.
Value WithKeys(Value list) {
  if (list.size() < kLeastElementsForKeys) return list;
  auto data = std::make_shared<ListData>();
  for (size_t i = 0; i < list.size(); ++i) {
    absl::StatusOr<Value> element = list.Element(i);
    if (!element.ok() || element->kind() == Kind::kDouble) return list;
    data->elements.push_back(*std::move(element));
    // The key views the text that the element keeps.
    const std::optional<MapKey> key = KeyOf(data->elements.back());
    if (!key.has_value()) return list;
    data->keys.insert(*key);
  }
  return Value::List(std::move(data));
}

bool IsMatches(const Expr& expr) {
  return expr.function != nullptr &&
         (expr.function->name == "matches" || expr.function->name == ".matches");
}

}  // namespace

absl::Status FoldConstants(const Source& source, Expr& expr, Work& work) {
  for (const ExprPtr& operand : expr.operands) {
    if (absl::Status status = FoldConstants(source, *operand, work); !status.ok()) return status;
  }
  if (IsMatches(expr) && expr.operands[1]->kind == ExprKind::kLiteral &&
      expr.operands[1]->literal.kind() == Kind::kString) {
    const Expr& pattern = *expr.operands[1];
    absl::StatusOr<std::unique_ptr<RE2>> regex = CompileRegex(pattern.literal.text(), work);
    if (!regex.ok()) return source.Locate(pattern.offset, regex.status());
    expr.regex = *std::move(regex);
  }
  if (!MayFold(expr)) return absl::OkStatus();
  absl::StatusOr<Value> value = Evaluator(source, nullptr, 0, work).Evaluate(expr);
  if (!value.ok()) return absl::OkStatus();
  expr.literal = value->kind() == Kind::kList ? WithKeys(*std::move(value)) : *std::move(value);
  expr.kind = ExprKind::kLiteral;
  // The operands stay: the value may view their texts.
  return absl::OkStatus();
}

}  // namespace curatord::filter
