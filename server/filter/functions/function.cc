#include "server/filter/functions/function.h"

namespace curatord::filter {

void FunctionTable::Add(absl::string_view name, std::initializer_list<Kind> parameters, Kind result,
                        Implementation implementation) {
  Function& function = functions_[name];
  function.name = std::string(name);
  function.overloads.push_back({parameters, result, implementation});
}

const Function* FunctionTable::Find(absl::string_view name) const {
  const auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : &found->second;
}

const FunctionTable& StandardFunctions() {
  static const FunctionTable* const table = [] {
    auto* made = new FunctionTable;
    AddArithmetic(*made);
    AddComparison(*made);
    AddConversions(*made);
    AddStrings(*made);
    AddTimes(*made);
    return made;
  }();
  return *table;
}

}  // namespace curatord::filter
