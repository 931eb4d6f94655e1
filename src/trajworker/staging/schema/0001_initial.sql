-- Staging, version 1. Times are microseconds since 1970 UTC. Ids are 16-byte BLOBs where they are UUIDs in their usual
-- spelling, else TEXT. A project, trace, conversation or slice is referred to by its `key`.

CREATE TABLE owner (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,                 -- +1 at each start; a writer with an older one must stop
    pid INTEGER NOT NULL,
    clean INTEGER NOT NULL                  -- 1 after an orderly close
) STRICT;
INSERT INTO owner VALUES (1, 0, 0, 1);

CREATE TABLE setting (
    name TEXT PRIMARY KEY,                  -- what must not change behind the back of staging: output folder, rules
    value TEXT NOT NULL
) STRICT;

CREATE TABLE project (
    key INTEGER PRIMARY KEY,
    id ANY NOT NULL UNIQUE,
    name TEXT NOT NULL,
    deep_scanned INTEGER
) STRICT;

CREATE TABLE mark (
    project INTEGER NOT NULL REFERENCES project,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (project, name)
) STRICT;

CREATE TABLE slice (                        -- to be read; gone once read, see span
    key INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: a late page of a slice that is done must find nothing
    project INTEGER NOT NULL REFERENCES project,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    ended_after INTEGER,
    floor INTEGER,
    cursor TEXT,
    pages INTEGER NOT NULL,
    restarts INTEGER NOT NULL
) STRICT;
CREATE INDEX slice_project ON slice (project);

CREATE TABLE cursor_seen (
    slice INTEGER NOT NULL REFERENCES slice ON DELETE CASCADE,
    hash BLOB NOT NULL,
    UNIQUE (slice, hash)
) STRICT;

CREATE TABLE span (                         -- start times read whole, [start, end), none touching the next
    project INTEGER NOT NULL REFERENCES project,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    UNIQUE (project, start)
) STRICT;

CREATE TABLE conversation (
    key INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: an emission on its way must not hit another one
    project INTEGER NOT NULL REFERENCES project,
    id ANY NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0,    -- last one emitted
    content_hash BLOB,                      -- of that
    last_activity INTEGER NOT NULL,
    changed INTEGER NOT NULL,               -- 1: differs from what was emitted
    reduced INTEGER NOT NULL DEFAULT 0,     -- 1: payloads dropped
    purged INTEGER NOT NULL DEFAULT 0,      -- 1: erased on demand, never staged again
    failure TEXT,                           -- why it could not be assembled as it is
    UNIQUE (project, id)
) STRICT;
CREATE INDEX conversation_changed ON conversation (last_activity, key) WHERE changed = 1;
CREATE INDEX conversation_whole ON conversation (last_activity) WHERE changed = 0 AND reduced = 0;

CREATE TABLE trace (
    key INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES project,
    id ANY NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversation,
    start INTEGER NOT NULL,
    last_activity INTEGER NOT NULL,
    version INTEGER NOT NULL,               -- +1 with each change of a run or of feedback
    root_thread TEXT,                       -- thread that the root names; it wins
    heir_thread TEXT,                       -- thread that the first descendant with one names
    heir_order TEXT,                        -- where in the tree that descendant stands
    UNIQUE (project, id)
) STRICT;
CREATE INDEX trace_conversation ON trace (conversation, start);

CREATE TABLE fold (
    trace INTEGER PRIMARY KEY REFERENCES trace ON DELETE CASCADE,
    version INTEGER NOT NULL,               -- of the trace it was made of
    body BLOB NOT NULL
) STRICT;

CREATE TABLE run (
    key INTEGER PRIMARY KEY,
    project INTEGER NOT NULL,
    id ANY NOT NULL,
    trace INTEGER NOT NULL REFERENCES trace,
    ended INTEGER NOT NULL,                 -- 1: status is final
    start INTEGER NOT NULL,
    end INTEGER,
    fetch_seq INTEGER NOT NULL,             -- epoch and number of the request that brought it
    hash BLOB NOT NULL,                     -- of the body as received
    tree_order TEXT NOT NULL,               -- dotted order
    feedback_stats BLOB,                    -- apart, since it changes alone
    body BLOB,                              -- the run as JSON; NULL once dropped
    UNIQUE (project, id)
) STRICT;
CREATE INDEX run_trace ON run (trace);
CREATE INDEX run_pending ON run (trace) WHERE ended = 0;

CREATE TABLE look (                         -- when a run that has not ended is looked at again
    run INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
    project INTEGER NOT NULL,
    due INTEGER NOT NULL,
    looks INTEGER NOT NULL
) STRICT;
CREATE INDEX look_due ON look (project, due);

CREATE TABLE feedback (
    project INTEGER NOT NULL,
    id ANY NOT NULL,
    run ANY,
    trace ANY,
    body BLOB NOT NULL,
    UNIQUE (project, id)
) STRICT;
CREATE INDEX feedback_run ON feedback (project, run);
CREATE INDEX feedback_trace ON feedback (project, trace) WHERE run IS NULL;

CREATE TABLE unreadable (                   -- runs that no rule can read
    key INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES project,
    run ANY,
    reason TEXT NOT NULL,
    hash BLOB NOT NULL,                     -- of the run's id, or of what came where it has none
    raw BLOB NOT NULL,
    UNIQUE (project, hash)
) STRICT;

CREATE TABLE part (
    seq INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    state TEXT NOT NULL,
    length INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    name TEXT,
    size_bytes INTEGER,
    sha256 BLOB,
    manifest BLOB
) STRICT;

CREATE TABLE emission (
    key INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation,
    revision INTEGER NOT NULL,
    part INTEGER NOT NULL REFERENCES part,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    content_hash BLOB NOT NULL,
    lost INTEGER NOT NULL DEFAULT 0,        -- 1: its part was damaged and a newer revision stands for it
    UNIQUE (conversation, revision)
) STRICT;
CREATE INDEX emission_part ON emission (part);
