#include "server/filter/evaluator.h"

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/filter/functions/function.h"
#include "server/filter/message_builder.h"
#include "server/filter/message_fields.h"
#include "server/filter/regex.h"

namespace curatord::filter {
namespace {

using google::protobuf::FieldDescriptor;

// && and ||, also over the elements of a range: `decisive` (false for &&, true for ||)
// decides, whatever errors there are beside it.
class Junction {
 public:
  explicit Junction(bool decisive) : decisive_(decisive) {}

  // The result, if this operand settles it.
  std::optional<absl::StatusOr<Value>> Add(const absl::StatusOr<bool>& operand) {
    if (operand.ok()) {
      if (*operand == decisive_) return Value::Bool(decisive_);
    } else if (operand.status().code() == absl::StatusCode::kResourceExhausted) {
      return operand.status();
    } else if (error_.ok()) {
      error_ = operand.status();
    }
    return std::nullopt;
  }

  // The result, if none did.
  absl::StatusOr<Value> End() const {
    if (!error_.ok()) return error_;
    return Value::Bool(!decisive_);
  }

 private:
  const bool decisive_;
  absl::Status error_;
};

bool Takes(const Overload& overload, absl::Span<const Value> arguments) {
  if (overload.parameters.size() != arguments.size()) return false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Kind parameter = overload.parameters[i];
    if (parameter != Kind::kDyn && parameter != arguments[i].kind()) return false;
  }
  return true;
}

// What it costs to make a list, a map or a message, besides its parts: memory.
constexpr int64_t kAllocationSteps = 8;

// Of a field of a value whose type the checker did not know.
const FieldDescriptor* FindField(const Value& message, const std::string& name) {
  return message.message().GetDescriptor()->FindFieldByName(name);
}

}  // namespace

absl::StatusOr<Value> Evaluator::Evaluate(const Expr& expr) {
  if (absl::Status s = work_.Spend(1); !s.ok()) return Located(expr, s);
  switch (expr.kind) {
    case ExprKind::kLiteral:
      return expr.literal.Borrowed();
    case ExprKind::kRoot: {
      absl::StatusOr<Value> value = MessageValue(*root_, nullptr);
      return value.ok() ? std::move(value) : Located(expr, value.status());
    }
    case ExprKind::kLocal:
      return locals_[static_cast<size_t>(expr.slot)];
    case ExprKind::kSelect:
      return Select(expr);
    case ExprKind::kHas:
      return Has(expr);
    case ExprKind::kCall:
    case ExprKind::kReceiverCall:
      return expr.regex == nullptr ? Call(expr) : MatchRegex(expr);
    case ExprKind::kAnd:
    case ExprKind::kOr:
      return Logic(expr);
    case ExprKind::kConditional:
      return Conditional(expr);
    case ExprKind::kList:
      return List(expr);
    case ExprKind::kMap:
      return Map(expr);
    case ExprKind::kMessage:
      return Message(expr);
    case ExprKind::kAll:
    case ExprKind::kExists:
      return Quantifier(expr);
    case ExprKind::kExistsOne:
      return ExistsOne(expr);
    case ExprKind::kFilterMacro:
    case ExprKind::kMapMacro:
      return FilterOrMap(expr);
    case ExprKind::kName:
      break;
  }
  return absl::InternalError("an expression that was not checked");
}

absl::StatusOr<Value> Evaluator::Select(const Expr& expr) {
  const absl::StatusOr<Value> operand = Evaluate(*expr.operands[0]);
  if (!operand.ok()) return operand.status();
  if (operand->kind() == Kind::kMessage) {
    const FieldDescriptor* field =
        expr.field != nullptr ? expr.field : FindField(*operand, expr.name);
    if (field != nullptr) {
      absl::StatusOr<Value> value = FieldValue(operand->message(), *field, operand->owner());
      return value.ok() ? std::move(value) : Located(expr, value.status());
    }
  } else if (operand->kind() == Kind::kMap) {
    const absl::StatusOr<std::optional<size_t>> found =
        operand->Find(Value::String(expr.name, nullptr));
    if (!found.ok()) return Located(expr, found.status());
    if (!found->has_value()) return Error(expr, absl::StrCat("no such key: \"", expr.name, "\""));
    absl::StatusOr<Value> value = operand->ValueAt(**found);
    return value.ok() ? std::move(value) : Located(expr, value.status());
  }
  return Error(expr, absl::StrCat("no field \"", expr.name, "\" in ", TypeName(*operand)));
}

