// The expression of a filter, as the parser makes it and the checker completes it.
#ifndef SERVER_FILTER_SYNTAX_AST_H_
#define SERVER_FILTER_SYNTAX_AST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "re2/re2.h"
#include "server/filter/value.h"

namespace curatord::filter {

struct Function;
struct Overload;

enum class ExprKind : uint8_t {
  kLiteral,
  kName,          // a variable, a constant or a type
  kSelect,        // operand.name
  kHas,           // has(operand.name)
  kCall,          // name(operands...), and operators: "_+_"
  kReceiverCall,  // operands[0].name(operands[1]...)
  kAnd,           // of two or more operands; so is kOr
  kOr,
  kConditional,  // condition, then, else
  kList,
  kMap,      // key, value, key, value, ...
  kMessage,  // name{fields[0]: operands[0], ...}

  // The macros over `name` in operands[0]. operands[1] is the predicate or, for kMapMacro,
  // what is made of an element; operands[2] is kMapMacro's filter, if there is one.
  kAll,
  kExists,
  kExistsOne,
  kFilterMacro,
  kMapMacro,

  // Only after checking: what a kName turned out to be.
  kRoot,   // the message that is filtered
  kLocal,  // the variable of a macro
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct Expr {
  Expr(ExprKind expr_kind, size_t expr_offset) : kind(expr_kind), offset(expr_offset) {}

  ExprKind kind;
  size_t offset;        // in the source, of what an error is about
  int depth = 1;        // of the tree below; the parser keeps it under kMaxDepth
  bool rooted = false;  // written with a leading dot: .name
  Value literal;
  std::string name;
  std::vector<ExprPtr> operands;
  std::vector<std::string> field_names;

  // What the checker finds out.
  int slot = 0;  // of kLocal, and of the variable of a macro
  const google::protobuf::FieldDescriptor* field = nullptr;  // of kSelect, kHas on a message
  const google::protobuf::Descriptor* message = nullptr;     // of kMessage
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  const Function* function = nullptr;
  const Overload* overload = nullptr;  // where the types leave but one
  std::unique_ptr<RE2> regex;          // of matches() with a literal
};

}  // namespace curatord::filter

#endif  // SERVER_FILTER_SYNTAX_AST_H_
