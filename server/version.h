#ifndef SERVER_VERSION_H_
#define SERVER_VERSION_H_

namespace curatord {

// Of this source tree (CMake's project version).
inline constexpr char kVersion[] = CURATOR_VERSION;

}  // namespace curatord

#endif  // SERVER_VERSION_H_
