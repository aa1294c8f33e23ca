#!/usr/bin/env bash
# Installs what is missing, builds, and shows a cluster from nothing to a failover,
# with the real binaries, on loopback. Exits non-zero if a step does not do what
# it says; stops everything it started in any case.
set -euo pipefail
cd "$(dirname "$0")/.."

bold=""; plain=""
if [ -t 1 ]; then bold=$'\e[1m'; plain=$'\e[0m'; fi
say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
show() { printf '$ %s\n' "$*" | sed "s#$work/##g"; "$@"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

scripts/install-deps.sh
say "build (into build/release)"
mkdir -p build
cmake --preset release >build/release.configure.log 2>&1 || { cat build/release.configure.log; exit 1; }
cmake --build --preset release -j "$(nproc)" --target curatord curatorctl curator-agent >build/demo.build.log 2>&1 ||
  { tail -n 40 build/demo.build.log; fail "the build failed"; }
export PATH="$PWD/build/release/bin:$PATH"

work=$(mktemp -d)
pids=()
cleanup() {
  code=$?
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [ "$code" -ne 0 ]; then
    for log in "$work"/*.log; do [ -f "$log" ] && { echo "--- ${log##*/}"; tail -n 15 "$log"; }; done >&2
  fi
  rm -rf "$work"
  exit "$code"
}
trap cleanup EXIT
start() { # NAME COMMAND...: runs it in the background with a log of its own
  local name=$1; shift
  printf '$ %s &\n' "$*" | sed "s#$work/##g"
  "$@" >"$work/$name.log" 2>&1 &
  pids+=($!)
  last_pid=$!
}
stop() { kill "$1"; wait "$1" || true; }

# An address of its own for each curator; the default port is then free for all.
net="127.$((RANDOM % 200 + 20)).$((RANDOM % 250))"
export CURATORCTL_CONFIG="$work/curatorctl.yaml"
ctl() { printf '$ curatorctl %s\n' "$*" | sed "s#$work/##g"; curatorctl "$@"; }
count() { curatorctl node list -o json | jq --arg state "$1" '[.items[] | select(.state == $state)] | length'; }
wait_for_count() { # STATE NUMBER
  for _ in $(seq 100); do
    [ "$(count "$1")" -ge "$2" ] && return 0
    curatorctl wait --for leader -q >/dev/null
  done
  fail "there are no $2 nodes in state $1"
}

say "The owner's key pair: whoever holds the private key may take the cluster"
ctl cred new-key --out "$work/owner"

say "A new cluster on the first curator: its CA, its first node, its owner"
show curatord init --data-dir "$work/c1" --owner-public-key "$work/owner/owner-key.pub" \
  --tpm-mode best-effort --storage-security permissive | tee "$work/init.txt"
ca=$(sed -n 's/^ca-sha256: *//p' "$work/init.txt")
store=$(sed -n 's/^store: *//p' "$work/init.txt")

say "The first curator runs"
start c1 curatord run --data-dir "$work/c1" --listen "$net.1"
curator_pids[1]=$last_pid

say "The owner takes the cluster; the CA is pinned by its fingerprint"
ctl cluster takeownership --owner-key "$work/owner/owner-key.pem" --context demo --ca-sha256 "$ca" \
  -e "$net.1" -e "$net.2" -e "$net.3"
ctl node list

say "The register ticket, for whoever joins"
ctl ticket show --out "$work/ticket"

say "Two more curators join, and are approved"
for i in 2 3; do
  start "join$i" curatord join --data-dir "$work/c$i" --endpoint "$net.1" --ca-sha256 "$ca" \
    --ticket-file "$work/ticket"
  join_pids[i]=$last_pid
done
wait_for_count NEW 2
ctl node pending
ctl node approve --all --yes
for i in 2 3; do wait "${join_pids[i]}" || fail "curator $i did not join"; done
for i in 2 3; do
  start "c$i" curatord run --data-dir "$work/c$i" --store "$store" --listen "$net.$i"
  curator_pids[i]=$last_pid
done

say "Five nodes register"
start agents curator-agent --endpoint "$net.1,$net.2,$net.3" --ca-sha256 "$ca" \
  --ticket-file "$work/ticket" --data-dir "$work/agents" --count 5
wait_for_count NEW 5
ctl node list
ctl node pending

say "They are approved, and come up"
ctl node approve --all --yes
for id in $(curatorctl node list -o name); do
  curatorctl wait --for "node/${id#node/}:health=HEALTHY" --timeout 30s -q >/dev/null ||
    fail "$id did not become healthy"
done
ctl node list

say "The leader is killed, with SIGKILL"
ctl leader show
leader=$(curatorctl leader show -o json | jq -r .address)
for i in 1 2 3; do
  if [ "$leader" = "$net.$i:7835" ]; then
    kill -KILL "${curator_pids[i]}"
    wait "${curator_pids[i]}" 2>/dev/null || true
  fi
done

say "The same command answers, through the new leader"
before=$(date +%s%N)
ctl node list
printf '(answered after %d ms)\n' $((($(date +%s%N) - before) / 1000000))
new_leader=$(curatorctl leader show -o json | jq -r .address)
[ "$new_leader" != "$leader" ] || fail "the leader is still $leader"
[ "$(curatorctl node list -o json | jq '.items | length')" -eq 8 ] || fail "there are not 8 nodes"
ctl leader show
ctl cluster status || true # one of three is gone, and it says so

say "Everything is stopped"
