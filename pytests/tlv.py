"""A small BER-TLV reader, independent of the simulator."""


def read(data, at=0):
    """(tag, value, whole, next) of the TLV at an offset; tags keep their octets: 0xBF38."""
    start = at
    tag = data[at]
    at += 1
    if tag & 0x1F == 0x1F:
        while True:
            tag = tag << 8 | data[at]
            at += 1
            if not data[at - 1] & 0x80:
                break
    length = data[at]
    at += 1
    if length & 0x80:
        n = length & 0x7F
        length = int.from_bytes(data[at:at + n], "big")
        at += n
    if at + length > len(data):
        raise ValueError(f"TLV {tag:X} at {start} runs over the end")
    return tag, data[at:at + length], data[start:at + length], at + length


def walk(data):
    """All TLVs of a constructed value."""
    at = 0
    while at < len(data):
        tag, value, whole, at = read(data, at)
        yield tag, value, whole


def find(data, *path):
    """Value of the element under a path of tags."""
    for wanted in path:
        for tag, value, _ in walk(data):
            if tag == wanted:
                data = value
                break
        else:
            raise KeyError(f"{wanted:X}")
    return data


def whole(data, *path):
    """The same, with tag and length."""
    inner = find(data, *path[:-1])
    for tag, _, all_of_it in walk(inner):
        if tag == path[-1]:
            return all_of_it
    raise KeyError(f"{path[-1]:X}")


def make(tag, value):
    head = tag.to_bytes((tag.bit_length() + 7) // 8, "big")
    n = len(value)
    if n < 0x80:
        return head + bytes([n]) + value
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return head + bytes([0x80 | len(size)]) + size + value
