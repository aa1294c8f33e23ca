#include "server/store/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace curatord {
namespace {

constexpr absl::Duration kOpenTimeout = absl::Seconds(5);
constexpr int64_t kMaxCheckedBytes = 128 << 20;

// meta has one row. `revision` is the store's; changes below `first_revision`
// are compacted. A change that puts has a value, one that deletes has NULL.
// Leases expire at an instant of one boot's clock (LeaseClock).
constexpr char kSchema[] = R"sql(
CREATE TABLE meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  revision INTEGER NOT NULL,
  first_revision INTEGER NOT NULL
);
CREATE TABLE keys (
  key BLOB PRIMARY KEY NOT NULL,
  value BLOB NOT NULL,
  create_revision INTEGER NOT NULL,
  mod_revision INTEGER NOT NULL,
  lease_id INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX keys_by_lease ON keys (lease_id) WHERE lease_id != 0;
CREATE TABLE changes (
  revision INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  key BLOB NOT NULL,
  value BLOB,
  create_revision INTEGER NOT NULL,
  lease_id INTEGER NOT NULL,
  PRIMARY KEY (revision, ordinal)
) WITHOUT ROWID;
CREATE TABLE leases (
  id INTEGER PRIMARY KEY,
  ttl_nanos INTEGER NOT NULL,
  expires_at_nanos INTEGER NOT NULL,
  boot_id BLOB NOT NULL
);
INSERT INTO meta VALUES (1, 0, 1);
)sql";

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status SyncDirectory(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, directory);
  const int failed = fsync(fd) != 0 ? errno : 0;
  close(fd);
  return failed == 0 ? absl::OkStatus() : absl::ErrnoToStatus(failed, directory);
}

absl::Status WriteSchema(const std::string& path) {
  absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = SqliteDatabase::Open(path);
  if (!database.ok()) return database.status();
  absl::Status written = (*database)->Run(
      absl::StrCat("PRAGMA synchronous=FULL; BEGIN; PRAGMA application_id=", kSqliteApplicationId,
                   "; PRAGMA user_version=", kSqliteSchemaVersion, ";", kSchema, "COMMIT"));
  if (!written.ok()) return written;
  return (*database)->UseWal();  // recorded in the file
}

absl::Status CheckIdentity(SqliteDatabase* database) {
  absl::StatusOr<int64_t> application_id = database->Integer("PRAGMA application_id");
  if (!application_id.ok()) return application_id.status();
  if (*application_id != kSqliteApplicationId) {
    return absl::DataLossError(absl::StrCat(database->path(),
                                            ": is a database of another program (application id ",
                                            *application_id, "), not a curator store"));
  }
  absl::StatusOr<int64_t> version = database->Integer("PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (*version != kSqliteSchemaVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(database->path(), ": is a curator store of version ", *version,
                     "; this program knows version ", kSqliteSchemaVersion));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsNetworkFileSystem(uint64_t file_system_type) {
  switch (file_system_type & 0xffffffff) {
    case 0x6969:      // NFS
    case 0x517B:      // SMB
    case 0xFE534D42:  // SMB2
    case 0xFF534D42:  // CIFS
    case 0x65735546:  // FUSE: sshfs and the like; which one cannot be told
    case 0x01021997:  // 9P
    case 0x00C36400:  // Ceph
    case 0x0BD00BD0:  // Lustre
    case 0x47504653:  // GPFS
    case 0x01161970:  // GFS2
    case 0x7461636F:  // OCFS2
    case 0x5346414F:  // AFS
    case 0x6B414653:  // kAFS
    case 0x73757245:  // Coda
    case 0x786F4256:  // VirtualBox shared folders
      return true;
    default:
      return false;
  }
}

absl::Status CheckSqliteLocation(const std::string& path) {
  const std::string directory = DirectoryOf(path);
  struct statfs file_system {};
  if (statfs(directory.c_str(), &file_system) != 0) {
    return absl::ErrnoToStatus(errno, directory);
  }
  if (IsNetworkFileSystem(static_cast<uint64_t>(file_system.f_type))) {
    return absl::FailedPreconditionError(absl::StrCat(
        directory, ": is on a network file system (type 0x", absl::Hex(file_system.f_type),
        "), where processes cannot share an embedded store; use a local disk"));
  }
  // SQLite makes its -wal and -shm files in there.
  if (access(directory.c_str(), R_OK | W_OK | X_OK) != 0) {
    return absl::PermissionDeniedError(absl::StrCat(directory, ": is not writable"));
  }
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) {
    return errno == ENOENT ? absl::OkStatus() : absl::ErrnoToStatus(errno, path);
  }
  if (!S_ISREG(found.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a file"));
  }
  if (access(path.c_str(), R_OK | W_OK) != 0) {
    return absl::PermissionDeniedError(absl::StrCat(path, ": is not readable and writable"));
  }
  return absl::OkStatus();
}

absl::Status CreateSqliteFile(const std::string& path) {
  std::string unfinished = absl::StrCat(path, ".new-XXXXXX");
  const int fd = mkostemp(unfinished.data(), O_CLOEXEC);  // mode 0600
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", path));
  close(fd);
  absl::Cleanup remove_unfinished = [&] { unlink(unfinished.c_str()); };
  if (absl::Status written = WriteSchema(unfinished); !written.ok()) return written;
  // Unlike rename() it does not replace what another process made meanwhile.
  if (link(unfinished.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", path));
  }
  return SyncDirectory(DirectoryOf(path));
}

absl::StatusOr<std::unique_ptr<SqliteDatabase>> OpenSqliteFile(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) == 0 && found.st_size == 0) {
    // To SQLite an empty database; we never leave one.
    return absl::DataLossError(absl::StrCat(path, ": is empty, not a curator store"));
  }
  absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = SqliteDatabase::Open(path);
  if (!database.ok()) return database;
  (*database)->SetDeadline(absl::Now() + kOpenTimeout);
  if (absl::Status ours = CheckIdentity(database->get()); !ours.ok()) return ours;
  if (absl::Status wal = (*database)->UseWal(); !wal.ok()) return wal;
  (*database)->SetDeadline(absl::InfiniteFuture());
  return database;
}

absl::Status CheckSqliteStructure(SqliteDatabase* database) {
  struct stat found {};
  if (stat(database->path().c_str(), &found) == 0 && found.st_size > kMaxCheckedBytes) {
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> verdict = database->Text("PRAGMA quick_check(1)");
  if (!verdict.ok()) return verdict.status();
  if (*verdict != "ok") {
    return absl::DataLossError(absl::StrCat(database->path(), ": is damaged: ", *verdict));
  }
  return absl::OkStatus();
}

}  // namespace curatord
