// The filter of GetNodes: an expression of the Common Expression Language
// (https://github.com/google/cel-spec) over a message, which is true or false.
//
// Everything of the language definition is here except for google.protobuf.Any, which
// stays a message: literals, operators, fields and has(), lists, maps and messages, the
// standard functions and conversions, timestamps and durations, all(), exists(),
// exists_one(), filter() and map(). Its extensions (optionals, more of strings, math and
// macros) are not.
#ifndef SERVER_FILTER_FILTER_H_
#define SERVER_FILTER_FILTER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "server/filter/work.h"

namespace curatord::filter {

// Immutable, cheap to copy, used by any number of threads at once.
class Filter {
 public:
  // `message` is the type of `variable`, and must outlive the filter. Text that does not
  // parse, has a wrong type, is not bool or too big is kInvalidArgument with the place:
  // `column 12: no field "foo" in Node`. An empty text is no expression either.
  static absl::StatusOr<Filter> Compile(absl::string_view text,
                                        const google::protobuf::Descriptor* message,
                                        absl::string_view variable = "node");

  // Whether the filter is true for a message of the type it was compiled for. The
  // message is read in place. An error of the evaluation, such as a division by zero,
  // is kInvalidArgument with the place; kResourceExhausted means that the filter takes
  // more work than kStepsPerMessage (limits.h).
  absl::StatusOr<bool> Matches(const google::protobuf::Message& message) const;

  // The same, with `work` for all the messages of one request together, of which each
  // may take kStepsPerMessage at most.
  absl::StatusOr<bool> Matches(const google::protobuf::Message& message, Work& work) const;

  // Whether Matches looks at this field of the message. The others need not be set.
  bool DependsOn(int field_number) const;

 private:
  struct Program;
  explicit Filter(std::shared_ptr<const Program> program);
  absl::StatusOr<bool> Evaluate(const google::protobuf::Message& message, Work& work) const;

  std::shared_ptr<const Program> program_;
};

}  // namespace curatord::filter

#endif  // SERVER_FILTER_FILTER_H_
