import { createSign } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { HttpAnswer, HttpClient } from './http/http-client.ts';
import type { GithubApp, Repository, RepositoryCredentials } from './remote.ts';

/** Logs in to GitHub as an installation of an App. Tokens stay in memory, until five minutes before they expire. */
export interface GithubAppLogins {
  /** Throws RepositoryAuthentication and what the HTTP client throws. */
  login(
    wanted: { app: GithubApp; repository: Pick<Repository, 'url'> },
    signal: AbortSignal,
  ): Promise<Pick<RepositoryCredentials, 'username' | 'password'>>;
}

export interface GithubAppDeps {
  http: Pick<HttpClient, 'send'>;
  now(): number;
}

/** The repository with the login that its App gives, if it has one. Throws as `login`. */
export async function withAppLogin(
  { githubApp: app, ...repository }: Repository,
  logins: GithubAppLogins,
  signal: AbortSignal,
): Promise<Repository> {
  if (!app) return repository;
  const login = await logins.login({ app, repository }, signal);
  return { ...repository, credentials: { ...repository.credentials, ...login } };
}

const maxBytes = 1 << 20;
const maxTokens = 1_000;

export function createGithubAppLogins({ http, now }: GithubAppDeps): GithubAppLogins {
  const tokens = new Map<string, { token: string; expiresAt: number }>();

  async function call(app: GithubApp, request: { method: 'GET' | 'POST'; path: string }, signal: AbortSignal) {
    const { method, path } = request;
    const headers = {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${formatAppToken(app, now())}`,
    };
    return await http.send({ url: `${app.apiUrl}${path}`, method, headers, maxBytes }, signal);
  }

  async function installationOf(app: GithubApp, url: string, signal: AbortSignal): Promise<string> {
    if (app.installationId) return app.installationId;
    const repository = /[:/](?<owner>[^/:]+)\/(?<name>[^/]+?)(?:\.git)?\/?$/u.exec(url)?.groups;
    const path = `/repos/${repository?.['owner']}/${repository?.['name']}/installation`;
    const { id } = readJson(await call(app, { method: 'GET', path }, signal), app) as { id?: number };
    return String(id);
  }

  return {
    login: async ({ app, repository }, signal) => {
      const installation = await installationOf(app, repository.url, signal);
      const key = `${app.apiUrl} ${app.id} ${installation}`;
      const known = tokens.get(key);
      if (known && known.expiresAt - 300_000 > now()) return { username: 'x-access-token', password: known.token };
      const path = `/app/installations/${installation}/access_tokens`;
      const answer = readJson(await call(app, { method: 'POST', path }, signal), app) as {
        token?: string;
        expires_at?: string;
      };
      if (!answer.token) throw new FleetError('RepositoryAuthentication', `GitHub App ${app.id} was given no token`);
      if (tokens.size >= maxTokens) tokens.clear();
      tokens.set(key, { token: answer.token, expiresAt: Date.parse(answer.expires_at ?? '') || now() + 600_000 });
      return { username: 'x-access-token', password: answer.token };
    },
  };
}

/** GitHub: a JWT of at most ten minutes, begun a minute ago for clocks that differ. */
function formatAppToken({ id, privateKeyPem }: GithubApp, now: number): string {
  const seconds = Math.floor(now / 1_000);
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode({ iat: seconds - 60, exp: seconds + 540, iss: id })}`;
  try {
    return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKeyPem, 'base64url')}`;
  } catch {
    // the cause would hold the key
    throw new FleetError('RepositoryAuthentication', `githubAppPrivateKey of GitHub App ${id} is no RSA key in PEM`);
  }
}

function readJson(answer: HttpAnswer, app: GithubApp): unknown {
  if (answer.status >= 200 && answer.status < 300) return parseJson(answer.body, app);
  throw new FleetError(
    'RepositoryAuthentication',
    `${app.apiUrl} refuses GitHub App ${app.id} with ${answer.status}: check githubAppID, githubAppInstallationID and githubAppPrivateKey, and that it is installed for the repository`,
  );
}

function parseJson(body: Buffer, app: GithubApp): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    // the cause would quote what may be a token
    throw new FleetError('RepositoryAuthentication', `${app.apiUrl} answers GitHub App ${app.id} with what is no JSON`);
  }
}
