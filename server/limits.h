// What others can cost this curator: every bound of the server that an operator may meet,
// in one place. docs/operations.md lists them with what is met at each; those that an
// operator may need otherwise are settings of `curatord run`.
#ifndef SERVER_LIMITS_H_
#define SERVER_LIMITS_H_

namespace curatord::limits {

// --- connections

// --- requests and streams

// --- registration

// --- writes

}  // namespace curatord::limits

#endif  // SERVER_LIMITS_H_
