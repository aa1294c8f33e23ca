#!/usr/bin/env bash
# Installs the Debian packages that building and testing needs, and only those
# that are missing. Uses sudo when not root. Starts no daemon.
set -euo pipefail

packages=(
  # build
  cmake ninja-build g++ ccache mold pkg-config
  libgrpc++-dev libgrpc-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  libabsl-dev libc-ares-dev libre2-dev zlib1g-dev libssl-dev libsqlite3-dev
  libcli11-dev libyaml-cpp-dev libevent-dev libgtest-dev libgmock-dev
  # tests, and the checks of scripts/test.sh --full
  etcd-server etcd-client prometheus openssl jq tzdata python3 python3-grpcio python3-protobuf
  python3-cryptography
  clang clang-tidy clang-format
  # tests/bench
  libbenchmark-dev gnuplot-nox
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
echo "installing: ${missing[*]}" >&2

# A package that would start a daemon on installation must not.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod +x "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2

# Nor at the next boot: the tests start etcd themselves.
case " ${missing[*]} " in
  *" etcd-server "*)
    ! command -v systemctl >/dev/null || "${as_root[@]}" systemctl disable etcd.service >&2 || true ;;
esac
# Of prometheus only promtool is wanted.
case " ${missing[*]} " in
  *" prometheus "*)
    ! command -v systemctl >/dev/null || "${as_root[@]}" systemctl disable prometheus.service >&2 || true ;;
esac
