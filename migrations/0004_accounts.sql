CREATE TABLE `uploads` (
	`id` text PRIMARY KEY NOT NULL,
	`uid` integer NOT NULL,
	`fileType` text NOT NULL,
	`contentType` text NOT NULL,
	`fileSize` integer NOT NULL,
	`previewWidth` integer DEFAULT 100 NOT NULL,
	`previewHeight` integer DEFAULT 100 NOT NULL,
	`state` text NOT NULL,
	`createdAt` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `uploads_byUser` ON `uploads` (`uid`,`createdAt`);--> statement-breakpoint
CREATE INDEX `uploads_loose` ON `uploads` (`createdAt`) WHERE "uploads"."state" <> 'kept';--> statement-breakpoint
CREATE TABLE `credentials` (
	`uid` integer PRIMARY KEY NOT NULL,
	`passwordHash` text NOT NULL,
	`accountKeyHash` text,
	`updatedAt` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `photos` (
	`id` text PRIMARY KEY NOT NULL,
	`uid` integer NOT NULL,
	`fileType` text NOT NULL,
	`fileSize` integer NOT NULL,
	`previewWidth` integer NOT NULL,
	`previewHeight` integer NOT NULL,
	`createdAt` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `photos_byUser` ON `photos` (`uid`,`createdAt`);--> statement-breakpoint
CREATE TABLE `retiredNames` (
	`hash` text NOT NULL,
	`kind` text NOT NULL,
	`owner` text NOT NULL,
	`until` integer,
	PRIMARY KEY(`hash`, `kind`)
);
--> statement-breakpoint
CREATE INDEX `retiredNames_byOwner` ON `retiredNames` (`owner`,`kind`);--> statement-breakpoint
ALTER TABLE `users` ADD `username` text;--> statement-breakpoint
ALTER TABLE `users` ADD `lastSeenAt` integer;--> statement-breakpoint
ALTER TABLE `users` ADD `erasedAt` integer;--> statement-breakpoint
CREATE INDEX `users_erased` ON `users` (`id`) WHERE "users"."erasedAt" IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `users_username` ON `users` (lower("username"));