import { expect, it } from 'vitest';
import { faultsOf } from '../../src/profiles/rules.ts';

const def = {
  key: 'bio',
  allowedContentTypes: ['text/plain', 'text/markdown'],
  allowedContentEncodings: ['identity'],
  canBeEmpty: true,
  createdAt: 0,
};
const attribute = { key: 'bio', contentType: 'text/markdown', contentEncoding: 'identity', value: '*hello*' };

it('takes what the definition allows, an empty value included', () => {
  expect(faultsOf(attribute, def)).toEqual([]);
  expect(faultsOf({ ...attribute, value: '' }, def)).toEqual([]);
});

it('takes a value that is not empty where none may be', () => {
  expect(faultsOf({ ...attribute, value: ' ' }, { ...def, canBeEmpty: false })).toEqual([]);
});

it('refuses what nothing defines', () => {
  expect(faultsOf(attribute, null)).toEqual([{ member: 'key', message: 'is not defined' }]);
});

it('names every member that the definition does not allow', () => {
  const wrong = { ...attribute, contentType: 'Text/Plain', contentEncoding: 'base64', value: '' };
  expect(faultsOf(wrong, { ...def, canBeEmpty: false }).map(({ member }) => member)).toEqual([
    'contentType',
    'contentEncoding',
    'value',
  ]);
});
