/** The proxies of the process's environment, under either spelling; empty where there is none. */
export interface Proxies {
  http: string;
  https: string;
  /** Hosts that are reached without one. */
  none: string;
}

export function proxiesOf(environment: Readonly<Record<string, string | undefined>>): Proxies {
  const read = (name: string) => environment[name] ?? environment[name.toLowerCase()] ?? '';
  return { http: read('HTTP_PROXY'), https: read('HTTPS_PROXY'), none: read('NO_PROXY') };
}
