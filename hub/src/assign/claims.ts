/**
 * Who owns a name that several claim. A manifest of a person or a parent comes before any ApplicationSet, and of two sets
 * the one whose `namespace/name` comes first: every replica comes to the same, in whatever order it hears of them. The
 * others wait, so that an Application goes on when its owner lets go of it.
 */
import type { Application } from '@wheelhouse/shared/resources/application';

export interface Claim {
  /** `namespace/name` of the ApplicationSet. */
  applicationSet: string;
  application: Application;
}

/** Claims of ApplicationSets that own nothing (yet), by Application id. */
export interface Claims {
  wait(id: string, claim: Claim): void;
  /** Of this set only; no longer waits for the name. */
  drop(id: string, applicationSet: string): void;
  /** Takes out the one that comes first. */
  takeNext(id: string): Claim | undefined;
}

export function createClaims(): Claims {
  const waiting = new Map<string, Map<string, Application>>();
  const drop = (id: string, applicationSet: string) => {
    const claims = waiting.get(id);
    claims?.delete(applicationSet);
    if (claims?.size === 0) waiting.delete(id);
  };
  return {
    wait: (id, { applicationSet, application }) => {
      const claims = waiting.get(id) ?? new Map<string, Application>();
      waiting.set(id, claims.set(applicationSet, application));
    },
    drop,
    takeNext: (id) => {
      const [applicationSet] = [...(waiting.get(id)?.keys() ?? [])].sort();
      if (applicationSet === undefined) return undefined;
      const application = waiting.get(id)?.get(applicationSet);
      drop(id, applicationSet);
      return application && { applicationSet, application };
    },
  };
}
