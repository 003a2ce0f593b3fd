import type { Config } from '../config.ts';

type Settings = Pick<Config, 'publicUrl' | 'allowedOrigins' | 'development' | 'localOrigins'>;

const LOCAL = /^(https?:\/\/)(?:localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

/**
 * Whether pages of this origin may call, and open sockets. The deployment's own origin always may: React Native sends it
 * with every socket. In development the names of this machine are one, and `LOCAL_ORIGINS` allows each of its ports.
 */
export function isAllowedOrigin(settings: Settings, origin: string): boolean {
  const { publicUrl, allowedOrigins, development, localOrigins } = settings;
  const allowed = [publicUrl, ...allowedOrigins];
  if (allowed.includes(origin)) return true;
  const [local, scheme = '', port = ''] = LOCAL.exec(origin) ?? [];
  if (!development || local === undefined || !URL.canParse(local)) return false;
  return (
    localOrigins || ['localhost', '127.0.0.1', '[::1]'].some(host => allowed.includes(scheme + host + port))
  );
}

/** An origin as a line of the log may tell it: of the form of one, and no longer than one. */
export function shownOrigin(origin: string): string {
  return /^(null|[a-z][a-z\d+.-]*:\/\/[\w.:[\]-]*)$/i.test(origin) ? origin.slice(0, 200) : 'malformed';
}
