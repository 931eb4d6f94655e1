-- Payloads of which much was said before in the same conversation, each told by what it adds to another one. A text is
-- never changed; it goes when the payloads of its conversation are dropped or erased, all of them at once.
CREATE TABLE text (
    key INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: a run must not find the text of another one
    conversation INTEGER NOT NULL REFERENCES conversation,
    chain INTEGER NOT NULL,                 -- first text of its line; the longest of a line is what the next stands on
    base INTEGER,                           -- text it stands on, an earlier one of the same conversation
    shared INTEGER NOT NULL,                -- bytes at the beginning that it has from its base
    tail INTEGER NOT NULL,                  -- bytes at the end that it has from its base
    length INTEGER NOT NULL,
    rest BLOB NOT NULL                      -- what is between
) STRICT;
CREATE INDEX text_conversation ON text (conversation, chain, length);

-- Texts that are payloads of a run; NULL: the payload stands in the body.
ALTER TABLE run ADD COLUMN inputs INTEGER;
ALTER TABLE run ADD COLUMN outputs INTEGER;
ALTER TABLE run ADD COLUMN extra INTEGER;
ALTER TABLE run ADD COLUMN apart INTEGER NOT NULL DEFAULT 0;  -- bytes of those texts when whole
ALTER TABLE run ADD COLUMN size INTEGER GENERATED ALWAYS AS (coalesce(length(body), 0) + apart) VIRTUAL;
DROP INDEX run_trace;
CREATE INDEX run_trace ON run (trace, size);                  -- the size of a trace is told without its payloads

-- A run that cannot be read is known by its id itself, whatever the hash of this release.
UPDATE unreadable SET hash = CAST(run AS BLOB) WHERE run IS NOT NULL;
