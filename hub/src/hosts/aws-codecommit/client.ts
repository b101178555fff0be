import { readFile } from 'node:fs/promises';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import aws4 from 'aws4';
import { z } from 'zod';
import { identityOf } from '../credentials.ts';
import type { HostAccess } from '../host.ts';
import type { Target } from '../http/http.ts';

export interface AwsAccess {
  /** Role to assume with the hub's own credentials. */
  role?: string;
  /** Default: AWS_REGION of the hub. */
  region?: string;
}

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface AwsClient {
  /** Calls an operation of a JSON 1.1 service. An error of the service is one that `codeOf` names. */
  call<T>(operation: AwsOperation, body: object, schema: z.ZodType<T>): Promise<T>;
}

export interface AwsService {
  /** Prefix of the endpoint's host. */
  name: string;
  /** Of the header X-Amz-Target. */
  target: string;
}

export type AwsOperation = readonly [service: AwsService, name: string];

/**
 * AWS by plain HTTPS. The hub's credentials are those of its environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a
 * web identity (AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, as on EKS). AWS_ENDPOINT_URL names another endpoint.
 */
export function createAwsClient({ role, region }: AwsAccess, access: HostAccess): AwsClient {
  const { environment } = access;
  const home = region || environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'];
  if (!home) throw new FleetError('Invalid', 'awsCodeCommit: set region, or AWS_REGION for the hub');
  if (!/^[a-z0-9-]+$/.test(home)) throw new FleetError('Invalid', `awsCodeCommit: region "${home}" is not a region`);
  let known: Promise<Credentials> | undefined;
  return {
    call: async ([service, operation], body, schema) => {
      known ??= findCredentials(role, home, access);
      const credentials = await known;
      const api = environment['AWS_ENDPOINT_URL'] || `https://${service.name}.${home}.amazonaws.com`;
      const text = JSON.stringify(body);
      const headers = sign(
        { host: new URL(api).host, service: service.name, region: home, body: text },
        { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `${service.target}.${operation}` },
        credentials,
      );
      const target: Target = { api, identity: identityOf('aws', credentials.accessKeyId) };
      return await access.http.open(target, access.signal).get('/', schema, { method: 'POST', body: text, headers });
    },
  };
}

function sign(
  request: { host: string; service: string; region: string; body: string },
  headers: Record<string, string>,
  credentials?: Credentials,
): Record<string, string> {
  const signed = aws4.sign(
    { ...request, method: 'POST', path: '/', headers: { ...headers, host: request.host } },
    credentials,
  );
  return Object.fromEntries(
    Object.entries(signed.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}

async function findCredentials(role: string | undefined, region: string, access: HostAccess): Promise<Credentials> {
  const own = await ownCredentials(region, access);
  if (!role) return own;
  return await askSts({ Action: 'AssumeRole', RoleArn: role }, { region, access, credentials: own });
}

async function ownCredentials(region: string, access: HostAccess): Promise<Credentials> {
  const { environment } = access;
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  const { AWS_SESSION_TOKEN: sessionToken, AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: arn } = environment;
  if (accessKeyId && secretAccessKey)
    return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  if (!file || !arn)
    throw new FleetError(
      'HostAuthentication',
      'awsCodeCommit: the hub has no AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN',
    );
  const token = (await readFile(file, 'utf8')).trim();
  const query = { Action: 'AssumeRoleWithWebIdentity', RoleArn: arn, WebIdentityToken: token };
  return await askSts(query, { region, access });
}

const issued = z.object({ AccessKeyId: z.string(), SecretAccessKey: z.string(), SessionToken: z.string() });
const assumed = z.union([
  z.object({ AssumeRoleResponse: z.object({ AssumeRoleResult: z.object({ Credentials: issued }) }) }),
  z.object({
    AssumeRoleWithWebIdentityResponse: z.object({
      AssumeRoleWithWebIdentityResult: z.object({ Credentials: issued }),
    }),
  }),
]);

/** AWS STS, which answers in JSON to whoever accepts it. */
async function askSts(
  query: Record<string, string>,
  { region, access, credentials }: { region: string; access: HostAccess; credentials?: Credentials },
): Promise<Credentials> {
  const api = access.environment['AWS_ENDPOINT_URL'] || `https://sts.${region}.amazonaws.com`;
  const body = new URLSearchParams({ Version: '2011-06-15', RoleSessionName: 'wheelhouse', ...query }).toString();
  const plain = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  const request = { host: new URL(api).host, service: 'sts', region, body };
  const headers = credentials ? sign(request, plain, credentials) : plain;
  const client = access.http.open({ api, identity: identityOf('sts', query['RoleArn'] ?? '') }, access.signal);
  const answer = await client.get('/', assumed, { method: 'POST', body, headers });
  const { Credentials: found } =
    'AssumeRoleResponse' in answer
      ? answer.AssumeRoleResponse.AssumeRoleResult
      : answer.AssumeRoleWithWebIdentityResponse.AssumeRoleWithWebIdentityResult;
  return {
    accessKeyId: found.AccessKeyId,
    secretAccessKey: found.SecretAccessKey,
    sessionToken: found.SessionToken,
  };
}
