-- One row: who this workspace is. The vault's kind is chosen once (D17).
CREATE TABLE workspace (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    uuid    TEXT    NOT NULL,
    created INTEGER NOT NULL,
    vault   TEXT
) STRICT;

-- A credential is a number, a time and a word; the secret itself is in the vault.
CREATE TABLE credential (
    id     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    since  INTEGER NOT NULL,
    giver  TEXT    NOT NULL
) STRICT;

CREATE TABLE project (
    id                     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name                   TEXT    NOT NULL,
    name_key               TEXT    NOT NULL,             -- lower case: names are unique ignoring case
    source                 TEXT    NOT NULL,             -- JSON of a Server, without secrets
    destination            TEXT    NOT NULL,
    options                TEXT    NOT NULL,
    source_credential      INTEGER,  -- of the administrator
    destination_credential INTEGER,
    deleted                INTEGER NOT NULL DEFAULT 0    -- 1: to be purged
) STRICT;
CREATE UNIQUE INDEX project_name ON project (name_key) WHERE deleted = 0;

CREATE TABLE item (
    id                     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project                INTEGER NOT NULL REFERENCES project (id),
    source_email           TEXT    NOT NULL COLLATE NOCASE,
    source_login           TEXT,
    source_credential      INTEGER,
    destination_email      TEXT    NOT NULL COLLATE NOCASE,
    destination_login      TEXT,
    destination_credential INTEGER,
    star                   TEXT,
    note                   TEXT,
    latest_pass            INTEGER,                      -- NULL before the first pass and after a reset
    reset_at               INTEGER,
    deleted                INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX item_key ON item (project, source_email, destination_email) WHERE deleted = 0;
CREATE INDEX item_destination ON item (project, destination_email);
CREATE INDEX item_deleted ON item (id) WHERE deleted = 1;

CREATE TABLE pass (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    item           INTEGER NOT NULL REFERENCES item (id),
    kind           TEXT    NOT NULL,
    status         TEXT    NOT NULL,
    attempt        INTEGER NOT NULL DEFAULT 1,
    options        TEXT,                                 -- as read by the worker that took it
    schedule_at    INTEGER,
    schedule_zone  TEXT,
    submitted      INTEGER NOT NULL,
    started        INTEGER,
    ended          INTEGER,
    failure        TEXT,
    side           TEXT,
    phase          TEXT    NOT NULL DEFAULT 'loading',
    folders_done   INTEGER NOT NULL DEFAULT 0,
    folders_total  INTEGER NOT NULL DEFAULT 0,
    current_folder TEXT,
    source         INTEGER NOT NULL DEFAULT 0,
    copied         INTEGER NOT NULL DEFAULT 0,
    already_there  INTEGER NOT NULL DEFAULT 0,
    skipped        INTEGER NOT NULL DEFAULT 0,
    vanished       INTEGER NOT NULL DEFAULT 0,
    errors         INTEGER NOT NULL DEFAULT 0,
    bytes          INTEGER NOT NULL DEFAULT 0,
    flags_updated  INTEGER NOT NULL DEFAULT 0,
    in_flight      INTEGER NOT NULL DEFAULT 0,
    retry          TEXT,
    updated        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX pass_item ON pass (item);
CREATE INDEX pass_status ON pass (status);

-- A source folder of an item and its counterpart. Dropped rows (after a reset) only lend old passes their names.
CREATE TABLE folder (
    id                   INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    item                 INTEGER NOT NULL REFERENCES item (id),
    source               TEXT    NOT NULL,               -- JSON list of components
    source_wire          BLOB    NOT NULL,
    source_validity      INTEGER NOT NULL,
    mailbox_id           TEXT,
    destination          TEXT    NOT NULL,
    destination_wire     BLOB    NOT NULL,
    destination_validity INTEGER NOT NULL,
    marker               TEXT,
    intent_validity      INTEGER,
    intent_floor         INTEGER,
    retired              INTEGER NOT NULL DEFAULT 0,
    dropped              INTEGER NOT NULL DEFAULT 0,     -- 1: watermarks to be purged; 2: purged
    CHECK ((intent_validity IS NULL) = (intent_floor IS NULL))
) STRICT;
CREATE INDEX folder_item ON folder (item);
CREATE INDEX folder_dropped ON folder (id) WHERE dropped = 1;

-- Distinct flag sets; 0 is the empty one. A watermark keeps the number.
CREATE TABLE flag_set (
    id    INTEGER NOT NULL PRIMARY KEY,
    names TEXT    NOT NULL UNIQUE
) STRICT;
INSERT INTO flag_set (id, names) VALUES (0, '');

-- A message of a source folder is at the destination (D7). Millions of rows: no foreign key, values kept small.
CREATE TABLE watermark (
    folder             INTEGER NOT NULL,
    source             INTEGER NOT NULL,
    destination_folder INTEGER NOT NULL,                 -- 0: that of its own folder row
    destination        INTEGER NOT NULL,                 -- 0: not known
    identity           BLOB    NOT NULL CHECK (length(identity) = 16),
    flags              INTEGER NOT NULL,
    origin             INTEGER NOT NULL,                 -- 0 copied, 1 found
    PRIMARY KEY (folder, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX watermark_elsewhere ON watermark (destination_folder) WHERE destination_folder <> 0;

-- One folder in one pass, over all its attempts (D6).
CREATE TABLE pass_folder (
    pass          INTEGER NOT NULL REFERENCES pass (id),
    folder        INTEGER NOT NULL REFERENCES folder (id),
    phase         TEXT    NOT NULL,
    source        INTEGER NOT NULL,
    copied        INTEGER NOT NULL,
    already_there INTEGER NOT NULL,
    skipped       INTEGER NOT NULL,
    vanished      INTEGER NOT NULL,
    errors        INTEGER NOT NULL,
    bytes         INTEGER NOT NULL,
    flags_updated INTEGER NOT NULL,
    PRIMARY KEY (pass, folder)
) STRICT, WITHOUT ROWID;
CREATE INDEX pass_folder_folder ON pass_folder (folder);

CREATE TABLE item_error (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    pass     INTEGER NOT NULL REFERENCES pass (id),
    attempt  INTEGER NOT NULL,
    folder   TEXT,
    source   INTEGER,
    subject  TEXT,
    date     INTEGER,
    size     INTEGER,
    messages INTEGER NOT NULL,
    failure  TEXT    NOT NULL
) STRICT;
CREATE INDEX item_error_pass ON item_error (pass);

-- What another process asks of the one that runs the engine (D1). Never holds a secret.
CREATE TABLE command (
    id      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    payload TEXT    NOT NULL,
    taken   INTEGER,
    outcome TEXT
) STRICT;
CREATE INDEX command_waiting ON command (id) WHERE taken IS NULL;
