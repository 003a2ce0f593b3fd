import { z } from 'zod';
import { type WalletChange, walletLocatorSchema } from '../wallets/contract.ts';
import type { VerificationStatus } from './store.ts';

/** In the order of the numbers that the vendor's clients send for them. */
const STATUSES = [
  'Verified',
  'Unverified',
  'StatusNotProvided',
  'VerificationPending',
  'VerificationNotApplicable',
] as const satisfies VerificationStatus[];

export const UNKNOWN_STATUS = `must be one of ${STATUSES.join(', ')}`;

/** The value of a locator in its normal form: one text for one address. */
export interface LocatorName {
  type: 'email' | 'tele' | 'wallet';
  value: string;
}

/** An e-mail address or a telephone number that a caller sent. */
export interface StatedLocator {
  type: 'email' | 'tele';
  value: string;
  /** `unknown`: the client sent another status. Only a secret key is told so. */
  verificationStatus: VerificationStatus | 'unknown' | null;
}

export type NewLocator = StatedLocator | ({ type: 'wallet' } & WalletChange);

const LONGEST_EMAIL = 254;

/** RFC 5322 §3.2.3, §3.2.4 and §3.4.1, without comments, folding and the forms that the RFC calls obsolete. */
const ATOM = "[\\w!#$%&'*+/=?^`{|}~-]+";
const DOT_ATOM = `${ATOM}(?:\\.${ATOM})*`;
const QUOTED = '"(?:[\\t !#-\\[\\]-~]|\\\\[\\t -~])*"';
const DOMAIN_LITERAL = '\\[[!-Z^-~]*\\]';
const ADDR_SPEC = new RegExp(`^(?:${DOT_ATOM}|${QUOTED})@(?:${DOT_ATOM}|${DOMAIN_LITERAL})$`);
const UNQUOTED = new RegExp(`^${DOT_ATOM}$`);

/** The one spelling of an address: lower-case, quoted only where it must be. */
function normaliseEmail(address: string): string {
  const at = address.lastIndexOf('@');
  const [local, domain] = [address.slice(0, at).toLowerCase(), address.slice(at + 1).toLowerCase()];
  if (!local.startsWith('"')) return `${local}@${domain}`;
  const meant = local.slice(1, -1).replace(/\\(.)/g, '$1');
  return UNQUOTED.test(meant)
    ? `${meant}@${domain}`
    : `"${meant.replace(/["\\]/g, character => `\\${character}`)}"@${domain}`;
}

const named = <Type extends LocatorName['type']>(type: Type, schema: z.ZodType<string>) =>
  schema.transform(value => ({ type, value }));

const email = named(
  'email',
  z
    .string()
    .max(LONGEST_EMAIL)
    .regex(ADDR_SPEC, 'must be an e-mail address')
    // Commas separate locators in a list.
    .refine(text => !text.includes(','), 'must not hold a comma')
    .transform(normaliseEmail),
);
const tele = named('tele', z.e164('must be a telephone number by E.164, such as +4930123456'));
/** Only the address. The proof says who owns it. */
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'must be 0x and 40 hex digits');
const toWallet = (text: string) => ({ type: 'wallet', value: text.toLowerCase() }) as const;
const wallet = address.transform(toWallet);
const schemas = { email, tele, wallet };

/** The locator that a text `type:value` names. A wallet needs no proof to be looked up. */
export const locatorTextSchema = z.string().transform((text, context): LocatorName => {
  const [, type = '', value = ''] = /^(email|tele|wallet):(.*)$/s.exec(text) ?? [];
  const parsed = schemas[type as LocatorName['type']]?.safeParse(value);
  if (parsed?.success) return parsed.data;
  const reason = parsed?.error.issues[0]?.message;
  context.addIssue(reason ?? 'must be email:, tele: or wallet: and what it stands for');
  return z.NEVER;
});

const statusSchema = z.union([
  z.enum(STATUSES),
  z
    .int()
    .min(0)
    .max(STATUSES.length - 1)
    .transform(number => STATUSES[number] ?? 'unknown'),
  z.unknown().transform(given => (given == null ? null : ('unknown' as const))),
]);

/** The members by which a body names a locator, the vendor's and ours. They must agree. */
const namesSchema = z.looseObject({
  '@type': z.enum(['email', 'tele', 'wallet']).nullish(),
  locator: locatorTextSchema.nullish(),
  email: email.nullish(),
  phoneNumber: tele.nullish(),
  address: wallet.nullish(),
  // As it was sent, because its letter case is a checksum.
  walletAddress: address.nullish(),
  verificationStatus: statusSchema.optional(),
});

/**
 * `POST /v1/users/{userId}/locators`: a string `type:value`, or an object that names the locator by any of its members.
 * A wallet comes with its proof.
 */
export const newLocatorSchema = z
  .preprocess(input => (typeof input === 'string' ? { locator: input } : input), namesSchema)
  .transform((body, context): NewLocator => {
    const owner = body.walletAddress == null ? null : toWallet(body.walletAddress);
    const names = [body.locator, body.email, body.phoneNumber, body.address, owner].filter(isNamed);
    const [name] = names;
    const type = body['@type'] ?? name?.type;
    if (!name || name.type !== type || !names.every(other => isSame(name, other))) {
      context.addIssue(name ? 'names more than one locator' : 'names no locator');
      return z.NEVER;
    }
    const { value } = name;
    if (type !== 'wallet') return { type, value, verificationStatus: body.verificationStatus ?? null };
    const proof = walletLocatorSchema.safeParse({ ...body, '@type': type });
    if (proof.success) return { type, ...proof.data };
    for (const { path, message } of proof.error.issues) context.addIssue({ code: 'custom', path, message });
    return z.NEVER;
  });

const isNamed = (name: LocatorName | null | undefined): name is LocatorName => name != null;
const isSame = (one: LocatorName, other: LocatorName) => one.type === other.type && one.value === other.value;

/** An item of `userLocators` of `POST /v1/users`. No wallet: only its owner can prove it. */
export const locatorSchema = newLocatorSchema.transform((locator, context) => {
  if (locator.type === 'wallet') {
    context.addIssue('a wallet is attached by its proof, once the user is there');
    return z.NEVER;
  }
  const { type, value, verificationStatus } = locator;
  if (verificationStatus !== 'unknown') return { type, value, verificationStatus };
  context.addIssue({ code: 'custom', path: ['verificationStatus'], message: UNKNOWN_STATUS });
  return z.NEVER;
});
