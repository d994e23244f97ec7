"""Encrypting a backup with a passphrase while it is written, and reading any part of it again.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizar: "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance", 2015) over AES-256-GCM: chunks of 64 KiB, each with its own tag, whose nonces hold the
chunk's number and whether it is the last. So nothing can be changed, swapped or cut off unseen, and no memory is
needed for more than a chunk. The key comes from the passphrase by scrypt (RFC 7914), with a new salt for every file.

    header   "FCBACKUP" | format 1 | log2 of scrypt's N | r | p | salt (16) | nonce prefix (7) | key check (32)
    chunk    AES-256-GCM(key, prefix | number (4, big endian) | last (1), data, associated data: the header)

Half of what scrypt gives is the key; the other half is the key check. GCM by itself doesn't bind a file to one key;
the key check does, and tells a wrong passphrase from a damaged file.
"""

from __future__ import annotations

import hmac
import io
import os
import struct
import unicodedata
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from familychat.backups.manifest import damaged
from familychat.backups.places import ENCRYPTED_MARK
from familychat.errors import InvalidInputError, StoreTooNewError
from familychat.wording import Text

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK = 64 * 1024
TAG = 16
FORMAT = 1
_HEADER = struct.Struct(">8sBBBB16s7s32s")


@dataclass(frozen=True, slots=True)
class Cost:
    """How hard guessing is made: scrypt's parameters. N = 2 ** ``log2_n``; it takes 128 * N * r bytes of memory."""

    log2_n: int = 17
    r: int = 8
    p: int = 1

    def allowed(self) -> bool:
        """Whether a file may ask for this: neither so little that it is weak, nor more memory than a home has."""
        return 14 <= self.log2_n <= 19 and self.r == 8 and 1 <= self.p <= 4  # noqa: PLR2004


STANDARD = Cost()


def _keys(passphrase: str, salt: bytes, cost: Cost) -> tuple[bytes, bytes]:
    """The key and the key check. Takes a good part of a second on purpose."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    # The same letters can be typed as different code points on different keyboards: NFC makes them one.
    text = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
    derived = Scrypt(salt=salt, length=64, n=2**cost.log2_n, r=cost.r, p=cost.p).derive(text)
    return derived[:32], derived[32:]


def _aes(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])


class Sealing:
    """Takes what is written and writes it encrypted to ``target``. Without :meth:`finish` it can never be opened."""

    def __init__(self, target: IO[bytes], passphrase: str, cost: Cost = STANDARD) -> None:
        salt, self._prefix = os.urandom(16), os.urandom(7)
        key, check = _keys(passphrase, salt, cost)
        self._header = _HEADER.pack(ENCRYPTED_MARK, FORMAT, cost.log2_n, cost.r, cost.p, salt, self._prefix, check)
        self._aes = _aes(key)
        self._target = target
        self._held = bytearray()
        self._number = 0
        target.write(self._header)

    def write(self, data: bytes, /) -> int:
        """Take more. A whole chunk is held back until more comes, since the last one is marked as such."""
        self._held += data
        start = 0
        while len(self._held) - start > CHUNK:
            self._seal(bytes(self._held[start : start + CHUNK]), last=False)
            start += CHUNK
        del self._held[:start]
        return len(data)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        nonce = _nonce(self._prefix, self._number, last=last)
        self._target.write(self._aes.encrypt(nonce, chunk, self._header))
        self._number += 1

    def flush(self) -> None:
        """For whoever expects a file; what is held back stays so."""

    def close(self) -> None:
        """For whoever expects a file; only :meth:`finish` ends it."""

    def finish(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._held), last=True)
        self._held.clear()


class Unsealed(io.RawIOBase):
    """What lies inside an encrypted file, readable from any place; nothing is given out that wasn't verified.

    Raises :class:`InvalidInputError` for a wrong passphrase, :class:`StoreTooNewError` for a newer format, and
    :class:`familychat.errors.StoreCorruptError` as soon as something is found changed or missing.
    """

    def __init__(self, source: IO[bytes], passphrase: str) -> None:
        super().__init__()
        self._source = source
        self._header = source.read(_HEADER.size)
        self._aes, self._prefix = self._unlock(passphrase)
        length = source.seek(0, os.SEEK_END) - _HEADER.size
        self._chunks = max(1, -(-length // (CHUNK + TAG)))
        self._size = length - self._chunks * TAG
        self._position = 0
        self._known: tuple[int, bytes] = (-1, b"")
        # Only the true last chunk is marked as last: this finds whatever was cut off, before anything is used.
        self._chunk(self._chunks - 1)

    def _unlock(self, passphrase: str) -> tuple[AESGCM, bytes]:
        if len(self._header) < _HEADER.size:
            raise damaged(Text("it is cut off"))
        _, version, log2_n, r, p, salt, prefix, check = _HEADER.unpack(self._header)
        if version > FORMAT:
            raise StoreTooNewError(
                "A newer familychat encrypted this backup. Nothing was changed.", "Update familychat first."
            )
        cost = Cost(log2_n, r, p)
        if version != FORMAT or not cost.allowed():
            raise damaged(Text("its beginning makes no sense"))
        key, expected = _keys(passphrase, salt, cost)
        if not hmac.compare_digest(expected, check):
            raise InvalidInputError(
                "The passphrase doesn't fit, or the beginning of the file is damaged. Nothing was changed.",
                "Try again.",
            )
        return _aes(key), prefix

    def _chunk(self, number: int) -> bytes:
        from cryptography.exceptions import InvalidTag

        if self._known[0] != number:
            self._source.seek(_HEADER.size + number * (CHUNK + TAG))
            sealed = self._source.read(CHUNK + TAG)
            nonce = _nonce(self._prefix, number, last=number == self._chunks - 1)
            try:
                self._known = (number, self._aes.decrypt(nonce, sealed, self._header))
            except InvalidTag as error:
                raise damaged(Text("it was changed or cut off after it was made")) from error
        return self._known[1]

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        if self._position >= self._size:
            return 0
        view = memoryview(buffer).cast("B")
        number, start = divmod(self._position, CHUNK)
        piece = self._chunk(number)[start : start + len(view)]
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(22, "Invalid argument")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
