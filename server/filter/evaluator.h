// The value of a checked expression for one message.
#ifndef SERVER_FILTER_EVALUATOR_H_
#define SERVER_FILTER_EVALUATOR_H_

#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "server/filter/syntax/ast.h"
#include "server/filter/syntax/source.h"
#include "server/filter/value.h"
#include "server/filter/work.h"

namespace curatord::filter {

// Used once, by one thread. Recursion is bounded by the depth of the expression, which
// the parser bounded; everything else by `work`.
//
// An error is a value that && and || may absorb, and the macros built on them: `false
// && error` and `error && false` are false. Running out of work is absorbed by nothing.
class Evaluator {
 public:
  // `root` may be null for an expression of constants. All must outlive the evaluator.
  Evaluator(const Source& source, const google::protobuf::Message* root, int slots, Work& work)
      : source_(source), root_(root), work_(work), locals_(static_cast<size_t>(slots)) {}

  absl::StatusOr<Value> Evaluate(const Expr& expr);

 private:
  absl::StatusOr<Value> Select(const Expr& expr);
  absl::StatusOr<Value> Has(const Expr& expr);
  absl::StatusOr<Value> Call(const Expr& expr);
  absl::StatusOr<Value> MatchRegex(const Expr& expr);
  absl::StatusOr<Value> Logic(const Expr& expr);
  absl::StatusOr<Value> Conditional(const Expr& expr);
  absl::StatusOr<Value> List(const Expr& expr);
  absl::StatusOr<Value> Map(const Expr& expr);
  absl::StatusOr<Value> Message(const Expr& expr);
  absl::StatusOr<Value> Quantifier(const Expr& expr);
  absl::StatusOr<Value> ExistsOne(const Expr& expr);
  absl::StatusOr<Value> FilterOrMap(const Expr& expr);

  // The list or map that a macro goes over.
  absl::StatusOr<Value> Range(const Expr& expr);
  // Sets the variable of a macro to an element of its range.
  absl::Status Bind(const Expr& expr, const Value& range, size_t index);
  absl::StatusOr<bool> Bool(const Expr& expr);

  absl::Status Located(const Expr& expr, const absl::Status& error) const;
  absl::Status Error(const Expr& expr, absl::string_view message) const;

  const Source& source_;
  const google::protobuf::Message* const root_;
  Work& work_;
  std::vector<Value> locals_;
};

}  // namespace curatord::filter

#endif  // SERVER_FILTER_EVALUATOR_H_
