-- What a pass does was decided when it was submitted (D31); NULL in passes of older versions, whose kind says it.
ALTER TABLE pass ADD COLUMN plan TEXT;
-- When it came to its status.
ALTER TABLE pass ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
UPDATE pass SET since = coalesce(ended, started, submitted);
-- Why it is held, if it is.
ALTER TABLE pass ADD COLUMN hold TEXT;
UPDATE pass SET hold = CASE WHEN failure IS NULL THEN 'interrupted' ELSE 'login_refused' END WHERE status = 'held';

-- 1: what is submitted waits for a word (Hold new starts).
ALTER TABLE project ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
-- 1: a person has confirmed from where to where mail is copied.
ALTER TABLE project ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0;
UPDATE project SET confirmed = 1 WHERE EXISTS (SELECT 1 FROM setting WHERE name = 'direction.' || project.id)
    OR EXISTS (SELECT 1 FROM item AS i JOIN pass AS p ON p.item = i.id WHERE i.project = project.id AND p.copied > 0);
DELETE FROM setting WHERE name LIKE 'direction.%';

-- What an item has instead of its project's options: JSON, NULL for none (D32).
ALTER TABLE item ADD COLUMN options TEXT;

-- A person has said that a message is not copied, and why.
ALTER TABLE item_error ADD COLUMN accepted INTEGER;
ALTER TABLE item_error ADD COLUMN note TEXT;
-- How many messages of a pass that is.
ALTER TABLE pass ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
-- Of a message that is too big: for what (JSON).
ALTER TABLE item_error ADD COLUMN size_terms TEXT;

-- What the item's passes before it recorded, since its last reset (D34); written when it is submitted.
ALTER TABLE pass ADD COLUMN earlier_copied INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pass ADD COLUMN earlier_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE pass SET (earlier_copied, earlier_bytes) = (
    SELECT ifnull(sum(o.copied), 0), ifnull(sum(o.bytes), 0) FROM pass AS o JOIN item AS i ON i.id = o.item
    WHERE o.item = pass.item AND o.id < pass.id AND o.submitted >= ifnull(i.reset_at, 0));
-- What it counted at the source, or the pass before it; NULL while nobody did. Sizes are NULL where the source tells none.
ALTER TABLE pass ADD COLUMN source_folders INTEGER;
ALTER TABLE pass ADD COLUMN source_messages INTEGER;
ALTER TABLE pass ADD COLUMN source_bytes INTEGER;

-- What the mailboxes of an item looked like when they were last verified: two items of one project that look alike open one
-- mailbox. Forgotten when another mailbox may be meant.
ALTER TABLE item ADD COLUMN source_likeness BLOB;
ALTER TABLE item ADD COLUMN destination_likeness BLOB;
CREATE INDEX item_source_likeness ON item (project, source_likeness) WHERE source_likeness IS NOT NULL;
CREATE INDEX item_destination_likeness ON item (project, destination_likeness) WHERE destination_likeness IS NOT NULL;
CREATE INDEX item_destination_login ON item (project, destination_login COLLATE NOCASE) WHERE destination_login IS NOT NULL;
-- How often its servers or items came to mean other mailboxes, or items lost their records.
ALTER TABLE project ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER item_means_another AFTER UPDATE OF source_email, source_login, destination_email, destination_login ON item
BEGIN
    UPDATE item SET source_likeness = NULL, destination_likeness = NULL WHERE id = NEW.id;
    UPDATE project SET changes = changes + 1 WHERE id = NEW.project;
END;
CREATE TRIGGER project_means_another AFTER UPDATE OF source, destination ON project
WHEN OLD.source <> NEW.source OR OLD.destination <> NEW.destination
BEGIN
    UPDATE item SET source_likeness = NULL, destination_likeness = NULL WHERE project = NEW.id;
    UPDATE project SET changes = changes + 1 WHERE id = NEW.id;
END;

-- Licenses that are counted together. What a pool has, has reserved and has used up is the sum of its entries, nowhere kept.
CREATE TABLE license_pool (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name      TEXT    NOT NULL,
    name_key  TEXT    NOT NULL UNIQUE,                   -- lower case: names are unique ignoring case
    kind      TEXT    NOT NULL,
    client    TEXT    NOT NULL,
    unlimited INTEGER NOT NULL
) STRICT;
INSERT INTO license_pool (id, name, name_key, kind, client, unlimited) VALUES (1, 'Unlimited', 'unlimited', '', '', 1);
-- Where the items of a project take their licenses.
ALTER TABLE project ADD COLUMN pool INTEGER NOT NULL DEFAULT 1;

