-- Where the owner of a mailbox is reached, if not there.
ALTER TABLE item ADD COLUMN contact TEXT;

-- How a project writes mail; NULL: as the settings say, or nobody is told.
CREATE TABLE project_mail (
    project  INTEGER NOT NULL PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
    language TEXT,
    template TEXT,                                       -- the text that asks, values in braces
    success  TEXT,                                       -- who is told of passes that end well
    failure  TEXT
) STRICT;

-- Ends of passes that are told by mail.
CREATE TABLE end_notice (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    pass      INTEGER NOT NULL UNIQUE REFERENCES pass (id) ON DELETE CASCADE,
    project   INTEGER NOT NULL,
    well      INTEGER NOT NULL,
    recipient TEXT    NOT NULL,
    state     TEXT    NOT NULL DEFAULT 'queued',
    next_try  INTEGER NOT NULL,
    tries     INTEGER NOT NULL DEFAULT 0,
    answer    TEXT                                       -- how the last try ended, in the server's words
) STRICT;
CREATE INDEX end_notice_due ON end_notice (next_try) WHERE state = 'queued';
CREATE TRIGGER pass_has_ended AFTER UPDATE OF status ON pass
WHEN NEW.status IN ('completed', 'failed') AND OLD.status <> NEW.status
BEGIN
    -- Ends of the same minute go into one mail.
    INSERT INTO end_notice (pass, project, well, recipient, next_try)
    SELECT NEW.id, m.project, NEW.status = 'completed', iif(NEW.status = 'completed', m.success, m.failure), NEW.since + 60000
    FROM item AS i JOIN project_mail AS m ON m.project = i.project
    WHERE i.id = NEW.item AND iif(NEW.status = 'completed', m.success, m.failure) IS NOT NULL
    ON CONFLICT (pass) DO NOTHING;
END;
