"""A certificate that nobody vouches for, with its key.

certificate, key = self_signed(tmp_path, "desk.example")
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

WORDS = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"


def self_signed(folder: Path, name: str) -> tuple[Path, Path]:
    """PEM files of the certificate and its key; skips where OpenSSL's program is missing."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", *WORDS.split(), "-keyout", str(key), "-out", str(certificate)]
    kind = "IP" if name[0].isdigit() else "DNS"
    command += ["-subj", f"/CN={name}", "-addext", f"subjectAltName={kind}:{name}"]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key
