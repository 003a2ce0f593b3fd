-- Who is found by a piece of a name: everybody who has one and is not being erased.
CREATE VIEW `searchable` AS
SELECT `id`, `username`, `displayName`
FROM `users`
WHERE `erasedAt` IS NULL AND coalesce(`username`, `displayName`) IS NOT NULL;
--> statement-breakpoint
CREATE VIEW `searchableNamed` AS
SELECT `id`, `username`, `displayName` FROM `searchable` WHERE `username` IS NOT NULL;
--> statement-breakpoint
-- Which pieces of three characters are in whose names, without regard to case. Not where in them (`detail`): that is what
-- long repetitive names and patterns would make dear, and four fifths of the size.
CREATE VIRTUAL TABLE `userSearch` USING fts5(
	`username`,
	`displayName`,
	content = 'searchable',
	content_rowid = 'id',
	tokenize = 'trigram case_sensitive 0',
	detail = none,
	columnsize = 0
);
--> statement-breakpoint
-- The same of those who have a username, who are all that a stranger may be shown: picked from the other index, they
-- could be any distance apart.
CREATE VIRTUAL TABLE `namedSearch` USING fts5(
	`username`,
	`displayName`,
	content = 'searchableNamed',
	content_rowid = 'id',
	tokenize = 'trigram case_sensitive 0',
	detail = none,
	columnsize = 0
);
--> statement-breakpoint
INSERT INTO `userSearch` (`userSearch`) VALUES ('rebuild');
--> statement-breakpoint
INSERT INTO `namedSearch` (`namedSearch`) VALUES ('rebuild');
--> statement-breakpoint
CREATE TRIGGER `users_search_insert` AFTER INSERT ON `users`
BEGIN
	INSERT INTO `userSearch` (`rowid`, `username`, `displayName`)
	SELECT `id`, `username`, `displayName` FROM `searchable` WHERE `id` = new.`id`;
	INSERT INTO `namedSearch` (`rowid`, `username`, `displayName`)
	SELECT `id`, `username`, `displayName` FROM `searchableNamed` WHERE `id` = new.`id`;
END;
--> statement-breakpoint
CREATE TRIGGER `users_search_update` AFTER UPDATE OF `username`, `displayName`, `erasedAt` ON `users`
WHEN old.`username` IS NOT new.`username`
	OR old.`displayName` IS NOT new.`displayName`
	OR old.`erasedAt` IS NOT new.`erasedAt`
BEGIN
	INSERT INTO `userSearch` (`userSearch`, `rowid`, `username`, `displayName`)
	SELECT 'delete', old.`id`, old.`username`, old.`displayName`
	WHERE old.`erasedAt` IS NULL AND coalesce(old.`username`, old.`displayName`) IS NOT NULL;
	INSERT INTO `namedSearch` (`namedSearch`, `rowid`, `username`, `displayName`)
	SELECT 'delete', old.`id`, old.`username`, old.`displayName`
	WHERE old.`erasedAt` IS NULL AND old.`username` IS NOT NULL;
	INSERT INTO `userSearch` (`rowid`, `username`, `displayName`)
	SELECT `id`, `username`, `displayName` FROM `searchable` WHERE `id` = new.`id`;
	INSERT INTO `namedSearch` (`rowid`, `username`, `displayName`)
	SELECT `id`, `username`, `displayName` FROM `searchableNamed` WHERE `id` = new.`id`;
END;
--> statement-breakpoint
CREATE TRIGGER `users_search_delete` AFTER DELETE ON `users` WHEN old.`erasedAt` IS NULL
BEGIN
	INSERT INTO `userSearch` (`userSearch`, `rowid`, `username`, `displayName`)
	SELECT 'delete', old.`id`, old.`username`, old.`displayName`
	WHERE coalesce(old.`username`, old.`displayName`) IS NOT NULL;
	INSERT INTO `namedSearch` (`namedSearch`, `rowid`, `username`, `displayName`)
	SELECT 'delete', old.`id`, old.`username`, old.`displayName`
	WHERE old.`username` IS NOT NULL;
END;
