// What the election makes of this curator. The listener turns a role into one
// gRPC server; two roles that differ are never served by the same one.
#ifndef SERVER_ROLE_H_
#define SERVER_ROLE_H_

#include <cstdint>
#include <string>

namespace curatord {

// One who may lead, the leader included.
struct Candidate {
  std::string node_id;  // empty: its key names nobody
  std::string key;
  int64_t create_revision = 0;  // the lowest leads
};

struct Role {
  enum class Kind {
    kNone,      // not known: no listener at all
    kFollower,  // of leader_id
    kLeader,
  };
  Kind kind = Kind::kNone;
  // kLeader: our own lock key. kFollower: the leader's.
  std::string lock_key;
  // The term of that leadership: the create revision of lock_key.
  int64_t term = 0;
  std::string leader_id;
  // kLeader: the revision of the event that made our key the lowest. State must
  // be known up to here before anything is served.
  int64_t since_revision = 0;

  bool operator==(const Role& other) const {
    return kind == other.kind && lock_key == other.lock_key && term == other.term &&
           leader_id == other.leader_id;
  }
};

}  // namespace curatord

#endif  // SERVER_ROLE_H_
