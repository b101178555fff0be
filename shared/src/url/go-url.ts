/** Go: `net/url.URL`, which Argo CD's URL comparisons and sprig's URL functions are defined by. */
export interface GoUrl {
  scheme: string;
  opaque: string;
  /** As written. */
  userinfo: string;
  host: string;
  /** Decoded. */
  path: string;
  /** The path as written, where that differs from how Go would write `path`. */
  rawPath?: string;
  /** As written. */
  query: string;
  /** Decoded. */
  fragment: string;
}

/** Go: `url.Parse`. Throws an Error with the reason. */
export function parseUrl(text: string): GoUrl {
  if (/\p{Cc}/u.test(text.replaceAll(/[\u0080-\u009f]/g, ''))) throw fault(text, 'invalid control character in URL');
  const { before, after } = cut(text, '#');
  const { scheme, rest } = splitScheme(before, text);
  const { before: hierarchy, after: query } = cut(rest, '?');
  const url = { scheme, opaque: '', userinfo: '', host: '', path: '', query, fragment: decode(after, text) };
  if (hierarchy.startsWith('//') && !(scheme === '' && hierarchy.startsWith('///')))
    return { ...url, ...parseAuthority(hierarchy, text) };
  if (!hierarchy.startsWith('/') && scheme !== '') return { ...url, opaque: hierarchy };
  if (/^[^/]*:/.test(hierarchy)) throw fault(text, 'first path segment in URL cannot contain colon');
  return { ...url, ...parsePath(hierarchy, text) };
}

function fault(text: string, reason: string): Error {
  return new Error(`parse ${JSON.stringify(text)}: ${reason}`);
}

function cut(text: string, separator: string): { before: string; after: string } {
  const at = text.indexOf(separator);
  return at < 0 ? { before: text, after: '' } : { before: text.slice(0, at), after: text.slice(at + 1) };
}

function splitScheme(text: string, whole: string): { scheme: string; rest: string } {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text);
  if (match !== null) return { scheme: (match[1] ?? '').toLowerCase(), rest: text.slice(match[0].length) };
  if (text.startsWith(':')) throw fault(whole, 'missing protocol scheme');
  return { scheme: '', rest: text };
}

function parseAuthority(hierarchy: string, whole: string): Pick<GoUrl, 'userinfo' | 'host' | 'path' | 'rawPath'> {
  const slash = hierarchy.indexOf('/', 2);
  const authority = hierarchy.slice(2, slash < 0 ? undefined : slash);
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  const userinfo = at < 0 ? '' : authority.slice(0, at);
  if (/[^\w.~!$&'()*+,:;=%@-]/.test(userinfo)) throw fault(whole, 'invalid userinfo');
  checkHost(host, whole);
  return { userinfo, host: decode(host, whole), ...parsePath(slash < 0 ? '' : hierarchy.slice(slash), whole) };
}

function checkHost(host: string, whole: string): void {
  const bad = /[^\w.~!$&'()*+,:;=<>[\]"%\u0080-\u{10ffff}-]/u.exec(host);
  if (bad !== null) throw fault(whole, `invalid character ${JSON.stringify(bad[0])} in host name`);
  const port = host.startsWith('[') ? host.slice(host.indexOf(']') + 1) : host.slice(host.search(/:[^:]*$|$/));
  if (port !== '' && !/^:\d*$/.test(port)) throw fault(whole, `invalid port ${JSON.stringify(port)} after host`);
}

function parsePath(raw: string, whole: string): Pick<GoUrl, 'path' | 'rawPath'> {
  const path = decode(raw, whole);
  return encodePath(path) === raw ? { path } : { path, rawPath: raw };
}

function decode(text: string, whole: string): string {
  const bad = /%(?![\dA-Fa-f]{2}).{0,2}/s.exec(text);
  if (bad !== null) throw fault(whole, `invalid URL escape ${JSON.stringify(bad[0])}`);
  if (!text.includes('%')) return text;
  const hex = text.replaceAll(/%[\dA-Fa-f]{2}|[^%]+/g, (piece) =>
    piece.startsWith('%') ? piece.slice(1) : Buffer.from(piece).toString('hex'),
  );
  return Buffer.from(hex, 'hex').toString();
}

/** Go: `URL.String`. */
export function formatUrl(url: GoUrl): string {
  let text = url.scheme === '' ? '' : `${url.scheme}:`;
  text += url.opaque === '' ? formatHierarchy(url, text) : url.opaque;
  if (url.query !== '') text += `?${url.query}`;
  return url.fragment === '' ? text : `${text}#${encode(url.fragment, /[^\w.~!$&()*+,/:;=?@-]/gu)}`;
}

function formatHierarchy(url: GoUrl, scheme: string): string {
  const path = formatPath(url);
  if (url.host !== '' || url.userinfo !== '') return formatAuthority(url) + (/^(\/|$)/.test(path) ? path : `/${path}`);
  if (scheme !== '') return path === '' ? '' : `//${path}`;
  // A first segment with a colon would read as a scheme, two slashes as a host.
  if (path.startsWith('//')) return `//${path}`;
  return /^[^/]*:/.test(path) ? `./${path}` : path;
}

function formatAuthority({ userinfo, host }: GoUrl): string {
  return `//${userinfo === '' ? '' : `${userinfo}@`}${encode(host, /[^\w.~!$&'()*+,:;=<>[\]"-]/gu)}`;
}

/** Go: the path as written when it is valid as such, else as Go writes it. */
function formatPath({ path, rawPath }: GoUrl): string {
  if (rawPath !== undefined && /^[\w.~!$&'()*+,;=:@[\]%/-]*$/.test(rawPath)) return rawPath;
  return path === '*' ? path : encodePath(path);
}

function encodePath(path: string): string {
  return encode(path, /[^\w.~$&+,/:;=@-]/gu);
}

function encode(text: string, unsafe: RegExp): string {
  return text.replaceAll(unsafe, (char) =>
    [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
