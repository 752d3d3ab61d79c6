-- Hybrid projects: users of an Exchange organisation move to Exchange Online in batches (D37). Secrets are in the vault.
CREATE TABLE hybrid_project (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL,
    name_key      TEXT    NOT NULL UNIQUE,               -- lower case
    settings      TEXT    NOT NULL,                      -- JSON of HybridSettings
    credential    INTEGER,                               -- of the application
    pool          INTEGER NOT NULL REFERENCES license_pool (id),
    trouble       TEXT,                                  -- why its service is not asked
    trouble_until INTEGER,
    CHECK ((trouble IS NULL) = (trouble_until IS NULL))
) STRICT;
-- Names are unique among projects of both kinds.
CREATE TRIGGER hybrid_project_name_is_free BEFORE INSERT ON hybrid_project
WHEN EXISTS (SELECT 1 FROM project WHERE name_key = NEW.name_key AND deleted = 0)
BEGIN
    SELECT RAISE(ABORT, 'a project has this name');
END;
CREATE TRIGGER project_name_is_free BEFORE INSERT ON project
WHEN EXISTS (SELECT 1 FROM hybrid_project WHERE name_key = NEW.name_key)
BEGIN
    SELECT RAISE(ABORT, 'a hybrid project has this name');
END;
CREATE TRIGGER project_name_stays_free BEFORE UPDATE OF name_key ON project
WHEN EXISTS (SELECT 1 FROM hybrid_project WHERE name_key = NEW.name_key)
BEGIN
    SELECT RAISE(ABORT, 'a hybrid project has this name');
END;

CREATE TABLE hybrid_batch (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project     INTEGER NOT NULL REFERENCES hybrid_project (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL,
    name_key    TEXT    NOT NULL,
    remote_name TEXT    NOT NULL UNIQUE,                 -- what the service calls it
    submitted   INTEGER,
    finalize_at INTEGER,
    word        TEXT,                                    -- the service's own
    polled      INTEGER,
    missing     INTEGER,
    UNIQUE (project, name_key)
) STRICT;

CREATE TABLE hybrid_user (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project    INTEGER NOT NULL REFERENCES hybrid_project (id) ON DELETE CASCADE,
    address    TEXT    NOT NULL COLLATE NOCASE,
    batch      INTEGER REFERENCES hybrid_batch (id),     -- NULL: Unbatched
    status     TEXT    NOT NULL DEFAULT 'not_submitted',
    since      INTEGER NOT NULL,
    location   TEXT,
    note       TEXT,
    switched   INTEGER NOT NULL DEFAULT 0,
    word       TEXT,                                     -- the service's own
    percent    INTEGER,
    synced     INTEGER,
    skipped    INTEGER,
    bytes      INTEGER,
    last_sync  INTEGER,
    statistics INTEGER,
    missing    INTEGER,
    UNIQUE (project, address),
    CHECK (batch IS NOT NULL OR status = 'not_submitted')
) STRICT;
CREATE INDEX hybrid_user_batch ON hybrid_user (batch);
-- Nobody joins a batch after it was submitted (R29).
CREATE TRIGGER hybrid_batch_is_closed BEFORE UPDATE OF batch ON hybrid_user
WHEN NEW.batch IS NOT NULL AND NEW.batch IS NOT OLD.batch
    AND (SELECT submitted FROM hybrid_batch WHERE id = NEW.batch) IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'nobody joins a batch that was submitted');
END;

-- Orders to the service: written before anything is sent, looked up before anything is repeated.
CREATE TABLE hybrid_order (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project    INTEGER NOT NULL REFERENCES hybrid_project (id) ON DELETE CASCADE,
    batch      INTEGER NOT NULL REFERENCES hybrid_batch (id) ON DELETE CASCADE,
    user       INTEGER REFERENCES hybrid_user (id) ON DELETE CASCADE,
    kind       TEXT    NOT NULL,
    what       TEXT    NOT NULL,                         -- JSON of Order
    stage      TEXT    NOT NULL DEFAULT 'open' CHECK (stage IN ('open', 'done', 'refused', 'dropped')),
    created    INTEGER NOT NULL,
    sent_what  TEXT,
    sent_at    INTEGER,
    sent_taken INTEGER,
    next       INTEGER NOT NULL,
    gone       INTEGER,
    note       TEXT,
    ended      INTEGER,
    CHECK ((stage = 'open') = (ended IS NULL)),
    CHECK ((sent_what IS NULL) = (sent_at IS NULL) AND (sent_what IS NULL) = (sent_taken IS NULL))
) STRICT;
-- Never two open orders for one thing.
CREATE UNIQUE INDEX hybrid_order_open ON hybrid_order (batch, ifnull(user, 0), kind) WHERE stage = 'open';
CREATE INDEX hybrid_order_user ON hybrid_order (user) WHERE user IS NOT NULL;
CREATE TRIGGER hybrid_order_stays_ended BEFORE UPDATE OF stage ON hybrid_order WHEN OLD.stage <> 'open'
BEGIN
    SELECT RAISE(ABORT, 'an order that has ended is never opened again');
END;

-- What happened, for people.
CREATE TABLE hybrid_event (
    id      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES hybrid_project (id) ON DELETE CASCADE,
    batch   INTEGER,
    user    INTEGER,
    at      INTEGER NOT NULL,
    text    TEXT    NOT NULL
) STRICT;
CREATE INDEX hybrid_event_user ON hybrid_event (user);
CREATE INDEX hybrid_event_batch ON hybrid_event (batch);

-- A service's own account of a user's move, when it was asked for.
CREATE TABLE hybrid_report (
    user INTEGER NOT NULL PRIMARY KEY REFERENCES hybrid_user (id) ON DELETE CASCADE,
    at   INTEGER NOT NULL,
    text TEXT    NOT NULL
) STRICT;

-- The ledger counts users of hybrid projects too.
CREATE TABLE license_entry_new (
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
    hybrid_user INTEGER,
    CHECK ((kind = 'add') = (item IS NULL AND hybrid_user IS NULL)),
    CHECK (item IS NULL OR hybrid_user IS NULL),
    CHECK (kind = 'add' OR (number = 1 AND project IS NOT NULL AND source IS NOT NULL AND destination IS NOT NULL))
) STRICT;
INSERT INTO license_entry_new (id, at, pool, kind, number, item, pass, project, source, destination, note)
SELECT id, at, pool, kind, number, item, pass, project, source, destination, note FROM license_entry ORDER BY id;
DROP TABLE license_entry;
ALTER TABLE license_entry_new RENAME TO license_entry;
CREATE INDEX license_entry_item ON license_entry (item) WHERE item IS NOT NULL;
CREATE INDEX license_entry_hybrid_user ON license_entry (hybrid_user) WHERE hybrid_user IS NOT NULL;
CREATE INDEX license_entry_pool ON license_entry (pool, kind, number);
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
