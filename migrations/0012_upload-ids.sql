CREATE TABLE `uploadIds` (
	`hash` text PRIMARY KEY NOT NULL,
	`uid` integer NOT NULL,
	`uploadId` text,
	`until` integer
);
--> statement-breakpoint
CREATE INDEX `uploadIds_byUser` ON `uploadIds` (`uid`);--> statement-breakpoint
CREATE INDEX `uploadIds_byUpload` ON `uploadIds` (`uploadId`);--> statement-breakpoint
CREATE INDEX `uploadIds_byEnd` ON `uploadIds` (`until`);--> statement-breakpoint
ALTER TABLE `keys` ADD `version` integer;