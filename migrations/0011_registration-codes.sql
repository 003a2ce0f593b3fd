CREATE TABLE `registrationCodes` (
	`id` text PRIMARY KEY NOT NULL,
	`codeHash` text NOT NULL,
	`uses` integer NOT NULL,
	`usesLeft` integer NOT NULL,
	`createdAt` integer NOT NULL,
	`expiresAt` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `registrationCodes_codeHash_unique` ON `registrationCodes` (`codeHash`);--> statement-breakpoint
CREATE INDEX `registrationCodes_byTime` ON `registrationCodes` (`createdAt`);