absl::StatusOr<Value> Evaluator::Has(const Expr& expr) {
  const absl::StatusOr<Value> operand = Evaluate(*expr.operands[0]);
  if (!operand.ok()) return operand.status();
  if (operand->kind() == Kind::kMessage) {
    const FieldDescriptor* field =
        expr.field != nullptr ? expr.field : FindField(*operand, expr.name);
    if (field != nullptr) return Value::Bool(FieldIsSet(operand->message(), *field));
  } else if (operand->kind() == Kind::kMap) {
    const absl::StatusOr<std::optional<size_t>> found =
        operand->Find(Value::String(expr.name, nullptr));
    if (!found.ok()) return Located(expr, found.status());
    return Value::Bool(found->has_value());
  }
  return Error(expr, absl::StrCat("no field \"", expr.name, "\" in ", TypeName(*operand)));
}

absl::StatusOr<Value> Evaluator::Call(const Expr& expr) {
  std::array<Value, 2> values;  // no function takes more
  const size_t count = expr.operands.size();
  if (count > values.size()) return absl::InternalError("a function of more than two arguments");
  for (size_t i = 0; i < count; ++i) {
    absl::StatusOr<Value> value = Evaluate(*expr.operands[i]);
    if (!value.ok()) return value;
    values[i] = *std::move(value);
  }
  const absl::Span<const Value> arguments(values.data(), count);
  const Overload* overload = expr.overload;
  if (overload == nullptr || !Takes(*overload, arguments)) {
    overload = nullptr;
    for (const Overload& candidate : expr.function->overloads) {
      if (Takes(candidate, arguments)) overload = &candidate;
    }
  }
  if (overload == nullptr) {
    return Error(expr,
                 absl::StrCat("no such overload: (", count > 0 ? TypeName(values[0]) : "",
                              count > 1 ? ", " : "", count > 1 ? TypeName(values[1]) : "", ")"));
  }
  absl::StatusOr<Value> result = overload->implementation(arguments, work_);
  return result.ok() ? std::move(result) : Located(expr, result.status());
}

absl::StatusOr<Value> Evaluator::MatchRegex(const Expr& expr) {
  const absl::StatusOr<Value> text = Evaluate(*expr.operands[0]);
  if (!text.ok()) return text.status();
  if (text->kind() != Kind::kString) {
    return Error(expr, absl::StrCat("no such overload: (", TypeName(*text), ", string)"));
  }
  const absl::StatusOr<bool> found = FindRegex(*expr.regex, text->text(), work_);
  if (!found.ok()) return Located(expr, found.status());
  return Value::Bool(*found);
}

absl::StatusOr<Value> Evaluator::Logic(const Expr& expr) {
  Junction junction(expr.kind == ExprKind::kOr);
  for (const ExprPtr& operand : expr.operands) {
    if (auto result = junction.Add(Bool(*operand)); result.has_value()) return *result;
  }
  return junction.End();
}

absl::StatusOr<Value> Evaluator::Conditional(const Expr& expr) {
  const absl::StatusOr<bool> condition = Bool(*expr.operands[0]);
  if (!condition.ok()) return condition.status();
  return Evaluate(*expr.operands[*condition ? 1 : 2]);
}

absl::StatusOr<Value> Evaluator::List(const Expr& expr) {
  if (absl::Status s = work_.Spend(kAllocationSteps); !s.ok()) return Located(expr, s);
  std::vector<Value> elements;
  elements.reserve(expr.operands.size());
  for (const ExprPtr& operand : expr.operands) {
    absl::StatusOr<Value> element = Evaluate(*operand);
    if (!element.ok()) return element;
    elements.push_back(*std::move(element));
  }
  return Value::List(std::move(elements));
}

absl::StatusOr<Value> Evaluator::Map(const Expr& expr) {
  if (absl::Status s = work_.Spend(kAllocationSteps); !s.ok()) return Located(expr, s);
  auto map = std::make_shared<MapData>();
  for (size_t i = 0; i + 1 < expr.operands.size(); i += 2) {
    absl::StatusOr<Value> key = Evaluate(*expr.operands[i]);
    if (!key.ok()) return key;
    absl::StatusOr<Value> value = Evaluate(*expr.operands[i + 1]);
    if (!value.ok()) return value;
    const absl::StatusOr<bool> inserted = map->Insert(*std::move(key), *std::move(value));
    if (!inserted.ok()) return Located(*expr.operands[i], inserted.status());
    if (!*inserted) return Error(*expr.operands[i], "repeated key");
  }
  return Value::Map(std::move(map));
}

