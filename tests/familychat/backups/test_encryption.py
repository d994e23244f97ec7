"""The encryption: what comes out is what went in, or nothing."""

from __future__ import annotations

import hashlib
import io

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from familychat.backups.encryption import CHUNK, TAG, Cost, Sealing, Unsealed
from familychat.errors import InvalidInputError, StoreCorruptError, StoreTooNewError

PASSPHRASE = "quiet little river"
QUICK = Cost(log2_n=14)
HEADER = 67


def sealed(data: bytes, passphrase: str = PASSPHRASE) -> bytes:
    target = io.BytesIO()
    sealing = Sealing(target, passphrase, QUICK)
    for start in range(0, len(data), 50_000):
        sealing.write(data[start : start + 50_000])
    sealing.finish()
    return target.getvalue()


def unsealed(data: bytes, passphrase: str = PASSPHRASE) -> bytes:
    return Unsealed(io.BytesIO(data), passphrase).read()


def pattern(size: int) -> bytes:
    return hashlib.shake_128(b"seed").digest(size)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7])
def test_there_and_back(size: int) -> None:
    data = pattern(size)
    assert unsealed(sealed(data)) == data


def test_any_part_of_it() -> None:
    data = pattern(3 * CHUNK + 100)
    reader = Unsealed(io.BytesIO(sealed(data)), PASSPHRASE)
    for start, length in [(0, 10), (CHUNK - 5, 10), (2 * CHUNK, CHUNK), (3 * CHUNK + 90, 50), (17, 1), (len(data), 5)]:
        reader.seek(start)
        buffered = b""
        while len(buffered) < length and (more := reader.read(length - len(buffered))):
            buffered += more
        assert buffered == data[start : start + length]
    assert reader.seek(-3, io.SEEK_END) == len(data) - 3
    assert reader.read() == data[-3:]


def test_as_the_description_says() -> None:
    """Opened by the words of the module alone, with the standard library's scrypt."""
    data = pattern(CHUNK + 5)
    file = sealed(data)
    header, body = file[:HEADER], file[HEADER:]
    assert header[:9] == b"FCBACKUP\x01"
    log2_n, r, p = header[9:12]
    derived = hashlib.scrypt(PASSPHRASE.encode(), salt=header[12:28], n=2**log2_n, r=r, p=p, dklen=64)
    prefix, check = header[28:35], header[35:]
    assert check == derived[32:]
    aes = AESGCM(derived[:32])
    first = aes.decrypt(prefix + b"\0\0\0\0" + b"\0", body[: CHUNK + TAG], header)
    last = aes.decrypt(prefix + b"\0\0\0\1" + b"\1", body[CHUNK + TAG :], header)
    assert first + last == data


def test_the_standard_cost_is_what_is_advised() -> None:
    assert Cost() == Cost(log2_n=17, r=8, p=1)
    assert Cost().allowed()


def test_never_the_same_twice() -> None:
    one, two = sealed(b"the same"), sealed(b"the same")
    assert one[12:] != two[12:]
    assert one[-24:] != two[-24:]


def test_a_wrong_passphrase() -> None:
    with pytest.raises(InvalidInputError, match="doesn't fit"):
        unsealed(sealed(b"x"), "quiet little rivers")


def test_the_same_letters_typed_otherwise() -> None:
    assert unsealed(sealed(b"x", "caf\u00e9 au lait"), "cafe\u0301 au lait") == b"x"


def test_every_field_of_the_header_counts() -> None:
    whole = sealed(b"x")
    for position in (0, 7, 8, 9, 10, 11, 12, 27, 28, 34, 35, 66):  # the ends of each field
        file = bytearray(whole)
        file[position] ^= 1
        with pytest.raises((InvalidInputError, StoreCorruptError, StoreTooNewError)):
            unsealed(bytes(file))


@pytest.mark.parametrize("position", [HEADER, HEADER + CHUNK, HEADER + CHUNK + TAG, -1, -TAG - 1])
def test_a_flipped_bit_in_the_body(position: int) -> None:
    file = bytearray(sealed(pattern(2 * CHUNK)))
    file[position] ^= 0x10
    with pytest.raises(StoreCorruptError, match="changed or cut off"):
        unsealed(bytes(file))


def test_chunks_in_another_order_or_number() -> None:
    file = sealed(pattern(3 * CHUNK))
    header, one = file[:HEADER], CHUNK + TAG
    chunks = [file[HEADER + one * number :][:one] for number in range(3)]
    for order in ([1, 0, 2], [0, 1], [0, 2], [0, 0, 2], [2], [0, 1, 2, 2], []):
        with pytest.raises(StoreCorruptError, match="changed or cut off"):
            unsealed(header + b"".join(chunks[number] for number in order))


@pytest.mark.parametrize("size", [0, 5, HEADER - 1, HEADER, HEADER + 1, HEADER + TAG - 1])
def test_cut_off_near_the_beginning(size: int) -> None:
    with pytest.raises(StoreCorruptError):
        unsealed(sealed(b"something")[:size])


def test_never_finished_is_never_opened() -> None:
    target = io.BytesIO()
    sealing = Sealing(target, PASSPHRASE, QUICK)
    sealing.write(pattern(3 * CHUNK))
    with pytest.raises(StoreCorruptError):
        unsealed(target.getvalue())


@pytest.mark.parametrize(
    "cost", [(13, 8, 1), (20, 8, 1), (255, 8, 1), (14, 255, 1), (14, 0, 1), (14, 8, 0), (14, 8, 255)]
)
def test_a_file_that_asks_for_too_little_or_too_much_work(cost: tuple[int, int, int]) -> None:
    file = sealed(b"x")
    with pytest.raises(StoreCorruptError, match="makes no sense"):
        unsealed(file[:9] + bytes(cost) + file[12:])


def test_a_newer_encryption() -> None:
    file = sealed(b"x")
    with pytest.raises(StoreTooNewError):
        unsealed(file[:8] + b"\x02" + file[9:])
