"""The layout of seed 002: one readable JSON document per conversation, whose steps repeat their cumulative messages.

It grows with the square of the conversation; the line format of `codec` does not.
"""

import msgspec

from trajworker.trajectory.codec import decode_line, encode_chunk, line_of
from trajworker.trajectory.trajectory import Trajectory


def encode_cumulative(trajectory: Trajectory) -> bytes:
    """A trajectory as a document of its own."""
    return msgspec.json.format(encode_chunk(line_of(trajectory, cumulative=True)), indent=2) + b"\n"


def decode_cumulative(document: bytes) -> Trajectory:
    """The trajectory of a document; raises msgspec.DecodeError where it is none."""
    return decode_line(document)
