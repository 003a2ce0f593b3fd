/** The first bytes of files as programs write them: whole enough for a header to be read, and no more. */

const ascii = (text: string): number[] => Array.from(text, character => character.charCodeAt(0));
const big = (value: number, bytes = 4): number[] =>
  Array.from({ length: bytes }, (_, index) => (value / 256 ** (bytes - 1 - index)) & 255);
const little = (value: number, bytes: number): number[] => big(value, bytes).toReversed();
const bytes = (...parts: number[][]): Uint8Array => Uint8Array.from(parts.flat());

/** A box of ISO 14496-12, and a chunk of PNG: a length, a name, a content. */
const box = (name: string, ...content: number[][]): number[] => [
  ...big(8 + content.flat().length),
  ...ascii(name),
  ...content.flat(),
];
const chunk = (name: string, content: number[]): number[] => [
  ...big(content.length),
  ...ascii(name),
  ...content,
  ...big(0),
];

const PNG_SIGNATURE = [0x89, ...ascii('PNG\r\n\x1a\n')];
const imageHeader = (width: number, height: number) =>
  chunk('IHDR', [...big(width), ...big(height), 8, 6, 0, 0, 0]);

export const png = (width: number, height: number): Uint8Array =>
  bytes(PNG_SIGNATURE, imageHeader(width, height), chunk('IDAT', [0]), chunk('IEND', []));

export const apng = (width: number, height: number): Uint8Array =>
  bytes(PNG_SIGNATURE, imageHeader(width, height), chunk('acTL', [0, 0, 0, 1]), chunk('IDAT', [0]));

/** With so many bytes of metadata before the size. */
export const jpeg = (width: number, height: number, metadata = 14): Uint8Array =>
  bytes(
    [0xff, 0xd8, 0xff, 0xe1],
    big(metadata + 2, 2),
    Array<number>(metadata).fill(0x20),
    [0xff, 0xc0, 0, 17, 8],
    big(height, 2),
    big(width, 2),
    [3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1],
    [0xff, 0xd9],
  );

export const gif = (width: number, height: number): Uint8Array =>
  bytes(ascii('GIF89a'), little(width, 2), little(height, 2), [0, 0, 0, 0x3b]);

export const webp = (width: number, height: number): Uint8Array =>
  bytes(
    ascii('RIFF'),
    little(22, 4),
    ascii('WEBPVP8X'),
    little(10, 4),
    [0, 0, 0, 0],
    little(width - 1, 3),
    little(height - 1, 3),
  );

/** AVIF or HEIC, by its brand. */
export const heif = (brand: string, width: number, height: number): Uint8Array => {
  const size = box('ispe', big(0), big(width), big(height));
  return bytes(
    box('ftyp', ascii(brand), big(0), ascii('mif1')),
    box('meta', big(0), box('iprp', box('ipco', size))),
  );
};

export const mp4 = (brand = 'isom'): Uint8Array =>
  bytes(box('ftyp', ascii(brand), big(512), ascii('isommp42')), box('mdat', [0, 0, 0, 0]));

/** WebM or Matroska, by its document type. */
export const webm = (documentType = 'webm'): Uint8Array => {
  const element = [0x42, 0x82, 0x80 | documentType.length, ...ascii(documentType)];
  return bytes([0x1a, 0x45, 0xdf, 0xa3, 0x80 | element.length], element, [0x18, 0x53, 0x80, 0x67, 0x80]);
};

export const avi = (): Uint8Array => bytes(ascii('RIFF'), little(100, 4), ascii('AVI LIST'), little(0, 4));

export const svg =
  '<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
