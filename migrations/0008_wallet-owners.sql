CREATE TABLE `walletOwners` (
	`walletHash` text NOT NULL,
	`uid` integer NOT NULL,
	`userLocatorId` text NOT NULL,
	PRIMARY KEY(`walletHash`, `uid`)
);
--> statement-breakpoint
CREATE INDEX `walletOwners_byUser` ON `walletOwners` (`uid`);