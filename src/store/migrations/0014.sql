-- The greatest number of a copy that was recorded since the destination folder was last seen whole: a pass that died saw no end.
ALTER TABLE folder ADD COLUMN destination_top INTEGER NOT NULL DEFAULT 0;