-- The ledger (D33). An entry outlives its item, pass and project, and names them as they were called then: no foreign keys.
CREATE TABLE license_entry (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,
    pool        INTEGER NOT NULL REFERENCES license_pool (id),
    kind        TEXT    NOT NULL CHECK (kind IN ('add', 'reserve', 'consume', 'return', 'loss')),
    number      INTEGER NOT NULL CHECK (number > 0),
    item        INTEGER,
    pass        INTEGER,
    project     TEXT,
    source      TEXT,
    destination TEXT,
    note        TEXT    NOT NULL DEFAULT '',
    CHECK ((kind = 'add') = (item IS NULL)),
    CHECK (item IS NULL OR (number = 1 AND project IS NOT NULL AND source IS NOT NULL AND destination IS NOT NULL))
) STRICT;
CREATE INDEX license_entry_item ON license_entry (item) WHERE item IS NOT NULL;
CREATE INDEX license_entry_pool ON license_entry (pool, kind, number);
-- What has completed before there was a ledger has consumed one license each, what runs or waits has reserved one.
INSERT INTO license_entry (at, pool, kind, number, item, pass, project, source, destination, note)
SELECT p.submitted, 1, 'reserve', 1, i.id, p.id, o.name, i.source_email, i.destination_email, 'before the ledger'
FROM item AS i JOIN project AS o ON o.id = i.project JOIN pass AS p ON p.id = ifnull(
    (SELECT min(id) FROM pass WHERE item = i.id AND kind IN ('full', 'pre_stage') AND status = 'completed'),
    (SELECT id FROM pass WHERE id = i.latest_pass AND kind IN ('full', 'pre_stage')
         AND status NOT IN ('stopped', 'failed', 'completed')))
WHERE i.deleted = 0 AND o.deleted = 0 ORDER BY p.submitted, i.id;
INSERT INTO license_entry (at, pool, kind, number, item, pass, project, source, destination, note)
SELECT ifnull(p.ended, p.submitted), 1, 'consume', 1, e.item, e.pass, e.project, e.source, e.destination, e.note
FROM license_entry AS e JOIN pass AS p ON p.id = e.pass WHERE p.status = 'completed' ORDER BY 1, e.item;
-- Entries are only ever added.
CREATE TRIGGER license_entry_is_not_replaced BEFORE INSERT ON license_entry
WHEN EXISTS (SELECT 1 FROM license_entry WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'an entry of the ledger is never replaced');
END;
CREATE TRIGGER license_entry_is_not_changed BEFORE UPDATE ON license_entry
BEGIN
    SELECT RAISE(ABORT, 'an entry of the ledger is never changed');
END;
CREATE TRIGGER license_entry_is_not_removed BEFORE DELETE ON license_entry
BEGIN
    SELECT RAISE(ABORT, 'an entry of the ledger is never removed');
END;

-- Secrets of the workspace itself: the key that links are made from, the login of the mail server.
CREATE TABLE workspace_secret (
    name       TEXT    NOT NULL PRIMARY KEY,
    credential INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the owner of a mailbox is asked for (D36). The link is made from a key in the vault and the nonce; here is its hash only.
CREATE TABLE credential_request (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    item        INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
    source      INTEGER NOT NULL,                        -- 1: asked for
    destination INTEGER NOT NULL,
    nonce       BLOB    NOT NULL UNIQUE CHECK (length(nonce) = 16),
    token_hash  BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    state       TEXT    NOT NULL DEFAULT 'alive' CHECK (state IN ('alive', 'used', 'dead')),
    created     INTEGER NOT NULL,
    opened      INTEGER,                                 -- when its form was first asked for
    attempts    INTEGER NOT NULL DEFAULT 0,              -- entries that were checked, or were to be
    ended       INTEGER,
    CHECK (source + destination > 0),
    CHECK ((state = 'alive') = (ended IS NULL))
) STRICT;
CREATE INDEX credential_request_item ON credential_request (item);
-- Never two different living links of an item.
CREATE UNIQUE INDEX credential_request_alive ON credential_request (item) WHERE state = 'alive';
CREATE TRIGGER credential_request_stays_dead BEFORE UPDATE OF state ON credential_request WHEN OLD.state <> 'alive'
BEGIN
    SELECT RAISE(ABORT, 'a link that was used or is dead never lives again');
END;

-- Mails on their way. What is sent is written when it is sent, so that no link lies here.
CREATE TABLE outgoing_mail (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    request   INTEGER NOT NULL REFERENCES credential_request (id) ON DELETE CASCADE,
    kind      TEXT    NOT NULL,
    recipient TEXT    NOT NULL,
    state     TEXT    NOT NULL DEFAULT 'queued',
    created   INTEGER NOT NULL,
    next_try  INTEGER NOT NULL,
    tries     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outgoing_mail_due ON outgoing_mail (next_try) WHERE state = 'queued';
CREATE INDEX outgoing_mail_request ON outgoing_mail (request);
CREATE TABLE mail_attempt (
    id      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    mail    INTEGER NOT NULL REFERENCES outgoing_mail (id) ON DELETE CASCADE,
    at      INTEGER NOT NULL,
    outcome TEXT    NOT NULL,
    answer  TEXT    NOT NULL                             -- in the server's words
) STRICT;
CREATE INDEX mail_attempt_mail ON mail_attempt (mail);

-- A link lives as long as its item waits, and its mails wait as long as it lives.
CREATE TRIGGER pass_waits_no_more AFTER UPDATE OF status ON pass
WHEN OLD.status = 'waiting_for_user' AND NEW.status <> 'waiting_for_user'
BEGIN
    UPDATE credential_request SET state = 'dead', ended = NEW.since WHERE item = NEW.item AND state = 'alive';
END;
CREATE TRIGGER credential_request_ends AFTER UPDATE OF state ON credential_request WHEN NEW.state <> 'alive'
BEGIN
    UPDATE outgoing_mail SET state = 'dropped' WHERE request = NEW.id AND state = 'queued';
END;
