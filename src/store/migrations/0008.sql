-- A star that a person gives a user of a hybrid project, as items have.
ALTER TABLE hybrid_user ADD COLUMN star TEXT;
