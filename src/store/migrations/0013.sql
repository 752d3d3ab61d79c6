-- UIDVALIDITY of the source folder under which an error's message has its number: what is tried again is looked for by it.
ALTER TABLE item_error ADD COLUMN numbering INTEGER;
