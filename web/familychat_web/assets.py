"""Style sheets, scripts and pictures: read once, named by what is in them, and kept by browsers for good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
FOR_GOOD = "public, max-age=31536000, immutable"
CHECK_AGAIN = "public, no-cache"
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, with its media type and an ``ETag``."""

    content: bytes
    media_type: str
    etag: str


class Assets:
    """All files of a folder. They share one version, so that scripts find each other by relative names."""

    def __init__(self, folder: Path = FOLDER) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.suffix in _TYPES)
        self._files = {path.relative_to(folder).as_posix(): _read(path) for path in paths}
        told = "".join(f"{name} {one.etag}\n" for name, one in self._files.items())
        self.version = hashlib.sha256(told.encode()).hexdigest()[:16]

    @property
    def names(self) -> list[str]:
        return list(self._files)

    def url(self, name: str) -> str:
        """Where browsers find a file; raises :class:`KeyError` for one that isn't there."""
        self._files[name]
        return f"/static/{self.version}/{name}"

    def get(self, name: str) -> Asset | None:
        return self._files.get(name)


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(content, _TYPES[path.suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
