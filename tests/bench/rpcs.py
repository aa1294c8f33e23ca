"""Throughput and latency of every method at 1, 32 and 256 outstanding."""

from bench_cluster import BenchCluster

CURATOR = "metropolis.node.core.curator.proto.api.Curator."
LOCAL = "metropolis.node.core.curator.proto.api.CuratorLocal."
MANAGEMENT = "metropolis.proto.api.Management."
OUTSTANDING = (1, 32, 256)

# (method, request, flags of the driver): called over and over.
STEADY = (
    (MANAGEMENT + "GetRegisterTicket", "", {}),
    (MANAGEMENT + "GetClusterInfo", "", {}),
    (MANAGEMENT + "GetNodes", "", {}),
    (MANAGEMENT + "UpdateNodeRoles", 'id: "{node}" kubernetes_worker: true', {}),
    (MANAGEMENT + "UpdateNodeLabels",
     'id: "{node}" upsert { key: "call" value: "{call}" }', {}),
    (MANAGEMENT + "ConfigureCluster",
     'new_config { kubernetes { node_labels_to_synchronize { regexp: "c{call}" } } } '
     'update_mask { paths: "kubernetes.node_labels_to_synchronize" }', {}),
    (CURATOR + "UpdateNodeStatus",
     'node_id: "{node}" status { external_address: "10.0.0.1" }', {"as_": "node"}),
    (CURATOR + "UpdateNodeClusterNetworking",
     'clusternet { wireguard_pubkey: "{pubkey64}" prefixes { cidr: "10.192.0.0/24" } }',
     {"as_": "node"}),
    (CURATOR + "JoinNode", "", {"as_": "join"}),
    (CURATOR + "GetConsensusStatus", "", {}),
    (CURATOR + "Watch", "nodes_in_cluster {}", {"first_message_only": True}),
    (CURATOR + "Heartbeat", "", {"as_": "node"}),
    (LOCAL + "GetCurrentLeader", "", {"first_message_only": True}),
    (LOCAL + "GetCACertificate", "", {}),
    ("curator.v1.ServerStatus.Get", "", {}),
    ("grpc.health.v1.Health.Check", "", {}),
)

# A node's way through the cluster: each call is of another node.
ONCE = (
    (CURATOR + "RegisterNode", 'register_ticket: "{ticket}" join_key: "{joinkey}"',
     {"as_": "ephemeral"}),
    (MANAGEMENT + "ApproveNode", 'pubkey: "{pubkey}"', {}),
    (CURATOR + "CommitNode", "storage_security: NODE_STORAGE_SECURITY_INSECURE",
     {"as_": "ephemeral"}),
    (MANAGEMENT + "DecommissionNode", 'pubkey: "{pubkey}"', {}),
    (MANAGEMENT + "DeleteNode",
     'pubkey: "{pubkey}" safety_bypass_not_decommissioned {} safety_bypass_has_roles {}', {}),
)


def measure(figures, options):
    """AAA.Escrow apart: its answer is a signature, made once for a certificate's life."""
    newcomers = {outstanding: max(outstanding, options.newcomers) for outstanding in OUTSTANDING}
    known = max(OUTSTANDING)
    with BenchCluster(nodes=known, known=known,
                      strangers=options.runs * sum(newcomers.values())) as bench:
        reports = {}

        def take(name, outstanding, run, report):
            figures.measured("rpcs", run, {"outstanding": outstanding, **report})
            reports.setdefault((name, outstanding), []).append(report)
        first = known
        for run in range(options.runs):
            for outstanding in OUTSTANDING:
                for method, request, flags in STEADY:
                    take(method, outstanding, run, bench.calls(
                        method, request, outstanding=outstanding, seconds=options.seconds,
                        connections=min(outstanding, 32), **flags))
                for method, request, flags in ONCE:
                    take(method, outstanding, run, bench.calls(
                        method, request.replace("{ticket}", escaped(bench.curators.ticket)),
                        outstanding=outstanding, calls=newcomers[outstanding], first_actor=first,
                        connections=min(outstanding, 32), **flags))
                first += newcomers[outstanding]
    for (method, outstanding), each in reports.items():
        name = f"{method.split('.', 1)[-1].rsplit('.', 2)[-2]}.{method.rsplit('.', 1)[-1]}"
        figures.figure("", f"{name}, {outstanding} outstanding", [r["per_second"] for r in each],
                       "/s")
        for key in ("p50_ms", "p99_ms", "max_ms"):
            figures.figure("", f"{name}, {outstanding} outstanding, {key[:-3]}",
                           [r[key] for r in each], "ms")


def escaped(ticket_file):
    """The ticket as protobuf's text form has bytes."""
    return "".join(f"\\{byte:03o}" for byte in bytes.fromhex(ticket_file.read_text().strip()))
