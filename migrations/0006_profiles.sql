CREATE TABLE `attributeDefs` (
	`key` text PRIMARY KEY NOT NULL,
	`allowedContentTypes` text NOT NULL,
	`allowedContentEncodings` text NOT NULL,
	`canBeEmpty` integer NOT NULL,
	`createdAt` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `profileAttributes` (
	`uid` integer NOT NULL,
	`key` text NOT NULL,
	`contentType` text NOT NULL,
	`contentEncoding` text NOT NULL,
	`value` text NOT NULL,
	PRIMARY KEY(`uid`, `key`)
);
