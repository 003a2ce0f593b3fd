-- Who is found by a piece of their name. `place` is where they stand in the index: at their id, and at its negative
-- where they have no username, so that either kind is read in order of ids without the other.
CREATE VIEW `searchable` AS
SELECT `id`, iif(`username` IS NULL, -`id`, `id`) AS `place`, `username`, `displayName`
FROM `users`
WHERE `erasedAt` IS NULL AND coalesce(`username`, `displayName`) IS NOT NULL;
--> statement-breakpoint
-- Which pieces of three characters stand in whose names, without regard to case, and not where in them (`detail`), which
-- is what long repetitive names and patterns would make dear, and a fifth of the size.
CREATE VIRTUAL TABLE `userSearch` USING fts5(
	`username`,
	`displayName`,
	content = 'searchable',
	content_rowid = 'place',
	tokenize = 'trigram case_sensitive 0',
	detail = none,
	columnsize = 0
);
--> statement-breakpoint
-- In order of places: FTS5 writes out what it gathered whenever the order breaks.
INSERT INTO `userSearch` (`rowid`, `username`, `displayName`)
SELECT `place`, `username`, `displayName` FROM `searchable` ORDER BY `place`;
--> statement-breakpoint
CREATE TRIGGER `users_search_insert` AFTER INSERT ON `users`
BEGIN
	INSERT INTO `userSearch` (`rowid`, `username`, `displayName`)
	SELECT `place`, `username`, `displayName` FROM `searchable` WHERE `id` = new.`id`;
END;
--> statement-breakpoint
CREATE TRIGGER `users_search_update` AFTER UPDATE OF `username`, `displayName`, `erasedAt` ON `users`
WHEN old.`username` IS NOT new.`username`
	OR old.`displayName` IS NOT new.`displayName`
	OR old.`erasedAt` IS NOT new.`erasedAt`
BEGIN
	INSERT INTO `userSearch` (`userSearch`, `rowid`, `username`, `displayName`)
	SELECT 'delete', iif(old.`username` IS NULL, -old.`id`, old.`id`), old.`username`, old.`displayName`
	WHERE old.`erasedAt` IS NULL AND coalesce(old.`username`, old.`displayName`) IS NOT NULL;
	INSERT INTO `userSearch` (`rowid`, `username`, `displayName`)
	SELECT `place`, `username`, `displayName` FROM `searchable` WHERE `id` = new.`id`;
END;
--> statement-breakpoint
CREATE TRIGGER `users_search_delete` AFTER DELETE ON `users`
WHEN old.`erasedAt` IS NULL AND coalesce(old.`username`, old.`displayName`) IS NOT NULL
BEGIN
	INSERT INTO `userSearch` (`userSearch`, `rowid`, `username`, `displayName`)
	VALUES ('delete', iif(old.`username` IS NULL, -old.`id`, old.`id`), old.`username`, old.`displayName`);
END;
