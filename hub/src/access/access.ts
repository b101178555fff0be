/**
 * Who is asking, and may they? The one gate of the API; today with a single adapter, the admin's bearer token.
 * Inputs: the Authorization header; then a principal, a verb and a resource in Argo CD's RBAC words.
 * It must never hold a token in clear, compare one in variable time, or let a caller tell a wrong token from a missing user.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

/** Whoever authenticated. `name` is what audit lines and `by` fields show. */
export interface Principal {
  name: string;
  /** Argo CD's role names; what an approval asks for may be one of them. */
  roles?: readonly string[];
}

/** Argo CD's RBAC actions that the API asks for. */
export type Verb = 'get' | 'create' | 'update' | 'delete' | 'sync' | 'override';

/** Argo CD's RBAC object: `projects/default`, `applications/<project>/<name>`; name `*` when the request is for a list. */
export interface AccessedResource {
  kind:
    | 'applications'
    | 'applicationsets'
    | 'rollouts'
    | 'projects'
    | 'clusters'
    | 'repositories'
    | 'write-repositories'
    | 'tokens'
    | 'settings'
    | 'metrics';
  name: string;
}

export interface Access {
  /** Throws Unauthenticated unless the header carries a valid `Bearer` token. */
  authenticate(authorization: string | undefined): Promise<Principal>;
  /** Throws Forbidden, naming the verb and the resource, unless the principal may. */
  require(principal: Principal, verb: Verb, resource: AccessedResource): void;
}

export interface AdminAccessOptions {
  /** `hashToken` of the admin's token. */
  tokenHash: Buffer;
}

/** Access for one principal, `admin`, who may do everything. */
export function createAdminAccess({ tokenHash }: AdminAccessOptions): Access {
  const admin: Principal = Object.freeze({ name: 'admin', roles: ['role:admin'] });
  return {
    authenticate: async (authorization) => {
      const token = parseBearer(authorization);
      if (!timingSafeEqual(hashToken(token), tokenHash))
        throw new FleetError(
          'Unauthenticated',
          'the bearer token is not valid; use the one in the hub’s admin-token file',
        );
      return admin;
    },
    require: (principal, verb, resource) => {
      if (principal !== admin)
        throw new FleetError('Forbidden', `${principal.name} may not ${verb} ${resource.kind} ${resource.name}`);
    },
  };
}

/** SHA-256 of a token. A token of full entropy needs no slower hash. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function parseBearer(authorization: string | undefined): string {
  const token = /^Bearer +([\w\-.~+/]+=*) *$/i.exec(authorization ?? '')?.[1];
  if (!token)
    throw new FleetError('Unauthenticated', 'a bearer token is required: send "Authorization: Bearer <token>"');
  return token;
}
