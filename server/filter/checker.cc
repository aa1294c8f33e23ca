#include "server/filter/checker.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/filter/functions/function.h"
#include "server/filter/names.h"

namespace curatord::filter {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using CheckedType = absl::StatusOr<Type>;

bool IsOrder(absl::string_view function) {
  return function == "_<_" || function == "_<=_" || function == "_>_" || function == "_>=_";
}

bool IsBool(const Type& type) { return type.kind() == Kind::kBool || type.kind() == Kind::kDyn; }

bool IsNumber(const Type& type) {
  return type.kind() == Kind::kInt || type.kind() == Kind::kUint || type.kind() == Kind::kDouble;
}

// "_+_" is written "+", ".size" is "size".
std::string AsWritten(absl::string_view function) {
  if (function == "_[_]") return "[]";
  std::string text(function);
  text.erase(
      std::remove_if(text.begin(), text.end(), [](char c) { return absl::StrContains("_.@", c); }),
      text.end());
  return text;
}

std::string Written(const std::vector<Type>& types) {
  return absl::StrJoin(types, ", ", [](std::string* out, const Type& type) {
    absl::StrAppend(out, type.ToString());
  });
}

enum class Fit { kNo, kMaybe, kYes };

// Whether an argument can be what the overload wants. A dyn, or what may be null, is
// looked at when there is a value.
Fit FitOf(Kind parameter, const Type& argument) {
  if (parameter == Kind::kDyn) return Fit::kYes;
  if (argument.kind() == Kind::kDyn) return Fit::kMaybe;
  if (argument.kind() != parameter) return Fit::kNo;
  return argument.nullable() ? Fit::kMaybe : Fit::kYes;
}

Fit FitOf(const Overload& overload, const std::vector<Type>& arguments) {
  if (overload.parameters.size() != arguments.size()) return Fit::kNo;
  Fit fit = Fit::kYes;
  for (size_t i = 0; i < arguments.size(); ++i) {
    fit = std::min(fit, FitOf(overload.parameters[i], arguments[i]));
  }
  return fit;
}

class Checker {
 public:
  Checker(const Source& source, const Descriptor& message, absl::string_view variable)
      : source_(source), message_(message), variable_(variable), names_(message) {}

  CheckedType Check(Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kLiteral:
        return Type(expr.literal.kind());
      case ExprKind::kName:
      case ExprKind::kSelect:
        return CheckPath(expr);
      case ExprKind::kHas:
        return CheckHas(expr);
      case ExprKind::kCall:
      case ExprKind::kReceiverCall:
        return CheckCall(expr);
      case ExprKind::kAnd:
      case ExprKind::kOr:
        return CheckLogic(expr);
      case ExprKind::kConditional:
        return CheckConditional(expr);
      case ExprKind::kList:
        return CheckList(expr);
      case ExprKind::kMap:
        return CheckMap(expr);
      case ExprKind::kMessage:
        return CheckMessage(expr);
      case ExprKind::kAll:
      case ExprKind::kExists:
      case ExprKind::kExistsOne:
      case ExprKind::kFilterMacro:
      case ExprKind::kMapMacro:
        return CheckMacro(expr);
      case ExprKind::kRoot:
      case ExprKind::kLocal:
        break;
    }
    return Error(expr, "checked twice");
  }

  int slots() const { return slots_; }

 private:
  struct Local {
    std::string name;
    Type type;
  };

  // a.b.c may be a field of a field, a qualified name, or a field of a qualified name:
  // the longest prefix that is a name counts, but the variables of macros hide all.
  CheckedType CheckPath(Expr& expr) {
    std::vector<Expr*> selects;  // from the end of the path
    Expr* root = &expr;
    for (; root->kind == ExprKind::kSelect; root = root->operands[0].get()) selects.push_back(root);
    if (root->kind != ExprKind::kName) {
      CheckedType operand = Check(*root);
      return operand.ok() ? CheckSelects(selects, *operand) : operand;
    }
    if (!root->rooted) {
      for (size_t i = locals_.size(); i-- > 0;) {
        if (locals_[i].name != root->name) continue;
        root->kind = ExprKind::kLocal;
        root->slot = static_cast<int>(i);
        return CheckSelects(selects, locals_[i].type);
      }
    }
    return CheckGlobalPath(*root, selects);
  }

