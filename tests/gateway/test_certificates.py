"""The certificate and its key: what is shown, what is wrong with files, and a new one while connections are open."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from server.gateway.certificates import Certificate, CertificateTrouble
from tests.harness.authority import Authority


def trouble_with(certificate: Path, key: Path) -> str:
    with pytest.raises(CertificateTrouble) as caught:
        Certificate(certificate, key)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_only_what_is_not_broken_is_spoken(authority: Authority) -> None:
    files = authority.issue()
    context = Certificate(files.certificate, files.key).context
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    for cipher in context.get_ciphers():
        assert cipher["protocol"] == "TLSv1.3" or "ECDHE" in cipher["name"] or "DHE" in cipher["name"], cipher["name"]
        assert not any(weak in cipher["name"] for weak in ("RC4", "DES", "NULL", "MD5", "EXP")), cipher["name"]


def test_both_may_stand_in_one_file(authority: Authority, tmp_path: Path) -> None:
    files = authority.issue()
    both = tmp_path / "both.pem"
    both.write_bytes("Ein Schlüssel:\n".encode() + files.key.read_bytes() + files.certificate.read_bytes())
    assert Certificate(both, both).context.cert_store_stats() is not None


def test_wrong_files_are_one_line_that_names_the_setting(authority: Authority, tmp_path: Path) -> None:
    files, others = authority.issue(), authority.issue()
    absent, empty = tmp_path / "absent.pem", tmp_path / "empty.pem"
    empty.touch()
    torn = tmp_path / "torn.pem"
    torn.write_bytes(files.certificate.read_bytes()[:300])
    torn_key = tmp_path / "torn.key"
    torn_key.write_bytes(files.key.read_bytes()[:150] + b"\n-----END PRIVATE KEY-----\n")
    for wrong, words in {absent: "No such file", empty: "no certificate", torn: "no certificate"}.items():
        said = trouble_with(wrong, files.key)
        assert said.startswith("`tls_cert`: ")
        assert str(wrong) in said
        assert words in said
    for wrong, words in {
        absent: "No such file",
        tmp_path: "Is a directory",
        empty: "no private key",
        files.certificate: "no private key",
        others.key: "key values mismatch",
        torn_key: "does not go with",
    }.items():
        said = trouble_with(files.certificate, wrong)
        assert said.startswith("`tls_key`: "), said
        assert str(wrong) in said
        assert words in said


def test_nobody_is_asked_for_a_passphrase(authority: Authority, tmp_path: Path) -> None:
    files = authority.issue()
    locked = tmp_path / "locked.key"
    key = load_pem_private_key(files.key.read_bytes(), None)
    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")))
    assert "passphrase" in trouble_with(files.certificate, locked)


def test_a_new_one_that_is_no_good_changes_nothing(authority: Authority, tmp_path: Path) -> None:
    files, others = authority.issue(), authority.issue()
    shown, key = tmp_path / "server.pem", tmp_path / "server.key"
    shutil.copy(files.certificate, shown)
    shutil.copy(files.key, key)
    certificate = Certificate(shown, key)
    before = certificate.context
    shutil.copy(others.certificate, shown)
    with pytest.raises(CertificateTrouble):
        certificate.reload()
    assert certificate.context is before
    shutil.copy(others.key, key)
    certificate.reload()
    assert certificate.context is not before
