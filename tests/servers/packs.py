"""Git's objects and packs byte by byte, right or wrong on purpose: what git itself would refuse to make."""

import hashlib
import struct
import zlib

COMMIT, TREE, BLOB, TAG, OFS_DELTA, REF_DELTA = 1, 2, 3, 4, 6, 7
_NAMES = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob", TAG: b"tag"}


def object_id(kind, content):
    """The id of an object, 40 digits."""
    return hashlib.sha1(_NAMES[kind] + b" %d\0" % len(content) + content).hexdigest()


def tree(*entries):
    """A tree object of (mode, name, id), in the order given."""
    return b"".join(b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(oid)) for mode, name, oid in entries)


def commit(tree_id, *parents, message="x", time=1_700_000_000):
    who = f"Mallory <mallory@example.com> {time} +0000"
    lines = [f"tree {tree_id}", *(f"parent {parent}" for parent in parents), f"author {who}", f"committer {who}"]
    return ("\n".join(lines) + f"\n\n{message}\n").encode()


class Pack:
    """A pack in the making. What add() is told to lie about is wrong; the rest is as git makes it."""

    def __init__(self):
        self.entries = []

    def add(self, kind, content, size=None, base=None):
        """Adds an object, or a delta against BASE (an id), and returns its id (of a delta: None). SIZE is what the
        entry's header says, if that is not the truth."""
        self.add_packed(kind, len(content) if size is None else size, zlib.compress(content), base)
        return object_id(kind, content) if kind in _NAMES else None

    def add_packed(self, kind, size, packed, base=None):
        """The same of content that is compressed already."""
        self.entries.append(_entry_header(kind, size) + (bytes.fromhex(base) if base else b"") + packed)

    def bytes(self, count=None, checksum=None, cut=0):
        """The whole; COUNT and CHECKSUM as the header and trailer say, if that is not the truth; CUT bytes short."""
        body = b"PACK" + struct.pack(">II", 2, len(self.entries) if count is None else count) + b"".join(self.entries)
        whole = body + (hashlib.sha1(body).digest() if checksum is None else checksum)
        return whole[:len(whole) - cut]


def _entry_header(kind, size):
    byte, size = kind << 4 | size & 15, size >> 4
    header = bytearray()
    while size:
        header.append(byte | 0x80)
        byte, size = size & 0x7f, size >> 7
    return bytes(header + bytearray([byte]))


def _varint(number):
    out = bytearray()
    while number > 0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    return bytes(out + bytearray([number]))


def delta(base_size, result_size, *instructions):
    """A delta; INSTRUCTIONS are bytes to insert, or (offset, size) to copy."""
    out = _varint(base_size) + _varint(result_size)
    for instruction in instructions:
        if isinstance(instruction, bytes):
            out += bytes([len(instruction)]) + instruction
        else:
            offset, size = instruction
            out += b"\xff" + struct.pack("<I", offset) + struct.pack("<I", size)[:3]
    return out


def index_of_one(pack, oid):
    """The index (version 1) of a pack that has the one object OID."""
    fanout = b"".join(struct.pack(">I", int(first >= int(oid[:2], 16))) for first in range(256))
    body = fanout + struct.pack(">I", 12) + bytes.fromhex(oid) + pack[-20:]
    return body + hashlib.sha1(body).digest()


def copies(size, most=0xffffff):
    """Instructions that copy the first SIZE bytes."""
    return [(offset, min(most, size - offset)) for offset in range(0, size, most)]


def zeros(count, step=1 << 20):
    """COUNT zero bytes as one zlib stream, made in no time: the same block again and again. COUNT is rounded down to
    whole steps; returns the stream and the size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packer.compress(bytes(step))
    packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(step)) + packer.flush(zlib.Z_FULL_FLUSH)
    last = packer.flush()
    size = count // step * step
    adler = (size % 65521) << 16 | 1  # of zeros: a stays 1, b counts them
    return b"\x78\xda" + block * (size // step) + last + struct.pack(">I", adler), size


def zeros_id(size, step=1 << 20):
    """The id of a blob of SIZE zero bytes."""
    digest = hashlib.sha1(b"blob %d\0" % size)
    for _ in range(size // step):
        digest.update(bytes(step))
    digest.update(bytes(size % step))
    return digest.hexdigest()
