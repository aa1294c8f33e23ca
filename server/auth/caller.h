// Caller: who makes a call, as its certificate proves.
#ifndef SERVER_AUTH_CALLER_H_
#define SERVER_AUTH_CALLER_H_

#include <string>

namespace curatord {

struct Caller {
  enum class Kind {
    kAnonymous,  // no certificate, or one that proves nothing here
    kEphemeral,  // holds public_key, and proves no more
    kNode,
    kUser,
  };
  Kind kind = Kind::kAnonymous;
  std::string name;         // node id or user name
  std::string public_key;   // 32 bytes; empty for kAnonymous
  std::string certificate;  // of kNode and kUser: DER
  // Of kAnonymous: why a certificate of this cluster does not count, if only the time is wrong.
  std::string invalid_now;
  // The method is for nodes and users of the cluster only.
  bool must_be_member = false;
};

}  // namespace curatord

#endif  // SERVER_AUTH_CALLER_H_
