import { z } from 'zod';
import { registrationCodeSchema } from '../registration/contract.ts';
import { descriptionSchema, nameSchema, sentNameSchema, textSchema } from '../users/contract.ts';
import { isUsername } from './rules.ts';

const uuid = z.guid();
/** The token for a device's push notices. Usher does not read it. */
const pushToken = z.string().max(4096);

/** `DeviceInfo` as clients send it; a device that names no id gets one. */
const deviceInfo = z
  .object({
    id: uuid.nullish(),
    name: sentNameSchema(100),
    model: descriptionSchema,
    token: pushToken.nullish(),
    transport: z.enum(['none', 'apns', 'fcm', 'web']).nullish(),
  })
  .nullish();

const username = z.string().refine(isUsername, 'must be 5–25 ASCII letters and digits, first a letter');
/** The service checks a new secret, because it knows the list of common ones. */
const secret = z
  .string()
  .max(10_000)
  .refine(text => !text.includes('\0'), 'must not hold the character U+0000');
const password = secret;
const accountKey = secret;

/** `POST /users`. */
export const registrationSchema = z.object({
  name: nameSchema(100),
  username,
  password,
  deviceInfo,
  registrationCode: registrationCodeSchema,
});

/** `POST /users/login`. */
export const loginSchema = z.object({ deviceInfo });

/** `PUT /users/me/changePassword`: the account key that is to come with the new password; the one of before is gone. */
export const passwordChangeSchema = z.object({
  oldPassword: password,
  newPassword: password,
  accountKey: accountKey.nullish(),
});

/** `PUT /users/me/setAccountKey`. */
export const accountKeySchema = z.object({ password, accountKey });

/** `DELETE /users/me/accountKey`. */
export const accountKeyRemovalSchema = z.object({ password });

/** `PUT /users/resetPassword`. */
export const resetSchema = z.object({
  userId: z.int().positive(),
  /** The key that is spent. Its length is not checked, so that every wrong key is refused in the same way. */
  accountKey,
  newPassword: password,
  newAccountKey: accountKey.nullish(),
});

/** `PUT /users/me`; what is absent or null stays, an empty `about` clears. */
export const profileSchema = z.object({
  name: nameSchema(100).nullish(),
  about: z.union([z.literal(''), textSchema(1000)]).nullish(),
});

/** `PUT /users/me/device`; what is absent or null stays, an empty text clears. */
export const deviceSchema = z.object({
  deviceName: z.union([z.literal(''), nameSchema(100)]).nullish(),
  deviceToken: pushToken.nullish(),
});

/** `POST /users/me/photos`. */
export const photoSchema = z.object({
  photo: z.object({ id: uuid, fileType: z.string().min(1).max(255), fileSize: z.int().nonnegative() }),
});

export const photoParameter = z.object({ id: uuid });

/** `PUT /users/me/credentials`. */
export const credentialsSchema = z.object({ username, password });

/** `POST /users/me/logout?all=true`. */
export const logoutSchema = z.object({ all: z.enum(['true', 'false']).optional() });

export type Registration = z.infer<typeof registrationSchema>;
export type PasswordChange = z.infer<typeof passwordChangeSchema>;
export type AccountKeyChange = z.infer<typeof accountKeySchema>;
export type PasswordReset = z.infer<typeof resetSchema>;
export type DeviceInfoInput = z.infer<typeof deviceInfo>;
export type ProfileChange = z.infer<typeof profileSchema>;
export type DeviceChange = z.infer<typeof deviceSchema>;
export type NewPhoto = z.infer<typeof photoSchema>['photo'];
