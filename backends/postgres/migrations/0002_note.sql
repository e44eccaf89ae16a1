-- What an operator has asked of an execution last, as JSON. No step reads or writes it.
ALTER TABLE instances ADD COLUMN note TEXT COLLATE "C";
