-- What was set aside may come after all: the server was away, or a later release can read it. It goes when its trace is
-- purged, or when it was kept for long.
ALTER TABLE unreadable ADD COLUMN trace TEXT;                         -- as its producer spelled it
ALTER TABLE unreadable ADD COLUMN start INTEGER;                      -- start times it stands for where it has no id,
ALTER TABLE unreadable ADD COLUMN end INTEGER;                        -- [start, end)
ALTER TABLE unreadable ADD COLUMN slice INTEGER;                      -- that was read when it was set aside last
ALTER TABLE unreadable ADD COLUMN kept_at INTEGER NOT NULL DEFAULT 0; -- by this machine's clock
ALTER TABLE unreadable ADD COLUMN due INTEGER NOT NULL DEFAULT 0;     -- when it is looked at again
ALTER TABLE unreadable ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;

UPDATE unreadable SET trace = json_extract(CAST(raw AS TEXT), '$.trace_id') WHERE json_valid(CAST(raw AS TEXT));
