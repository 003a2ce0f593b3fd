import { describe, expect, it } from 'vitest';
import { locatorSchema, locatorTextSchema, newLocatorSchema } from '../../src/locators/contract.ts';

const email = (value: string) => ({ type: 'email', value, verificationStatus: null });
const tele = (value: string) => ({ type: 'tele', value, verificationStatus: null });
const ADDRESS = `0x${'Ab'.repeat(20)}`;
const proof = { '@type': 'wallet', walletAddress: ADDRESS, message: 'signed', signature: '0x00' };

describe('a new locator', () => {
  it.each([
    ['a string', 'email:a@b.c', email('a@b.c')],
    ['the string of a telephone', 'tele:+4930123456', tele('+4930123456')],
    ['a locator member', { locator: 'email:a@b.c' }, email('a@b.c')],
    ['a type and its member', { '@type': 'email', email: 'A@B.c' }, email('a@b.c')],
    ['a telephone number', { '@type': 'tele', phoneNumber: '+4930123456' }, tele('+4930123456')],
    ['a member alone', { phoneNumber: '+4930123456' }, tele('+4930123456')],
    [
      'members that agree but for their letter case',
      { email: 'A@B.C', locator: 'email:a@b.c' },
      email('a@b.c'),
    ],
    ['members that are null', { '@type': null, email: null, locator: 'email:a@b.c' }, email('a@b.c')],
    ['members nobody knows', { locator: 'email:a@b.c', message: 5, id: [] }, email('a@b.c')],
  ])('is read from %s', (_, body, read) => {
    expect(newLocatorSchema.parse(body)).toEqual(read);
  });

  it.each([
    [0, 'Verified'],
    [1, 'Unverified'],
    [2, 'StatusNotProvided'],
    [3, 'VerificationPending'],
    [4, 'VerificationNotApplicable'],
    ['Verified', 'Verified'],
    ['VerificationNotApplicable', 'VerificationNotApplicable'],
    [null, null],
    [undefined, null],
    [5, 'unknown'],
    [-1, 'unknown'],
    [0.5, 'unknown'],
    ['verified', 'unknown'],
    [{}, 'unknown'],
  ])('of status %j is %s', (verificationStatus, read) => {
    const body = { locator: 'email:a@b.c', verificationStatus };
    expect(newLocatorSchema.parse(body)).toEqual({ ...email('a@b.c'), verificationStatus: read });
  });

  /** Member by member what JSON.stringify makes of `new EmailUserLocator('A@b.de')` and the like. */
  it("is read from the vendor's objects as they are sent", () => {
    const sent = { userLocatorId: 'x', identifier: 'x', verificationStatus: 2 };
    const status = { verificationStatus: 'StatusNotProvided' };
    const mail = {
      '@type': 'email',
      locatorSerializationPrefix: 'email',
      locator: 'email:A@b.de',
      email: 'A@b.de',
    };
    expect(newLocatorSchema.parse({ ...sent, ...mail })).toEqual({ ...email('a@b.de'), ...status });
    const number = '+4915112345678';
    const phone = {
      '@type': 'tele',
      locatorSerializationPrefix: 'tele',
      locator: `tele:${number}`,
      phoneNumber: number,
    };
    expect(newLocatorSchema.parse({ ...sent, ...phone })).toEqual({ ...tele(number), ...status });
  });

  it('is a wallet where its proof comes along, as it was signed', () => {
    const { '@type': _, ...members } = proof;
    const read = { type: 'wallet', ...proof };
    expect(newLocatorSchema.parse(proof)).toEqual(read);
    expect(newLocatorSchema.parse({ ...members, locator: `wallet:${ADDRESS.toLowerCase()}` })).toEqual(read);
    expect(newLocatorSchema.parse({ ...proof, password: 'x' })).toEqual({ ...read, password: 'x' });
  });

  it.each([
    ['nothing', {}],
    ['a number', 5],
    ['null', null],
    ['a list', ['email:a@b.c']],
    ['a type alone', { '@type': 'email' }],
    ['an unknown type', { '@type': 'fax', locator: 'email:a@b.c' }],
    ['a type that is not what is named', { '@type': 'tele', locator: 'email:a@b.c' }],
    ['two addresses', { email: 'a@b.c', locator: 'email:b@b.c' }],
    ['two kinds', { email: 'a@b.c', phoneNumber: '+4930123456' }],
    ['an empty string', ''],
    ['no type', 'a@b.c'],
    ['an unknown prefix', 'fax:+4930123456'],
    ['a prefix in capitals', 'EMAIL:a@b.c'],
    ['a wallet without its proof', `wallet:${ADDRESS}`],
    ['an address without its proof', { '@type': 'wallet', address: ADDRESS }],
    ['a wallet without its signature', { ...proof, signature: undefined }],
    ['two wallets', { ...proof, address: `0x${'00'.repeat(20)}` }],
    ['a wallet and an address', { ...proof, email: 'a@b.c' }],
    ['a wallet by another type', { ...proof, '@type': 'email' }],
    ['half a telephone number', 'tele:+49'],
    ['a telephone number with spaces', 'tele:+49 30 123456'],
    ['a telephone number of one town', 'tele:030123456'],
    ['sixteen digits', 'tele:+4930123456789012'],
  ])('is not %s', (_, body) => {
    expect(newLocatorSchema.safeParse(body).success).toBe(false);
  });

  it('says which member is wrong', () => {
    const path = (body: unknown) =>
      newLocatorSchema.safeParse(body).error?.issues.map(issue => issue.path.join('.'));
    expect(path({ email: 'nobody' })).toEqual(['email']);
    expect(path('email:nobody')).toEqual(['locator']);
    expect(path({ ...proof, signature: 'x' })).toEqual(['signature']);
    expect(path({})).toEqual(['']);
  });
});

