"""The seams: what crosses between rooms, in which words, and the small protocols behind which adapters stand.

Data walks forward (source -> staging -> sink); only acknowledgements walk back, and only through the store. There are
three seams, in the order of the walk: `intake`, `outlet`, `delivery`. `header_text` and `patience` are what the
settings and a source share.
"""

from trajworker.ports.delivery import (
    SEAL_AGE,
    SEAL_LINES,
    SEAL_SIZE,
    Compression,
    Consumed,
    Emission,
    Late,
    Line,
    Part,
    PartLedger,
    PartState,
    Sink,
    Stream,
    Unwritten,
)
from trajworker.ports.intake import (
    COVERING,
    Coverage,
    Marks,
    Page,
    RunSource,
    RunStore,
    Slice,
    SlicePurpose,
    StagedPage,
    StageOutcome,
    Swift,
    Unreadable,
)
from trajworker.ports.outlet import (
    Activity,
    Aggregation,
    ConversationStore,
    LostRevision,
    Material,
    Portion,
    TraceVersion,
    unchanged_prefix,
)

__all__ = [
    "COVERING",
    "SEAL_AGE",
    "SEAL_LINES",
    "SEAL_SIZE",
    "Activity",
    "Aggregation",
    "Compression",
    "Consumed",
    "ConversationStore",
    "Coverage",
    "Emission",
    "Late",
    "Line",
    "LostRevision",
    "Marks",
    "Material",
    "Page",
    "Part",
    "PartLedger",
    "PartState",
    "Portion",
    "RunSource",
    "RunStore",
    "Sink",
    "Slice",
    "SlicePurpose",
    "StageOutcome",
    "StagedPage",
    "Stream",
    "Swift",
    "TraceVersion",
    "Unreadable",
    "Unwritten",
    "unchanged_prefix",
]
