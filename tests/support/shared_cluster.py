"""Test classes whose tests share one cluster of curators: each begins with it whole."""

import contextlib
import os
import pathlib
import shutil
import tempfile
import unittest

import cluster
from curators import CuratorCluster
from etcd import EtcdCluster
from workload import Workload


# Rounds of the endurance test; set by the ctest entries with the label long.
LONG = int(os.environ.get("CURATOR_TEST_LONG") or 0)
long = unittest.skipUnless(LONG, "label long")


class SharedCluster(cluster.ClusterTest):
    """A subclass says what store() its curators use; `etcd` is its etcd, if it has one."""

    curators, lease_ttl, client_proxies = 3, 3, False
    options = ()  # more of `curatord run`
    etcd = None

    @classmethod
    def stores(cls, directory):
        """A store URL for each curator."""
        return [f"sqlite://{directory}/store.db"] * cls.curators

    @classmethod
    def setUpClass(cls):
        cls.class_dir = pathlib.Path(tempfile.mkdtemp(prefix="curator-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.class_dir, ignore_errors=True)
        cls.cluster = CuratorCluster(cls.class_dir / "cluster", cls.stores(cls.class_dir),
                                     cls.lease_ttl, cls.client_proxies, cls.options)
        cls.addClassCleanup(cls.cluster.close)

    @classmethod
    def start_etcd(cls, directory, **options):
        cls.etcd = EtcdCluster(directory / "etcd", **options)
        cls.addClassCleanup(cls.etcd.close)
        return cls.etcd

    def setUp(self):
        super().setUp()
        if self.etcd is not None:
            self.etcd.repair()
        self.cluster.repair()

    @contextlib.contextmanager
    def load(self, patience=60, **options):
        """Verified writers and readers; the logs, if something was not right."""
        try:
            with Workload(self.cluster, patience, **options) as load:
                yield load
        except BaseException:
            print(self.cluster.logs(40))
            raise
        print(f"{self.id().rsplit('.', 1)[-1]}: {load.report()}")
