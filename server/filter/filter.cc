#include "server/filter/filter.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/filter/checker.h"
#include "server/filter/constants.h"
#include "server/filter/evaluator.h"
#include "server/filter/limits.h"
#include "server/filter/syntax/parser.h"
#include "server/filter/syntax/source.h"

namespace curatord::filter {
namespace {

// Adds the fields of the message that is filtered which `expr` looks at, by number.
// False: it looks at the message as a whole.
bool AddFields(const Expr& expr, std::set<int>* numbers) {
  if (expr.kind == ExprKind::kRoot) return false;
  if ((expr.kind == ExprKind::kSelect || expr.kind == ExprKind::kHas) && expr.field != nullptr &&
      expr.operands[0]->kind == ExprKind::kRoot) {
    numbers->insert(expr.field->number());
    return true;
  }
  return std::all_of(expr.operands.begin(), expr.operands.end(),
                     [numbers](const ExprPtr& operand) { return AddFields(*operand, numbers); });
}

}  // namespace

struct Filter::Program {
  explicit Program(std::string text) : source(std::move(text)) {}

  Source source;
  const google::protobuf::Descriptor* message = nullptr;
  ExprPtr expr;
  int slots = 0;
  std::optional<std::set<int>> fields;  // none: all
};

Filter::Filter(std::shared_ptr<const Program> program) : program_(std::move(program)) {}

absl::StatusOr<Filter> Filter::Compile(absl::string_view text,
                                       const google::protobuf::Descriptor* message,
                                       absl::string_view variable) {
  auto program = std::make_shared<Program>(std::string(text));
  program->message = message;
  absl::StatusOr<ExprPtr> expr = Parse(program->source);
  if (!expr.ok()) return expr.status();
  program->expr = *std::move(expr);
  const absl::StatusOr<Checked> checked =
      Check(program->source, *message, variable, *program->expr);
  if (!checked.ok()) return checked.status();
  program->slots = checked->slots;
  if (checked->type.kind() != Kind::kBool && checked->type.kind() != Kind::kDyn) {
    return program->source.Error(
        0, absl::StrCat("the filter is of type ", checked->type.ToString(), ", not bool"));
  }
  Work work(kStepsOfCompilation);
  if (absl::Status s = FoldConstants(program->source, *program->expr, work); !s.ok()) {
    // Whatever it is, it is the text's fault.
    return absl::InvalidArgumentError(s.message());
  }
  std::set<int> fields;
  if (AddFields(*program->expr, &fields)) program->fields = std::move(fields);
  return Filter(std::move(program));
}

bool Filter::DependsOn(int field_number) const {
  return !program_->fields.has_value() || program_->fields->count(field_number) != 0;
}

absl::StatusOr<bool> Filter::Matches(const google::protobuf::Message& message) const {
  Work work(kStepsPerMessage);
  return Evaluate(message, work);
}

absl::StatusOr<bool> Filter::Matches(const google::protobuf::Message& message, Work& work) const {
  const int64_t most = std::min(work.left(), kStepsPerMessage);
  Work own(most);
  absl::StatusOr<bool> matches = Evaluate(message, own);
  // No more than is left.
  work.Spend(most - own.left()).IgnoreError();
  return matches;
}

absl::StatusOr<bool> Filter::Evaluate(const google::protobuf::Message& message, Work& work) const {
  if (message.GetDescriptor() != program_->message) {
    return absl::InternalError(absl::StrCat("a filter of ", program_->message->full_name(),
                                            " was given a ", message.GetDescriptor()->full_name()));
  }
  const absl::StatusOr<Value> value =
      Evaluator(program_->source, &message, program_->slots, work).Evaluate(*program_->expr);
  if (!value.ok()) return value.status();
  if (value->kind() == Kind::kBool) return value->bool_value();
  return program_->source.Error(
      0, absl::StrCat("the filter is of type ", TypeName(*value), ", not bool"));
}

}  // namespace curatord::filter
