-- What numbers are worth (D26): how both sides' numbering stood when it was last looked at. 0: not known.
ALTER TABLE folder ADD COLUMN source_next INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folder ADD COLUMN source_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folder ADD COLUMN destination_next INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folder ADD COLUMN destination_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folder ADD COLUMN destination_mailbox_id TEXT;
-- Messages at the destination below this number, and of nobody's watermark, have their identities in `stranger`.
ALTER TABLE folder ADD COLUMN strangers_next INTEGER NOT NULL DEFAULT 0;

-- Hash of the whole content (D8); NULL in watermarks made before, whose identities are of the older kind.
-- From here on `destination` may be -1: the copy was seen to be gone, so its owner deleted or moved it.
ALTER TABLE watermark ADD COLUMN content BLOB CHECK (content IS NULL OR length(content) = 16);

-- Messages at a destination that no watermark knows: read once, then known by number.
CREATE TABLE stranger (
    folder      INTEGER NOT NULL,
    destination INTEGER NOT NULL,
    identity    BLOB    NOT NULL CHECK (length(identity) = 16),
    PRIMARY KEY (folder, destination)
) STRICT, WITHOUT ROWID;

-- What a server was seen to do (D8, D11). One row for each side of a project.
CREATE TABLE habit (
    project       INTEGER NOT NULL REFERENCES project (id),
    side          TEXT    NOT NULL,
    kept          INTEGER NOT NULL,                      -- own appends whose size was told as it was sent
    changed       INTEGER NOT NULL,                      -- own appends whose size was not
    least         INTEGER NOT NULL,                      -- bytes that were added to these, at least
    most          INTEGER NOT NULL,                      -- and at most
    modseq_stalls INTEGER NOT NULL,                      -- 1: HIGHESTMODSEQ stood still while something changed
    PRIMARY KEY (project, side)
) STRICT, WITHOUT ROWID;

ALTER TABLE pass ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pass ADD COLUMN arrived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pass ADD COLUMN differ INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pass_folder ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pass_folder ADD COLUMN arrived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pass_folder ADD COLUMN differ INTEGER NOT NULL DEFAULT 0;

ALTER TABLE item_error ADD COLUMN side TEXT;

-- What a pass has to say that is no error of a message: differences, what could not be kept, what may be there twice.
CREATE TABLE notice (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    pass     INTEGER NOT NULL REFERENCES pass (id),
    attempt  INTEGER NOT NULL,
    folder   TEXT,
    kind     TEXT    NOT NULL,
    side     TEXT,
    messages INTEGER NOT NULL,
    numbers  TEXT    NOT NULL,                           -- JSON list of UIDs at that side, at most some hundred
    detail   TEXT
) STRICT;
CREATE INDEX notice_pass ON notice (pass);
