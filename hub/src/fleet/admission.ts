import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { EnrolRequest } from '@wheelhouse/shared/protocol/enrolment';
import type { ImportedCluster } from '@wheelhouse/shared/resources/cluster-secret';
import type { ClusterRecord, FleetRecords, Stored, TokenRecord } from './records.ts';
import { assertNameIsFree } from './rename.ts';
import type { Revocations } from './revocations.ts';
import { serverOf } from './tokens.ts';

export interface Admission {
  token: TokenRecord;
  /** Of the cluster. */
  name: string;
  request: EnrolRequest;
}

const attempts = 5;

export interface AdmissionDeps {
  records: Pick<FleetRecords, 'clusters'>;
  revocations: Pick<Revocations, 'find' | 'revoke'>;
  now: () => Date;
  /** What a Secret of Argo CD says of a cluster that enrols for the first time. */
  imported?(name: string): ImportedCluster | undefined;
}

/** Throws before the token is spent: IdentityRevoked, Conflict, TokenInvalid. */
export async function assertMayJoin(
  deps: Pick<AdmissionDeps, 'records' | 'revocations'>,
  { token, name, request }: Admission,
): Promise<void> {
  const revocation = deps.revocations.find(request.publicKey);
  if (revocation)
    throw new FleetError(
      'IdentityRevoked',
      `the agent's key was revoked at ${revocation.at} (${revocation.reason}): make a token for ${name}, with --replace if the cluster is still enrolled, and start the agent with it`,
    );
  const known = await deps.records.clusters.read(name);
  if (!known) return assertNameIsFree(deps.records, name);
  assertMayReturn(token, known.value);
  if (known.value.publicKey !== request.publicKey) assertMayReplace(token, known.value);
}

/**
 * Writes the cluster into the inventory, unless it is there with that key. The key of an installation that it replaces is
 * shut out before: the last words of its agent are then older than the new record, and a hub that dies in between leaves
 * no key that nobody revokes. Throws Conflict, TokenInvalid, TransportUnavailable.
 */
export async function admit(deps: AdmissionDeps, admission: Admission): Promise<ClusterRecord> {
  for (let attempt = 1; ; attempt += 1) {
    const known = await deps.records.clusters.read(admission.name);
    if (known && isSettled(admission, known.value)) return known.value;
    if (known) await shutOutReplaced(deps, admission, known.value);
    try {
      return await write(deps, admission, known);
    } catch (error) {
      // somebody changed its labels, say
      if (!isFleetError(error, 'Conflict') || attempt === attempts) throw error;
    }
  }
}

/** The answer may have been lost with a hub: what people did to the cluster since then counts. */
function isSettled({ token, request }: Admission, known: ClusterRecord): boolean {
  const isByThisToken = Date.parse(known.enrolledAt) >= Date.parse(token.usedAt ?? '');
  return known.publicKey === request.publicKey && (!token.replaces || isByThisToken);
}

async function shutOutReplaced(deps: AdmissionDeps, admission: Admission, known: ClusterRecord): Promise<void> {
  if (known.publicKey === admission.request.publicKey) return;
  assertMayReplace(admission.token, known);
  await deps.revocations.revoke({
    publicKey: known.publicKey,
    cluster: known.name,
    kind: 'replaced',
    reason: 'another installation took its place',
    by: known.name,
  });
}

async function write(
  { records, imported, now }: AdmissionDeps,
  admission: Admission,
  known: Stored<ClusterRecord> | undefined,
): Promise<ClusterRecord> {
  const record = recordOf({ ...admission, at: now().toISOString() }, known?.value, imported?.(admission.name));
  await records.clusters.put(record.name, record, known?.revision ?? 0);
  return record;
}

/** A cluster that was revoked comes back by a token that somebody made after that. */
function assertMayReturn(token: TokenRecord, { name, revoked, leaving }: ClusterRecord): void {
  if (leaving)
    throw new FleetError('Conflict', `cluster ${name} is being removed since ${leaving.at}; enrol it when it is gone`);
  if (!revoked || (token.replaces && token.createdAt > revoked.at)) return;
  throw new FleetError(
    'IdentityRevoked',
    `cluster ${name} was revoked at ${revoked.at} (${revoked.reason}); make a token with --replace to let it back`,
  );
}

/** A token that was spent before yet another installation came may not bring its key back. */
function assertMayReplace(token: TokenRecord, known: ClusterRecord): void {
  if (!token.replaces)
    throw new FleetError(
      'Conflict',
      `cluster ${known.name} is enrolled with another key; if it was installed anew, make a token with --replace (API: replace: true)`,
    );
  if (Date.parse(token.usedAt ?? '') < Date.parse(known.enrolledAt))
    throw new FleetError(
      'TokenInvalid',
      `cluster ${known.name} was replaced by another installation at ${known.enrolledAt}; make a new token with --replace`,
    );
}

function recordOf(
  { token, name, request, at }: Admission & { at: string },
  replaced: ClusterRecord | undefined,
  imported: ImportedCluster | undefined,
): ClusterRecord {
  const pending = { since: at, ...(replaced ? { replaces: true as const } : {}) };
  return {
    name,
    ...inherited(name, replaced ?? imported),
    ...(isChosen(token.server, name, replaced ?? imported) ? { server: token.server } : {}),
    labels: { ...(replaced ?? imported)?.labels, ...request.labels, ...token.labels },
    ...(token.allowedLabels ? { allowedLabels: token.allowedLabels } : {}),
    ...(token.approval ? { pending } : {}),
    publicKey: request.publicKey,
    uid: request.uid,
    enrolledAt: at,
  };
}

/** The address that every token has by default does not take the place of one that is known. */
function isChosen(server: string | undefined, name: string, known: object | undefined): server is string {
  return server !== undefined && (known === undefined || server !== serverOf(name));
}

type Inherited = Pick<ClusterRecord, 'server' | 'annotations' | 'appLabels' | 'project' | 'formerNames'>;

/** A replacement keeps what people set on the cluster it replaces, a new one what was announced of it. */
function inherited(name: string, replaced: Inherited | undefined): Inherited {
  if (!replaced) return { server: serverOf(name), annotations: {} };
  const { server, annotations, appLabels, project, formerNames } = replaced;
  return {
    server,
    annotations,
    ...(appLabels ? { appLabels } : {}),
    ...(project === undefined ? {} : { project }),
    ...(formerNames ? { formerNames } : {}),
  };
}
