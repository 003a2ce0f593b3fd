CREATE TABLE `locators` (
	`userLocatorId` text PRIMARY KEY NOT NULL,
	`uid` integer NOT NULL,
	`type` text NOT NULL,
	`value` text NOT NULL,
	`chainId` integer DEFAULT 0 NOT NULL,
	`reserved` integer NOT NULL,
	`verificationStatus` text NOT NULL,
	`createdAt` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `locators_reserved` ON `locators` (`type`,`value`,`chainId`) WHERE "locators"."reserved" = 1;--> statement-breakpoint
CREATE INDEX `locators_byUser` ON `locators` (`uid`,`type`,`value`);