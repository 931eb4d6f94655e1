"""Certificates that are good, and bad in one way each: made by `openssl`, signed by an authority of our own.

The good ones are so by the letter of RFC 5280, which Python holds them to since 3.13.
"""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
VALID = ("20200101000000Z", "20990101000000Z")
"""First and last moment, as openssl writes them."""
CONFIGURATION = """
[ca]
default_ca = ours
[ours]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
x509_extensions = signed
[signed]
authorityKeyIdentifier = keyid
[any]
commonName = supplied
"""


class Authority:
    """Signs certificates for servers; whoever trusts `bundle` trusts them."""

    def __init__(self, folder: Path) -> None:
        """Make the authority's own certificate in a folder that is its own."""
        found = shutil.which("openssl")
        if found is None:
            pytest.skip("openssl makes the certificates, and it is not installed")
        self._openssl = found
        self._folder = folder
        folder.mkdir()
        self._configuration = folder / "openssl.cnf"
        self._configuration.write_text(CONFIGURATION.format(folder=folder))
        (folder / "index.txt").touch()
        (folder / "serial").write_text("01\n")
        self.bundle, self._key = folder / "authority.pem", folder / "authority.key"
        signing = ("-days", "9999", "-subj", "/CN=us", "-addext", "keyUsage=critical,keyCertSign")
        self._run("req", "-x509", *CURVE, "-keyout", self._key, "-out", self.bundle, *signing)

    def certify(self, name: str, valid: tuple[str, str] = VALID) -> ssl.SSLContext:
        """A server that shows a certificate for `name` (`IP:127.0.0.1`, `DNS:...`), valid between two moments."""
        asked, cert, key = (self._folder / f"server.{end}" for end in ("csr", "pem", "key"))
        named = ("-subj", "/CN=server", "-addext", f"subjectAltName={name}")
        self._run("req", "-new", *CURVE, "-keyout", key, "-out", asked, *named)
        signing = ("-cert", self.bundle, "-keyfile", self._key, "-startdate", valid[0], "-enddate", valid[1])
        self._run("ca", "-batch", "-notext", "-config", self._configuration, "-in", asked, "-out", cert, *signing)
        return serving(cert, key)

    def self_signed(self, name: str) -> ssl.SSLContext:
        """A server that shows a certificate that nobody signed."""
        cert, key = self._folder / "self.pem", self._folder / "self.key"
        named = ("-subj", "/CN=server", "-addext", f"subjectAltName={name}")
        self._run("req", "-x509", *CURVE, "-keyout", key, "-out", cert, "-days", "9999", *named)
        return serving(cert, key)

    def _run(self, *arguments: str | Path) -> None:
        done = subprocess.run([self._openssl, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def serving(cert: Path, key: Path) -> ssl.SSLContext:
    """A server's side with this certificate."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    return tls
