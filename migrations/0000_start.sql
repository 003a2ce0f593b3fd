CREATE TABLE `keys` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`createdAt` integer NOT NULL,
	`lastUsedAt` integer
);
--> statement-breakpoint
CREATE TABLE `users` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`userId` text NOT NULL,
	`entry` text NOT NULL,
	`displayName` text,
	`profileHandle` text,
	`description` text,
	`avatarFileId` text,
	`avatarCustomUrl` text,
	`metadata` text,
	`isBrand` integer DEFAULT false NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`copiedVersion` integer DEFAULT 0 NOT NULL,
	`credentialVersion` integer DEFAULT 1 NOT NULL,
	`createdAt` integer NOT NULL,
	`updatedAt` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_userId_unique` ON `users` (`userId`);