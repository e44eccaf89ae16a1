-- What an operator has asked of an execution last, as JSON. No step reads or writes it.
--
-- MySQL knows no IF NOT EXISTS here. Where the column is there the statement fails, and
-- that is what is expected of it then.
ALTER TABLE instances ADD COLUMN note LONGTEXT;
