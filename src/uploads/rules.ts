/** Decisions about names and sizes: which uploads are taken, and under which key. `now` in epoch ms. */

/** 50 MB, in the decimal megabytes of every other limit. */
export const LARGEST_UPLOAD = 50_000_000;

/** The span over which a user's uploads are counted, and after which an unused one is deleted. */
export const DAY_MS = 24 * 60 * 60_000;

/** How many a user may have: kept ones, and every other of the last day. */
export const MOST_UPLOADS = 1_000;

/** As long as browsers may keep the bytes of an upload, an id of a client's choice is refused to other users. */
export const RETIRED_MS = 365 * DAY_MS;

/** So much of its keyed hash is remembered of such an id. */
export const HASH_BYTES = 16;

/** An upload that takes longer gives its place back. */
export const RESERVATION_MS = 60 * 60_000;

export interface UploadName {
  /** A UUID in lower case. */
  id: string;
  /** An extension in lower case. */
  fileType: string;
}

const NAME = /^([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})\.([a-z\d]{1,10})$/i;

/** `<uuid>.<ext>`: the name by which an upload is fetched. */
export const writeName = ({ id, fileType }: UploadName): string => `${id}.${fileType}`;

/** The parts of a name; null where the text is not a name. Only these parts become a key. */
export function readName(name: string): UploadName | null {
  const [, id, fileType] = NAME.exec(name) ?? [];
  return id && fileType ? { id: id.toLowerCase(), fileType: fileType.toLowerCase() } : null;
}

/** The key of the bytes in R2. */
export const storageKey = (upload: UploadName): string => `uploads/${writeName(upload)}`;

/** A media type without its parameters. */
const essenceOf = (contentType: string): string => contentType.split(';')[0]?.trim().toLowerCase() ?? '';

/** Whether the first bytes of this type are checked. */
export const isMedia = (contentType: string): boolean => /^(image|video)\//.test(essenceOf(contentType));

/** Other names of a type, and types with the same first bytes. */
const SAME = new Map([
  ['image/apng', 'image/png'],
  ['image/jpg', 'image/jpeg'],
  ['image/heic', 'image/heif'],
  ['image/vnd.microsoft.icon', 'image/x-icon'],
  ['video/quicktime', 'video/mp4'],
  ['video/x-m4v', 'video/mp4'],
  ['video/3gpp', 'video/mp4'],
  ['video/3gpp2', 'video/mp4'],
  ['video/x-matroska', 'video/matroska'],
  ['video/x-msvideo', 'video/vnd.avi'],
  ['video/avi', 'video/vnd.avi'],
  ['video/mp1s', 'video/mpeg'],
  ['video/mp2p', 'video/mpeg'],
]);

const known = (contentType: string): string => {
  const type = essenceOf(contentType);
  return SAME.get(type) ?? type;
};

/** What the first bytes show. */
export interface FirstBytes {
  /** The media type of their signature; null where it is unknown. */
  type: string | null;
  /** As text, read as UTF-8. */
  text: string;
  /** The media types whose signatures are known. */
  signatures: Iterable<string>;
}

/**
 * Whether an image or a video begins as its declared type does. SVG is text and has no signature; a type whose
 * signature is not known here must at least not have another's.
 */
export function agrees(declared: string, { type, text, signatures }: FirstBytes): boolean {
  if (essenceOf(declared) === 'image/svg+xml') {
    return (type === null || type === 'application/xml') && text.includes('<svg');
  }
  if (type !== null) return known(type) === known(declared);
  return ![...signatures].some(signature => known(signature) === known(declared));
}
