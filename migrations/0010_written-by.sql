ALTER TABLE `profileAttributes` ADD `writtenBy` text;--> statement-breakpoint
ALTER TABLE `users` ADD `bareMembers` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
-- What was written on the word of a bare `userId` goes when its user closes: it may be anybody's.
CREATE TRIGGER `users_closed` AFTER UPDATE OF `entry` ON `users`
WHEN old.`entry` = 'open' AND new.`entry` = 'closed'
BEGIN
	DELETE FROM `locators` WHERE `uid` = new.`id` AND `reserved` = 0;
	DELETE FROM `profileAttributes` WHERE `uid` = new.`id` AND `writtenBy` = 'bare';
END;