absl::StatusOr<Value> Evaluator::Message(const Expr& expr) {
  if (absl::Status s = work_.Spend(kAllocationSteps); !s.ok()) return Located(expr, s);
  const absl::StatusOr<std::shared_ptr<google::protobuf::Message>> message =
      NewMessage(*expr.message);
  if (!message.ok()) return Located(expr, message.status());
  for (size_t i = 0; i < expr.operands.size(); ++i) {
    const absl::StatusOr<Value> value = Evaluate(*expr.operands[i]);
    if (!value.ok()) return value.status();
    const absl::Status set = SetField(**message, *expr.fields[i], *value, work_);
    if (!set.ok()) return Located(*expr.operands[i], set);
  }
  absl::StatusOr<Value> value = MessageValue(**message, *message);
  return value.ok() ? std::move(value) : Located(expr, value.status());
}

// all() is && and exists() is || over the elements.
absl::StatusOr<Value> Evaluator::Quantifier(const Expr& expr) {
  const absl::StatusOr<Value> range = Range(expr);
  if (!range.ok()) return range.status();
  Junction junction(expr.kind == ExprKind::kExists);
  const size_t size = range->size();
  for (size_t i = 0; i < size; ++i) {
    if (absl::Status s = Bind(expr, *range, i); !s.ok()) return s;
    if (auto result = junction.Add(Bool(*expr.operands[1])); result.has_value()) return *result;
  }
  return junction.End();
}

absl::StatusOr<Value> Evaluator::ExistsOne(const Expr& expr) {
  const absl::StatusOr<Value> range = Range(expr);
  if (!range.ok()) return range.status();
  int count = 0;
  const size_t size = range->size();
  for (size_t i = 0; i < size; ++i) {
    if (absl::Status s = Bind(expr, *range, i); !s.ok()) return s;
    const absl::StatusOr<bool> value = Bool(*expr.operands[1]);
    if (!value.ok()) return value.status();
    if (*value) ++count;
  }
  return Value::Bool(count == 1);
}

absl::StatusOr<Value> Evaluator::FilterOrMap(const Expr& expr) {
  const absl::StatusOr<Value> range = Range(expr);
  if (!range.ok()) return range.status();
  const bool maps = expr.kind == ExprKind::kMapMacro;
  const Expr* predicate = !maps                       ? expr.operands[1].get()
                          : expr.operands.size() == 3 ? expr.operands[2].get()
                                                      : nullptr;
  std::vector<Value> elements;
  const size_t size = range->size();
  for (size_t i = 0; i < size; ++i) {
    if (absl::Status s = Bind(expr, *range, i); !s.ok()) return s;
    if (predicate != nullptr) {
      const absl::StatusOr<bool> value = Bool(*predicate);
      if (!value.ok()) return value.status();
      if (!*value) continue;
    }
    if (!maps) {
      elements.push_back(locals_[static_cast<size_t>(expr.slot)]);
      continue;
    }
    absl::StatusOr<Value> made = Evaluate(*expr.operands[1]);
    if (!made.ok()) return made;
    elements.push_back(*std::move(made));
  }
  return Value::List(std::move(elements));
}

absl::StatusOr<Value> Evaluator::Range(const Expr& expr) {
  absl::StatusOr<Value> range = Evaluate(*expr.operands[0]);
  if (!range.ok() || range->kind() == Kind::kList || range->kind() == Kind::kMap) return range;
  return Error(expr, absl::StrCat("only lists and maps have elements, not ", TypeName(*range)));
}

absl::Status Evaluator::Bind(const Expr& expr, const Value& range, size_t index) {
  absl::StatusOr<Value> element =
      range.kind() == Kind::kMap ? range.Key(index) : range.Element(index);
  if (!element.ok()) return Located(expr, element.status());
  locals_[static_cast<size_t>(expr.slot)] = *std::move(element);
  return absl::OkStatus();
}

absl::StatusOr<bool> Evaluator::Bool(const Expr& expr) {
  const absl::StatusOr<Value> value = Evaluate(expr);
  if (!value.ok()) return value.status();
  if (value->kind() == Kind::kBool) return value->bool_value();
  return Error(expr, absl::StrCat("expected bool, not ", TypeName(*value)));
}

absl::Status Evaluator::Located(const Expr& expr, const absl::Status& error) const {
  return source_.Locate(expr.offset, error);
}

absl::Status Evaluator::Error(const Expr& expr, absl::string_view message) const {
  return source_.Error(expr.offset, message);
}

}  // namespace curatord::filter