describe('an e-mail address', () => {
  const read = (address: string) => {
    const parsed = locatorTextSchema.safeParse(`email:${address}`);
    return parsed.success ? parsed.data.value : null;
  };
  const domain = 'd'.repeat(243);

  it.each([
    ['First.Last+tag@Example.ORG', 'first.last+tag@example.org'],
    ['postmaster@localhost', 'postmaster@localhost'],
    ["o'reilly!#$%&*/=?^`{|}~@x_y.de", "o'reilly!#$%&*/=?^`{|}~@x_y.de"],
    ['root@[127.0.0.1]', 'root@[127.0.0.1]'],
    ['root@[IPv6:::1]', 'root@[ipv6:::1]'],
    ['"two words"@x.de', '"two words"@x.de'],
    ['"a@b; c"@x.de', '"a@b; c"@x.de'],
    ['"a\\"b\\\\c"@x.de', '"a\\"b\\\\c"@x.de'],
    [`${'a'.repeat(10)}@${domain}`, `${'a'.repeat(10)}@${domain}`],
  ])('%s is %s', (address, normal) => {
    expect(read(address)).toBe(normal);
  });

  it.each(['"victim"@x.de', '"Vic\\tim"@X.de', '"v\\ictim"@x.de'])(
    'has one spelling, however it is quoted: %s',
    address => {
      expect(read(address)).toBe('victim@x.de');
    },
  );

  it.each([
    'a',
    'a@',
    '@b.c',
    'a@b@c.de',
    '.a@b.c',
    'a.@b.c',
    'a..b@c.de',
    'a b@c.de',
    ' a@b.c',
    'a@b.c ',
    'a@b.c\n',
    'a\0@b.c',
    '"a\n"@b.c',
    '"a"b"@c.de',
    '"a\\"@c.de',
    'a@b..c',
    'a@.b',
    'a@[b]c]',
    'a@[b c]',
    'a,b@c.de',
    'a@b.c, d@e.f',
    'Name <a@b.c>',
    'ä@b.de',
    'a@bücher.de',
    'a\u200b@b.de',
    `${'a'.repeat(11)}@${domain}`,
  ])('is not %j', address => {
    expect(read(address)).toBe(null);
  });

  it('is told from others in no time, however it is meant', () => {
    for (const hostile of [`${'a.'.repeat(30_000)}@`, `"${'\\a'.repeat(30_000)}`, `a@${'['.repeat(60_000)}`])
      expect(read(hostile)).toBe(null);
  });
});

it('is looked up by its text in the normal form, a wallet too', () => {
  expect(locatorTextSchema.parse(`wallet:${ADDRESS}`)).toEqual({
    type: 'wallet',
    value: ADDRESS.toLowerCase(),
  });
  expect(locatorTextSchema.parse('email:A@b.C')).toEqual({ type: 'email', value: 'a@b.c' });
  expect(locatorTextSchema.safeParse('wallet:0x12').success).toBe(false);
});

it('comes with a new user, but for wallets and statuses there are none of', () => {
  expect(locatorSchema.parse({ email: 'a@b.c', verificationStatus: 0 })).toEqual({
    ...email('a@b.c'),
    verificationStatus: 'Verified',
  });
  expect(locatorSchema.parse('tele:+4930123456')).toEqual(tele('+4930123456'));
  expect(locatorSchema.safeParse(proof).success).toBe(false);
  const { error } = locatorSchema.safeParse({ email: 'a@b.c', verificationStatus: 'Sure' });
  expect(error?.issues).toMatchObject([{ path: ['verificationStatus'], message: /must be one of/ }]);
});
