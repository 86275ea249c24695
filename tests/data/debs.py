"""Debian packages made by the tests, and a source of them that the real `apt-get` reads."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import soundfile as sf

SR = 8000


def sound(seconds: float, *, pitch: float = 440.0, name: str = "a.ogg", **tags: str) -> bytes:
    """A tone, encoded as the name's suffix says."""
    samples = 0.5 * np.sin(2 * np.pi * pitch * np.arange(int(seconds * SR)) / SR)
    content = io.BytesIO()
    kind = {"ogg": "OGG", "mp3": "MP3", "flac": "FLAC"}[name.rpartition(".")[2].lower()]
    with sf.SoundFile(content, "w", samplerate=SR, channels=1, format=kind) as file:
        for tag, text in tags.items():
            setattr(file, tag, text)
        file.write(samples)
    return content.getvalue()


def make_deb(
    folder: Path, package: str, files: dict[str, bytes], *, version: str = "1.0-1"
) -> Path:
    """Write a package by hand: an `ar` archive of a version, control fields and the files."""
    folder.mkdir(parents=True, exist_ok=True)
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _tar({"./control": _control(package, version).encode()}),
        "data.tar.gz": _tar(files),
    }
    content = b"!<arch>\n"
    for name, data in members.items():
        content += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
        content += data + b"\n" * (len(data) % 2)
    path = folder / f"{package}_{version}_all.deb"
    path.write_bytes(content)
    return path


def _control(package: str, version: str) -> str:
    return (
        f"Package: {package}\nVersion: {version}\nArchitecture: all\n"
        "Maintainer: Nobody <nobody@example.org>\nDescription: test\n"
    )


def _tar(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return content.getvalue()


def make_source(root: Path, debs: list[Path]) -> Path:
    """Make the folder of the packages a source of a private apt; return apt's configuration."""
    for name in ("state/lists/partial", "cache/archives/partial", "etc", "log"):
        (root / name).mkdir(parents=True)
    (root / "state" / "status").touch()
    (debs[0].parent / "Packages").write_text("\n".join(map(_stanza, debs)))
    sources = root / "sources.list"
    sources.write_text(f"deb [trusted=yes] file:{debs[0].parent} ./\n")
    config = root / "apt.conf"
    settings = {
        "Dir::State": root / "state",
        "Dir::State::status": root / "state" / "status",
        "Dir::Cache": root / "cache",
        "Dir::Etc": root / "etc",
        "Dir::Etc::sourcelist": sources,
        "Dir::Log": root / "log",
        "APT::Sandbox::User": "",
    }
    config.write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()))
    environment = {"APT_CONFIG": str(config), "PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    subprocess.run(["apt-get", "update"], env=environment, check=True, capture_output=True)
    return config


def _stanza(deb: Path) -> str:
    content = deb.read_bytes()
    package, version, _ = deb.name.split("_")
    return (
        f"{_control(package, version)}Filename: ./{deb.name}\nSize: {len(content)}\n"
        f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
    )
