CREATE TABLE `roles` (
	`roleId` text PRIMARY KEY NOT NULL,
	`displayName` text,
	`permissions` text NOT NULL,
	`createdAt` integer NOT NULL,
	`updatedAt` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `userRoles` (
	`uid` integer NOT NULL,
	`roleId` text NOT NULL,
	PRIMARY KEY(`uid`, `roleId`)
);
--> statement-breakpoint
CREATE INDEX `userRoles_byRole` ON `userRoles` (`roleId`);--> statement-breakpoint
ALTER TABLE `users` ADD `bannedAt` integer;--> statement-breakpoint
ALTER TABLE `users` ADD `bannedUntil` integer;--> statement-breakpoint
CREATE INDEX `users_lagging` ON `users` (`id`) WHERE "users"."copiedVersion" < "users"."version";