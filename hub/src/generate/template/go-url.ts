/** Go: `net/url.URL`. `path` and `fragment` are decoded; `query` and `userinfo` stand as written. */
export interface GoUrl {
  scheme: string;
  opaque: string;
  userinfo: string;
  host: string;
  path: string;
  query: string;
  fragment: string;
}

/** Go: `url.Parse`. Throws an Error with Go's reason. */
export function parseUrl(text: string): GoUrl {
  // oxlint-disable-next-line no-control-regex -- Go refuses exactly these.
  if (/[\u0000-\u001f\u007f]/.test(text)) throw fault(text, 'net/url: invalid control character in URL');
  const hash = text.indexOf('#');
  const fragment = hash < 0 ? '' : decode(text.slice(hash + 1));
  const { scheme, rest } = splitScheme(hash < 0 ? text : text.slice(0, hash));
  const mark = rest.indexOf('?');
  const query = mark < 0 ? '' : rest.slice(mark + 1);
  const hierarchy = mark < 0 ? rest : rest.slice(0, mark);
  const url = { scheme, opaque: '', userinfo: '', host: '', path: '', query, fragment };
  if (!hierarchy.startsWith('/') && scheme !== '') return { ...url, opaque: hierarchy };
  if (!hierarchy.startsWith('/') && /^[^/]*:/.test(hierarchy))
    throw fault(text, 'first path segment in URL cannot contain colon');
  if (!hierarchy.startsWith('//') || (scheme === '' && hierarchy.startsWith('///')))
    return { ...url, path: decode(hierarchy) };
  const slash = hierarchy.indexOf('/', 2);
  const authority = hierarchy.slice(2, slash < 0 ? undefined : slash);
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  checkPort(text, host);
  return {
    ...url,
    userinfo: at < 0 ? '' : authority.slice(0, at),
    host: decode(host),
    path: slash < 0 ? '' : decode(hierarchy.slice(slash)),
  };
}

function fault(text: string, reason: string): Error {
  return new Error(`parse ${JSON.stringify(text)}: ${reason}`);
}

function splitScheme(text: string): { scheme: string; rest: string } {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text);
  if (match === null) {
    if (text.startsWith(':')) throw fault(text, 'missing protocol scheme');
    return { scheme: '', rest: text };
  }
  return { scheme: (match[1] ?? '').toLowerCase(), rest: text.slice(match[0].length) };
}

function checkPort(text: string, host: string): void {
  if (/[\s"<>\\^`{|}]/.test(host)) throw fault(text, 'invalid character in host name');
  const port = host.startsWith('[') ? host.slice(host.indexOf(']') + 1) : host.slice(host.search(/:|$/));
  if (port !== '' && !/^:\d*$/.test(port)) throw fault(text, `invalid port ${JSON.stringify(port)} after host`);
}

function decode(text: string): string {
  const bad = /%(?![\dA-Fa-f]{2}).{0,2}/.exec(text);
  if (bad !== null) throw fault(text, `invalid URL escape ${JSON.stringify(bad[0])}`);
  if (!text.includes('%')) return text;
  const bytes = text.replaceAll(/%[\dA-Fa-f]{2}|[^%]+/g, (piece) =>
    piece.startsWith('%') ? piece.slice(1) : Buffer.from(piece).toString('hex'),
  );
  return Buffer.from(bytes, 'hex').toString();
}

/** Go: `URL.String`. */
export function formatUrl(url: GoUrl): string {
  let text = url.scheme === '' ? '' : `${url.scheme}:`;
  if (url.opaque === '') text += formatHierarchy(url);
  else text += url.opaque;
  if (url.query !== '') text += `?${url.query}`;
  return url.fragment === '' ? text : `${text}#${encode(url.fragment, /[^\w.~!$&'()*+,/:;=?@-]/gu)}`;
}

function formatHierarchy({ scheme, host, path, userinfo }: GoUrl): string {
  let text = '';
  if (scheme !== '' || host !== '' || userinfo !== '') {
    if (host !== '' || path !== '' || userinfo !== '') text += '//';
    if (userinfo !== '') text += `${userinfo}@`;
    text += encode(host, /[^\w.~!$&'()*+,:;=<>[\]"-]/gu);
  }
  const encoded = encode(path, /[^\w.~$&+,/:;=@!'()*[\]-]/gu);
  if (encoded !== '' && !encoded.startsWith('/') && host !== '') text += '/';
  if (text === '' && /^[^/]*:/.test(encoded)) text += './';
  return text + encoded;
}

function encode(text: string, unsafe: RegExp): string {
  return text.replaceAll(unsafe, (char) =>
    [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
