-- A run that was set aside may come after all: the server was away, or a later release can read it.
ALTER TABLE unreadable ADD COLUMN due INTEGER NOT NULL DEFAULT 0;
ALTER TABLE unreadable ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;
