-- A server says of which kind it is, and holds what its kind has. Before, Maildirs were a server without a host.
UPDATE project SET source = CASE
    WHEN json_extract(source, '$.maildir') IS NULL THEN json_set(source, '$.kind', 'imap')
    ELSE json_object('kind', 'maildir', 'path', json_extract(source, '$.maildir'))
END, destination = CASE
    WHEN json_extract(destination, '$.maildir') IS NULL THEN json_set(destination, '$.kind', 'imap')
    ELSE json_object('kind', 'maildir', 'path', json_extract(destination, '$.maildir'))
END;
