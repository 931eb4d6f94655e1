"""How published files are called: the sink gives these names, and whoever reads a folder looks for them."""

import re

from trajworker.ports.delivery import Compression, Stream

SEQ_DIGITS = 10
LINES = tuple(f".jsonl{compression.suffix}" for compression in Compression)
"""How files of lines end."""
MANIFEST_SUFFIX = ".manifest.json"
"""The end of the name of a manifest, behind that of its file."""
VOID_SUFFIX = ".void.json"
"""The end of the name of a note that a file was lost, behind that of the file."""
NOTES = (MANIFEST_SUFFIX, VOID_SUFFIX)
"""How the names end of what is noted beside published files."""
PUBLISHED = rf"(?:{'|'.join(Stream)})-(\d{{{SEQ_DIGITS}}})(?:{'|'.join(map(re.escape, LINES))})"
"""Pattern of the name of a published file; its group is the sequence number."""
