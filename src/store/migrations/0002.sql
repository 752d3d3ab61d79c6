-- What a window remembers: its size, the order of a project's items. A name and a text; nothing depends on it.
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