  CheckedType CheckGlobalPath(Expr& root, std::vector<Expr*>& selects) {
    std::vector<std::string> prefixes = {root.name};
    for (size_t i = selects.size(); i-- > 0;) {
      prefixes.push_back(absl::StrCat(prefixes.back(), ".", selects[i]->name));
    }
    for (size_t length = prefixes.size(); length-- > 0;) {
      Expr& named = length == 0 ? root : *selects[selects.size() - length];
      const bool is_variable = length == 0 && root.name == variable_;
      std::optional<Value> constant;
      if (!is_variable) constant = names_.FindConstant(prefixes[length], root.rooted);
      if (!is_variable && !constant.has_value()) continue;
      selects.resize(selects.size() - length);
      if (is_variable) {
        root.kind = ExprKind::kRoot;
        return CheckSelects(selects, Type::OfMessage(message_));
      }
      const Type type(constant->kind());
      BecomeLiteral(named, *std::move(constant));
      return CheckSelects(selects, type);
    }
    return Error(root, absl::StrCat("unknown name \"", root.name, "\""));
  }

  // `selects` are applied last to first; the operand of the last is checked.
  CheckedType CheckSelects(const std::vector<Expr*>& selects, Type type) const {
    for (size_t i = selects.size(); i-- > 0;) {
      CheckedType field = CheckField(*selects[i], type);
      if (!field.ok()) return field;
      type = *std::move(field);
    }
    return type;
  }

  CheckedType CheckHas(Expr& expr) {
    const CheckedType operand = Check(*expr.operands[0]);
    if (!operand.ok()) return operand.status();
    const CheckedType field = CheckField(expr, *operand);
    if (!field.ok()) return field.status();
    return Type(Kind::kBool);
  }

  // expr.name of an operand of this type.
  CheckedType CheckField(Expr& expr, const Type& operand) const {
    switch (operand.kind()) {
      case Kind::kDyn:
        return Type();
      case Kind::kMap:
        if (operand.key().kind() != Kind::kString && operand.key().kind() != Kind::kDyn) break;
        return operand.element();
      case Kind::kMessage:
        expr.field = operand.message()->FindFieldByName(expr.name);
        if (expr.field != nullptr) return Type::OfField(*expr.field);
        break;
      default:
        break;
    }
    return Error(expr, absl::StrCat("no field \"", expr.name, "\" in ", operand.ToString()));
  }

  CheckedType CheckCall(Expr& expr) {
    const bool receiver = expr.kind == ExprKind::kReceiverCall;
    const FunctionTable& table = StandardFunctions();
    expr.function = table.Find(receiver ? absl::StrCat(".", expr.name) : expr.name);
    if (expr.function == nullptr) {
      const bool other_style =
          table.Find(receiver ? expr.name : absl::StrCat(".", expr.name)) != nullptr;
      if (!other_style) return Error(expr, absl::StrCat("no function \"", expr.name, "\""));
      return Error(expr, receiver ? absl::StrCat(expr.name, "() is called as ", expr.name, "(x)")
                                  : absl::StrCat(expr.name, "() is called as x.", expr.name, "()"));
    }
    std::vector<Type> arguments;
    arguments.reserve(expr.operands.size());
    for (const ExprPtr& operand : expr.operands) {
      CheckedType type = Check(*operand);
      if (!type.ok()) return type;
      arguments.push_back(*std::move(type));
    }
    return Resolve(expr, arguments);
  }

