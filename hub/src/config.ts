import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseDuration } from '@wheelhouse/shared/config/duration';
import { readConfig } from '@wheelhouse/shared/config/read-config';
import { z } from 'zod';

const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms === undefined) context.addIssue(`'${text}' is not a duration such as 30s, 3m or 1h30m`);
  return ms ?? 0;
});

const between = ([least, leastMs]: [string, number], [most, mostMs]: [string, number]) =>
  duration.refine((ms) => ms >= leastMs && ms <= mostMs, `must be from ${least} to ${most}`);

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

const rewrites = list.transform((pairs, context) =>
  pairs.map((pair) => {
    const [, from, to] = /^([^=]+)=(.+)$/.exec(pair) ?? [];
    if (from === undefined || to === undefined)
      context.addIssue(`'${pair}' is not a rewrite such as https://github.com/=https://mirror.example/`);
    return { from: from ?? pair, to: to ?? '' };
  }),
);

const schema = z.object({
  /** Where the authority's keys, the admin token and the mirrors of repositories are kept. */
  data: z.string().default(join(homedir(), '.local', 'share', 'wheelhouse', 'hub')),
  /** Address of the API. */
  listen: z.string().default('127.0.0.1:8443'),
  /** Name in logs, traces and at NATS; one for each replica. */
  replica: z.string().default('hub-0'),
  natsUrl: z.string().default('tls://127.0.0.1:4222'),
  redisUrl: z.string().default('redis://127.0.0.1:6379'),
  /** Prefix of the queue's keys in Redis. */
  redisPrefix: z.string().default('wheelhouse'),
  /** URL under which agents and people reach the API; goes into enrolment tokens. Default: https on the listen address. */
  publicUrl: z.url().optional(),
  /** URLs under which agents reach NATS; default: natsUrl. */
  publicNatsUrls: list.optional(),
  /** nats-server's log file, where this process can read it: which subjects it refused to whom goes into the audit. */
  natsLog: z.string().optional(),
  /** Life of an agent's credentials, which it renews between 50 and 70 % of it. */
  jwtLife: duration.default(24 * 3_600_000),
  /** Age at which an agent is to take a new key. */
  keyLife: duration.default(30 * 24 * 3_600_000),
  /** Silence after which a cluster is Lost, which automatic failover acts upon; it is Stale after 90 s. */
  lostAfter: between(['2m', 120_000], ['24h', 24 * 3_600_000]).default(600_000),
  /** More names and addresses for the server certificate. */
  tlsNames: list.default([]),
  /** File that holds the admin token; made when absent. Default: admin-token in the data directory. */
  adminTokenFile: z.string().optional(),
  /** How often each repository is looked at (jitter of up to a quarter is added). Argo CD: 3 minutes at most. */
  pollInterval: duration.default(180_000),
  /** How often everything is compared with what is published. */
  sweepInterval: duration.default(300_000),
  /** How long a bundle is kept that nothing names any more. */
  bundleLife: duration.default(24 * 3_600_000),
  gitEngine: z.enum(['auto', 'isomorphic', 'native']).default('auto'),
  /** URL rewrites, as git's insteadOf: `from=to`, separated by commas; the longest `from` wins. */
  gitRewrites: rewrites.default([]),
  gitTimeout: duration.default(60_000),
  renderTimeout: duration.default(90_000),
  renderConcurrency: z.coerce.number().int().min(1).max(64).default(2),
  /** Hosts or URLs that generators may ask besides the public code hosts, separated by commas. */
  generatorHosts: list.default([]),
  /** Hosts or URLs that failover hooks may call, separated by commas. */
  hookHosts: list.default([]),
  /** NATS that failover hooks are sent to; not the hub's own. */
  hookNatsUrl: z.string().optional(),
  /** File of the credentials for it. */
  hookNatsCreds: z.string().optional(),
  /** Requests a second to one code host with one credential. */
  generatorRate: z.coerce.number().min(0.1).max(1_000).default(10),
  /** Argo CD: applicationsetcontroller.enable.new.git.file.globbing. */
  newGitFileGlobbing: z.stringbool().default(false),
  /** `user:password` of the basic authentication that the service hook sends. */
  webhookSecretAzureDevops: z.string().optional(),
  /** Bitbucket Cloud: the webhook's UUID. */
  webhookSecretBitbucket: z.string().optional(),
  webhookSecretGithub: z.string().optional(),
  webhookSecretGitlab: z.string().optional(),
  webhookSecretBitbucketServer: z.string().optional(),
  webhookSecretGitea: z.string().optional(),
  webhookSecretGogs: z.string().optional(),
  /** Harbor: the webhook's auth header. */
  webhookSecretHarbor: z.string().optional(),
  /** Docker Hub and Quay sign nothing: the token in the address that they call. */
  webhookSecretDockerHub: z.string().optional(),
  webhookSecretQuay: z.string().optional(),
  /** OTLP over HTTP, as http://127.0.0.1:4318. */
  otlpEndpoint: z.url().optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Where a context for the command line (URL, CA, token file) is written, if anywhere. */
  contextFile: z.string().optional(),
  kustomize: z.string().default('kustomize'),
  helm: z.string().default('helm'),
  /** Without it Jsonnet files are refused. */
  jsonnet: z.string().default('jsonnet'),
  /** Folder of config management plugins; without it there are none. */
  plugins: z.string().optional(),
});

export type HubConfig = Readonly<z.infer<typeof schema>>;

/** Reads the hub's settings from `WHEELHOUSE_*` variables and flags. `others` names variables of the command line. */
export function readHubConfig(
  env: Record<string, string | undefined> = process.env,
  overrides: Record<string, unknown> = {},
  others: readonly string[] = [],
): HubConfig {
  return readConfig(schema, { env, overrides }, others);
}

/** What may be logged: secrets are only said to be set, and URLs are without user and password. */
export function redactHubConfig(config: HubConfig): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      key.startsWith('webhookSecret') || key === 'redisUrl'
        ? value === undefined
          ? undefined
          : '[set]'
        : withoutUserinfo(value),
    ]),
  );
}

function withoutUserinfo(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(/\/\/[^/?#\s]*@/g, '//');
  if (Array.isArray(value)) return value.map(withoutUserinfo);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutUserinfo(part)]));
}

/** The process's environment, for children that see PATH and the proxy settings of it. */
export function readEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}
