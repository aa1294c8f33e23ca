#include "server/filter/syntax/macros.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace curatord::filter {
namespace {

absl::StatusOr<ExprPtr> ExpandHas(const Source& source, ExprPtr call) {
  if (call->operands.size() != 1 || call->operands[0]->kind != ExprKind::kSelect) {
    return source.Error(call->offset, "has() takes one field selection, as in has(a.b)");
  }
  ExprPtr field = std::move(call->operands[0]);
  field->kind = ExprKind::kHas;
  return field;
}

struct Macro {
  absl::string_view name;
  ExprKind kind;
  size_t most_arguments;  // the least are two
};

constexpr Macro kMacros[] = {
    {"all", ExprKind::kAll, 2},
    {"exists", ExprKind::kExists, 2},
    {"exists_one", ExprKind::kExistsOne, 2},
    {"filter", ExprKind::kFilterMacro, 2},
    {"map", ExprKind::kMapMacro, 3},
};

}  // namespace

absl::StatusOr<ExprPtr> ExpandMacro(const Source& source, ExprPtr call) {
  if (call->kind == ExprKind::kCall) {
    return call->name == "has" ? ExpandHas(source, std::move(call)) : std::move(call);
  }
  for (const Macro& macro : kMacros) {
    if (call->name != macro.name) continue;
    std::vector<ExprPtr>& operands = call->operands;  // the range, then the arguments
    const size_t arguments = operands.size() - 1;
    if (arguments < 2 || arguments > macro.most_arguments) {
      return source.Error(
          call->offset,
          absl::StrCat(macro.name, "() takes a variable and ",
                       macro.most_arguments == 3 ? "one or two expressions" : "one expression"));
    }
    if (operands[1]->kind != ExprKind::kName || operands[1]->rooted) {
      return source.Error(operands[1]->offset, absl::StrCat("the first argument of ", macro.name,
                                                            "() must be the name of a variable"));
    }
    call->kind = macro.kind;
    call->name = std::move(operands[1]->name);
    operands.erase(operands.begin() + 1);
    // map(x, filter, transform): the evaluator expects the filter last.
    if (arguments == 3) std::swap(operands[1], operands[2]);
    return call;
  }
  return call;
}

}  // namespace curatord::filter
