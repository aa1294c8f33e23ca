// The functions and operators of CEL: a name, and one implementation for each
// combination of types.
#ifndef SERVER_FILTER_FUNCTIONS_FUNCTION_H_
#define SERVER_FILTER_FUNCTIONS_FUNCTION_H_

#include <initializer_list>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/filter/value.h"
#include "server/filter/work.h"

namespace curatord::filter {

// The arguments are of the kinds of the overload. Errors name no place, the evaluator
// adds it; what takes more than a step spends it.
using Implementation = absl::StatusOr<Value> (*)(absl::Span<const Value> arguments, Work& work);

struct Overload {
  std::vector<Kind> parameters;  // kDyn takes anything
  Kind result = Kind::kDyn;
  Implementation implementation = nullptr;
};

struct Function {
  std::string name;  // operators as in CEL's specification: "_+_", "!_", "_[_]", "@in"
  std::vector<Overload> overloads;
};

class FunctionTable {
 public:
  // Receiver-style functions, x.f(y), have names of their own: ".f".
  void Add(absl::string_view name, std::initializer_list<Kind> parameters, Kind result,
           Implementation implementation);

  // Null if there is none.
  const Function* Find(absl::string_view name) const;

 private:
  absl::flat_hash_map<std::string, Function> functions_;
};

// All of them; made once, never destroyed.
const FunctionTable& StandardFunctions();

// By subject.
void AddArithmetic(FunctionTable& table);
void AddComparison(FunctionTable& table);  // also `in` and [ ]
void AddConversions(FunctionTable& table);
void AddStrings(FunctionTable& table);  // also size()
void AddTimes(FunctionTable& table);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_FUNCTIONS_FUNCTION_H_