  CheckedType Resolve(Expr& expr, const std::vector<Type>& arguments) {
    const absl::string_view name = expr.function->name;
    std::optional<Type> result;
    int candidates = 0;
    for (const Overload& overload : expr.function->overloads) {
      const Fit fit = FitOf(overload, arguments);
      if (fit == Fit::kNo) continue;
      ++candidates;
      if (fit == Fit::kYes) expr.overload = &overload;
      const Type overload_result = overload.result;
      result =
          candidates == 1 || result->kind() == overload_result.kind() ? overload_result : Type();
    }
    if (candidates == 0 || !TypesGoTogether(name, arguments)) {
      return Error(expr,
                   absl::StrCat(AsWritten(name), " does not take (", Written(arguments), ")"));
    }
    if (candidates > 1) expr.overload = nullptr;
    if (name == "_[_]") return arguments[0].element();
    if (result->kind() == Kind::kList) return Join(arguments[0], arguments[1]).value_or(Type());
    return *result;
  }

  // What CEL says with type parameters: both operands of == are of one type.
  static bool TypesGoTogether(absl::string_view function, const std::vector<Type>& arguments) {
    if (function == "_==_" || function == "_!=_") {
      return Join(arguments[0], arguments[1]).has_value();
    }
    // Numbers of different types are compared where the types come to light only later.
    if (IsOrder(function)) {
      return arguments[0].kind() == arguments[1].kind() || !IsNumber(arguments[0]) ||
             !IsNumber(arguments[1]);
    }
    if (function == "@in") {
      const Type elements =
          arguments[1].kind() == Kind::kMap ? arguments[1].key() : arguments[1].element();
      return Join(arguments[0], elements).has_value();
    }
    if (function == "_[_]") {
      const Type keys = arguments[0].kind() == Kind::kList ? Type(Kind::kInt) : arguments[0].key();
      return Join(arguments[1], keys).has_value();
    }
    return true;
  }

  CheckedType CheckLogic(Expr& expr) {
    for (const ExprPtr& operand : expr.operands) {
      if (absl::Status s = CheckBool(*operand, expr.kind == ExprKind::kAnd ? "&&" : "||");
          !s.ok()) {
        return s;
      }
    }
    return Type(Kind::kBool);
  }

  absl::Status CheckBool(Expr& expr, absl::string_view taker) {
    const CheckedType type = Check(expr);
    if (!type.ok()) return type.status();
    if (IsBool(*type)) return absl::OkStatus();
    return Error(expr, absl::StrCat(taker, " takes bool, not ", type->ToString()));
  }

  CheckedType CheckConditional(Expr& expr) {
    if (absl::Status s = CheckBool(*expr.operands[0], "?:"); !s.ok()) return s;
    const CheckedType then = Check(*expr.operands[1]);
    if (!then.ok()) return then.status();
    const CheckedType otherwise = Check(*expr.operands[2]);
    if (!otherwise.ok()) return otherwise.status();
    std::optional<Type> type = Join(*then, *otherwise);
    if (type.has_value()) return *std::move(type);
    return Error(expr, absl::StrCat("?: takes two values of one type, not ", then->ToString(),
                                    " and ", otherwise->ToString()));
  }

  // The type of all operands from `first` on, every `step`-th; dyn where they differ.
  absl::StatusOr<Type> CheckElements(Expr& expr, size_t first, size_t step) {
    std::optional<Type> common;
    for (size_t i = first; i < expr.operands.size(); i += step) {
      const CheckedType type = Check(*expr.operands[i]);
      if (!type.ok()) return type.status();
      common = i == first ? *type : Join(*common, *type).value_or(Type());
    }
    return common.value_or(Type());
  }

  CheckedType CheckList(Expr& expr) {
    CheckedType element = CheckElements(expr, 0, 1);
    if (!element.ok()) return element;
    return Type::List(*std::move(element));
  }

