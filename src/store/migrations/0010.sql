-- Whose mailboxes a project moves; its mails and the form name them so, unless the mails have a name of their own.
ALTER TABLE project ADD COLUMN client TEXT;

UPDATE project SET client = (SELECT m.client FROM project_mail AS m WHERE m.project = project.id);
UPDATE project_mail SET client = NULL;
