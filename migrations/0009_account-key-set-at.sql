ALTER TABLE `users` ADD `accountKeySetAt` integer;--> statement-breakpoint
UPDATE `users` SET `version` = `version` + 1, `accountKeySetAt` = (
	SELECT `updatedAt` FROM `credentials` WHERE `credentials`.`uid` = `users`.`id`
)
WHERE `erasedAt` IS NULL AND `id` IN (SELECT `uid` FROM `credentials` WHERE `accountKeyHash` IS NOT NULL);
