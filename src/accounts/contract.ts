import { z } from 'zod';
import { descriptionSchema, nameSchema, sentNameSchema } from '../users/contract.ts';
import { isAccountKey, isUsername } from './rules.ts';

const uuid = z.guid();
/** Where push notices for a device go; opaque here. */
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
const accountKey = z.string().refine(isAccountKey, 'must be 25–100 characters');
/** What it must be to be taken as a new one, the service says: it knows the list of common ones. */
const password = z.string().max(10_000);

/** `POST /users`. */
export const registrationSchema = z.object({ name: nameSchema(100), username, password, deviceInfo });

/** `POST /users/login`. */
export const loginSchema = z.object({ deviceInfo });

/** `PUT /users/me/changePassword`. */
export const passwordChangeSchema = z.object({ oldPassword: password, newPassword: password });

/** `PUT /users/me/setAccountKey`. */
export const accountKeySchema = z.object({ password, accountKey });

/** `PUT /users/resetPassword`. */
export const resetSchema = z.object({
  userId: z.int().positive(),
  /** Not bounded like a new one: whatever is not the key is refused alike. */
  accountKey: password,
  newPassword: password,
});

/** `PUT /users/me`; what is absent or null stays, an empty `about` clears. */
export const profileSchema = z.object({
  name: nameSchema(100).nullish(),
  about: z.union([z.literal(''), nameSchema(1000)]).nullish(),
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
export type DeviceInfoInput = z.infer<typeof deviceInfo>;
export type ProfileChange = z.infer<typeof profileSchema>;
export type DeviceChange = z.infer<typeof deviceSchema>;
export type NewPhoto = z.infer<typeof photoSchema>['photo'];
