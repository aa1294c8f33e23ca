"""A client in Python that follows the leader, as clients of other languages do."""

import socket
import threading
import time

import grpc

import stubs

TERM = "curator-term"
REDIAL_SECONDS = 0.003
PAUSE_SECONDS = 0.02  # after a dial that was not refused and yet brought nothing
AGAIN = ("UNAVAILABLE", "UNIMPLEMENTED", "CANCELLED", "DEADLINE_EXCEEDED")
OPTIONS = (("grpc.enable_retries", 0), ("grpc.initial_reconnect_backoff_ms", 50),
           ("grpc.min_reconnect_backoff_ms", 1000), ("grpc.max_reconnect_backoff_ms", 2000))


def is_unsupported(error):
    """A leader that lacks the call, told from a follower by its ErrorInfo."""
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    return error.code() == grpc.StatusCode.UNIMPLEMENTED and b"UNSUPPORTED" in details


class NotSettled(Exception):
    """The deadline passed without an answer; the message says what the last attempt met."""


class LeaderFollower:
    """Holds a GetCurrentLeader stream to every curator and believes the highest term
    among the claims that stand now.

    Threads: one per curator; callers may be many. Shutdown: close() cancels the
    streams and joins the threads.
    """

    def __init__(self, curators, channel_to):
        """`channel_to(address, node_id)` makes a channel; `curators`: (address, node id)s."""
        self._channel_to = channel_to
        self._changed = threading.Condition()
        self._claims = {}      # address of who said so -> (term, leader's address, leader's id)
        self._believed = None  # the claim that counts, or None
        self._channel = None   # to the believed leader, shared by all callers
        self._closing = threading.Event()
        self._streams = {}
        self._threads = [threading.Thread(target=self._follow, args=curator)
                         for curator in curators]
        for thread in self._threads:
            thread.start()

    def close(self):
        self._closing.set()
        with self._changed:
            for stream in self._streams.values():
                stream.cancel()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        if self._channel is not None:
            self._channel.close()

    def _follow(self, address, node_id):
        host, port = address.rsplit(":", 1)
        while not self._closing.is_set():
            try:
                # A dial of gRPC costs milliseconds, a refused connection microseconds.
                socket.create_connection((host, int(port)), timeout=1).close()
            except OSError:
                self._closing.wait(REDIAL_SECONDS)
                continue
            with self._channel_to(address, node_id) as channel:
                answered = self._read_claims(channel, address)
            self._claim(address, None)
            if not answered:
                self._closing.wait(PAUSE_SECONDS)

    def _read_claims(self, channel, address):
        """Until the stream ends. True if it said who leads."""
        answered = False
        stream = stubs.local(channel).GetCurrentLeader(
            stubs.curator_pb2.GetCurrentLeaderRequest())
        with self._changed:
            self._streams[address] = stream
            if self._closing.is_set():
                stream.cancel()
        try:
            term = int(dict(stream.initial_metadata()).get(TERM, 0))
            for message in stream:
                answered = True
                self._claim(address, (term, f"{message.leader_host}:{message.leader_port}",
                                      message.leader_node_id))
        except grpc.RpcError:
            pass
        return answered

    def _claim(self, by, claim):
        with self._changed:
            self._claims[by] = claim
            best = max((c for c in self._claims.values() if c is not None), default=None)
            if best == self._believed:
                return
            self._believed = best
            old, self._channel = self._channel, None
            if best is not None:
                self._channel = self._channel_to(best[1], best[2])
            self._changed.notify_all()
        if old is not None:
            # Cancels its calls: who waits for a leader that is no more need not wait on.
            old.close()

    def believed(self):
        """(term, address, node id) or None."""
        with self._changed:
            return self._believed

    def settle(self, attempt, deadline):
        """The result of `attempt(channel, leader)`, tried until a leader answers.

        Tried again: UNAVAILABLE, UNIMPLEMENTED (of a follower), CANCELLED (the leader
        changed), DEADLINE_EXCEEDED. What else is raised is the caller's.
        """
        refused = "no leader"
        while time.monotonic() < deadline and not self._closing.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._channel or self._closing.is_set(),
                                       max(0, deadline - time.monotonic()))
                channel, leader = self._channel, self._believed
            if channel is None:
                continue
            try:
                return attempt(channel, leader)
            except grpc.RpcError as error:
                if error.code().name not in AGAIN or is_unsupported(error):
                    raise
                refused = f"{error.code().name} of {leader}: {error.details()}"
            except ValueError as error:
                # The channel was closed on news of another leader, just before the call.
                if "channel" not in str(error).lower():
                    raise
            with self._changed:
                # News of another leader, or a breath.
                self._changed.wait_for(lambda: self._believed != leader, REDIAL_SECONDS)
        raise NotSettled(refused)
