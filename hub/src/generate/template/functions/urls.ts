import { formatUrl, parseUrl } from '@wheelhouse/shared/url/go-url';
import { type FunctionMap, fn } from '../go-function.ts';
import { type GoMap, kindOf, type Value } from '../value.ts';

function urlParse(text: string): Value {
  const url = parseUrl(text);
  return {
    scheme: url.scheme,
    host: url.host,
    hostname: url.host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'),
    path: url.path,
    query: url.query,
    opaque: url.opaque,
    fragment: url.fragment,
    userinfo: url.userinfo,
  };
}

function textAt(map: GoMap | null, key: string): string {
  const value = map !== null && Object.hasOwn(map, key) ? map[key] : '';
  if (typeof value === 'string') return value;
  throw new Error(`unable to parse ${key} key, must be of type string, but ${kindOf(value)} found`);
}

/** sprig: URLs. */
export const urlFunctions: FunctionMap = {
  urlParse: fn(['string'], urlParse),
  urlJoin: fn(['map'], (map) =>
    formatUrl({
      scheme: textAt(map, 'scheme'),
      host: textAt(map, 'host'),
      path: textAt(map, 'path'),
      query: textAt(map, 'query'),
      opaque: textAt(map, 'opaque'),
      fragment: textAt(map, 'fragment'),
      userinfo: textAt(map, 'userinfo'),
    }),
  ),
};
