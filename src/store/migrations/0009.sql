-- Whose mailboxes a project moves, as their owners know it.
ALTER TABLE project_mail ADD COLUMN client TEXT;

-- Why the latest entry in the form of a request could not be checked; it decided nothing.
ALTER TABLE credential_request ADD COLUMN unchecked TEXT;
