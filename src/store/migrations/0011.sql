-- The work of a project is over: lists leave it out, and nothing starts in it.
ALTER TABLE project ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
