import { describe, expect, it } from 'vitest';
import { agrees, readName, storageKey, writeName } from '../../src/uploads/rules.ts';

const ID = '0b7f3f3e-5d0a-4c58-9f0e-3a1d0f7a2b6c';

describe('the name of an upload', () => {
  it('is read in either letter case, and written in one', () => {
    const named = { id: ID, fileType: 'png' };
    expect(readName(`${ID}.png`)).toEqual(named);
    expect(readName(`${ID}.PNG`.toUpperCase())).toEqual(named);
    expect(writeName(named)).toBe(`${ID}.png`);
    expect(storageKey(named)).toBe(`uploads/${ID}.png`);
  });

  it.each([
    '',
    ID,
    `${ID}.`,
    `.${ID}.png`,
    `${ID}.png.exe`,
    `${ID}.png\n`,
    `${ID}.png\0`,
    `../${ID}.png`,
    `${ID}/../x.png`,
    `${ID}.p/g`,
    `${ID}.\u202egnp`,
    `${ID}.elevenchars`,
    `${ID}x.png`,
    `{${ID}}.png`,
    'constructor',
    '__proto__.png',
  ])('S44 is nothing else: %j', name => {
    expect(readName(name)).toBeNull();
  });
});

describe('first bytes', () => {
  const signatures = new Set(['image/png', 'image/apng', 'image/heif', 'video/mp4', 'video/vnd.avi']);
  const see = (declared: string, type: string | null, text = '') =>
    agrees(declared, { type, text, signatures });

  it.each([
    ['image/png', 'image/png'],
    ['Image/PNG; x=y', 'image/png'],
    ['image/png', 'image/apng'],
    ['image/apng', 'image/png'],
    ['image/heic', 'image/heif'],
    ['video/mp4', 'video/3gpp'],
    ['video/quicktime', 'video/x-m4v'],
    ['video/x-msvideo', 'video/vnd.avi'],
    ['video/mpeg', 'video/MP2P'],
    ['image/x-unheard-of', null],
  ])('S43 of %s may be those of %s', (declared, seen) => {
    expect(see(declared, seen)).toBe(true);
  });

  it.each([
    ['image/png', 'image/jpeg'],
    ['image/png', 'video/mp4'],
    ['image/png', null],
    ['IMAGE/PNG', null],
    ['image/heic', null],
    ['video/x-msvideo', null],
    ['video/mp4', 'image/heif'],
    ['image/x-unheard-of', 'image/png'],
    ['image/x-unheard-of', 'application/zip'],
  ])('S43 of %s are never those of %s', (declared, seen) => {
    expect(see(declared, seen)).toBe(false);
  });

  it('S43 of SVG are text with an svg element', () => {
    expect(see('image/svg+xml', null, '<svg>')).toBe(true);
    expect(see('image/svg+xml; charset=utf-8', 'application/xml', '<?xml?><svg>')).toBe(true);
    expect(see('image/svg+xml', null, '<html>')).toBe(false);
    expect(see('image/svg+xml', 'image/png', '<svg>')).toBe(false);
  });
});
