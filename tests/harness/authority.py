"""An authority that makes certificates for this machine, and that clients of a test trust."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Files:
    """A server's certificate and its key, in PEM."""

    certificate: Path
    key: Path


class Authority:
    """Made anew for each test: its key is worth nothing.

    Parameters
    ----------
    folder
        Where its files go.
    """

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self._folder = folder
        self._issued = 0
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(self.file)

    def issue(self, *names: str) -> Files:
        """A certificate for `names`, by default those of this machine."""
        self._issued += 1
        issued = self._authority.issue_cert(*(names or ("localhost", "127.0.0.1", "::1")))
        files = Files(self._folder / f"server{self._issued}.pem", self._folder / f"server{self._issued}.key")
        for number, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(files.certificate, append=number > 0)
        issued.private_key_pem.write_to_path(files.key)
        return files

    def trusting(self) -> ssl.SSLContext:
        """A client that trusts it, and nobody else."""
        return ssl.create_default_context(cafile=self.file)