  CheckedType CheckMap(Expr& expr) {
    CheckedType key = CheckElements(expr, 0, 2);
    if (!key.ok()) return key;
    switch (key->kind()) {
      case Kind::kBool:
      case Kind::kInt:
      case Kind::kUint:
      case Kind::kString:
      case Kind::kDyn:
        break;
      default:
        return Error(expr, absl::StrCat("a map cannot have keys of type ", key->ToString()));
    }
    CheckedType value = CheckElements(expr, 1, 2);
    if (!value.ok()) return value;
    return Type::Map(*std::move(key), *std::move(value));
  }

  CheckedType CheckMessage(Expr& expr) {
    expr.message = names_.FindMessage(expr.name, expr.rooted);
    if (expr.message == nullptr) {
      return Error(expr, absl::StrCat("unknown message type \"", expr.name, "\""));
    }
    for (size_t i = 0; i < expr.operands.size(); ++i) {
      const std::string& name = expr.field_names[i];
      const FieldDescriptor* field = expr.message->FindFieldByName(name);
      if (field == nullptr) {
        return Error(expr, absl::StrCat("no field \"", name, "\" in ", expr.message->name()));
      }
      if (std::find(expr.fields.begin(), expr.fields.end(), field) != expr.fields.end()) {
        return Error(*expr.operands[i], absl::StrCat("field \"", name, "\" is set twice"));
      }
      expr.fields.push_back(field);
      const CheckedType value = Check(*expr.operands[i]);
      if (!value.ok()) return value.status();
      const Type wanted = Type::OfField(*field);
      if (!Join(wanted, *value).has_value()) {
        return Error(*expr.operands[i],
                     absl::StrCat("field \"", name, "\" is of type ", wanted.ToString(), ", not ",
                                  value->ToString()));
      }
    }
    return Type::OfMessage(*expr.message);
  }

  CheckedType CheckMacro(Expr& expr) {
    const CheckedType range = Check(*expr.operands[0]);
    if (!range.ok()) return range.status();
    Type element;
    switch (range->kind()) {
      case Kind::kDyn:
        break;
      case Kind::kList:
        element = range->element();
        break;
      case Kind::kMap:
        element = range->key();
        break;
      default:
        return Error(expr,
                     absl::StrCat("only lists and maps have elements, not ", range->ToString()));
    }
    expr.slot = static_cast<int>(locals_.size());
    locals_.push_back({expr.name, element});
    slots_ = std::max(slots_, static_cast<int>(locals_.size()));
    CheckedType result = CheckMacroBody(expr, element);
    locals_.pop_back();
    return result;
  }

  CheckedType CheckMacroBody(Expr& expr, const Type& element) {
    if (expr.kind == ExprKind::kMapMacro) {
      if (expr.operands.size() == 3) {
        if (absl::Status s = CheckBool(*expr.operands[2], "the filter"); !s.ok()) return s;
      }
      CheckedType made = Check(*expr.operands[1]);
      if (!made.ok()) return made;
      return Type::List(*std::move(made));
    }
    if (absl::Status s = CheckBool(*expr.operands[1], "the predicate"); !s.ok()) return s;
    return expr.kind == ExprKind::kFilterMacro ? Type::List(element) : Type(Kind::kBool);
  }

  static void BecomeLiteral(Expr& expr, Value value) {
    expr.kind = ExprKind::kLiteral;
    expr.literal = std::move(value);
    expr.operands.clear();
  }

  absl::Status Error(const Expr& expr, absl::string_view message) const {
    return source_.Error(expr.offset, message);
  }

  const Source& source_;
  const Descriptor& message_;
  const absl::string_view variable_;
  const Names names_;
  std::vector<Local> locals_;  // the index is the slot
  int slots_ = 0;
};

}  // namespace

absl::StatusOr<Checked> Check(const Source& source, const Descriptor& message,
                              absl::string_view variable, Expr& expr) {
  Checker checker(source, message, variable);
  CheckedType type = checker.Check(expr);
  if (!type.ok()) return type.status();
  return Checked{*std::move(type), checker.slots()};
}

}  // namespace curatord::filter
