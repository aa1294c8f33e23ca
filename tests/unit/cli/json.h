// Whether text is JSON, by a parser that is not ours.
#ifndef TESTS_UNIT_CLI_JSON_H_
#define TESTS_UNIT_CLI_JSON_H_

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <string>

namespace curator::cli {

inline bool ParseJson(const std::string& text, google::protobuf::Struct* out) {
  return google::protobuf::util::JsonStringToMessage(text, out).ok();
}

}  // namespace curator::cli

#endif  // TESTS_UNIT_CLI_JSON_H_
